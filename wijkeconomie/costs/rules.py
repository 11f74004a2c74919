"""How a cost is shared over the members of a month, exactly. Pure: columns in, columns out.

The columns of one call have one value per member, in order of member number. Amounts are whole
cents; weights are whole numbers, scaled beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from wijkeconomie.money.allocation import AllocationError, allocate, divide
from wijkeconomie.money.compositions import carry_period
from wijkeconomie.money.fast_allocation import allocate_array
from wijkeconomie.money.weights import Weight, scale_weights

Cents = NDArray[np.int64]
TiePolicy = Literal["order", "rotate", "carry"]
SubsidyMode = Literal["pool", "earmarked", "targeted_pool"]

_INT64_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class ScaledWeights:
    """Whole weights: the true ones times ``scale``."""

    whole: Sequence[int] | Cents
    scale: int = 1

    @property
    def total(self) -> int:
        """The sum of the whole weights."""
        return int(sum(self.whole)) if isinstance(self.whole, list) else int(np.sum(self.whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what a cost is shared.

    ``parts`` are one column of weights, or two with ``fixed_percent``: the fixed part first.
    ``carried`` is what each member carries in, with the policy ``carry`` only.
    """

    parts: tuple[ScaledWeights, ...]
    fixed_percent: Fraction | None = None
    policy: TiePolicy = "order"
    start: int = 0
    minimums: Sequence[int | None] | None = None
    caps: Sequence[int | None] | None = None
    carried: Sequence[Fraction] | None = None


@dataclass(frozen=True, slots=True)
class CostShares:
    """Shares that sum to the cost; ``carry`` is what each member carries out.

    The rest explains a share: with bounds, what those at one pay together and the whole weights
    of all others; with ``carry``, what those who share carried in, by head.
    """

    cents: Cents
    part_totals: tuple[int, ...]
    carry: Sequence[Fraction] | None = None
    held_cents: int | None = None
    free_weight: int | None = None
    carry_mean: Fraction | None = None


def scaled(weights: Sequence[Weight]) -> ScaledWeights:
    """Weights of any exact kind as whole ones."""
    whole, scale = scale_weights(weights)
    return ScaledWeights(whole, scale)


def prorated(weights: ScaledWeights, days: Sequence[int], days_in_month: int) -> ScaledWeights:
    """Weights by the days that each was a member in the month."""
    whole = [weight * day for weight, day in zip(_integers(weights), days, strict=True)]
    return ScaledWeights(whole, weights.scale * days_in_month)


def split_total(total: int, fixed_percent: Fraction | None) -> tuple[int, ...]:
    """The cost in a fixed and a variable part, or whole; the cents follow ``allocate``."""
    if fixed_percent is None:
        return (total,)
    return tuple(allocate(total, [fixed_percent, 100 - fixed_percent]))


def share_cost(total: int, terms: Terms) -> CostShares:
    """Share a cost by its terms; the shares sum to ``total``.

    Raises:
        AllocationError: as :func:`wijkeconomie.money.allocation.allocate`; also
            ``bounds_with_parts`` and ``bounds_with_carry`` for what has no one meaning.
    """
    has_bounds = terms.minimums is not None or terms.caps is not None
    if has_bounds and len(terms.parts) > 1:
        raise AllocationError("bounds_with_parts", "a key of two parts takes no bounds")
    totals = split_total(total, terms.fixed_percent)
    if terms.policy == "carry":
        if has_bounds or len(terms.parts) > 1:
            raise AllocationError("bounds_with_carry", "a key that carries is of one part, unbound")
        [part] = terms.parts
        weights = _integers(part)
        carried = terms.carried or [Fraction(0)] * len(weights)
        period = carry_period(total, weights, carried)
        return CostShares(
            np.array(period.shares, np.int64), totals, period.carry, carry_mean=period.mean
        )
    start = terms.start if terms.policy == "rotate" else 0
    if has_bounds:
        weights = _integers(terms.parts[0])
        division = divide(total, weights, caps=terms.caps, mins=terms.minimums, start=start)
        return CostShares(
            np.array(division.shares, np.int64),
            totals,
            held_cents=division.held,
            free_weight=division.free_weight,
        )
    columns = [
        _share_rotated(amount, part, start)
        for amount, part in zip(totals, terms.parts, strict=True)
    ]
    return CostShares(cast("Cents", sum(columns)), totals)


def next_terms(terms: Terms, shares: CostShares) -> Terms:
    """The terms by which the key shares its next cost, once this one was shared."""
    match terms.policy:
        case "rotate":
            return replace(terms, start=(terms.start + 1) % len(shares.cents))
        case "carry":
            return replace(terms, carried=shares.carry)
        case _:
            return terms


def _share_rotated(total: int, weights: ScaledWeights, start: int) -> Cents:
    """Equal fractions are served from ``start`` on, which turning the columns around does."""
    column = _column(weights)
    if column is None:
        return np.array(divide(total, _integers(weights), start=start).shares, np.int64)
    if not start or not column.size:
        return allocate_array(total, column)
    return np.roll(allocate_array(total, np.roll(column, -start)), start)


def _column(weights: ScaledWeights) -> Cents | None:
    """The weights as an array, where 64 bits hold them."""
    if isinstance(weights.whole, np.ndarray):
        return weights.whole
    if max(weights.whole, default=0) >= _INT64_LIMIT:
        return None
    return np.array(weights.whole, np.int64)


def _integers(weights: ScaledWeights) -> list[int]:
    if isinstance(weights.whole, np.ndarray):
        return cast("list[int]", weights.whole.tolist())
    return list(weights.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyTerms:
    """A subsidy with what is left of it, who may have it, and what is set apart for each."""

    mode: SubsidyMode
    left_cents: int
    eligible: Sequence[bool] | None = None
    earmarked: Sequence[int] | None = None


def use_subsidy(shares: CostShares, terms: Terms, subsidy: SubsidyTerms) -> Cents:
    """What a subsidy pays of each share, in all no more than is left of it.

    A refund is not subsidised. For what each mode means see ``money.compositions``; a targeted
    pool over a key of two parts is shared by the shares themselves.
    """
    gross = shares.cents
    total = int(gross.sum())
    if total <= 0 or subsidy.left_cents <= 0:
        return np.zeros(len(gross), np.int64)
    if subsidy.mode == "pool":
        return gross - share_cost(max(total - subsidy.left_cents, 0), terms).cents
    if subsidy.mode == "earmarked":
        wanted = np.minimum(gross, np.array(subsidy.earmarked, np.int64))
        return _within(subsidy.left_cents, wanted, wanted)
    eligible = np.array(subsidy.eligible, bool)
    wanted = np.where(eligible, gross, 0)
    if len(terms.parts) > 1:
        return _within(subsidy.left_cents, wanted, wanted)
    weights = [
        weight if chosen else 0
        for weight, chosen in zip(_integers(terms.parts[0]), eligible, strict=True)
    ]
    return _within(subsidy.left_cents, wanted, weights)


def use_subsidies(
    shares: CostShares, terms: Terms, subsidies: Sequence[SubsidyTerms]
) -> list[Cents]:
    """What each of several subsidies pays of each share, one after the other.

    A later one helps to pay what the earlier ones left of each share. A pool that is not the
    first to pay lowers what is left in proportion to it, so that nobody gets more than he pays.
    """
    rest = shares
    found = []
    for subsidy in subsidies:
        if rest is not shares and subsidy.mode == "pool":
            wanted = np.maximum(rest.cents, 0)
            used = _within(subsidy.left_cents, wanted, wanted)
        else:
            used = use_subsidy(rest, terms, subsidy)
        if used.any():
            rest = replace(rest, cents=rest.cents - used)
        found.append(used)
    return found


def _within(left: int, wanted: Cents, weights: Sequence[int] | Cents) -> Cents:
    """What is wanted, or what is left shared by weight with what is wanted as the cap."""
    if int(wanted.sum()) <= left:
        return wanted
    chosen = [int(weight) for weight in weights]
    return np.array(allocate(left, chosen, caps=wanted.tolist()), np.int64)
