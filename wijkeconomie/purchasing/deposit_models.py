"""Tables of deposits on packaging: charged in rounds, and what was brought back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, own_key


class DepositSettlement(TenantTable, Base):
    """The deposits of one version of a round's settlement.

    ``entry_number`` books the difference with the version before; ``None`` where there is none.
    """

    __tablename__ = "deposit_settlement"
    __table_args__ = (
        own_key("round_id", "version", of="round_settlement", referred=("round_id", "version")),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        CheckConstraint("supplier_cents >= 0 and due_cents >= 0", name="not_negative"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    supplier_cents: Mapped[int]
    """For everything that came."""
    due_cents: Mapped[int]
    """By the supplier's invoice."""
    entry_number: Mapped[int | None]


class DepositCharge(TenantTable, Base):
    """The deposit on the units of one pledge, in one version of a settlement."""

    __tablename__ = "deposit_charge"
    __table_args__ = (
        own_key("round_id", "version", of="deposit_settlement", referred=("round_id", "version")),
        own_key("pledge_id", of="pledge"),
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint("each_cents >= 1", name="deposit_positive"),
        Index("ix_deposit_charge_cooperative_id_pledge_id", "cooperative_id", "pledge_id"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pledge_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int]
    each_cents: Mapped[int]
    cents: Mapped[int] = mapped_column(Computed("units * each_cents", persisted=True))


class EmptiesReturn(TenantTable, Base):
    """Packaging that a member brought back, or that went back to its supplier."""

    __tablename__ = "empties_return"
    __table_args__ = (
        own_key("member_id", of="member"),
        own_key("supplier_id", of="supplier"),
        own_key("product_id", of="product"),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "reversal_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name="fk_empties_return_reversal",
        ),
        CheckConstraint("(member_id is null) <> (supplier_id is null)", name="of_one_party"),
        CheckConstraint("(product_id is null) = (units is null)", name="units_of_a_product"),
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint("cents >= 1", name="amount_positive"),
        Index("ix_empties_return_cooperative_id_member_id", "cooperative_id", "member_id"),
    )

    id: Mapped[SurrogateKey]
    member_id: Mapped[int | None]
    supplier_id: Mapped[int | None]
    product_id: Mapped[int | None]
    units: Mapped[int | None]
    cents: Mapped[int]
    note: Mapped[str | None]
    returned_on: Mapped[date]
    entry_number: Mapped[int]
    reversal_number: Mapped[int | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
