"""Use cases of suppliers and their products. A round takes a copy of a product's terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.check_digits import (
    CheckDigitError,
    validate_iban,
    validate_kvk_number,
)
from wijkeconomie.money.ladders import LadderError, ladder
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.price_models import ProductPrice

_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?")
"""Each supplier has an account in the books, named by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSupplier:
    """A supplier as it should be; ``code`` says which one, new or known.

    What is ``None`` stays as it is; an empty text, and a minimum of 0, take it away.
    """

    code: str
    name: str
    category: str | None = None
    kvk: str | None = None
    iban: str | None = None
    email: str | None = None
    payment_days: int | None = None
    """14 for a supplier that is new."""
    minimum_net_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleTerms:
    """How a supplier sells a product, in member units.

    ``sells_loose``: parts of a pack too. ``minimum_quantity``: below it nothing, ``None`` for
    no minimum. ``ladder``: quantities over a whole round with the price without VAT from
    there, quantities rising and prices falling.
    """

    sells_loose: bool = True
    minimum_quantity: int | None = None
    ladder: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveProduct:
    """A product as it should be from now on; ``code`` says which one, new or known.

    ``vat_basis_points``: ``None`` is exempt, 0 the zero rate. ``pack_size`` is what the
    supplier delivers together, in member units. ``category``: empty for none, ``None`` leaves
    it. ``terms``: ``None`` leaves them as they are.
    ``source``: the price list that says so, ``None`` for a person. ``grams_per_unit``: what a
    unit is expected to weigh, where it is settled by weight: 0 for no longer, ``None`` leaves it.
    ``price_units``: for how many member units together the price is, and every price of the
    ladder. ``supplier_unit``: what the supplier calls a pack, empty for nothing, ``None``
    leaves it.
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
    terms: SaleTerms | None = None
    source: str | None = None
    grams_per_unit: int | None = None
    price_units: int = 1
    supplier_unit: str | None = None
    deposit_cents: int | None = None
    """On the packaging of a unit; ``None`` leaves it."""


def save_supplier(uow: UnitOfWork, command: SaveSupplier) -> int:
    """Add a supplier, or change the one with this code; returns its id.

    Raises:
        InvalidInputError: an empty name, a code that no account can have, a number of a bank
            account or of the chamber of commerce that cannot be, a negative term or minimum.
    """
    require_permission(uow.identity, "supplier.change")
    _require_text("name", command.name)
    if (command.payment_days or 0) < 0:
        raise InvalidInputError("a term of payment is not negative", field="payment_days")
    if (command.minimum_net_cents or 0) < 0:
        raise InvalidInputError("a minimum is not negative", field="minimum")
    row = uow.session.scalar(
        select(Supplier)
        .where(Supplier.cooperative_id == uow.tenant, Supplier.code == command.code)
        .with_for_update()
    )
    if row is None:
        if not _CODE.fullmatch(command.code):
            raise InvalidInputError("a code is letters, figures, dots and dashes", field="code")
        row = Supplier(cooperative_id=uow.tenant, code=command.code)
    _save(uow, row, "supplier", _supplier_values(command))
    return row.id


def _supplier_values(command: SaveSupplier) -> dict[str, object]:
    """What is written of a supplier; what is ``None`` in the command stays as it was."""
    values: dict[str, object] = {"name": command.name.strip()}
    for name in ("category", "kvk", "iban", "email"):
        said = getattr(command, name)
        if said is not None:
            values[name] = _checked(name, said.strip()) or None
    if command.payment_days is not None:
        values["payment_days"] = command.payment_days
    if command.minimum_net_cents is not None:
        values["minimum_net_cents"] = command.minimum_net_cents or None
    return values


def _checked(name: str, written: str) -> str:
    """What was written of a supplier, as it is stored."""
    check = {"iban": validate_iban, "kvk": validate_kvk_number}.get(name)
    if check is None or not written:
        return written
    try:
        return check(written)
    except CheckDigitError as error:
        raise InvalidInputError(f"{written} is no such number", field=name) from error


def save_product(uow: UnitOfWork, command: SaveProduct) -> int:
    """Add a product, or change the one with this code; returns its id.

    Rounds that exist keep the price and terms they were planned with. What the product cost
    before stays known: another price, rate or ladder is another version.

    Raises:
        NotFoundError: no such supplier.
        InvalidInputError: an empty text, a negative price, a rate or size out of range, a
            ladder that does not fall.
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
    values = _product_values(command) | {"supplier_id": supplier_id}
    row = uow.session.scalar(
        select(Product)
        .where(Product.cooperative_id == uow.tenant, Product.code == command.code)
        .with_for_update()
    )
    if row is None:
        row = Product(
            cooperative_id=uow.tenant,
            code=command.code,
            ladder_quantities=[],
            ladder_prices_cents=[],
            price_units=command.price_units,
        )
    _require_priced_by_units(command, row)
    before = _price_of(row)
    if command.terms is None:
        _require_ladder(command.price_excl_cents, before[3], before[4])
    _save(uow, row, "product", values)
    if _price_of(row) != before:
        _write_price(uow, row, command.source)
    return row.id


def change_price(uow: UnitOfWork, row: Product, price_excl_cents: int, price_units: int) -> None:
    """Give a product another price from now on, as the next version of it.

    Raises:
        InvalidInputError: names ``price-<id>``: its price is for other units by now, or it
            does not fit its ladder.
    """
    require_permission(uow.identity, "product.change")
    uow.session.refresh(row, with_for_update=True)
    field = f"price-{row.id}"
    if row.price_units != price_units:
        raise InvalidInputError("this price is for other units by now", field=field)
    try:
        ladder(price_excl_cents, row.ladder_quantities, row.ladder_prices_cents)
    except LadderError as error:
        raise InvalidInputError(str(error), field=field) from error
    before = _price_of(row)
    _save(uow, row, "product", {"price_excl_cents": price_excl_cents})
    if _price_of(row) != before:
        _write_price(uow, row, None)


def _product_values(command: SaveProduct) -> dict[str, object]:
    """What is written of a product; what is ``None`` in the command stays as it was."""
    values: dict[str, object] = {
        "name": command.name.strip(),
        "unit": command.unit.strip(),
        "price_excl_cents": command.price_excl_cents,
        "price_units": command.price_units,
        "vat_basis_points": command.vat_basis_points,
        "pack_size": command.pack_size,
        "max_per_member": command.max_per_member,
        "is_offered": command.is_offered,
    }
    if command.category is not None:
        values["category"] = command.category.strip() or None
    if command.grams_per_unit is not None:
        values["grams_per_unit"] = command.grams_per_unit or None
    if command.supplier_unit is not None:
        values["supplier_unit"] = command.supplier_unit.strip() or None
    if command.deposit_cents is not None:
        values["deposit_cents"] = command.deposit_cents
    if command.terms is not None:
        values["sells_loose"] = command.terms.sells_loose
        values["minimum_quantity"] = command.terms.minimum_quantity
        values["ladder_quantities"] = [quantity for quantity, _price in command.terms.ladder]
        values["ladder_prices_cents"] = [price for _quantity, price in command.terms.ladder]
    return values


def _require_priced_by_units(command: SaveProduct, row: Product) -> None:
    """Refuse a price for several units of weighed goods, and of a ladder that is not told anew."""
    grams = row.grams_per_unit if command.grams_per_unit is None else command.grams_per_unit
    is_other = command.price_units != row.price_units and command.terms is None
    if (command.price_units > 1 and grams) or (is_other and row.ladder_quantities):
        raise InvalidInputError("this price cannot be for so many units", field="price_units")


_Price = tuple[int | None, int | None, int, tuple[int, ...], tuple[int, ...], bool]


def _price_of(row: Product) -> _Price:
    """What makes a version; a product that is not stored yet differs from every one."""
    return (
        row.price_excl_cents,
        row.vat_basis_points,
        row.price_units,
        tuple(row.ladder_quantities),
        tuple(row.ladder_prices_cents),
        row.id is not None,
    )


def _write_price(uow: UnitOfWork, row: Product, source: str | None) -> None:
    """Write the next version of a price; the product's own lock keeps the numbers apart."""
    newest = uow.session.scalar(
        select(func.max(ProductPrice.version)).where(
            ProductPrice.cooperative_id == uow.tenant, ProductPrice.product_id == row.id
        )
    )
    uow.session.add(
        ProductPrice(
            cooperative_id=uow.tenant,
            product_id=row.id,
            version=(newest or 0) + 1,
            valid_from=uow.now,
            price_excl_cents=row.price_excl_cents,
            price_units=row.price_units,
            vat_basis_points=row.vat_basis_points,
            ladder_quantities=row.ladder_quantities,
            ladder_prices_cents=row.ladder_prices_cents,
            recorded_by=uow.actor,
            source=source,
        )
    )


def _require_ladder(first: int, quantities: Sequence[int], prices: Sequence[int]) -> None:
    try:
        ladder(first, quantities, prices)
    except LadderError as error:
        raise InvalidInputError(str(error), field=f"{error.code}-{error.rung}") from error


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
    for field, is_right, sentence in (
        *checks,
        ("grams_per_unit", (command.grams_per_unit or 0) >= 0, "a weight is not negative"),
        ("price_units", command.price_units >= 1, "a price is for at least 1"),
        ("deposit", (command.deposit_cents or 0) >= 0, "a deposit is not negative"),
    ):
        if not is_right:
            raise InvalidInputError(sentence, field=field)
    if command.terms is not None:
        least = command.terms.minimum_quantity
        if least is not None and least < 1:
            raise InvalidInputError("a minimum is at least 1, or absent", field="minimum_quantity")
        quantities, prices = (
            zip(*command.terms.ladder, strict=True)
            if command.terms.ladder
            else (
                (),
                (),
            )
        )
        _require_ladder(command.price_excl_cents, quantities, prices)


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
