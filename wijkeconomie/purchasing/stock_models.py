"""Tables of stock: what lies there of each product, every movement of it, and sales to members."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable, one_of, own_key


class MovementKind(enum.StrEnum):
    """Why stock came or went."""

    ROUND = "round"
    """Surplus of a round that was settled or corrected."""
    SALE = "sale"
    SALE_BACK = "sale_back"
    """A sale was turned back; the goods are there again."""
    LOST = "lost"
    """Written off."""
    COUNT = "count"
    """More or less was counted than was known."""
    REVALUED = "revalued"
    """A correction changed what goods cost that have left the stock since."""


class StockItem(TenantTable, Base):
    """What lies in stock of one product: the sum of its movements, which the database checks."""

    __tablename__ = "stock_item"
    __table_args__ = (
        own_key("product_id", of="product"),
        CheckConstraint("units >= 0", name="units_not_negative"),
        CheckConstraint("value_cents >= 0", name="value_not_negative"),
        CheckConstraint("units > 0 or value_cents = 0", name="nothing_is_worth_nothing"),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int] = mapped_column(server_default="0", default=0)
    value_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    movements: Mapped[int] = mapped_column(server_default="0", default=0)
    """How many there were; also the number of the last one."""


class StockMovement(TenantTable, Base):
    """Units and value that came (above zero) or went; numbered by product, without gaps."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        own_key("product_id", of="stock_item", referred=("product_id",)),
        own_key("round_id", of="purchase_round"),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        CheckConstraint(one_of("kind", MovementKind), name="kind_known"),
        CheckConstraint("(kind = 'round') <= (round_id is not null)", name="round_is_told"),
        CheckConstraint(
            "kind not in ('lost', 'count', 'sale_back') or coalesce(btrim(reason), '') <> ''",
            name="reason_given",
        ),
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("units <> 0 or value_cents <> 0", name="moves_something"),
        Index("ix_stock_movement_cooperative_id_round_id", "cooperative_id", "round_id"),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    units: Mapped[int]
    value_cents: Mapped[int]
    happened_on: Mapped[date]
    entry_number: Mapped[int | None]
    """``None`` where nothing was booked: goods that cost nothing."""
    round_id: Mapped[int | None]
    reason: Mapped[str | None]
    moved_at: Mapped[datetime]
    moved_by: Mapped[str]


class StockSale(TenantTable, Base):
    """A sale from the stock to a member; ``number`` is that of its movement."""

    __tablename__ = "stock_sale"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "entry_number"),
        own_key("product_id", "number", of="stock_movement", referred=("product_id", "number")),
        own_key(
            "product_id",
            "back_number",
            of="stock_movement",
            referred=("product_id", "number"),
            name="fk_stock_sale_back",
        ),
        own_key("member_id", of="member"),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint("gross_cents > 0", name="costs_something"),
        CheckConstraint("gross_cents = net_cents + vat_cents", name="gross_is_the_sum"),
        CheckConstraint("vat_basis_points between 0 and 10000", name="vat_in_range"),
        CheckConstraint(
            "deposit_cents >= 0 and (deposit_cents > 0) = (deposit_entry_number is not null)",
            name="deposit_is_booked",
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "deposit_entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name="fk_stock_sale_deposit",
        ),
        Index("ix_stock_sale_cooperative_id_member_id", "cooperative_id", "member_id"),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int]
    units: Mapped[int]
    vat_basis_points: Mapped[int | None]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    entry_number: Mapped[int]
    back_number: Mapped[int | None]
    """The movement that brought the goods back."""
    deposit_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    """On the packaging of what was sold, beside the gross amount."""
    deposit_entry_number: Mapped[int | None]
