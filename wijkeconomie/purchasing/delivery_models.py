"""Tables of what came of a round, and of the supplier's invoice for it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class Delivery(TenantTable, Base):
    """What was ordered and what arrived of one product; entered line by line, re-enterable."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "round_product_id"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "round_product_id"],
            ["round_product.cooperative_id", "round_product.id"],
        ),
        CheckConstraint("ordered_quantity >= 0", name="ordered_not_negative"),
        CheckConstraint("delivered_quantity >= 0", name="delivered_not_negative"),
        CheckConstraint(
            "damaged_quantity between 0 and delivered_quantity", name="damaged_within_delivered"
        ),
        CheckConstraint(
            "uncredited_quantity between 0 and damaged_quantity"
            " + greatest(ordered_quantity - coalesce(delivered_quantity, 0), 0)",
            name="uncredited_is_lost",
        ),
        CheckConstraint("delivered_grams >= 1", name="grams_positive"),
        CheckConstraint("stock_quantity >= 0", name="stock_not_negative"),
        CheckConstraint("(version > 0) = (delivered_quantity is not null)", name="counted_or_not"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    round_id: Mapped[int]
    round_product_id: Mapped[int]
    ordered_quantity: Mapped[int]
    delivered_quantity: Mapped[int | None]
    damaged_quantity: Mapped[int] = mapped_column(server_default="0", default=0)
    delivered_on: Mapped[date | None]
    reason: Mapped[str | None]
    uncredited_quantity: Mapped[int] = mapped_column(server_default="0", default=0)
    """Of the damaged and missing units those that the supplier charges all the same."""
    delivered_grams: Mapped[int | None]
    stock_quantity: Mapped[int | None]
    """Units that somebody said the cooperative keeps; ``None`` until then."""
    version: Mapped[int] = mapped_column(server_default="0", default=0)
    """How many times it was counted; 0 until somebody did."""


class SupplierInvoice(TenantTable, Base):
    """The supplier's invoice for a round; a correction withdraws it and records another."""

    __tablename__ = "supplier_invoice"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        CheckConstraint("gross_cents = net_cents + vat_cents", name="gross_is_net_plus_vat"),
        CheckConstraint("deposit_cents >= 0", name="deposit_not_negative"),
        Index(
            "ix_supplier_invoice_one_valid",
            "cooperative_id",
            "round_id",
            unique=True,
            postgresql_where=text("withdrawn_at is null"),
        ),
        Index(
            "ix_supplier_invoice_settled_once",
            "cooperative_id",
            "supplier_id",
            "code",
            unique=True,
            postgresql_where=text("withdrawn_at is null"),
        ),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    round_id: Mapped[int]
    supplier_id: Mapped[int]
    invoiced_on: Mapped[date]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    deposit_cents: Mapped[int | None]
    """Deposits beside the gross amount; ``None``: those of what came."""
    note: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
