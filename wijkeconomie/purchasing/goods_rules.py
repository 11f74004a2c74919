"""What the goods of one product cost each line: by unit, by weight, and what nobody could use.

Pure: amounts in whole cents without VAT, weights in whole grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wijkeconomie.money.explanations import explain_allocation, share_to_dict
from wijkeconomie.money.weights import weight_text
from wijkeconomie.purchasing.unit_prices import quoted_cents, share_quoted


@dataclass(frozen=True, slots=True)
class GoodsTerms:
    """What a product costs.

    ``price_excl_cents`` is for ``price_units`` units together; where a unit is expected to weigh
    ``grams_per_unit``, it is for that weight, and ``grams`` is what came together (``None``: not
    weighed yet).
    ``uncredited``: units that are damaged or missing, and charged by the supplier all the same.
    """

    price_excl_cents: int
    uncredited: int = 0
    grams_per_unit: int | None = None
    grams: int | None = None
    price_units: int = 1


@dataclass(frozen=True, slots=True)
class GoodsShares:
    """Cents by line, how each came about (``None``: units times price), and what is lost.

    ``lost_cents``: charged by the supplier while nobody received anything.
    """

    cents: tuple[int, ...]
    why: tuple[dict[str, Any] | None, ...]
    lost_cents: int


def price_of_weight(price_excl_cents: int, grams: int, grams_per_unit: int) -> int:
    """The price of a weight, half a cent up, at a price for ``grams_per_unit``.

    >>> price_of_weight(650, 512, 500)
    666
    """
    return (2 * price_excl_cents * grams + grams_per_unit) // (2 * grams_per_unit)


def share_goods(
    terms: GoodsTerms, units: Sequence[int], grams: Sequence[int | None]
) -> GoodsShares:
    """Divide what a product costs over its lines, to the cent.

    Without weights and losses a line costs its units times the price. A price for several
    units gives one total, rounded once, that the lines share by units. What the supplier
    charges for units that nobody could use is borne by who received any, by units. Weighed
    goods cost what came together weighs, shared by the weights of the lines; a line without
    one counts for its expected weight, and where no line has one units decide.

    Args:
        units: received by each line.
        grams: weighed for each line, ``None`` where nobody did.
    """
    if terms.price_units > 1 and not terms.uncredited and any(units):
        return _share_price_of_several(terms, units)
    total = _total(terms, sum(units))
    if total is None:
        return GoodsShares(
            tuple(count * terms.price_excl_cents for count in units), (None,) * len(units), 0
        )
    if not any(units):
        return GoodsShares((0,) * len(units), (None,) * len(units), total)
    by_weight = terms.grams is not None and any(each is not None for each in grams)
    weights = _weights(terms, units, grams) if by_weight else list(units)
    if not any(weights):
        weights, by_weight = list(units), False
    explained = explain_allocation(total, weights)
    shared = {"k": "g" if by_weight else "u", "t": total, "W": weight_text(explained.weight_sum)}
    if terms.grams is not None:
        shared["g"] = terms.grams
    else:
        shared["c"] = terms.uncredited
    return GoodsShares(
        tuple(share.amount for share in explained.shares),
        tuple(shared | share_to_dict(share) for share in explained.shares),
        0,
    )


def _total(terms: GoodsTerms, units: int) -> int | None:
    """What the product costs together, where that is not units times price."""
    if terms.grams_per_unit is not None:
        if terms.grams is None:
            return None
        return price_of_weight(terms.price_excl_cents, terms.grams, terms.grams_per_unit)
    if not terms.uncredited:
        return None
    return quoted_cents(terms.price_excl_cents, terms.price_units, units + terms.uncredited)


def _share_price_of_several(terms: GoodsTerms, units: Sequence[int]) -> GoodsShares:
    explained = share_quoted(terms.price_excl_cents, terms.price_units, units)
    shared = {"k": "u", "t": explained.total, "W": weight_text(explained.weight_sum)}
    return GoodsShares(
        tuple(share.amount for share in explained.shares),
        tuple(shared | share_to_dict(share) for share in explained.shares),
        0,
    )


def _weights(terms: GoodsTerms, units: Sequence[int], grams: Sequence[int | None]) -> list[int]:
    expected = terms.grams_per_unit or 0
    return [
        0 if not count else count * expected if weighed is None else weighed
        for count, weighed in zip(units, grams, strict=True)
    ]
