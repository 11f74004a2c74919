"""Numbers and prices as suppliers write them on a list. Pure: text in, whole cents out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from wijkeconomie.money.vat import contained_vat
from wijkeconomie.purchasing.unit_prices import smallest_prices, whole_prices

Fault = Literal[
    "code-missing",
    "code-twice",
    "name-missing",
    "unit-missing",
    "price-wrong",
    "price-fraction",
    "vat-wrong",
    "pack-wrong",
    "units-wrong",
    "units-weighed",
    "minimum-wrong",
    "ladder-wrong",
    "deposit-wrong",
    "deposit-fraction",
]
_AMBIGUOUS = re.compile(r"^[^.,]*[1-9][^.,]*[.,]\d{3}(?!\d|[.,])")
_NUMBER = re.compile(r"(?:€|EUR)?\s*(-?[\d.,]+)\s*(?:€|EUR)?", re.IGNORECASE)


class RowError(ValueError):
    """A row that cannot be an article, and the cell that is why."""

    def __init__(self, fault: Fault, cell: str) -> None:
        """Keep the fault and the cell."""
        super().__init__(fault)
        self.fault = fault
        self.cell = cell


def number_in(text: str) -> Decimal | None:
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


def prices_in(
    texts: Sequence[str], stated_units: int, pack_size: int, vat_within: int | None
) -> tuple[list[int], int]:
    """The prices of a row without VAT, in whole cents, and for how many units they are.

    Prices for several units become prices for one where they all divide. A price with parts of
    a cent is not rounded: it becomes one for a pack, or for ten, a hundred or a thousand units.

    Args:
        texts: prices for ``stated_units`` units together.
        vat_within: the rate that is in them; ``None``: there is none in them.

    Raises:
        RowError: ``price-wrong``, and ``price-fraction`` where no number of units makes it whole.
    """
    found = whole_prices([_cents(each) / stated_units for each in texts], (stated_units, pack_size))
    if found is None:
        raise RowError("price-fraction", texts[0])
    listed, units = found
    # VAT is taken off what the list asks, before that is divided.
    return smallest_prices([each - contained_vat(each, vat_within) for each in listed], units)


def deposit_in(text: str, stated_units: int) -> int:
    """The deposit on one unit in whole cents, from that on ``stated_units``; an empty cell is none.

    Raises:
        RowError: ``deposit-wrong``, and ``deposit-fraction`` where one unit would have parts of a
            cent: nothing is shared of a deposit, so it has to divide.
    """
    if not text:
        return 0
    number = number_in(text)
    if number is None or not 0 <= number < 10**6:
        raise RowError("deposit-wrong", text)
    cents = Fraction(number) * 100 / stated_units
    if cents.denominator != 1 or _AMBIGUOUS.search(text):
        raise RowError("deposit-fraction", text)
    return cents.numerator


def _cents(text: str) -> Fraction:
    number = number_in(text)
    if number is None or not 0 <= number < 10**9:
        raise RowError("price-wrong", text)
    # 1.500 may be one and a half or fifteen hundred: three digits are never taken for cents.
    if _AMBIGUOUS.search(text):
        raise RowError("price-fraction", text)
    return Fraction(number) * 100
