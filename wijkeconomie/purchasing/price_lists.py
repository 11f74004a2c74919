"""Use cases of suppliers' price lists: keep a file, see what it changes, take it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import cast

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.price_list_changes import (
    CurrentProduct,
    PriceListChanges,
    changes,
    weighed_apart,
)
from wijkeconomie.purchasing.price_list_reading import Rows, read_price_list
from wijkeconomie.purchasing.price_list_rules import NEEDED, Article, ListTerms, WrongRow, articles
from wijkeconomie.purchasing.price_list_writing import (
    add_products,
    change_products,
    withdraw_products,
)
from wijkeconomie.purchasing.price_models import PriceList
from wijkeconomie.purchasing.refusals import PriceListTakenOverError


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverList:
    """Take over a price list as it was previewed.

    ``absent_are_gone``: products that are not on it are offered no more. ``seen``: the mark of
    the changes that were shown (``PriceListPreview.seen``), so that nothing is taken over unseen.
    """

    price_list_id: int
    terms: ListTerms
    absent_are_gone: bool = False
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class PriceListPreview:
    """What taking over a list would do, with its heading and the rows that are left out."""

    id: int
    file_name: str
    heading: tuple[str, ...]
    sample: tuple[str, ...]
    wrong: tuple[WrongRow, ...]
    changes: PriceListChanges

    @property
    def count(self) -> int:
        """How many products it touches."""
        found = self.changes
        return len(found.new) + len(found.changed) + len(found.gone)

    @property
    def seen(self) -> str:
        """A mark of these changes, each with its values before and after: others have another."""
        return sha256(repr(self.changes).encode()).hexdigest()


def keep_price_list(uow: UnitOfWork, supplier_code: str, file_name: str, content: bytes) -> int:
    """Keep a supplier's file as rows; nothing changes yet. Returns its id.

    Raises:
        NotFoundError: no such supplier.
        PriceListUnreadableError: the file is no table.
    """
    require_permission(uow.identity, "product.change")
    supplier = uow.session.scalar(
        select(Supplier).where(
            Supplier.cooperative_id == uow.tenant, Supplier.code == supplier_code
        )
    )
    if supplier is None:
        raise NotFoundError(f"there is no supplier {supplier_code}", code=supplier_code)
    kept = PriceList(
        cooperative_id=uow.tenant,
        supplier_id=supplier.id,
        file_name=file_name.strip()[:200] or "prijslijst",
        rows=read_price_list(content),
        uploaded_at=uow.now,
        uploaded_by=uow.actor,
    )
    uow.session.add(kept)
    uow.session.flush()
    return kept.id


def price_list_rows(uow: UnitOfWork, price_list_id: int) -> Rows:
    """The rows of a list that was kept, the heading first.

    Raises:
        NotFoundError: there is no such list.
    """
    require_permission(uow.identity, "product.change")
    return cast("Rows", _price_list(uow, price_list_id).rows)


def preview_price_list(
    uow: UnitOfWork, price_list_id: int, terms: ListTerms, *, absent_are_gone: bool
) -> PriceListPreview:
    """What a list changes in what its supplier offers today; nothing is written.

    Raises:
        NotFoundError: there is no such list.
        InvalidInputError: no column is named for what every article needs.
    """
    require_permission(uow.identity, "product.change")
    kept = _price_list(uow, price_list_id)
    if missing := [column for column in NEEDED if column not in terms.columns]:
        raise InvalidInputError("say which column this is", field=f"column-{missing[0]}")
    listed, wrong = articles(kept.rows, terms)
    current, prefix = _current(uow, kept)
    listed = [_with_code(article, current, prefix) for article in listed]
    listed, weighed = weighed_apart(listed, current)
    wrong = sorted([*wrong, *weighed], key=lambda row: row.line)
    found = changes(
        listed,
        list(current.values()),
        terms,
        absent_are_gone=absent_are_gone,
        wrong=[code for row in wrong for code in (row.code, prefix + row.code)],
    )
    return PriceListPreview(
        id=kept.id,
        file_name=kept.file_name,
        heading=tuple(kept.rows[0]),
        sample=tuple(kept.rows[1]),
        wrong=tuple(wrong),
        changes=found,
    )


def take_over_price_list(uow: UnitOfWork, command: TakeOverList) -> PriceListPreview:
    """Take over a list: new products, changed ones, and those that are offered no more.

    Each new price is a version that names the list. Rounds that exist keep their prices.

    Raises:
        PriceListTakenOverError: it was taken over before.
        StaleVersionError: products were changed since the preview.
        NotFoundError, InvalidInputError: as for the preview.
    """
    require_permission(uow.identity, "product.change")
    kept = _price_list(uow, command.price_list_id, is_held=True)
    if kept.taken_over_at is not None:
        raise PriceListTakenOverError(f"{kept.file_name} was taken over already")
    # Products of the supplier are held, so that what is compared is what is changed.
    uow.session.execute(
        select(Product.id)
        .where(Product.cooperative_id == uow.tenant, Product.supplier_id == kept.supplier_id)
        .order_by(Product.id)
        .with_for_update()
    )
    preview = preview_price_list(
        uow, kept.id, command.terms, absent_are_gone=command.absent_are_gone
    )
    if command.seen is not None and command.seen != preview.seen:
        raise StaleVersionError("products were changed since the preview")
    source = f"{kept.file_name} ({kept.id})"
    add_products(uow, kept.supplier_id, preview.changes.new, source)
    change_products(uow, preview.changes.changed, source)
    withdraw_products(uow, preview.changes.gone, source)
    kept.taken_over_at = uow.now
    kept.terms = {**asdict(command.terms), "columns": dict(command.terms.columns)}
    record_change(
        uow,
        subject=f"supplier/{kept.supplier_id}",
        action="price-list-taken-over",
        after={
            "price_list": kept.id,
            "new": len(preview.changes.new),
            "changed": len(preview.changes.changed),
            "gone": len(preview.changes.gone),
        },
    )
    uow.session.flush()
    return preview


def _price_list(uow: UnitOfWork, price_list_id: int, *, is_held: bool = False) -> PriceList:
    statement = select(PriceList).where(
        PriceList.cooperative_id == uow.tenant, PriceList.id == price_list_id
    )
    found = uow.session.scalar(statement.with_for_update() if is_held else statement)
    if found is None:
        raise NotFoundError(f"there is no price list {price_list_id}")
    return found


def _current(uow: UnitOfWork, kept: PriceList) -> tuple[dict[str, CurrentProduct], str]:
    """The supplier's products by code, and what begins a code that another supplier has."""
    products = uow.session.scalars(
        select(Product)
        .where(Product.cooperative_id == uow.tenant, Product.supplier_id == kept.supplier_id)
        .order_by(Product.id)
        .execution_options(populate_existing=True)
    )
    code = uow.session.get_one(Supplier, (uow.tenant, kept.supplier_id)).code
    return {
        row.code: CurrentProduct(row.id, _as_article(row), row.grams_per_unit is not None)
        for row in products
    }, f"{code}-"


def _as_article(row: Product) -> Article:
    return Article(
        line=0,
        code=row.code,
        name=row.name,
        unit=row.unit,
        price_excl_cents=row.price_excl_cents,
        vat_basis_points=row.vat_basis_points,
        pack_size=row.pack_size,
        category=row.category,
        minimum_quantity=row.minimum_quantity,
        ladder=tuple(zip(row.ladder_quantities, row.ladder_prices_cents, strict=True)),
        sells_loose=row.sells_loose,
        is_gone=not row.is_offered,
        price_units=row.price_units,
        supplier_unit=row.supplier_unit,
        deposit_cents=row.deposit_cents,
    )


def _with_code(article: Article, current: Mapping[str, CurrentProduct], prefix: str) -> Article:
    """The article under the code that the cooperative knows it by."""
    known = prefix + article.code
    return replace(article, code=known) if known in current else article
