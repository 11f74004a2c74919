"""What a price list says: which column means what, and its articles.

Pure: rows of text in, plain values out. Amounts are cents without VAT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from wijkeconomie.money.ladders import LadderError, ladder
from wijkeconomie.purchasing.heading_words import HEADINGS, PER_PACK, RATE_WORDS, Column
from wijkeconomie.purchasing.listed_prices import Fault, RowError, deposit_in, number_in, prices_in

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
    "price_units",
    "supplier_unit",
    "deposit",
)
NEEDED: tuple[Column, ...] = ("code", "name", "unit", "price")
Mapped = dict[Column, int]

FOODSOFT: Mapped = {
    "status": 0,
    "code": 1,
    "name": 2,
    "unit": 6,
    "price": 7,
    "vat": 8,
    "deposit": 9,
    "pack_size": 10,
    "ladder_from": 11,
    "ladder_price": 12,
    "category": 13,
}
"""The article layout of Foodsoft: fourteen columns in a fixed order, whatever their headings.

Note, manufacturer and origin (3, 4, 5) are not taken over.
"""
FOODSOFT_WIDTH = 14


@dataclass(frozen=True, slots=True)
class Article:
    """An article as a list offers it; ``line`` is its row in the file, the heading being 1.

    The price and the prices of the ladder are for ``price_units`` units together; the deposit is
    that on the packaging of one unit.
    """

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
    price_units: int = 1
    supplier_unit: str | None = None
    deposit_cents: int = 0


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A row that is left out, and why; ``cell`` is what could not be read.

    ``code``: the article number of the row, as far as it has one.
    """

    line: int
    fault: Fault
    cell: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerms:
    """What holds for a whole list.

    ``default_vat``: the rate where a row tells none. ``full_packs_only``: the supplier sells
    no parts of a pack. ``prices_per_pack``: the prices, and the deposits beside them, are for a
    pack where a row does not say for how many units they are. Deposits never include VAT.
    """

    columns: Mapping[Column, int]
    default_vat: int | None = 900
    prices_include_vat: bool = False
    full_packs_only: bool = False
    prices_per_pack: bool = False


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


def guess_terms(heading: Sequence[str]) -> ListTerms:
    """How to read a list by its heading alone: its columns, and whether prices are per pack."""
    columns = guess_columns(heading)
    told = heading[columns["price"]].casefold() if "price" in columns else ""
    return ListTerms(columns=columns, prices_per_pack=any(word in told for word in PER_PACK))


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
        except RowError as error:
            wrong.append(WrongRow(line, error.fault, error.cell, _text(row, terms, "code")))
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
            raise RowError(fault, "")
    if (code := _text(row, terms, "code")) in seen:
        raise RowError("code-twice", code)
    rate = _rate(_text(row, terms, "vat"), terms.default_vat)
    pack_size = _count(row, terms, "pack_size", "pack-wrong") or 1
    price, units, rungs = _prices(row, rate, terms, pack_size)
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
        ladder=rungs,
        sells_loose=not (terms.full_packs_only and pack_size > 1),
        is_gone=_text(row, terms, "status").casefold() == "x",
        price_units=units,
        supplier_unit=_text(row, terms, "supplier_unit") or None,
        deposit_cents=deposit_in(_text(row, terms, "deposit"), _stated(row, terms, pack_size)),
    )


def _text(row: Sequence[str], terms: ListTerms, column: Column) -> str:
    position = terms.columns.get(column)
    return row[position].strip() if position is not None and position < len(row) else ""


def _rate(text: str, default: int | None) -> int | None:
    if not text:
        return default
    word = text.casefold()
    if word in RATE_WORDS:
        return RATE_WORDS[word]
    number = number_in(text.replace("%", ""))
    # A spreadsheet shows 9 % and holds 0.09.
    basis_points = None if number is None else number * (10_000 if 0 < number < 1 else 100)
    if basis_points is None or basis_points != int(basis_points) or not 0 <= basis_points <= 10_000:
        raise RowError("vat-wrong", text)
    return int(basis_points)


def _count(row: Sequence[str], terms: ListTerms, column: Column, fault: Fault) -> int | None:
    text = _text(row, terms, column)
    number = number_in(text) if text else Decimal(0)
    if number is None or number != int(number) or not 0 <= number < 10**6:
        raise RowError(fault, text)
    return int(number) or None


def _stated(row: Sequence[str], terms: ListTerms, pack_size: int) -> int:
    """For how many units the price of a row is, and the deposit beside it."""
    told = _count(row, terms, "price_units", "units-wrong")
    return told or (pack_size if terms.prices_per_pack else 1)


def _prices(
    row: Sequence[str], rate: int | None, terms: ListTerms, pack_size: int
) -> tuple[int, int, tuple[tuple[int, int], ...]]:
    """The price without VAT, for how many units it is, and the ladder."""
    texts = [_text(row, terms, "price")]
    quantity = _count(row, terms, "ladder_from", "ladder-wrong")
    if quantity is not None:
        texts.append(_text(row, terms, "ladder_price"))
    vat_within = rate if terms.prices_include_vat else None
    stated = _stated(row, terms, pack_size)
    (price, *lower), units = prices_in(texts, stated, pack_size, vat_within)
    if quantity is None:
        return price, units, ()
    try:
        ladder(price, [quantity], lower)
    except LadderError as error:
        raise RowError("ladder-wrong", f"{quantity}: {lower[0]}") from error
    return price, units, ((quantity, lower[0]),)
