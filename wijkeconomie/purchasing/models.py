"""Tables of suppliers, products, rounds and pledges.

A price ladder stands beside the price in two arrays of equal length: the quantities, over the
whole round, from which the lower prices hold. The database checks that it is a ladder.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
    MANUAL = "manual"
    """Nothing by itself: somebody says who gets what."""


class Dropout(enum.StrEnum):
    """Why a pledge fell out when its round closed."""

    PRICE = "price"
    """The price that was reached is above the member's maximum."""
    MINIMUM = "minimum"
    """The supplier's minimum of the product was not reached."""
    PACKS = "packs"
    """No whole pack was filled, or none was left for this pledge."""
    CREDIT = "credit"
    """The member's account does not cover it any more."""


_STATES = ", ".join(f"'{state}'" for state in RoundState)
_DROPOUTS = ", ".join(f"'{reason}'" for reason in Dropout)


Numbers = Annotated[
    list[int], mapped_column(ARRAY(BigInteger), server_default=text("'{}'"), default=list)
]
"""Whole numbers in order; an empty array when nothing is said."""
Moments = Annotated[
    list[datetime],
    mapped_column(ARRAY(DateTime(timezone=True)), server_default=text("'{}'"), default=list),
]


class Supplier(TenantTable, Base):
    """A business from which a cooperative buys."""

    __tablename__ = "supplier"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        CheckConstraint("minimum_net_cents > 0", name="minimum_positive"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    category: Mapped[str | None]
    kvk: Mapped[str | None]
    iban: Mapped[str | None]
    email: Mapped[str | None]
    payment_days: Mapped[int] = mapped_column(server_default="14", default=14)
    minimum_net_cents: Mapped[int | None]
    """The smallest order he takes, without VAT and freight."""


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
        CheckConstraint("price_units >= 1", name="price_units_positive"),
        CheckConstraint("btrim(supplier_unit) <> ''", name="supplier_unit_said"),
        CheckConstraint("price_units = 1 or grams_per_unit is null", name="weighed_by_the_unit"),
        CheckConstraint("minimum_quantity >= 1", name="minimum_positive"),
        CheckConstraint("grams_per_unit >= 1", name="weight_positive"),
        CheckConstraint("deposit_cents >= 0", name="deposit_not_negative"),
        CheckConstraint(
            "is_price_ladder(price_excl_cents, ladder_quantities, ladder_prices_cents)",
            name="ladder_falls",
        ),
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
    sells_loose: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    """Whether the supplier sells parts of a pack."""
    minimum_quantity: Mapped[int | None]
    """The least he sells of it in one order, in member units."""
    ladder_quantities: Mapped[Numbers]
    ladder_prices_cents: Mapped[Numbers]
    grams_per_unit: Mapped[int | None]
    """Goods that are weighed: what a unit is expected to weigh, and what the price is for."""
    price_units: Mapped[int] = mapped_column(server_default="1", default=1)
    """For how many member units together the price is, and every price of the ladder."""
    supplier_unit: Mapped[str | None]
    """What the supplier calls a pack, as in ``krat``."""
    deposit_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    """On the packaging of a unit, outside the price and its VAT."""


class PurchaseRound(TenantTable, Base):
    """One joint order at one supplier. ``state`` is a stored fact, never a look at a clock."""

    __tablename__ = "purchase_round"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        UniqueConstraint("cooperative_id", "instead_of_id"),
        ForeignKeyConstraint(
            ["cooperative_id", "instead_of_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        CheckConstraint(f"state in ({_STATES})", name="state_known"),
        CheckConstraint("freight_key in ('value', 'quantity', 'equal')", name="freight_key_known"),
        CheckConstraint(
            "shortage_rule in ('pro_rata', 'first_pledged', 'manual')", name="shortage_known"
        ),
        CheckConstraint("surplus_rule in ('stock', 'ask')", name="surplus_known"),
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("topup_since < closes_at", name="topup_before_closing"),
        CheckConstraint("freight_excl_cents >= 0", name="freight_not_negative"),
        CheckConstraint("agreed_freight_excl_cents >= 0", name="agreed_freight_not_negative"),
        CheckConstraint(
            "(agreed_freight_excl_cents is null) = (freight_reason is null)",
            name="freight_explained",
        ),
        CheckConstraint("minimum_net_cents > 0", name="minimum_positive"),
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
    minimum_net_cents: Mapped[int | None]
    topup_since: Mapped[datetime | None]
    """Since when only packs that are not full may be filled; ``None`` in the ordinary phase."""
    surplus_rule: Mapped[str] = mapped_column(server_default="stock", default="stock")
    agreed_freight_excl_cents: Mapped[int | None]
    """What the round was planned with, where freight turned out to be another amount."""
    freight_reason: Mapped[str | None]
    instead_of_id: Mapped[int | None]
    """The cancelled round that this one is made again of; of each at most once."""


class RoundProduct(TenantTable, Base):
    """A product within a round, under the name, price and terms of that round.

    ``price_excl_cents`` is the price that counts now: the list price until the round closes,
    then the one that the round reached. ``closing`` tells how that came about
    (``closing_record``); ``None`` where nothing had to be chosen.
    """

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
        CheckConstraint("minimum_quantity >= 1", name="minimum_positive"),
        ForeignKeyConstraint(
            ["cooperative_id", "replaces_id"],
            ["round_product.cooperative_id", "round_product.id"],
        ),
        CheckConstraint("grams_per_unit >= 1", name="weight_positive"),
        CheckConstraint("deposit_cents >= 0", name="deposit_not_negative"),
        CheckConstraint(
            "shortage_rule in ('pro_rata', 'first_pledged', 'manual')", name="shortage_known"
        ),
        CheckConstraint("price_units >= 1", name="price_units_positive"),
        CheckConstraint("btrim(supplier_unit) <> ''", name="supplier_unit_said"),
        CheckConstraint("price_units = 1 or grams_per_unit is null", name="weighed_by_the_unit"),
        CheckConstraint(
            "is_price_ladder(list_price_excl_cents, ladder_quantities, ladder_prices_cents)",
            name="ladder_falls",
        ),
        CheckConstraint(
            "price_excl_cents = list_price_excl_cents"
            " or price_excl_cents = any (ladder_prices_cents)",
            name="price_is_on_the_ladder",
        ),
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
    list_price_excl_cents: Mapped[int]
    sells_loose: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    minimum_quantity: Mapped[int | None]
    ladder_quantities: Mapped[Numbers]
    ladder_prices_cents: Mapped[Numbers]
    closing: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    shortage_rule: Mapped[str | None]
    """Where it differs from the round's."""
    grams_per_unit: Mapped[int | None]
    deposit_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    replaces_id: Mapped[int | None]
    """The product of this round in whose place it came."""
    price_units: Mapped[int] = mapped_column(server_default="1", default=1)
    """As of the product; fixed when the round is planned, by the database too."""
    supplier_unit: Mapped[str | None]


class Pledge(TenantTable, Base):
    """What a member promises to buy of one product in one round.

    Withdrawn is a fact with a time, not a deletion: by the member, or at closing for the
    reason in ``dropout``. ``version`` counts the changes, so that a page that was opened
    before the last one cannot overwrite it.

    ``quantity`` is what the member asked for. Closing may make it another, to fill packs:
    then that is ``allotted_quantity``, within quantity and ``tolerance``. What was added after
    ``pledged_at`` has its turn from then (``later_…``, ``turn_rules``).
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
        CheckConstraint(
            "later_claims_fit(quantity, later_at, later_quantities)", name="later_claims_fit"
        ),
        CheckConstraint("tolerance >= 0", name="tolerance_not_negative"),
        CheckConstraint("max_price_excl_cents >= 0", name="max_price_not_negative"),
        CheckConstraint(
            "allotted_quantity between 1 and quantity + tolerance", name="allotted_as_said"
        ),
        CheckConstraint(f"dropout in ({_DROPOUTS})", name="dropout_known"),
        CheckConstraint("dropout is null or withdrawn_at is not null", name="dropout_is_withdrawn"),
        ForeignKeyConstraint(
            ["cooperative_id", "instead_of_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint("origin in ('pledged', 'replacement', 'extra')", name="origin_known"),
        CheckConstraint(
            "(origin = 'replacement') = (instead_of_id is not null)", name="replaces_a_pledge"
        ),
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
    tolerance: Mapped[int] = mapped_column(server_default="0", default=0)
    max_price_excl_cents: Mapped[int | None]
    allotted_quantity: Mapped[int | None]
    dropout: Mapped[str | None]
    origin: Mapped[str] = mapped_column(server_default="pledged", default="pledged")
    instead_of_id: Mapped[int | None]
    later_at: Mapped[Moments]
    later_quantities: Mapped[Numbers]
