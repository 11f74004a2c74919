"""Reads of suppliers and what they offer today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class SupplierView:
    """A supplier and how many products it offers now."""

    id: int
    code: str
    name: str
    email: str | None
    iban: str | None
    kvk: str | None
    payment_days: int
    products: int
    minimum_net_cents: int | None
    category: str | None


def suppliers(session: Session, cooperative_id: int) -> list[SupplierView]:
    """The suppliers of a cooperative, by name."""
    found = session.execute(
        text(
            "select s.id, s.code, s.name, s.email, s.iban, s.kvk, s.payment_days,"
            " (select count(*) from product p where p.cooperative_id = s.cooperative_id"
            " and p.supplier_id = s.id and p.is_offered), s.minimum_net_cents,"
            " s.category from supplier s where s.cooperative_id = :cooperative_id"
            " order by s.name, s.id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return [SupplierView(*row) for row in found]


def with_code(found: Iterable[SupplierView], code: str | None) -> SupplierView | None:
    """The supplier among those found that has a code, if any."""
    return next((each for each in found if each.code == code), None)


def supplier_code(session: Session, cooperative_id: int, supplier_id: int) -> str:
    """The code of a supplier, under which the books know it."""
    found = session.scalar(
        text("select code from supplier where cooperative_id = :cooperative_id and id = :id"),
        {"cooperative_id": cooperative_id, "id": supplier_id},
    )
    if found is None:
        raise NotFoundError(f"there is no supplier {supplier_id}", supplier_id=supplier_id)
    return str(found)


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as a supplier offers it today."""

    id: int
    code: str
    name: str
    unit: str
    category: str | None
    price_excl_cents: int
    vat_basis_points: int | None
    pack_size: int
    max_per_member: int | None
    is_offered: bool
    sells_loose: bool
    minimum_quantity: int | None
    grams_per_unit: int | None
    """Weighed goods: what a unit is expected to weigh, and what the price is for."""
    deposit_cents: int
    ladder: tuple[tuple[int, int], ...]
    """Quantities over a whole round with the price from there."""
    price_units: int
    """For how many units together the price is, and every price of the ladder."""
    supplier_unit: str | None
    """What the supplier calls a pack."""


def products_of_supplier(
    session: Session, cooperative_id: int, supplier_id: int
) -> list[ProductView]:
    """The products of a supplier, in order of arrival."""
    found = session.execute(
        text(
            "select id, code, name, unit, category, price_excl_cents, vat_basis_points,"
            " pack_size, max_per_member, is_offered, sells_loose, minimum_quantity,"
            " grams_per_unit, deposit_cents, ladder_quantities, ladder_prices_cents, price_units,"
            " supplier_unit from product"
            " where cooperative_id = :cooperative_id and supplier_id = :supplier_id order by id"
        ),
        {"cooperative_id": cooperative_id, "supplier_id": supplier_id},
    )
    return [ProductView(**_with_ladder(row)) for row in found.mappings()]


def _with_ladder(row: RowMapping) -> dict[str, Any]:
    """The columns of a row with quantities and prices of its ladder side by side."""
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    rungs = zip(values.pop("ladder_quantities"), values.pop("ladder_prices_cents"), strict=True)
    return values | {"ladder": tuple(rungs)}


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """What a product cost from a moment on; ``source`` is the price list that said so."""

    version: int
    valid_from: datetime
    price_excl_cents: int
    vat_basis_points: int | None
    ladder: tuple[tuple[int, int], ...]
    recorded_by: str
    source: str | None
    price_units: int


def price_versions(session: Session, cooperative_id: int, product_id: int) -> list[PriceVersion]:
    """Every price of a product, the newest first."""
    found = session.execute(
        text(
            "select version, valid_from, price_excl_cents, vat_basis_points, ladder_quantities,"
            " ladder_prices_cents, recorded_by, source, price_units from product_price"
            " where cooperative_id = :cooperative_id and product_id = :product_id"
            " order by version desc"
        ),
        {"cooperative_id": cooperative_id, "product_id": product_id},
    )
    return [PriceVersion(**_with_ladder(row)) for row in found.mappings()]
