"""Writing what a price list changes: products, versions of prices and the audit trail, in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select, update

from wijkeconomie.core.audit import AuditRecord
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.price_list_changes import ChangedProduct, CurrentProduct
from wijkeconomie.purchasing.price_list_rules import Article
from wijkeconomie.purchasing.price_models import ProductPrice

_PRICE_FIELDS = {"price_excl_cents", "price_units", "vat_basis_points", "ladder"}


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


def add_products(uow: UnitOfWork, supplier_id: int, new: tuple[Article, ...], source: str) -> None:
    """Add the products that are new, each with its first price."""
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


def change_products(uow: UnitOfWork, changed: tuple[ChangedProduct, ...], source: str) -> None:
    """Change products in the fields that differ; another price is another version."""
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


def withdraw_products(uow: UnitOfWork, gone: tuple[CurrentProduct, ...], source: str) -> None:
    """Offer products no more; rounds that exist keep them."""
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
