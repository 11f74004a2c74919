"""Price ladders: volume prices over a whole group, and the best outcome that holds.

A ladder is a first price and rungs below it, each with the quantity that earns it. Whoever
pledges may name a maximum price. The price decides who takes part, and who takes part
decides the quantity, which decides the price: an *outcome* is a rung with its takers. It
holds when the quantity ordered for its takers earns the rung, everyone in it accepts its
price, and nobody is left out who would.

A lower rung has every taker of a higher one and perhaps more, and the quantity ordered
never falls when takers are added. So of all outcomes that hold, the one with the lowest price is
the best for everybody at once: nobody pays more in it and nobody is out who is in elsewhere.
That makes the choice unique; no order of arrival and no chance is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wijkeconomie.money.allocation import require_integers
from wijkeconomie.money.ordering import OrderTerms, order_quantity


class LadderError(ValueError):
    """A ladder that is not one; ``code`` says why, ``rung`` is the position from 1."""

    def __init__(self, code: str, rung: int, detail: str) -> None:
        """Keep the code and the rung beside the sentence."""
        super().__init__(detail)
        self.code = code
        self.rung = rung


@dataclass(frozen=True, slots=True)
class Rung:
    """A price and the quantity, over the whole group, from which it holds."""

    from_quantity: int
    price_cents: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What is wanted at any price up to ``max_price_cents`` (``None``: any); may be a sum.

    ``tolerance`` is what may be added to fill packs, ``pledges`` how many pledges are in it.
    """

    quantity: int
    max_price_cents: int | None = None
    tolerance: int = 0
    pledges: int = 1

    def accepts(self, price_cents: int) -> bool:
        """Whether a price is within the maximum."""
        return self.max_price_cents is None or price_cents <= self.max_price_cents


@dataclass(frozen=True, slots=True)
class RungOutcome:
    """What one rung comes to: who accepts its price, and what can be ordered for them."""

    rung: Rung
    wanted: int
    tolerance: int
    pledges: int
    ordered: int

    @property
    def is_reached(self) -> bool:
        """Whether the rung is earned by those who accept it."""
        return self.ordered >= self.rung.from_quantity


@dataclass(frozen=True, slots=True)
class LadderOutcome:
    """Every rung from the highest price down, and the position of the one that counts."""

    rungs: tuple[RungOutcome, ...]
    position: int

    @property
    def reached(self) -> RungOutcome:
        """The rung at whose price everyone settles."""
        return self.rungs[self.position]

    @property
    def following(self) -> RungOutcome | None:
        """The next lower price, where there is one."""
        following = self.position + 1
        return self.rungs[following] if following < len(self.rungs) else None


def ladder(
    first_price_cents: int, quantities: Sequence[int], prices_cents: Sequence[int]
) -> tuple[Rung, ...]:
    """The rungs of a ladder, the first price (from 0 on) first.

    Raises:
        LadderError: ``uneven`` (a quantity without price), ``quantity`` (not more than the
            rung before, or less than 2), ``price`` (negative, or not lower than before).
        TypeError: a value that is not a whole number.

    >>> [rung.price_cents for rung in ladder(910, [120, 240], [840, 800])]
    [910, 840, 800]
    """
    require_integers((first_price_cents, *quantities, *prices_cents))
    if len(quantities) != len(prices_cents):
        raise LadderError("uneven", len(quantities), "each quantity has its price")
    rungs = [Rung(0, first_price_cents)]
    least, below = 2, first_price_cents
    for position, (quantity, price) in enumerate(zip(quantities, prices_cents, strict=True), 1):
        if quantity < least:
            raise LadderError("quantity", position, "quantities rise from rung to rung")
        if not 0 <= price < below:
            raise LadderError("price", position, "prices fall from rung to rung")
        rungs.append(Rung(quantity, price))
        least, below = quantity + 1, price
    return tuple(rungs)


def best_outcome(
    rungs: Sequence[Rung], demands: Iterable[Demand], terms: OrderTerms | None = None
) -> LadderOutcome:
    """The outcome that holds and is the best for everybody; the first rung always holds.

    Takes one pass over the demands sorted by maximum: sums of pledges with the same maximum
    give the same answer as the pledges themselves.

    Args:
        rungs: as :func:`ladder` makes them.
        demands: pledges, or sums of them, of one product; in any order.
        terms: how the supplier takes orders; any whole quantity when left out.
    """
    terms = terms or OrderTerms()
    waiting = sorted(
        demands,
        key=lambda each: (each.max_price_cents is not None, -(each.max_price_cents or 0)),
    )
    outcomes: list[RungOutcome] = []
    wanted = tolerance = pledges = taken = 0
    for rung in rungs:
        while taken < len(waiting) and waiting[taken].accepts(rung.price_cents):
            demand = waiting[taken]
            wanted += demand.quantity
            tolerance += demand.tolerance
            pledges += demand.pledges
            taken += 1
        ordered = order_quantity(wanted, tolerance, terms)
        outcomes.append(RungOutcome(rung, wanted, tolerance, pledges, ordered))
    position = max(
        (number for number, outcome in enumerate(outcomes) if outcome.is_reached), default=0
    )
    return LadderOutcome(tuple(outcomes), position)


def missing_quantity(outcome: RungOutcome, terms: OrderTerms | None = None) -> int:
    """How much more must be wanted to earn a rung; 0 when it is earned.

    Counts who accepts that rung's price already, also those who do not accept today's.
    """
    terms = terms or OrderTerms()
    target = outcome.rung.from_quantity

    def is_enough(more: int) -> bool:
        return order_quantity(outcome.wanted + more, outcome.tolerance, terms) >= target

    # A pack or the minimum beyond the target is enough for certain: halve from there.
    enough = target + terms.pack_size + terms.minimum
    too_little = -1
    while enough - too_little > 1:
        middle = (enough + too_little) // 2
        if is_enough(middle):
            enough = middle
        else:
            too_little = middle
    return enough
