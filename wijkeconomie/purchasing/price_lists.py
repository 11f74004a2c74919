"""Use cases of suppliers' price lists: keep a file, see what it changes, take it over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from sqlalchemy import func, insert, select, update

from wijkeconomie.core.audit import AuditRecord, record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.price_list_reading import Rows, read_price_list
from wijkeconomie.purchasing.price_list_rules import (
    NEEDED,
    Article,
    ChangedProduct,
    CurrentProduct,
    ListTerms,
    PriceListChanges,
    WrongRow,
    articles,
    changes,
)
from wijkeconomie.purchasing.price_models import PriceList, ProductPrice
from wijkeconomie.purchasing.refusals import PriceListTakenOverError

_PRICE_FIELDS = {"price_excl_cents", "price_units", "vat_basis_points", "ladder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverList:
    """Take over a price list as it was previewed.

    ``absent_are_gone``: products that are not on it are offered no more. ``expected``: the
    number of changes that the preview told, so that nothing is taken over unseen.
    """

    price_list_id: int
    terms: ListTerms
    absent_are_gone: bool = False
    expected: int | None = None


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
    found = changes(
        [_with_code(article, current, prefix) for article in listed],
        list(current.values()),
        terms,
        absent_are_gone=absent_are_gone,
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
    if command.expected is not None and command.expected != preview.count:
        raise StaleVersionError("products were changed since the preview")
    source = f"{kept.file_name} ({kept.id})"
    _add(uow, kept.supplier_id, preview.changes.new, source)
    _change(uow, preview.changes.changed, source)
    _withdraw(uow, preview.changes.gone, source)
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
    return {row.code: CurrentProduct(row.id, _as_article(row)) for row in products}, f"{code}-"


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


def _values(article: Article, fields: Iterable[str]) -> dict[str, Any]:
    """Columns of a product by fields of an article."""
    values: dict[str, Any] = {}
    for field in fields:
        if field == "ladder":
            values["ladder_quantities"] = [quantity for quantity, _price in article.ladder]
            values["ladder_prices_cents"] = [price for _quantity, price in article.ladder]
        elif field == "is_gone":
            values["is_offered"] = not article.is_gone
        else:
            values[field] = getattr(article, field)
    return values


_FIELDS = (
    *("code", "name", "unit", "price_excl_cents", "vat_basis_points", "pack_size", "category"),
    *("minimum_quantity", "ladder", "sells_loose", "price_units", "supplier_unit"),
    "deposit_cents",
)


def _add(uow: UnitOfWork, supplier_id: int, new: tuple[Article, ...], source: str) -> None:
    if not new:
        return
    codes = [article.code for article in new]
    taken = set(
        uow.session.scalars(
            select(Product.code).where(
                Product.cooperative_id == uow.tenant, Product.code.in_(codes)
            )
        )
    )
    prefix = uow.session.get_one(Supplier, (uow.tenant, supplier_id)).code
    rows = []
    for article in new:
        code = f"{prefix}-{article.code}" if article.code in taken else article.code
        rows.append(
            {
                **_values(article, _FIELDS),
                "code": code,
                "cooperative_id": uow.tenant,
                "supplier_id": supplier_id,
                "is_offered": True,
            }
        )
    added = uow.session.execute(insert(Product).returning(Product.code, Product.id), rows)
    ids = {row.code: row.id for row in added}
    _write_versions(
        uow,
        [(ids[row["code"]], 1, article) for row, article in zip(rows, new, strict=True)],
        source,
    )
    _write_audit(uow, [(ids[row["code"]], "added", None, _told(row)) for row in rows], source)


def _change(uow: UnitOfWork, changed: tuple[ChangedProduct, ...], source: str) -> None:
    priced = [each for each in changed if not _PRICE_FIELDS.isdisjoint(each.fields)]
    versions = uow.session.execute(
        select(ProductPrice.product_id, func.max(ProductPrice.version).label("newest"))
        .where(
            ProductPrice.cooperative_id == uow.tenant,
            ProductPrice.product_id.in_([each.id for each in priced]),
        )
        .group_by(ProductPrice.product_id)
    )
    newest = {row.product_id: row.newest for row in versions}
    for each in changed:
        uow.session.execute(
            update(Product)
            .where(Product.cooperative_id == uow.tenant, Product.id == each.id)
            .values(**_values(each.article, each.fields))
        )
    uow.session.expire_all()
    _write_versions(
        uow,
        [(each.id, newest.get(each.id, 0) + 1, _after(each)) for each in priced],
        source,
    )
    _write_audit(
        uow,
        [
            (
                each.id,
                "changed",
                _told(_values(each.before, each.fields)),
                _told(_values(each.article, each.fields)),
            )
            for each in changed
        ],
        source,
    )


def _after(each: ChangedProduct) -> Article:
    """The product as it is after the change: what the list does not tell stays."""
    fields = {name: getattr(each.article, name) for name in each.fields}
    return replace(each.before, **fields)


def _withdraw(uow: UnitOfWork, gone: tuple[CurrentProduct, ...], source: str) -> None:
    if not gone:
        return
    uow.session.execute(
        update(Product)
        .where(Product.cooperative_id == uow.tenant, Product.id.in_([each.id for each in gone]))
        .values(is_offered=False)
    )
    told = ({"is_offered": True}, {"is_offered": False})
    _write_audit(uow, [(each.id, "changed", *told) for each in gone], source)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "cooperative_id"}


def _write_versions(uow: UnitOfWork, versions: list[tuple[int, int, Article]], source: str) -> None:
    if not versions:
        return
    uow.session.execute(
        insert(ProductPrice),
        [
            {
                **_values(
                    article, ("price_excl_cents", "price_units", "vat_basis_points", "ladder")
                ),
                "cooperative_id": uow.tenant,
                "product_id": key,
                "version": version,
                "valid_from": uow.now,
                "recorded_by": uow.actor,
                "source": source,
            }
            for key, version, article in versions
        ],
    )


def _write_audit(
    uow: UnitOfWork,
    changed: list[tuple[int, str, dict[str, Any] | None, dict[str, Any]]],
    source: str,
) -> None:
    if not changed:
        return
    uow.session.execute(
        insert(AuditRecord),
        [
            {
                "cooperative_id": uow.tenant,
                "recorded_at": uow.now,
                "actor": uow.actor,
                "subject": f"product/{key}",
                "action": action,
                "before": before,
                "after": after,
                "reason": source,
            }
            for key, action, before, after in changed
        ],
    )
