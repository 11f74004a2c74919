"""Tables of allocation keys, shared costs, subsidies and settlements of costs."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class Basis(enum.StrEnum):
    """What a member's weight is."""

    EQUAL = "equal"
    HOUSEHOLD = "household"
    FLOOR_AREA = "m2"
    WEIGHTS = "weights"
    PARTS = "parts"
    METER = "meter"


class TiePolicy(enum.StrEnum):
    """Who gets the cents that rounding leaves when fractions are equal."""

    ORDER = "order"
    ROTATE = "rotate"
    CARRY = "carry"


class SubsidyMode(enum.StrEnum):
    """How a subsidy lowers what members pay."""

    POOL = "pool"
    EARMARKED = "earmarked"
    TARGETED_POOL = "targeted_pool"


class RunState(enum.StrEnum):
    """Where a month's settlement stands; it moves one way.

    A draft is a preview that was kept: nothing of it is in the books.
    """

    DRAFT = "draft"
    POSTED = "posted"
    PUBLISHED = "published"


class AllocationKey(TenantTable, Base):
    """A way of sharing costs that members know by name; what it is stands in its versions.

    A key of a small group is of those members only whom its version names, and belongs to
    costs that one of them paid: no other cost is given to it.
    """

    __tablename__ = "allocation_key"
    __table_args__ = (UniqueConstraint("cooperative_id", "code"),)

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    is_small_group: Mapped[bool] = mapped_column(server_default=text("false"), default=False)


class AllocationKeyVersion(TenantTable, Base):
    """What a key is from ``valid_from`` on; of two from one day the later number is it.

    A version by which was settled never changes, as the database sees to: a new one takes its
    place. With ``fixed_percent`` so much of the cost goes by ``fixed_basis`` and the rest by
    ``basis``, as heating does. ``parts_total`` is the denominator of a deed, for ``parts``.
    """

    __tablename__ = "allocation_key_version"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "key_id", "number"),
        own_key("key_id", of="allocation_key"),
        CheckConstraint(one_of("basis", Basis), name="basis_known"),
        CheckConstraint(one_of("fixed_basis", Basis), name="fixed_basis_known"),
        CheckConstraint(one_of("tie_policy", TiePolicy), name="tie_policy_known"),
        CheckConstraint(
            "(fixed_percent is null) = (fixed_basis is null)", name="fixed_part_is_whole"
        ),
        CheckConstraint(
            "(basis = 'parts' or coalesce(fixed_basis, '') = 'parts') = (parts_total is not null)",
            name="parts_have_total",
        ),
        CheckConstraint("grace_days between 0 and 92", name="grace_is_short"),
    )

    id: Mapped[SurrogateKey]
    key_id: Mapped[int]
    number: Mapped[int]
    valid_from: Mapped[date]
    basis: Mapped[str]
    fixed_percent: Mapped[str | None]
    fixed_basis: Mapped[str | None]
    parts_total: Mapped[str | None]
    tie_policy: Mapped[str] = mapped_column(server_default="order", default="order")
    is_prorated: Mapped[bool] = mapped_column(server_default="false", default=False)
    requires_decision: Mapped[bool] = mapped_column(server_default="false", default=False)
    decision: Mapped[str | None]
    grace_days: Mapped[int] = mapped_column(server_default="14", default=14)
    """So many days after a month a meter may still be read; then its usage is estimated."""
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class AllocationWeight(TenantTable, Base):
    """A member's own terms in a version of a key: weight, bounds in cents, or left out."""

    __tablename__ = "allocation_weight"
    __table_args__ = (
        own_key("version_id", of="allocation_key_version"),
        own_key("member_id", of="member"),
        CheckConstraint("minimum_cents >= 0", name="minimum_not_negative"),
        CheckConstraint("cap_cents >= minimum_cents", name="cap_not_below_minimum"),
    )

    version_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weight: Mapped[str | None]
    is_excluded: Mapped[bool] = mapped_column(server_default="false", default=False)
    minimum_cents: Mapped[int | None]
    cap_cents: Mapped[int | None]


class RecurringCost(TenantTable, Base):
    """A cost that comes back every so many months; each time it becomes a shared cost."""

    __tablename__ = "recurring_cost"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key("key_id", of="allocation_key"),
        CheckConstraint("day_of_month between 1 and 31", name="day_in_month"),
        CheckConstraint("every_months between 1 and 120", name="comes_back"),
        CheckConstraint("gross_cents = net_cents + vat_cents", name="gross_is_sum"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    description: Mapped[str]
    key_id: Mapped[int]
    supplier_code: Mapped[str | None]
    document: Mapped[str | None]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
    day_of_month: Mapped[int]
    every_months: Mapped[int] = mapped_column(server_default="1", default=1)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    stopped_at: Mapped[datetime | None]


class SharedCost(TenantTable, Base):
    """A cost of one month that members share; negative for a refund.

    Who is owed it: the supplier, or the member who paid it for the others, or whoever will
    send the invoice.
    """

    __tablename__ = "shared_cost"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        # A recurring cost makes one cost for each day it falls on.
        UniqueConstraint("cooperative_id", "recurring_id", "incurred_on"),
        own_key("key_id", of="allocation_key"),
        own_key("recurring_id", of="recurring_cost"),
        own_key("paid_by_member_id", of="member"),
        CheckConstraint(
            "paid_by_member_id is null or (supplier_code is null and recurring_id is null)",
            name="one_creditor",
        ),
        CheckConstraint("stopped_at is null or settled_version = 0", name="stopped_or_settled"),
        CheckConstraint("extract(day from month) = 1", name="month_is_first_day"),
        CheckConstraint("gross_cents = net_cents + vat_cents", name="gross_is_sum"),
        Index("ix_shared_cost_cooperative_id_month", "cooperative_id", "month"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    month: Mapped[date]
    incurred_on: Mapped[date]
    description: Mapped[str]
    key_id: Mapped[int]
    supplier_code: Mapped[str | None]
    document: Mapped[str | None]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
    recurring_id: Mapped[int | None]
    stopped_at: Mapped[datetime | None]
    settled_version: Mapped[int] = mapped_column(server_default="0", default=0)
    paid_by_member_id: Mapped[int | None]


class CostRepayment(TenantTable, Base):
    """Money that one member gave another for costs they shared, outside the cooperative's bank."""

    __tablename__ = "cost_repayment"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key("paid_by_member_id", of="member"),
        own_key("paid_to_member_id", of="member"),
        CheckConstraint("cents > 0", name="cents_positive"),
        CheckConstraint("paid_by_member_id <> paid_to_member_id", name="between_two"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    paid_on: Mapped[date]
    description: Mapped[str]
    paid_by_member_id: Mapped[int]
    paid_to_member_id: Mapped[int]
    cents: Mapped[int]
    entry_number: Mapped[int]


class Subsidy(TenantTable, Base):
    """Money that a funder gives for a purpose; with a key it lowers the costs of that key."""

    __tablename__ = "subsidy"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key("key_id", of="allocation_key"),
        CheckConstraint(one_of("mode", SubsidyMode), name="mode_known"),
        CheckConstraint("awarded_cents >= 0", name="awarded_not_negative"),
        CheckConstraint("used_cents between 0 and awarded_cents", name="used_within_awarded"),
        CheckConstraint("valid_until >= valid_from", name="ends_after_start"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    grantor: Mapped[str]
    purpose: Mapped[str]
    mode: Mapped[str]
    key_id: Mapped[int | None]
    awarded_cents: Mapped[int]
    used_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    """The last day."""
    accountable_by: Mapped[date | None]
    accounted_on: Mapped[date | None]
    """The day on which the funder was told; nothing is used of it any more."""


class SubsidyEarmark(TenantTable, Base):
    """What an earmarked subsidy gives one member towards each cost of its key."""

    __tablename__ = "subsidy_earmark"
    __table_args__ = (
        own_key("subsidy_id", of="subsidy"),
        own_key("member_id", of="member"),
        CheckConstraint("cents > 0", name="cents_positive"),
    )

    subsidy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cents: Mapped[int]


class SettlementRun(TenantTable, Base):
    """One settling of a month: all its costs that were waiting, in one transaction."""

    __tablename__ = "settlement_run"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "month", "number"),
        CheckConstraint(one_of("state", RunState), name="state_known"),
        CheckConstraint(
            "(state = 'draft') = (posted_at is null) and (posted_at is null) = (posted_by is null)",
            name="posted_unless_draft",
        ),
        CheckConstraint(
            "(state = 'published') = (published_at is not null)", name="published_has_moment"
        ),
        CheckConstraint(
            "state <> 'draft' or (fingerprint is not null and drafted_at is not null"
            " and drafted_by is not null)",
            name="draft_was_seen",
        ),
    )

    id: Mapped[SurrogateKey]
    month: Mapped[date]
    number: Mapped[int]
    state: Mapped[str]
    drafted_at: Mapped[datetime | None]
    drafted_by: Mapped[str | None]
    fingerprint: Mapped[bytes | None]
    """What the month came to when the draft was made."""
    posted_at: Mapped[datetime | None]
    posted_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class CostSettlement(TenantTable, Base):
    """A version of a cost's settlement: what was shared, by which version of the key.

    ``proof`` is the digest of the whole division; the entry's description ends with it, so that
    the chain of the books holds it too (docs/centenbewijs.md).
    """

    __tablename__ = "cost_settlement"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "cost_id", "version"),
        own_key("cost_id", of="shared_cost"),
        own_key("run_id", of="settlement_run"),
        own_key("key_version_id", of="allocation_key_version"),
        Index("ix_cost_settlement_cooperative_id_entry_number", "cooperative_id", "entry_number"),
        Index(
            "ix_cost_settlement_cooperative_id_key_version_id", "cooperative_id", "key_version_id"
        ),
    )

    id: Mapped[SurrogateKey]
    cost_id: Mapped[int]
    version: Mapped[int]
    run_id: Mapped[int]
    key_version_id: Mapped[int]
    accounting_date: Mapped[date]
    total_cents: Mapped[int]
    subsidy_cents: Mapped[int]
    """What all subsidies together pay of it."""
    part_totals: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """What each part of the key shares: one number, or a fixed and a variable one."""
    weight_sums: Mapped[list[str]] = mapped_column(ARRAY(Text))
    weight_scales: Mapped[list[str]] = mapped_column(ARRAY(Text))
    start: Mapped[int]
    """The party whose turn is first where fractions are equal, counted from 0."""
    member_count: Mapped[int]
    held_cents: Mapped[int | None]
    """What those at a least or a most pay together, where the key has bounds."""
    free_weight: Mapped[str | None]
    """The whole weights of all others, over whom the rest goes."""
    carry_mean: Mapped[str | None]
    """What those who share carry in, by head, where that is not nothing: a fraction of cents."""
    entry_number: Mapped[int | None]
    """Absent where the cost was nothing."""
    reversal_number: Mapped[int | None]
    proof: Mapped[bytes] = mapped_column(LargeBinary)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Makes the numbers by which parties stand in the published proof."""


class CostShareBlock(TenantTable, Base):
    """The shares of up to a thousand members, as columns in order of their number.

    A hundred rows instead of a hundred thousand, and every figure that explains a share.
    """

    __tablename__ = "cost_share_block"
    __table_args__ = (own_key("settlement_id", of="cost_settlement"),)

    settlement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    weights: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Whole weights of the (fixed) part, times its scale."""
    variable_weights: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    minimum_cents: Mapped[list[int | None] | None] = mapped_column(ARRAY(BigInteger))
    cap_cents: Mapped[list[int | None] | None] = mapped_column(ARRAY(BigInteger))
    carried: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """What each carried in: cents as a fraction."""
    cents: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    subsidy_cents: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    is_estimated: Mapped[list[bool] | None] = mapped_column(ARRAY(Boolean))
    """Whose usage was not read; absent where everyone's was."""


class AllocationCarry(TenantTable, Base):
    """The part of a cent that a member carries on to the next settlement of a key."""

    __tablename__ = "allocation_carry"
    __table_args__ = (own_key("key_id", of="allocation_key"), own_key("member_id", of="member"))

    key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cents: Mapped[str]
    """A fraction, as in ``-3/7``."""
