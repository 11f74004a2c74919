"""What a price list changes in what its supplier offers. Pure: plain values in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wijkeconomie.purchasing.heading_words import Column
from wijkeconomie.purchasing.price_list_rules import Article, ListTerms, WrongRow
from wijkeconomie.purchasing.unit_prices import is_whole


@dataclass(frozen=True, slots=True)
class CurrentProduct:
    """A product of the supplier as it is offered today."""

    id: int
    article: Article
    is_weighed: bool = False
    """Whether it is settled by weight: then its price is for one unit."""


@dataclass(frozen=True, slots=True)
class ChangedProduct:
    """A product that the list changes: fields with their values before and after."""

    id: int
    article: Article
    before: Article
    fields: tuple[str, ...]

    @property
    def is_steep(self) -> bool:
        """Whether the price goes up or down by a quarter or more: worth a second look."""
        # Both for the units of both, so that neither is divided.
        before = self.before.price_excl_cents * self.article.price_units
        after = self.article.price_excl_cents * self.before.price_units
        return 4 * abs(after - before) >= max(before, 1)


@dataclass(frozen=True, slots=True)
class PriceListChanges:
    """What taking over a list would do; ``gone`` are offered no more."""

    new: tuple[Article, ...]
    changed: tuple[ChangedProduct, ...]
    gone: tuple[CurrentProduct, ...]
    unchanged: int


def _with_ladder_of(before: Article, article: Article) -> Article:
    """The article with the ladder it has, for the units of its new price.

    Rungs that the new price has passed are left out, and those that would not be whole cents.
    """
    units, were = article.price_units, before.price_units
    rungs = tuple(
        (quantity, price * units // were)
        for quantity, price in before.ladder
        if is_whole(price, were, units) and price * units < article.price_excl_cents * were
    )
    return replace(article, ladder=rungs)


def _fields_that_differ(before: Article, after: Article, kept: set[str]) -> tuple[str, ...]:
    fields = [
        name
        for name in _COMPARED
        if name not in kept and getattr(before, name) != getattr(after, name)
    ]
    return (*fields, "is_gone") if before.is_gone else tuple(fields)


_COMPARED = (
    *("name", "unit", "price_excl_cents", "vat_basis_points", "pack_size", "category"),
    *("minimum_quantity", "ladder", "sells_loose", "price_units", "supplier_unit"),
    "deposit_cents",
)
_COLUMN_OF: Mapping[str, Column] = {
    "vat_basis_points": "vat",
    "pack_size": "pack_size",
    "category": "category",
    "minimum_quantity": "minimum_quantity",
    "ladder": "ladder_from",
    "supplier_unit": "supplier_unit",
    "deposit_cents": "deposit",
}


def changes(
    listed: Sequence[Article],
    current: Sequence[CurrentProduct],
    terms: ListTerms,
    *,
    absent_are_gone: bool,
    wrong: Sequence[str] = (),
) -> PriceListChanges:
    """Compare a list with what is offered today, article by article.

    A column that the list does not have leaves that field as it is. A product that is
    offered no more and stands on the list again is changed too, so that it is offered.

    Args:
        wrong: codes of rows that could not be read: what stands on the list is not absent.
    """
    known = {product.article.code: product for product in current}
    kept = {name for name, column in _COLUMN_OF.items() if column not in terms.columns}
    if "vat" not in terms.columns:
        kept.add("vat_basis_points")
    if not terms.full_packs_only:
        kept.add("sells_loose")
    new = [each for each in listed if each.code not in known and not each.is_gone]
    changed: list[ChangedProduct] = []
    gone: list[CurrentProduct] = []
    unchanged = 0
    for read in listed:
        article = read
        product = known.pop(article.code, None)
        if product is None:
            continue
        if article.is_gone:
            gone += [] if product.article.is_gone else [product]
            continue
        if "ladder" in kept:
            article = _with_ladder_of(product.article, article)
        fields = _fields_that_differ(product.article, article, kept - {"ladder"})
        if fields:
            changed.append(ChangedProduct(product.id, article, product.article, fields))
        else:
            unchanged += 1
    if absent_are_gone:
        gone += [
            product
            for code, product in known.items()
            if not product.article.is_gone and code not in wrong
        ]
    return PriceListChanges(tuple(new), tuple(changed), tuple(gone), unchanged)


def weighed_apart(
    listed: Sequence[Article], current: Mapping[str, CurrentProduct]
) -> tuple[list[Article], list[WrongRow]]:
    """The articles without those that are settled by weight and priced for several units."""
    wrong = [
        WrongRow(article.line, "units-weighed", str(article.price_units), article.code)
        for article in listed
        if article.price_units > 1 and article.code in current and current[article.code].is_weighed
    ]
    apart = {row.line for row in wrong}
    return [article for article in listed if article.line not in apart], wrong
