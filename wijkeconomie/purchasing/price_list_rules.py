"""What a price list says: which column means what, its articles, and what they change.

Pure: rows of text in, plain values out. Amounts are cents without VAT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal

from wijkeconomie.money.ladders import LadderError, ladder
from wijkeconomie.money.vat import contained_vat
from wijkeconomie.purchasing.heading_words import HEADINGS, RATE_WORDS, Column

COLUMNS: tuple[Column, ...] = (
    "status",
    "code",
    "name",
    "unit",
    "price",
    "vat",
    "pack_size",
    "category",
    "minimum_quantity",
    "ladder_from",
    "ladder_price",
)
NEEDED: tuple[Column, ...] = ("code", "name", "unit", "price")
Mapped = dict[Column, int]
Fault = Literal[
    "code-missing",
    "code-twice",
    "name-missing",
    "unit-missing",
    "price-wrong",
    "price-fraction",
    "vat-wrong",
    "pack-wrong",
    "minimum-wrong",
    "ladder-wrong",
]

FOODSOFT: Mapped = {
    "status": 0,
    "code": 1,
    "name": 2,
    "unit": 6,
    "price": 7,
    "vat": 8,
    "pack_size": 10,
    "ladder_from": 11,
    "ladder_price": 12,
    "category": 13,
}
"""The article layout of Foodsoft: fourteen columns in a fixed order, whatever their headings.

Note, manufacturer, origin and deposit (3, 4, 5, 9) are not taken over.
"""
FOODSOFT_WIDTH = 14
_AMBIGUOUS = re.compile(r"^[^.,]*[.,]\d{3}(?!\d|[.,])")
_NUMBER = re.compile(r"(?:€|EUR)?\s*(-?[\d.,]+)\s*(?:€|EUR)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Article:
    """An article as a list offers it; ``line`` is its row in the file, the heading being 1."""

    line: int
    code: str
    name: str
    unit: str
    price_excl_cents: int
    vat_basis_points: int | None
    pack_size: int
    category: str | None
    minimum_quantity: int | None
    ladder: tuple[tuple[int, int], ...]
    sells_loose: bool
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A row that is left out, and why; ``cell`` is what could not be read."""

    line: int
    fault: Fault
    cell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerms:
    """What holds for a whole list.

    ``default_vat``: the rate where a row tells none. ``full_packs_only``: the supplier sells
    no parts of a pack.
    """

    columns: Mapping[Column, int]
    default_vat: int | None = 900
    prices_include_vat: bool = False
    full_packs_only: bool = False


def guess_columns(heading: Sequence[str]) -> Mapped:
    """Which column of a heading means what; a heading of Foodsoft's width and start is its own.

    Exact headings go before those that begin alike, so that "prijs per doos" is no price when
    there is a "prijs".
    """
    headings = [re.sub(r"\s+", " ", cell.strip().casefold()).rstrip(".:") for cell in heading]
    if len(headings) == FOODSOFT_WIDTH and headings[0] in {"status", "avail."}:
        return dict(FOODSOFT)
    found: Mapped = {}
    taken: set[int] = set()
    for is_match in (str.__eq__, str.startswith):
        for column in COLUMNS:
            if column in found:
                continue
            for word in HEADINGS[column]:
                position = _position(headings, word, taken, is_match)
                if position is not None:
                    found[column] = position
                    taken.add(position)
                    break
    return found


def _position(
    headings: Sequence[str], word: str, taken: set[int], is_match: Callable[[str, str], bool]
) -> int | None:
    return next(
        (
            position
            for position, heading in enumerate(headings)
            if position not in taken and is_match(heading, word)
        ),
        None,
    )


class _RowError(ValueError):
    """A row that cannot be an article."""

    def __init__(self, fault: Fault, cell: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.cell = cell


def articles(
    rows: Sequence[Sequence[str]], terms: ListTerms
) -> tuple[list[Article], list[WrongRow]]:
    """The articles of a list, and the rows that are none; the first row is the heading.

    A row without a name is no article (groups and footers of lists), and no fault either.
    """
    found: list[Article] = []
    wrong: list[WrongRow] = []
    seen: set[str] = set()
    for line, row in enumerate(rows[1:], start=2):
        if not _text(row, terms, "name") and not _text(row, terms, "price"):
            continue
        try:
            article = _article(line, row, terms, seen)
        except _RowError as error:
            wrong.append(WrongRow(line, error.fault, error.cell))
            continue
        seen.add(article.code)
        found.append(article)
    return found, wrong


def _article(line: int, row: Sequence[str], terms: ListTerms, seen: set[str]) -> Article:
    names: tuple[tuple[Column, Fault], ...] = (
        ("code", "code-missing"),
        ("name", "name-missing"),
        ("unit", "unit-missing"),
    )
    for column, fault in names:
        if not _text(row, terms, column):
            raise _RowError(fault, "")
    if (code := _text(row, terms, "code")) in seen:
        raise _RowError("code-twice", code)
    rate = _rate(_text(row, terms, "vat"), terms.default_vat)
    price = _price(_text(row, terms, "price"), rate, terms)
    pack_size = _count(row, terms, "pack_size", "pack-wrong") or 1
    return Article(
        line=line,
        code=code,
        name=_text(row, terms, "name"),
        unit=_text(row, terms, "unit"),
        price_excl_cents=price,
        vat_basis_points=rate,
        pack_size=pack_size,
        category=_text(row, terms, "category") or None,
        minimum_quantity=_count(row, terms, "minimum_quantity", "minimum-wrong"),
        ladder=_rung(row, price, rate, terms),
        sells_loose=not (terms.full_packs_only and pack_size > 1),
        is_gone=_text(row, terms, "status").casefold() == "x",
    )


def _text(row: Sequence[str], terms: ListTerms, column: Column) -> str:
    position = terms.columns.get(column)
    return row[position].strip() if position is not None and position < len(row) else ""


def _decimal(text: str) -> Decimal | None:
    """A number as lists write it: ``1.234,50``, ``1,234.50``, ``12,5``, ``€ 3``."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    number = match[1]
    comma, point = number.rfind(","), number.rfind(".")
    if comma > point:
        number = number.replace(".", "").replace(",", ".", number.count(",") == 1)
    elif point > comma >= 0:
        number = number.replace(",", "")
    try:
        return Decimal(number)
    except InvalidOperation:
        return None


def _price(text: str, rate: int | None, terms: ListTerms) -> int:
    number = _decimal(text)
    if number is None or not 0 <= number < 10**9:
        raise _RowError("price-wrong", text)
    cents = number * 100
    # 1.500 may be one and a half or fifteen hundred: three digits are never taken for cents.
    if cents != int(cents) or _AMBIGUOUS.search(text):
        raise _RowError("price-fraction", text)
    return int(cents) - (contained_vat(int(cents), rate) if terms.prices_include_vat else 0)


def _rate(text: str, default: int | None) -> int | None:
    if not text:
        return default
    word = text.casefold()
    if word in RATE_WORDS:
        return RATE_WORDS[word]
    number = _decimal(text.replace("%", ""))
    # A spreadsheet shows 9 % and holds 0.09.
    basis_points = None if number is None else number * (10_000 if 0 < number < 1 else 100)
    if basis_points is None or basis_points != int(basis_points) or not 0 <= basis_points <= 10_000:
        raise _RowError("vat-wrong", text)
    return int(basis_points)


def _count(row: Sequence[str], terms: ListTerms, column: Column, fault: Fault) -> int | None:
    text = _text(row, terms, column)
    number = _decimal(text) if text else Decimal(0)
    if number is None or number != int(number) or not 0 <= number < 10**6:
        raise _RowError(fault, text)
    return int(number) or None


def _rung(
    row: Sequence[str], price: int, rate: int | None, terms: ListTerms
) -> tuple[tuple[int, int], ...]:
    quantity = _count(row, terms, "ladder_from", "ladder-wrong")
    if quantity is None:
        return ()
    lower = _price(_text(row, terms, "ladder_price"), rate, terms)
    try:
        ladder(price, [quantity], [lower])
    except LadderError as error:
        raise _RowError("ladder-wrong", f"{quantity}: {lower}") from error
    return ((quantity, lower),)


# --- what a list changes


@dataclass(frozen=True, slots=True)
class CurrentProduct:
    """A product of the supplier as it is offered today."""

    id: int
    article: Article


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
        before, after = self.before.price_excl_cents, self.article.price_excl_cents
        return 4 * abs(after - before) >= max(before, 1)


@dataclass(frozen=True, slots=True)
class PriceListChanges:
    """What taking over a list would do; ``gone`` are offered no more."""

    new: tuple[Article, ...]
    changed: tuple[ChangedProduct, ...]
    gone: tuple[CurrentProduct, ...]
    unchanged: int


def _with_ladder_of(before: Article, article: Article) -> Article:
    """The article with the ladder it has, without rungs that its new price has passed."""
    rungs = tuple(rung for rung in before.ladder if rung[1] < article.price_excl_cents)
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
    *("minimum_quantity", "ladder", "sells_loose"),
)
_COLUMN_OF: Mapping[str, Column] = {
    "vat_basis_points": "vat",
    "pack_size": "pack_size",
    "category": "category",
    "minimum_quantity": "minimum_quantity",
    "ladder": "ladder_from",
}


def changes(
    listed: Sequence[Article],
    current: Sequence[CurrentProduct],
    terms: ListTerms,
    *,
    absent_are_gone: bool,
) -> PriceListChanges:
    """Compare a list with what is offered today, article by article.

    A column that the list does not have leaves that field as it is. A product that is
    offered no more and stands on the list again is changed too, so that it is offered.
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
        gone += [product for product in known.values() if not product.article.is_gone]
    return PriceListChanges(tuple(new), tuple(changed), tuple(gone), unchanged)
