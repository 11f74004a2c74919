"""What can be ordered of what is wanted: whole packs, minimums, and who gives or takes.

Quantities are whole units. *Wanted* is what people asked for; *tolerance* is what they would
take besides, so that a pack can be opened. Tolerance alone never opens a pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.quantities import ShortageRule, deliver


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How a supplier takes an order of one product.

    Without arguments any whole quantity. ``pack_size`` is what he sells together; below
    ``minimum`` he sells nothing.
    """

    pack_size: int = 1
    minimum: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if self.pack_size < 1 or self.minimum < 0:
            raise ValueError("a pack holds at least 1, and a minimum is not negative")


def order_quantity(wanted: int, tolerance: int, terms: OrderTerms) -> int:
    """The quantity to order: whole packs, at least the minimum, or nothing.

    One pack more than the wanted quantity fills is opened only when a part of it is wanted
    and tolerance fills the rest. The minimum may be reached by tolerance too. More wanted
    or tolerated never gives less.

    >>> order_quantity(25, 4, OrderTerms(10)), order_quantity(25, 5, OrderTerms(10))
    (20, 30)
    >>> order_quantity(20, 10, OrderTerms(10))
    20
    """
    if wanted <= 0:
        return 0
    size = terms.pack_size
    most = wanted + tolerance
    ordered = min(most // size, -(-wanted // size)) * size
    if ordered >= terms.minimum:
        return ordered
    least = -(-terms.minimum // size) * size
    return least if least <= most else 0


def share_order(
    ordered: int, wanted: Sequence[int], tolerances: Sequence[int], rule: ShortageRule
) -> list[int]:
    """Divide what is ordered over the pledges, in input order.

    More than was wanted goes to those who tolerate it, in proportion and evenly, never more
    than they said. Less is shared by the shortage rule, never more than was wanted.

    Raises:
        ValueError: more is ordered than wanted and tolerated together.
        AllocationError: a negative quantity.
    """
    extra = ordered - sum(wanted)
    if extra <= 0:
        return deliver(ordered, wanted, rule).delivered
    more = share_extra(extra, tolerances)
    return [want + add for want, add in zip(wanted, more, strict=True)]


def share_extra(extra: int, tolerances: Sequence[int]) -> list[int]:
    """Hand out units that fill a pack over who tolerates more, in input order.

    Who tolerates nothing may be left out: the others get the same.

    Raises:
        ValueError: there are more units than tolerance.
    """
    if extra > sum(tolerances):
        raise ValueError("more is ordered than anyone takes")
    # At most all tolerance is handed out, so that a share rounded up is within its own.
    return allocate(extra, tolerances)
