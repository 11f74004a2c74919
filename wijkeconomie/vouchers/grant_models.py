"""Tables of carers' grants: rounds of a municipality, persons cared for, and applications.

Of a person cared for nothing is kept but a keyed hash, which is erased when the money has been
accounted for. Who applied is erased with it; amounts, states and reasons stay for the report.
"""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.vouchers.grant_rules import BudgetRule


class GrantState(enum.StrEnum):
    """How far a round is."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    DECIDED = "decided"
    PAID = "paid"
    ACCOUNTED = "accounted"


class GrantPayout(enum.StrEnum):
    """How a carer gets his grant."""

    ACCOUNT = "account"
    BANK = "bank"
    VOUCHER = "voucher"


class ApplicationState(enum.StrEnum):
    """What became of an application."""

    APPLIED = "applied"
    GRANTED = "granted"
    REFUSED = "refused"


class GrantRefusal(enum.StrEnum):
    """Why an application was refused: words to choose from, so that nobody writes down more."""

    NO_CARER = "no_carer"
    LIVES_ELSEWHERE = "lives_elsewhere"
    MISTAKE = "mistake"
    BUDGET_SPENT = "budget_spent"


def _one_of(column: str, kinds: type[enum.StrEnum]) -> str:
    return f"{column} in ({', '.join(repr(kind.value) for kind in kinds)})"


class GrantRound(TenantTable, Base):
    """A round of carers' grants (Wmo 2015 art. 2.1.6) for which a municipality gives the money.

    ``code`` is that of its voucher fund and of its two accounts of subsidies. ``reserved_cents``
    is what its applications come to without regard to the budget.
    """

    __tablename__ = "grant_round"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "fund_id"], ["voucher_fund.cooperative_id", "voucher_fund.id"]
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "scheme_id"], ["voucher_scheme.cooperative_id", "voucher_scheme.id"]
        ),
        CheckConstraint(_one_of("state", GrantState), name="state_known"),
        CheckConstraint(_one_of("budget_rule", BudgetRule), name="budget_rule_known"),
        CheckConstraint("budget_cents > 0 and person_cap_cents > 0", name="amounts_positive"),
        CheckConstraint("carer_cap_cents > 0", name="carer_cap_positive"),
        CheckConstraint("carer_limit > 0", name="carer_limit_positive"),
        CheckConstraint("closes_on >= opens_on", name="closes_after_opening"),
        CheckConstraint("keep_days >= 0 and reserved_cents >= 0", name="not_negative"),
        CheckConstraint(
            "pays_to_account or pays_to_bank or scheme_id is not null", name="pays_somehow"
        ),
        CheckConstraint("granted_cents between 0 and budget_cents", name="within_budget"),
        CheckConstraint(
            "(state in ('decided', 'paid', 'accounted')) = (granted_cents is not null)",
            name="granted_if_decided",
        ),
        CheckConstraint(
            "(state = 'accounted') = (accounted_on is not null)", name="day_if_accounted"
        ),
        CheckConstraint("erased_at is null or state = 'accounted'", name="erased_after_account"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    grantor: Mapped[str]
    year: Mapped[int]
    fund_id: Mapped[int]
    budget_cents: Mapped[int]
    person_cap_cents: Mapped[int]
    """The most for one person cared for, whoever cares."""
    carer_cap_cents: Mapped[int | None]
    """The most for one carer of a person."""
    carer_limit: Mapped[int | None]
    """So many carers can apply for one person."""
    is_one_per_carer: Mapped[bool]
    """Whether a carer can apply for one person only."""
    budget_rule: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    """The last day to apply."""
    pays_to_account: Mapped[bool]
    pays_to_bank: Mapped[bool]
    scheme_id: Mapped[int | None]
    keep_days: Mapped[int]
    """So many days after the accounting, who applied is erased."""
    state: Mapped[str]
    reserved_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    granted_cents: Mapped[int | None]
    granted_carers: Mapped[int | None]
    """To how many carers; counted while it is known who they are."""
    accounted_on: Mapped[date | None]
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class GrantReceiver(TenantTable, Base):
    """A person cared for, in one round: a number, and a keyed hash until it is erased.

    Unique by year, so nobody is cared for in two rounds of one year.
    """

    __tablename__ = "grant_receiver"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "round_id", "number"),
        UniqueConstraint("cooperative_id", "year", "receiver_hash"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"], ["grant_round.cooperative_id", "grant_round.id"]
        ),
        CheckConstraint("receiver_hash ~ '^[0-9a-f]{64}$'", name="hash_only"),
        CheckConstraint("carer_count between 0 and carer_limit", name="carers_within_limit"),
        CheckConstraint("carer_count >= 0", name="carers_not_negative"),
        CheckConstraint("allotted_cents between 0 and cap_cents", name="within_cap"),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    year: Mapped[int]
    number: Mapped[int]
    receiver_hash: Mapped[str | None]
    carer_count: Mapped[int]
    carer_limit: Mapped[int | None]
    cap_cents: Mapped[int]
    allotted_cents: Mapped[int | None]


class GrantApplication(TenantTable, Base):
    """An application of a carer for a person cared for.

    ``carer_slot`` is 0 where a carer can apply once, else the person: unique with the carer in a
    round, and in a year as long as it was not refused (Wmo 2015, art. 2.1.6: once a year), so that
    who applies twice is refused by the database too.
    """

    __tablename__ = "grant_application"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "round_id", "member_id", "carer_slot"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"], ["grant_round.cooperative_id", "grant_round.id"]
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "receiver_id"],
            ["grant_receiver.cooperative_id", "grant_receiver.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
        CheckConstraint(_one_of("payout", GrantPayout), name="payout_known"),
        CheckConstraint(_one_of("state", ApplicationState), name="state_known"),
        CheckConstraint(_one_of("refusal", GrantRefusal), name="refusal_known"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="reason_if_refused"),
        CheckConstraint(
            "(state = 'granted') = (granted_cents is not null)", name="amount_if_granted"
        ),
        CheckConstraint("granted_cents > 0", name="amount_positive"),
        CheckConstraint("carer_slot in (0, receiver_id)", name="slot_known"),
        Index("ix_grant_application_cooperative_id_member_id", "cooperative_id", "member_id"),
        Index("ix_grant_application_cooperative_id_receiver_id", "cooperative_id", "receiver_id"),
        Index(
            "uq_grant_application_once_a_year",
            "cooperative_id",
            "year",
            "member_id",
            "carer_slot",
            unique=True,
            postgresql_where=text("state <> 'refused'"),
        ),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    receiver_id: Mapped[int]
    member_id: Mapped[int | None]
    """The carer, until it is erased."""
    carer_slot: Mapped[int]
    year: Mapped[int | None]
    """Of the round; absent in a second application of a year from before that was refused."""
    payout: Mapped[str]
    is_typed_in: Mapped[bool]
    """Whether a coordinator typed it in for him."""
    applied_on: Mapped[date]
    state: Mapped[str]
    refusal: Mapped[str | None]
    granted_cents: Mapped[int | None]
    voucher_code: Mapped[str | None]
