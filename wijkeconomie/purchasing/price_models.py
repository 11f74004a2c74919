"""Tables of what products cost over time, and of the price lists that suppliers send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.purchasing.models import Numbers


class ProductPrice(TenantTable, Base):
    """A version of a product's price: what it cost from a moment until the next version."""

    __tablename__ = "product_price"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "product_id"], ["product.cooperative_id", "product.id"]
        ),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("price_excl_cents >= 0", name="price_not_negative"),
        CheckConstraint("price_units >= 1", name="price_units_positive"),
        CheckConstraint(
            "is_price_ladder(price_excl_cents, ladder_quantities, ladder_prices_cents)",
            name="ladder_falls",
        ),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[datetime]
    price_excl_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
    ladder_quantities: Mapped[Numbers]
    ladder_prices_cents: Mapped[Numbers]
    recorded_by: Mapped[str]
    source: Mapped[str | None]
    """The price list it came from; ``None`` when someone typed it."""
    price_units: Mapped[int] = mapped_column(server_default="1", default=1)
    """For how many member units together the price is."""


class PriceList(TenantTable, Base):
    """A price list as a supplier sent it, kept from upload on; taken over at most once."""

    __tablename__ = "price_list"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
    )

    id: Mapped[SurrogateKey]
    supplier_id: Mapped[int]
    file_name: Mapped[str]
    rows: Mapped[list[Any]] = mapped_column(JSONB)
    """The cells of the file as text, the heading first."""
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str]
    taken_over_at: Mapped[datetime | None]
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """How it was read when it was taken over: columns and what holds for the whole list."""
