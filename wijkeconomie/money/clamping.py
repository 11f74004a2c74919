"""Ideal shares between a minimum and a cap: finding the one factor exactly.

``x_i = clamp(factor * weight_i, minimum_i, cap_i)`` with the factor for which the shares sum
to the amount. The sum grows with the factor in straight pieces; its bends lie where a party
leaves its minimum or reaches its cap. Sweeping the sorted bends finds the piece that holds
the amount, in O(n log n), without approximation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Bound = Literal["cap", "minimum"]


@dataclass(frozen=True, slots=True)
class ClampedShares:
    """Exact ideal shares: ``floors[i] + remainders[i] / denominator``.

    ``bounds[i]`` names the bound that changed the share, or is ``None``. Who is at a bound
    pays ``held`` together; all others, of ``free_weight`` together, share the rest by weight.
    """

    floors: list[int]
    remainders: list[int]
    denominator: int
    bounds: list[Bound | None]
    held: int
    free_weight: int


@dataclass(frozen=True, slots=True)
class _Bend:
    """The factor ``amount / weight`` at which party ``index`` starts or stops to grow."""

    amount: int
    weight: int
    index: int
    is_start: bool


def clamp_shares(
    amount: int,
    weights: Sequence[int],
    caps: Sequence[int | None],
    mins: Sequence[int],
) -> ClampedShares:
    """Find the exact ideal shares of ``amount`` (>= 0) within the bounds.

    The caller has checked that a solution exists: weights and bounds are not negative, no
    minimum exceeds its cap, the minima do not exceed the amount, and what the parties with
    a weight can take at most, plus the minima of the others, reaches the amount.
    A party of weight 0 gets exactly its minimum.
    """
    held, weight_sum, states = _sweep(amount, weights, caps, mins)
    rest = amount - held
    floors: list[int] = []
    remainders: list[int] = []
    bounds: list[Bound | None] = []
    for weight, cap, minimum, state in zip(weights, caps, mins, states, strict=True):
        if state is None:
            floor, remainder = divmod(rest * weight, weight_sum)
        else:
            floor, remainder = (minimum if state == "minimum" else cap or 0), 0
        floors.append(floor)
        remainders.append(remainder)
        # A bound that happens to equal the unbounded share changed nothing.
        is_changed = state == "cap" or (
            state == "minimum"
            and minimum > 0
            and (weight_sum == 0 or rest * weight < minimum * weight_sum)
        )
        bounds.append(state if is_changed else None)
    return ClampedShares(floors, remainders, weight_sum or 1, bounds, held, weight_sum)


def _sweep(
    amount: int,
    weights: Sequence[int],
    caps: Sequence[int | None],
    mins: Sequence[int],
) -> tuple[int, int, list[Bound | None]]:
    """Raise the factor from 0 until the shares reach ``amount``.

    Returns what the parties at a bound hold together, the weight of the parties between
    their bounds, and per party its bound (``None``: between them). The factor is then
    ``(amount - held) / weight_sum``.
    """
    states: list[Bound | None] = ["minimum" if minimum else None for minimum in mins]
    held = sum(mins)
    weight_sum = 0
    for index, weight in enumerate(weights):
        if weight == 0:
            states[index] = "minimum"
        elif mins[index] == 0:
            weight_sum += weight
    for bend in _sorted_bends(weights, caps, mins):
        if held * bend.weight + weight_sum * bend.amount >= amount * bend.weight:
            break
        if bend.is_start:
            states[bend.index] = None
            held -= bend.amount
            weight_sum += bend.weight
        else:
            states[bend.index] = "cap"
            held += bend.amount
            weight_sum -= bend.weight
    return held, weight_sum, states


def _sorted_bends(
    weights: Sequence[int], caps: Sequence[int | None], mins: Sequence[int]
) -> Iterable[_Bend]:
    """List the bends from the smallest factor to the largest.

    Equal factors keep starts before stops, so that a party never stops before it starts.
    """
    bends = [
        _Bend(minimum, weight, index, is_start=True)
        for index, (weight, minimum) in enumerate(zip(weights, mins, strict=True))
        if weight and minimum
    ]
    bends += [
        _Bend(cap, weight, index, is_start=False)
        for index, (weight, cap) in enumerate(zip(weights, caps, strict=True))
        if weight and cap is not None
    ]
    # Two different fractions with denominators of at most b bits lie at least 4^-b apart,
    # so the whole part of fraction * 4^b orders them exactly, at the price of an int.
    shift = 2 * max(weights, default=0).bit_length()
    return sorted(bends, key=lambda bend: (bend.amount << shift) // bend.weight)
