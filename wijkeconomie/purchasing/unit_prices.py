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


def whole_price(cents: Fraction, pack_size: int) -> tuple[int, int] | None:
    """A price of one unit that may have parts of a cent, as whole cents for so many units.

    One unit where that is whole, else a pack, else the least of ``LIST_UNITS``; ``None`` where
    none of them makes it whole.

    >>> [whole_price(Fraction(cents), 24) for cents in ("73", "145/2", "1751/24", "100/7")]
    [(73, 1), (1740, 24), (1751, 24), None]
    """
    for units in (1, pack_size, *LIST_UNITS):
        price = cents * units
        if price.denominator == 1:
            return price.numerator, units
    return None
