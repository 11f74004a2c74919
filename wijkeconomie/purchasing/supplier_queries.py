"""Reads of suppliers and what they offer today."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
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


def suppliers(session: Session, cooperative_id: int) -> list[SupplierView]:
    """The suppliers of a cooperative, by name."""
    found = session.execute(
        text(
            "select s.id, s.code, s.name, s.email, s.iban, s.kvk, s.payment_days,"
            " (select count(*) from product p where p.cooperative_id = s.cooperative_id"
            " and p.supplier_id = s.id and p.is_offered)"
            " from supplier s where s.cooperative_id = :cooperative_id order by s.name, s.id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return [SupplierView(*row) for row in found]


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


def products_of_supplier(
    session: Session, cooperative_id: int, supplier_id: int
) -> list[ProductView]:
    """The products of a supplier, in order of arrival."""
    found = session.execute(
        text(
            "select id, code, name, unit, category, price_excl_cents, vat_basis_points,"
            " pack_size, max_per_member, is_offered from product"
            " where cooperative_id = :cooperative_id and supplier_id = :supplier_id order by id"
        ),
        {"cooperative_id": cooperative_id, "supplier_id": supplier_id},
    )
    return [ProductView(*row) for row in found]
