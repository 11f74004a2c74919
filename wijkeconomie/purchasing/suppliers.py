"""Use cases of suppliers and their products. A round takes a copy of a product's terms."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Product, Supplier


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSupplier:
    """A supplier as it should be; ``code`` says which one, new or known."""

    code: str
    name: str
    category: str | None = None
    kvk: str | None = None
    iban: str | None = None
    email: str | None = None
    payment_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveProduct:
    """A product as it should be from now on; ``code`` says which one, new or known.

    ``vat_basis_points``: ``None`` is exempt, 0 the zero rate. ``pack_size`` is what the
    supplier delivers together, in member units.
    """

    supplier_code: str
    code: str
    name: str
    unit: str
    price_excl_cents: int
    vat_basis_points: int | None
    category: str | None = None
    pack_size: int = 1
    max_per_member: int | None = None
    is_offered: bool = True


def save_supplier(uow: UnitOfWork, command: SaveSupplier) -> int:
    """Add a supplier, or change the one with this code; returns its id.

    Raises:
        InvalidInputError: an empty code or name, or a negative term of payment.
    """
    require_permission(uow.identity, "supplier.change")
    _require_text("code", command.code)
    _require_text("name", command.name)
    if command.payment_days < 0:
        raise InvalidInputError("a term of payment is not negative", field="payment_days")
    values: dict[str, object] = {
        "name": command.name.strip(),
        "category": command.category,
        "kvk": command.kvk,
        "iban": command.iban,
        "email": command.email,
        "payment_days": command.payment_days,
    }
    row = uow.session.scalar(
        select(Supplier)
        .where(Supplier.cooperative_id == uow.tenant, Supplier.code == command.code)
        .with_for_update()
    )
    if row is None:
        row = Supplier(cooperative_id=uow.tenant, code=command.code)
    _save(uow, row, "supplier", values)
    return row.id


def save_product(uow: UnitOfWork, command: SaveProduct) -> int:
    """Add a product, or change the one with this code; returns its id.

    Rounds that exist keep the price and terms they were planned with.

    Raises:
        NotFoundError: no such supplier.
        InvalidInputError: an empty text, a negative price, a rate or size out of range.
    """
    require_permission(uow.identity, "product.change")
    _check_product(command)
    supplier_id = uow.session.scalar(
        select(Supplier.id).where(
            Supplier.cooperative_id == uow.tenant, Supplier.code == command.supplier_code
        )
    )
    if supplier_id is None:
        raise NotFoundError(
            f"there is no supplier {command.supplier_code}", code=command.supplier_code
        )
    values: dict[str, object] = {
        "supplier_id": supplier_id,
        "name": command.name.strip(),
        "category": command.category,
        "unit": command.unit.strip(),
        "price_excl_cents": command.price_excl_cents,
        "vat_basis_points": command.vat_basis_points,
        "pack_size": command.pack_size,
        "max_per_member": command.max_per_member,
        "is_offered": command.is_offered,
    }
    row = uow.session.scalar(
        select(Product)
        .where(Product.cooperative_id == uow.tenant, Product.code == command.code)
        .with_for_update()
    )
    if row is None:
        row = Product(cooperative_id=uow.tenant, code=command.code)
    _save(uow, row, "product", values)
    return row.id


def _check_product(command: SaveProduct) -> None:
    for field in ("code", "name", "unit"):
        _require_text(field, getattr(command, field))
    rate = command.vat_basis_points
    checks = (
        ("price_excl_cents", command.price_excl_cents >= 0, "a price is not negative"),
        ("vat_basis_points", rate is None or 0 <= rate <= 10_000, "a rate is 0 to 100 %"),
        ("pack_size", command.pack_size >= 1, "a pack holds at least 1"),
        (
            "max_per_member",
            command.max_per_member is None or command.max_per_member >= 1,
            "a maximum is at least 1, or absent",
        ),
    )
    for field, is_right, sentence in checks:
        if not is_right:
            raise InvalidInputError(sentence, field=field)


def _require_text(field: str, text: str) -> None:
    if not text.strip():
        raise InvalidInputError("this may not be empty", field=field)


def _save(
    uow: UnitOfWork, row: Supplier | Product, subject: str, values: dict[str, object]
) -> None:
    """Write the values that differ and put them in the audit trail; nothing when all are equal."""
    is_new = row.id is None
    before = {} if is_new else {name: getattr(row, name) for name in values}
    changed = [name for name, value in values.items() if is_new or before[name] != value]
    if not changed:
        return
    for name in changed:
        setattr(row, name, values[name])
    uow.session.add(row)
    uow.session.flush()
    record_change(
        uow,
        subject=f"{subject}/{row.id}",
        action="added" if is_new else "changed",
        before=None if is_new else {name: before[name] for name in changed},
        after={name: values[name] for name in changed},
    )
