"""Who of parties with equal fractions got the unit that was left. Pure: columns in, columns out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np

from wijkeconomie.costs.rules import ScaledWeights, Terms, share_cost, split_total
from wijkeconomie.money.allocation import divide
from wijkeconomie.money.compositions import carry_period

Served = list[int | None]
"""1 for who got it, 0 for who was in line for it, ``None`` for all others."""

_INT64_LIMIT = 2**63


def part_terms(terms: Terms) -> list[Terms]:
    """The terms of each part of a key on its own."""
    if len(terms.parts) == 1:
        return [terms]
    return [Terms(parts=(part,), policy=terms.policy, start=terms.start) for part in terms.parts]


def shares_of_parts(total: int, terms: Terms) -> list[list[int]]:
    """The shares of each part of a key; a member's share is their sum."""
    totals = split_total(total, terms.fixed_percent)
    return [
        share_cost(amount, part).cents.tolist()
        for amount, part in zip(totals, part_terms(terms), strict=True)
    ]


def served_of_parts(total: int, terms: Terms, shares: Sequence[list[int]]) -> list[Served | None]:
    """Of each part who got a unit that others with the same fraction did not; else ``None``."""
    totals = split_total(total, terms.fixed_percent)
    return [
        _served(amount, part, own)
        for amount, part, own in zip(totals, part_terms(terms), shares, strict=True)
    ]


def _served(total: int, terms: Terms, shares: list[int]) -> Served | None:
    [part] = terms.parts
    if terms.policy == "carry":
        weights = _list(part)
        period = carry_period(total, weights, terms.carried or [Fraction(0)] * len(weights))
        return _tied(shares, period.floors, period.remainders)
    taken = [abs(share) for share in shares]
    if terms.minimums is not None or terms.caps is not None:
        division = divide(total, _list(part), caps=terms.caps, mins=terms.minimums)
        return _tied(taken, division.floors, division.remainders)
    if abs(total) * max(part.whole, default=0) < _INT64_LIMIT and part.total < _INT64_LIMIT:
        return _tied_array(abs(total), np.array(part.whole, np.int64), np.array(taken, np.int64))
    division = divide(total, _list(part))
    return _tied(taken, division.floors, division.remainders)


def _list(part: ScaledWeights) -> list[int]:
    return [int(weight) for weight in part.whole]


def _tied(shares: Sequence[int], floors: Sequence[int], remainders: Sequence[int]) -> Served | None:
    columns = list(zip(shares, floors, remainders, strict=True))
    edge = min((left for share, floor, left in columns if share > floor), default=None)
    below = max((left for share, floor, left in columns if share <= floor), default=None)
    if edge is None or edge != below:
        return None
    return [int(share > floor) if left == edge else None for share, floor, left in columns]


def _tied_array(
    amount: int, weights: np.ndarray[tuple[int], np.dtype[np.int64]], shares: object
) -> Served | None:
    if not amount:
        return None
    floors, remainders = np.divmod(weights * amount, weights.sum())
    is_up = shares > floors
    if not is_up.any() or is_up.all() or remainders[is_up].min() != remainders[~is_up].max():
        return None
    edge = remainders[is_up].min()
    if (remainders == edge).all():
        return cast("Served", is_up.astype(np.int64).tolist())
    found: Served = [None] * len(weights)
    for index in np.flatnonzero(remainders == edge).tolist():
        found[index] = int(is_up[index])
    return found
