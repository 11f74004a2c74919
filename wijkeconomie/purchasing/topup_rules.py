"""What a member may change while only packs that are not full are filled.

Pure: quantities are whole member units. Nobody takes back what he promised, and nobody opens
a pack: so what the round orders can only grow, and only by filling what was begun.
"""

from __future__ import annotations

from typing import Literal

from wijkeconomie.money.ordering import OrderTerms

Ordered = tuple[int, int, int | None]
"""Quantity, tolerance and maximum price (``None``: any) of a pledge; zeros where there is none."""
TopupObstacle = Literal["takes-back", "opens-a-pack"]


def open_units(wanted: int, terms: OrderTerms) -> int:
    """How many units fit in the pack that was begun, or until the minimum is reached.

    0 where nobody wants any, or every pack is full: then there is nothing to fill.

    >>> [open_units(wanted, OrderTerms(10)) for wanted in (17, 20, 0)]
    [3, 0, 0]
    >>> open_units(17, OrderTerms(10, minimum=24))
    13
    """
    if wanted <= 0:
        return 0
    size = terms.pack_size
    full = max(-(-wanted // size), -(-terms.minimum // size)) * size
    return full - wanted


def topup_obstacle(before: Ordered, after: Ordered, room: int) -> TopupObstacle | None:
    """What stands in the way of a change of one pledge, if anything.

    Fine are: more tolerance; more quantity as far as ``room`` goes; and tolerance that becomes
    quantity within that room. A lower maximum price takes back as a lower quantity does.
    """
    quantity, tolerance, price = before
    new_quantity, new_tolerance, new_price = after
    if new_quantity < quantity or new_quantity + new_tolerance < quantity + tolerance:
        return "takes-back"
    is_cheaper = new_price is not None and (price is None or new_price < price)
    if quantity and is_cheaper:
        return "takes-back"
    if new_quantity - quantity > room:
        return "opens-a-pack"
    return None
