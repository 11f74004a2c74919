"""Tables of care budgets, which are health data.

The database shows a row only to its holder, to the carer whom it is about, and to a care
administrator who wrote down that he looks (migration 0011).
"""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class CareLaw(enum.StrEnum):
    """The law that a budget comes from."""

    WLZ = "Wlz"
    WMO = "Wmo"
    JEUGDWET = "Jeugdwet"
    ZVW = "Zvw"


class AgreementStatus(enum.StrEnum):
    """What the body that grants the budget says of a care agreement."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class DeclarationState(enum.StrEnum):
    """Where a declaration stands; the first two weigh on the budget.

    A correction that waits weighs only what it asks more than what it replaces.
    """

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TURNED_BACK = "turned_back"
    REFUSED = "refused"
    CORRECTED = "corrected"


class Payer(enum.StrEnum):
    """What kind of body pays what was declared."""

    SVB = "svb"
    INSURER = "insurer"


SVB_NAME = "SVB"
"""Who pays from a drawing right, unless a budget says otherwise."""


class Carer(TenantTable, Base):
    """Someone who gives care. ``alias`` is all that the books know; a name may follow later."""

    __tablename__ = "carer"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "alias"),
        UniqueConstraint("cooperative_id", "member_id"),
        own_key("member_id", of="member"),
    )

    id: Mapped[SurrogateKey]
    alias: Mapped[str]
    name: Mapped[str | None]
    member_id: Mapped[int | None]
    iban: Mapped[str | None]


class CareBudget(TenantTable, Base):
    """What one holder may spend on care by one law in one period; no money crosses to another.

    ``used_cents`` is kept by the guard of declarations alone (migration 0011): the application
    may not write it. ``alias`` is all that the books know of a budget.
    """

    __tablename__ = "care_budget"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "alias"),
        UniqueConstraint("cooperative_id", "id", "holder_id"),
        own_key("holder_id", of="member"),
        CheckConstraint(one_of("law", CareLaw), name="law_known"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("used_cents between 0 and budget_cents", name="used_within_budget"),
        CheckConstraint("btrim(payer_name) <> ''", name="payer_said"),
        Index("ix_care_budget_cooperative_id_holder_id", "cooperative_id", "holder_id"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    alias: Mapped[str]
    holder_id: Mapped[int]
    law: Mapped[str]
    is_drawing_right: Mapped[bool]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """The last day."""
    budget_cents: Mapped[int]
    used_cents: Mapped[int] = mapped_column(server_default="0")
    declaration_count: Mapped[int] = mapped_column(server_default="0")
    payer_name: Mapped[str | None]
    """Which body pays, as in the name of the insurer; unknown until someone says so.

    The database keeps it as it is once hours of this budget stand on a list (migration 0036).
    """


class CareAgreement(TenantTable, Base):
    """Who gives care from a budget, at what rate an hour, since when and until when.

    ``limit_cents`` fences off a part of the budget: this agreement takes no more than that.
    """

    __tablename__ = "care_agreement"
    __table_args__ = (
        UniqueConstraint(
            *("cooperative_id", "id", "budget_id", "holder_id", "carer_id"),
            name="uq_care_agreement_whole",
        ),
        own_key(
            *("budget_id", "holder_id"),
            of="care_budget",
            referred=("id", "holder_id"),
            name="fk_care_agreement_budget",
        ),
        own_key("carer_id", of="carer"),
        CheckConstraint(one_of("status", AgreementStatus), name="status_known"),
        CheckConstraint("hourly_rate_cents >= 0", name="rate_not_negative"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("used_cents >= 0", name="used_not_negative"),
        CheckConstraint("used_cents <= limit_cents", name="used_within_fence"),
        Index("ix_care_agreement_cooperative_id_budget_id", "cooperative_id", "budget_id"),
    )

    id: Mapped[SurrogateKey]
    budget_id: Mapped[int]
    holder_id: Mapped[int]
    carer_id: Mapped[int]
    hourly_rate_cents: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    limit_cents: Mapped[int | None]
    used_cents: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str]
    decided_on: Mapped[date | None]
    decided_by: Mapped[str | None]
    """The body that decided, as in ``SVB``."""


class CareList(TenantTable, Base):
    """A month list that was handed to one body that pays; which lines are on it they know.

    The database puts no line on it of a budget that another body pays: each would read about
    the care of people whom it does not know.
    """

    __tablename__ = "care_list"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "month", "payer", "payer_name", "number"),
        CheckConstraint("btrim(payer_name) <> ''", name="payer_said"),
        CheckConstraint(one_of("payer", Payer), name="payer_known"),
        CheckConstraint("extract(day from month) = 1", name="month_is_first_day"),
    )

    id: Mapped[SurrogateKey]
    month: Mapped[date]
    payer: Mapped[str]
    payer_name: Mapped[str]
    number: Mapped[int]
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class CareDeclaration(TenantTable, Base):
    """The hours of one carer for one holder in one month, and what the budget bears of them.

    ``number`` and ``left_after_cents`` are set by the database. What was claimed never changes;
    only the state and what belongs to it do. A correction is a row of its own: the database writes
    down what it replaces, and lets it take its place when the holder approves.
    """

    __tablename__ = "care_declaration"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "budget_id", "number"),
        own_key(
            "agreement_id",
            "budget_id",
            "holder_id",
            "carer_id",
            of="care_agreement",
            referred=("id", "budget_id", "holder_id", "carer_id"),
            name="fk_care_declaration_agreement",
        ),
        own_key("list_id", of="care_list"),
        CheckConstraint(one_of("state", DeclarationState), name="state_known"),
        CheckConstraint("extract(day from month) = 1", name="month_is_first_day"),
        CheckConstraint("minutes >= 0", name="minutes_not_negative"),
        CheckConstraint(
            "state = 'refused' or cents = (minutes * hourly_rate_cents * 2 + 60) / 120",
            name="cents_half_up",
        ),
        CheckConstraint("state = 'refused' or claimed_cents = cents", name="claim_is_right"),
        CheckConstraint("state <> 'refused' or cents = 0", name="refused_bears_nothing"),
        CheckConstraint(
            "(state = 'refused') = (refusal is not null)", name="refused_with_a_reason"
        ),
        CheckConstraint(
            "num_nulls(shared_code, shared_minutes, shared_weight, shared_weight_sum) in (0, 4)",
            name="shared_part_is_whole",
        ),
        CheckConstraint(
            "list_id is null or state in ('approved', 'corrected')", name="listed_when_approved"
        ),
        CheckConstraint("state <> 'corrected' or list_id is not null", name="corrected_was_listed"),
        CheckConstraint(
            "num_nulls(corrects_id, first_code, correction_reason) in (0, 3)"
            " and (corrects_id is not null or replaced_minutes = 0 and replaced_cents = 0)",
            name="correction_is_whole",
        ),
        own_key("corrects_id", of="care_declaration", name="fk_care_declaration_corrects"),
        Index(
            "uq_care_declaration_corrects",
            "cooperative_id",
            "corrects_id",
            unique=True,
            postgresql_where="state in ('submitted', 'approved', 'corrected')",
        ),
        Index("ix_care_declaration_cooperative_id_month", "cooperative_id", "month"),
        Index("ix_care_declaration_cooperative_id_carer_id", "cooperative_id", "carer_id"),
        Index("ix_care_declaration_cooperative_id_agreement_id", "cooperative_id", "agreement_id"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    number: Mapped[int] = mapped_column(server_default="0")
    budget_id: Mapped[int]
    agreement_id: Mapped[int]
    holder_id: Mapped[int]
    carer_id: Mapped[int]
    month: Mapped[date]
    minutes: Mapped[int]
    hourly_rate_cents: Mapped[int]
    claimed_cents: Mapped[int]
    cents: Mapped[int]
    left_after_cents: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str]
    refusal: Mapped[str | None]
    shared_code: Mapped[str | None]
    shared_minutes: Mapped[int | None]
    shared_weight: Mapped[str | None]
    shared_weight_sum: Mapped[str | None]
    declared_at: Mapped[datetime]
    declared_by: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decision_note: Mapped[str | None]
    entry_number: Mapped[int | None]
    """The entry in the books, where the cooperative holds the money."""
    list_id: Mapped[int | None]
    corrects_id: Mapped[int | None]
    replaced_minutes: Mapped[int] = mapped_column(server_default="0")
    replaced_cents: Mapped[int] = mapped_column(server_default="0")
    first_code: Mapped[str | None]
    """The number of the first version, by which a folder knows it."""
    correction_reason: Mapped[str | None]


class CareTrail(TenantTable, Base):
    """Who read or changed whose care data, when and what for; append-only.

    A care administrator sees care data only in the transaction that wrote a line here:
    ``holder_id`` opens one holder's data, its absence all. ``transaction_id`` is the database's.
    """

    __tablename__ = "care_trail"
    __table_args__ = (
        Index("ix_care_trail_cooperative_id_transaction_id", "cooperative_id", "transaction_id"),
        Index("ix_care_trail_cooperative_id_holder_id", "cooperative_id", "holder_id"),
    )

    id: Mapped[SurrogateKey]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    login_id: Mapped[int | None]
    holder_id: Mapped[int | None]
    action: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None]
    transaction_id: Mapped[int] = mapped_column(
        server_default=text("((pg_current_xact_id())::text)::bigint")
    )
