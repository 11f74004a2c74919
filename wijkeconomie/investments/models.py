"""Tables of projects, participations, drawings, assets and results shared over units."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class Instrument(enum.StrEnum):
    """What a participation is in the books: own capital, or a debt of the cooperative."""

    EQUITY = "equity"
    SUBORDINATED = "subordinated"
    LOAN = "loan"


class ProjectState(enum.StrEnum):
    """Whether enough came in; it leaves ``gathering`` once and for all."""

    GATHERING = "gathering"
    GRANTED = "granted"
    FAILED = "failed"


class ParticipationState(enum.StrEnum):
    """Where a participation stands. Migration 0012 holds which state follows which."""

    SUBSCRIBED = "subscribed"
    PAID = "paid"
    ISSUED = "issued"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    REFUNDED = "refunded"
    TRANSFERRED = "transferred"


# While the campaign runs only whole stages may be spent; once it has closed, all that came in.
DRAWN_WITHIN_RAISED = (
    "drawn_cents between 0 and unit_price_cents * case when closed_on is null"
    " and raised_units < target_units then raised_units / stage_units * stage_units"
    " else raised_units end"
)


class TransferRule(enum.StrEnum):
    """Whether members may pass units of a project on to each other."""

    NONE = "none"
    APPROVAL = "approval"
    FREE = "free"


class TransferState(enum.StrEnum):
    """How far units are that a member passes on."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    MOVED = "moved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class InvestmentProject(TenantTable, Base):
    """Something that members pay for together, with the campaign that gathers the money.

    ``stage_units`` is how many units must be paid before any counts, and the step by which money
    may be spent: all of the target for all-or-nothing, fewer for stages, 1 for no condition.
    The three counts are kept by triggers on the rows that they count, never by the program.
    """

    __tablename__ = "investment_project"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        # Lets a participation refer to the price, so that its amount can be checked in its row.
        UniqueConstraint("cooperative_id", "id", "unit_price_cents"),
        CheckConstraint(one_of("instrument", Instrument), name="instrument_known"),
        CheckConstraint(one_of("state", ProjectState), name="state_known"),
        CheckConstraint(one_of("transfers", TransferRule), name="transfers_known"),
        CheckConstraint("unit_price_cents > 0", name="price_positive"),
        CheckConstraint("stage_units between 1 and target_units", name="stage_within_target"),
        CheckConstraint("maximum_units between 1 and target_units", name="maximum_within_target"),
        CheckConstraint("closes_on >= opens_on", name="closes_after_opening"),
        CheckConstraint("stage_units = 1 or closes_on is not null", name="condition_has_last_day"),
        CheckConstraint("repayment_months between 0 and 600", name="repayment_months_sane"),
        CheckConstraint("repayment_cents_per_year > 0", name="repayment_per_year_positive"),
        CheckConstraint("(state = 'granted') = (granted_on is not null)", name="granted_on_a_day"),
        CheckConstraint("taken_units between 0 and target_units", name="taken_within_target"),
        CheckConstraint("raised_units between 0 and taken_units", name="raised_within_taken"),
        CheckConstraint("raised_units = 0 or state = 'granted'", name="raised_when_granted"),
        CheckConstraint(DRAWN_WITHIN_RAISED, name="drawn_within_raised"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    explanation: Mapped[str] = mapped_column(server_default="", default="")
    instrument: Mapped[str]
    unit_price_cents: Mapped[int]
    target_units: Mapped[int]
    stage_units: Mapped[int]
    maximum_units: Mapped[int | None]
    """How many units one member may have."""
    opens_on: Mapped[date]
    closes_on: Mapped[date | None]
    """The last day; a campaign without one runs until its target is reached."""
    repayment_months: Mapped[int]
    repayment_cents_per_year: Mapped[int | None]
    transfers: Mapped[str] = mapped_column(server_default="approval", default="approval")
    prospectus: Mapped[str | None]
    """The approved prospectus, for offers above the limit of the exemption."""
    state: Mapped[str]
    granted_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    taken_units: Mapped[int] = mapped_column(server_default="0")
    raised_units: Mapped[int] = mapped_column(server_default="0")
    drawn_cents: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Participation(TenantTable, Base):
    """Units of a project that a member took at one time, or that were passed on to him.

    ``origin_id`` is what they were passed on from, which ended that day. Units are counted where
    they were taken first, so passing on changes no count of the project.
    """

    __tablename__ = "participation"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key(
            "project_id",
            "unit_price_cents",
            of="investment_project",
            referred=("id", "unit_price_cents"),
        ),
        own_key("member_id", of="member"),
        CheckConstraint(one_of("state", ParticipationState), name="state_known"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("cents = units * unit_price_cents", name="cents_are_units_at_price"),
        CheckConstraint(
            "(paid_on is not null)"
            " = (state in ('paid', 'issued', 'released', 'refunded', 'transferred'))",
            name="paid_on_a_day",
        ),
        CheckConstraint(
            "(issued_on is not null) = (state in ('issued', 'released', 'transferred'))",
            name="issued_on_a_day",
        ),
        CheckConstraint(
            "(ended_on is not null)"
            " = (state in ('released', 'withdrawn', 'refunded', 'transferred'))",
            name="ended_on_a_day",
        ),
        CheckConstraint(
            "(released_cents is not null) = (state = 'released')", name="released_for_an_amount"
        ),
        CheckConstraint("released_cents between 0 and cents", name="released_within_cents"),
        CheckConstraint("payments_reversed >= 0", name="payments_reversed_counted"),
        Index("ix_participation_cooperative_id_project_id", "cooperative_id", "project_id"),
        Index("ix_participation_cooperative_id_member_id", "cooperative_id", "member_id"),
        own_key("origin_id", of="participation", name="fk_participation_origin"),
        Index("ix_participation_cooperative_id_origin_id", "cooperative_id", "origin_id"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    project_id: Mapped[int]
    member_id: Mapped[int]
    units: Mapped[int]
    unit_price_cents: Mapped[int]
    cents: Mapped[int]
    state: Mapped[str]
    bought_on: Mapped[date]
    paid_on: Mapped[date | None]
    issued_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    released_cents: Mapped[int | None]
    origin_id: Mapped[int | None]
    payments_reversed: Mapped[int] = mapped_column(server_default="0", default=0)
    """Payments that were noted by mistake and turned back."""


class UnitTransfer(TenantTable, Base):
    """Units that a member passes on to another one; what is paid for them is between the two."""

    __tablename__ = "unit_transfer"
    __table_args__ = (
        own_key("project_id", of="investment_project"),
        own_key("seller_id", of="member"),
        own_key("buyer_id", of="member"),
        CheckConstraint(one_of("state", TransferState), name="state_known"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("seller_id <> buyer_id", name="two_members"),
        CheckConstraint(
            "(state = 'moved') = (moved_on is not null)"
            " and (moved_on is null) = (moved_cents is null)",
            name="moved_on_a_day",
        ),
        Index("ix_unit_transfer_cooperative_id_project_id", "cooperative_id", "project_id"),
    )

    id: Mapped[SurrogateKey]
    project_id: Mapped[int]
    seller_id: Mapped[int]
    buyer_id: Mapped[int]
    units: Mapped[int]
    state: Mapped[str]
    offered_on: Mapped[date]
    answered_on: Mapped[date | None]
    moved_on: Mapped[date | None]
    moved_cents: Mapped[int | None]
    reason: Mapped[str | None]


class ProjectAsset(TenantTable, Base):
    """Something that is in use and loses its value in equal months.

    With ``key_code`` what it loses in a month becomes a cost that members share by that key.
    """

    __tablename__ = "project_asset"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key("project_id", of="investment_project"),
        CheckConstraint("extract(day from in_use_from) = 1", name="in_use_from_first_day"),
        CheckConstraint("life_months between 1 and 1200", name="life_sane"),
        CheckConstraint("cost_cents > 0", name="cost_positive"),
        CheckConstraint("residual_cents between 0 and cost_cents", name="residual_within_cost"),
        CheckConstraint(
            "depreciated_cents between 0 and cost_cents - residual_cents",
            name="depreciated_within_cost",
        ),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    project_id: Mapped[int]
    name: Mapped[str]
    in_use_from: Mapped[date]
    life_months: Mapped[int]
    cost_cents: Mapped[int]
    residual_cents: Mapped[int]
    depreciated_cents: Mapped[int] = mapped_column(server_default="0")
    key_code: Mapped[str | None]


class ProjectDrawing(TenantTable, Base):
    """A supplier's invoice that is paid from the money of a project."""

    __tablename__ = "project_drawing"
    __table_args__ = (
        own_key("project_id", of="investment_project"),
        own_key("asset_id", of="project_asset"),
        CheckConstraint("net_cents > 0 and vat_cents >= 0", name="amounts_not_negative"),
        CheckConstraint("cost_cents in (net_cents, net_cents + vat_cents)", name="cost_is_borne"),
        CheckConstraint("reversed_on is null or asset_id is null", name="reversed_is_of_no_asset"),
        Index(
            "uq_project_drawing_invoice",
            "cooperative_id",
            "supplier_code",
            "document",
            unique=True,
            postgresql_where="reversed_on is null",
        ),
    )

    id: Mapped[SurrogateKey]
    project_id: Mapped[int]
    supplier_code: Mapped[str]
    document: Mapped[str]
    description: Mapped[str]
    drawn_on: Mapped[date]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    cost_cents: Mapped[int]
    """What the project bears: without the VAT that the cooperative reclaims."""
    asset_id: Mapped[int | None]
    entry_number: Mapped[int]
    reversed_on: Mapped[date | None]


class AssetDepreciation(TenantTable, Base):
    """What an asset lost in one month; posted once."""

    __tablename__ = "asset_depreciation"
    __table_args__ = (
        own_key("asset_id", of="project_asset"),
        CheckConstraint("extract(day from month) = 1", name="month_is_first_day"),
        CheckConstraint("cents >= 0", name="cents_not_negative"),
    )

    asset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    cents: Mapped[int]
    entry_number: Mapped[int | None]
    """Absent where the month's part of a very small cost is nothing."""
    shared_cost_code: Mapped[str | None]


class DisposalKind(enum.StrEnum):
    """How an asset left."""

    SOLD = "sold"
    SCRAPPED = "scrapped"


class AssetDisposal(TenantTable, Base):
    """An asset that left for good. Proceeds hold the VAT; the result is negative for a loss."""

    __tablename__ = "asset_disposal"
    __table_args__ = (
        own_key("asset_id", of="project_asset"),
        CheckConstraint(one_of("kind", DisposalKind), name="kind_known"),
        CheckConstraint("vat_cents between 0 and proceeds_cents", name="vat_within_proceeds"),
        CheckConstraint("(kind = 'scrapped') = (proceeds_cents = 0)", name="scrapped_for_nothing"),
        CheckConstraint("buyer is null or kind = 'sold'", name="buyer_of_what_is_sold"),
        CheckConstraint("depreciated_cents between 0 and cost_cents", name="depreciated_within"),
        CheckConstraint(
            "book_value_cents = cost_cents - depreciated_cents", name="book_value_is_what_is_left"
        ),
        CheckConstraint(
            "result_cents = proceeds_cents - vat_cents - book_value_cents", name="result_adds_up"
        ),
        CheckConstraint("btrim(reason) <> ''", name="reason_said"),
    )

    asset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    disposed_on: Mapped[date]
    cost_cents: Mapped[int]
    depreciated_cents: Mapped[int]
    book_value_cents: Mapped[int]
    proceeds_cents: Mapped[int]
    vat_cents: Mapped[int]
    result_cents: Mapped[int]
    buyer: Mapped[str | None]
    reason: Mapped[str]
    entry_number: Mapped[int]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class ProjectResult(TenantTable, Base):
    """The surplus of a year, or its loss when negative, shared over the units of a project."""

    __tablename__ = "project_result"
    __table_args__ = (
        Index(
            "uq_project_result_year",
            "cooperative_id",
            "project_id",
            "year",
            unique=True,
            postgresql_where="reversed_on is null",
        ),
        own_key("project_id", of="investment_project"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("(cents = 0) = (entry_number is null)", name="posted_when_something"),
        CheckConstraint(
            "(reversal_number is not null) = (reversed_on is not null and cents <> 0)",
            name="reversed_in_the_books",
        ),
    )

    id: Mapped[SurrogateKey]
    project_id: Mapped[int]
    year: Mapped[int]
    cents: Mapped[int]
    units: Mapped[int]
    accounting_date: Mapped[date]
    decision: Mapped[str | None]
    """Which meeting decided to share it (art. 2:53a BW leaves that to statutes and meeting)."""
    entry_number: Mapped[int | None]
    reversed_on: Mapped[date | None]
    reversal_number: Mapped[int | None]


class ResultShare(TenantTable, Base):
    """What a member's units of a project bring him of a result; negative for a loss."""

    __tablename__ = "result_share"
    __table_args__ = (
        own_key("result_id", of="project_result"),
        own_key("member_id", of="member"),
        CheckConstraint("units > 0", name="units_positive"),
    )

    result_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int]
    cents: Mapped[int]
