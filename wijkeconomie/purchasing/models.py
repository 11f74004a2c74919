"""Tables of suppliers, products, rounds, pledges, deliveries and settlements."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class RoundState(enum.StrEnum):
    """Where a round stands; it moves one way (docs/rounds.md)."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    ORDERED = "ordered"
    RECEIVED = "received"
    ALLOCATED = "allocated"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class FreightKey(enum.StrEnum):
    """By what a round's freight is shared."""

    VALUE = "value"
    QUANTITY = "quantity"
    EQUAL = "equal"


class ShortageRule(enum.StrEnum):
    """Who gets what when less arrives than was pledged."""

    PRO_RATA = "pro_rata"
    FIRST_PLEDGED = "first_pledged"


_STATES = ", ".join(f"'{state}'" for state in RoundState)


class Supplier(TenantTable, Base):
    """A business from which a cooperative buys."""

    __tablename__ = "supplier"
    __table_args__ = (UniqueConstraint("cooperative_id", "code"),)

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    category: Mapped[str | None]
    kvk: Mapped[str | None]
    iban: Mapped[str | None]
    email: Mapped[str | None]
    payment_days: Mapped[int] = mapped_column(server_default="14", default=14)


class Product(TenantTable, Base):
    """Something a supplier offers, at its price of today; a round takes its own copy."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        CheckConstraint("price_excl_cents >= 0", name="price_not_negative"),
        CheckConstraint("vat_basis_points between 0 and 10000", name="vat_in_range"),
        CheckConstraint("pack_size >= 1", name="pack_size_positive"),
        CheckConstraint("max_per_member >= 1", name="max_per_member_positive"),
    )

    id: Mapped[SurrogateKey]
    supplier_id: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    category: Mapped[str | None]
    unit: Mapped[str]
    price_excl_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
    pack_size: Mapped[int] = mapped_column(server_default="1", default=1)
    max_per_member: Mapped[int | None]
    is_offered: Mapped[bool] = mapped_column(server_default=text("true"), default=True)


class PurchaseRound(TenantTable, Base):
    """One joint order at one supplier. ``state`` is a stored fact, never a look at a clock."""

    __tablename__ = "purchase_round"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        CheckConstraint(f"state in ({_STATES})", name="state_known"),
        CheckConstraint("freight_key in ('value', 'quantity', 'equal')", name="freight_key_known"),
        CheckConstraint("shortage_rule in ('pro_rata', 'first_pledged')", name="shortage_known"),
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("freight_excl_cents >= 0", name="freight_not_negative"),
        Index("ix_purchase_round_cooperative_id_state", "cooperative_id", "state", "closes_at"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    theme: Mapped[str]
    supplier_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="draft", default="draft")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    delivery_on: Mapped[date]
    freight_excl_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    freight_key: Mapped[str] = mapped_column(server_default="value", default="value")
    shortage_rule: Mapped[str] = mapped_column(server_default="pro_rata", default="pro_rata")
    settlement_version: Mapped[int] = mapped_column(server_default="0", default=0)
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    ordered_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    allocated_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    created_by: Mapped[str]


class RoundProduct(TenantTable, Base):
    """A product within a round, under the name, price and terms of that round."""

    __tablename__ = "round_product"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "round_id", "product_id"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "product_id"], ["product.cooperative_id", "product.id"]
        ),
        CheckConstraint("price_excl_cents >= 0", name="price_not_negative"),
        CheckConstraint("vat_basis_points between 0 and 10000", name="vat_in_range"),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    product_id: Mapped[int]
    position: Mapped[int]
    name: Mapped[str]
    unit: Mapped[str]
    price_excl_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
    pack_size: Mapped[int]
    max_per_member: Mapped[int | None]


class Pledge(TenantTable, Base):
    """What a member promises to buy of one product in one round.

    Withdrawn is a fact with a time, not a deletion. ``version`` counts the changes, so that
    a page that was opened before the last one cannot overwrite it.
    """

    __tablename__ = "pledge"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "round_id", "member_id", "round_product_id"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "round_product_id"],
            ["round_product.cooperative_id", "round_product.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_pledge_cooperative_id_member_id", "cooperative_id", "member_id"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    round_id: Mapped[int]
    round_product_id: Mapped[int]
    member_id: Mapped[int]
    quantity: Mapped[int]
    pledged_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1", default=1)


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
    note: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


class RoundSettlement(TenantTable, Base):
    """One version of a round's settlement: its entry in the ledger and its totals."""

    __tablename__ = "round_settlement"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "reversal_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        CheckConstraint(
            "supplier_gross_cents = members_gross_cents + cooperative_gross_cents",
            name="shares_equal_the_invoice",
        ),
        CheckConstraint("version >= 1", name="version_positive"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_number: Mapped[int | None]
    """``None`` when nothing was delivered and nothing was charged: an entry has no zero lines."""
    reversal_number: Mapped[int | None]
    settled_at: Mapped[datetime]
    settled_by: Mapped[str]
    accounting_date: Mapped[date]
    supplier_gross_cents: Mapped[int]
    members_gross_cents: Mapped[int]
    cooperative_gross_cents: Mapped[int]
    reason: Mapped[str | None]


class PledgeShare(TenantTable, Base):
    """What one pledge became in one version of the settlement, with the sum that explains it."""

    __tablename__ = "pledge_share"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id", "version"],
            [
                "round_settlement.cooperative_id",
                "round_settlement.round_id",
                "round_settlement.version",
            ],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint(
            "gross_cents = net_cents + freight_cents + vat_cents", name="gross_is_the_sum"
        ),
        CheckConstraint("delivered_quantity >= 0", name="delivered_not_negative"),
        Index("ix_pledge_share_cooperative_id_pledge_id", "cooperative_id", "pledge_id"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pledge_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivered_quantity: Mapped[int]
    net_cents: Mapped[int]
    freight_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    explanation: Mapped[dict[str, Any]] = mapped_column(JSONB)
