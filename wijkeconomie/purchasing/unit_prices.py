"""Prices for so many units together: the one place where they become amounts.

A supplier may price a crate of 24 or ten eggs, which does not divide into whole cents a piece. So a
price is whole cents for ``price_units`` member units and is never divided itself: only an amount
is, once, at the end. Pure: whole cents, whole member units.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from wijkeconomie.money.explanations import AllocationExplanation, explain_allocation

LIST_UNITS = (10, 100, 1000)
"""How many units a listed price with parts of a cent may be for, where no pack makes it whole."""


def quoted_cents(price_cents: int, price_units: int, quantity: int) -> int:
    """What a quantity costs together, half a cent up, as a supplier invoices it.

    >>> [quoted_cents(1750, 24, quantity) for quantity in (24, 1, 12, 65)]
    [1750, 73, 875, 4740]
    """
    return (2 * price_cents * quantity + price_units) // (2 * price_units)


def most_cents(price_cents: int, price_units: int, quantity: int) -> int:
    """The most that a quantity can cost one member: a part of a cent counts as one.

    >>> [most_cents(1750, 24, quantity) for quantity in (24, 1, 12)]
    [1750, 73, 875]
    >>> most_cents(1001, 10, 1)
    101
    """
    return -(-price_cents * quantity // price_units)


def is_whole(price_cents: int, price_units: int, quantity: int) -> bool:
    """Whether a quantity costs whole cents without rounding."""
    return price_cents * quantity % price_units == 0


def share_quoted(
    price_cents: int, price_units: int, quantities: Sequence[int]
) -> AllocationExplanation:
    """Share the supplier's total of one product over who gets it, by quantity.

    The total is rounded once, for all units together. Each share is the exact price of its
    units rounded up or down, so less than a cent from it, and never above :func:`most_cents`;
    together they are the total.

    Raises:
        AllocationError: ``no_parties``.
    """
    total = quoted_cents(price_cents, price_units, sum(quantities))
    if is_whole(price_cents, price_units, sum(quantities)):
        return explain_allocation(total, quantities)
    # The rounding of the total would shift every ideal share a little: these bounds keep each
    # within its own cent. Floors sum to no more than the total, and ceilings to no less.
    return explain_allocation(
        total,
        quantities,
        caps=[most_cents(price_cents, price_units, each) for each in quantities],
        mins=[price_cents * each // price_units for each in quantities],
    )


def whole_prices(
    per_unit: Sequence[Fraction], preferred: Sequence[int]
) -> tuple[list[int], int] | None:
    """Prices of one unit that may have parts of a cent, as whole cents for so many units.

    For the first of ``preferred`` and ``LIST_UNITS`` that makes all of them whole, without
    changing any; ``None`` where there is none.

    >>> [whole_prices([Fraction(cents)], (1, 24)) for cents in ("73", "145/2", "1/8", "100/7")]
    [([73], 1), ([1740], 24), ([3], 24), None]
    """
    for units in (*preferred, *LIST_UNITS):
        prices = [price * units for price in per_unit]
        if all(price.denominator == 1 for price in prices):
            return [price.numerator for price in prices], units
    return None


def smallest_prices(prices: Sequence[int], price_units: int) -> tuple[list[int], int]:
    """The same prices for one unit where they divide into whole cents, else as they are.

    >>> smallest_prices([2400, 2160], 24), smallest_prices([1750], 24)
    (([100, 90], 1), ([1750], 24))
    """
    if all(price % price_units == 0 for price in prices):
        return [price // price_units for price in prices], 1
    return list(prices), price_units
