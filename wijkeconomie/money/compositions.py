"""Ways of sharing built from ``allocate``: deeds, fixed and variable parts, subsidies, series.

Each function takes whole units and returns whole units that sum to what was to be shared.
All raise the ``AllocationError`` codes of ``allocate`` beside the ones they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from wijkeconomie.money.allocation import (
    AllocationError,
    allocate,
    divide,
    hand_out_rest,
    require_integers,
)
from wijkeconomie.money.weights import Weight, parse_weight, scale_weights

MAXIMUM_PARTIES = 10_000_000


@dataclass(frozen=True, slots=True)
class FixedVariableShares:
    """A total in a fixed and a variable part; ``shares`` is ``fixed`` + ``variable``."""

    shares: list[int]
    fixed_total: int
    variable_total: int
    fixed: list[int]
    variable: list[int]


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill; ``weights`` of its own, or ``None`` for the common ones."""

    total: int
    weights: Sequence[Weight] | None = None


@dataclass(frozen=True, slots=True)
class LineShares:
    """``per_line[line][party]``, and ``shares`` summed per party."""

    shares: list[int]
    per_line: list[list[int]]


@dataclass(frozen=True, slots=True)
class PoolSubsidyShares:
    """What is left to pay per party, and the subsidy nobody needed."""

    shares: list[int]
    unused_subsidy: int


@dataclass(frozen=True, slots=True)
class SubsidisedShares:
    """Per party: ``gross``, the subsidy ``used`` and ``shares`` = gross - used."""

    shares: list[int]
    gross: list[int]
    used: list[int]
    unused_subsidy: int


@dataclass(frozen=True, slots=True)
class PeriodShares:
    """One period of a series: the shares, and the fractions each party carries on.

    ``mean`` is what those who share carried in, by head. ``floors`` and ``remainders`` are those
    of the division that shared this period; a party of weight 0 has none of either.
    """

    shares: list[int]
    carry: list[Fraction]
    mean: Fraction
    floors: list[int]
    remainders: list[int]


@dataclass(frozen=True, slots=True)
class SeriesShares:
    """``per_period[period][party]``, the final ``carry``, and ``shares`` per party."""

    shares: list[int]
    per_period: list[list[int]]
    carry: list[Fraction]


def equal(total: int, n: int) -> list[int]:
    """Share ``total`` equally over ``n`` parties; the first ones bear the odd cents.

    Raises:
        AllocationError: ``no_parties`` when ``n`` is below 1.
        ValueError: more than ``MAXIMUM_PARTIES``.
    """
    require_integers((total, n))
    if n < 1:
        raise AllocationError("no_parties", "there is nobody to share with")
    if n > MAXIMUM_PARTIES:
        raise ValueError(f"at most {MAXIMUM_PARTIES} parties")
    floor, missing = divmod(abs(total), n)
    sign = -1 if total < 0 else 1
    return [sign * (floor + 1)] * missing + [sign * floor] * (n - missing)


def breukdelen(total: int, parts: Sequence[Weight], denominator: Weight) -> list[int]:
    """Share by the parts of a deed of division, which must make up the whole.

    Raises:
        AllocationError: ``breukdelen_sum`` when ``parts`` do not add up to ``denominator``;
            after ``no_parties`` and ``negative_weight``, before ``no_weight``.
    """
    exact = [parse_weight(part) for part in parts]
    whole = parse_weight(denominator)
    if exact and min(exact) >= 0 and sum(exact) != whole:
        raise AllocationError("breukdelen_sum", f"the parts are {sum(exact)} of {whole}")
    return allocate(total, exact)


def fixed_variable(
    total: int,
    fixed_pct: Weight,
    fixed_key: Sequence[Weight],
    variable_key: Sequence[Weight],
) -> FixedVariableShares:
    """Share a fixed percentage by one key and the rest by another.

    The total is split by ``allocate`` with weights ``[fixed_pct, 100 - fixed_pct]``, so the
    odd cent of two equal fractions goes to the fixed part.

    Raises:
        AllocationError: ``length_mismatch`` when the keys differ in length,
            ``negative_weight`` also for a percentage outside 0 to 100.
    """
    if len(fixed_key) == 0 or len(variable_key) == 0:
        raise AllocationError("no_parties", "there is nobody to share with")
    if len(fixed_key) != len(variable_key):
        raise AllocationError(
            "length_mismatch",
            f"{len(fixed_key)} fixed weights but {len(variable_key)} variable weights",
        )
    percentage = parse_weight(fixed_pct)
    fixed_total, variable_total = allocate(total, [percentage, 100 - percentage])
    fixed = allocate(fixed_total, fixed_key)
    variable = allocate(variable_total, variable_key)
    return FixedVariableShares(_sum(fixed, variable), fixed_total, variable_total, fixed, variable)


def lines(
    cost_lines: Sequence[CostLine], common_weights: Sequence[Weight] | None = None
) -> LineShares:
    """Share every line of a bill on its own and sum per party.

    Without lines everyone of ``common_weights`` gets 0.

    Raises:
        AllocationError: ``length_mismatch`` when lines name different numbers of parties.
        ValueError: a line has no weights and there are no common ones.
    """
    keys = [common_weights if line.weights is None else line.weights for line in cost_lines]
    if any(key is None for key in keys):
        raise ValueError("a line has no weights and there are no common weights")
    known = [key for key in (*keys, common_weights) if key is not None]
    if not all(known) or not known:
        raise AllocationError("no_parties", "there is nobody to share with")
    parties = len(known[0])
    if any(len(key) != parties for key in known):
        raise AllocationError("length_mismatch", "the lines name different numbers of parties")
    per_line = [allocate(line.total, key) for line, key in zip(cost_lines, known, strict=False)]
    return LineShares(_sum([0] * parties, *per_line), per_line)


def pool_subsidy(
    total: int,
    subsidy: int,
    weights: Sequence[Weight],
    caps: Sequence[int | None] | None = None,
) -> PoolSubsidyShares:
    """Take one subsidy off the total and share what remains.

    Raises:
        AllocationError: ``subsidy_on_refund`` for a negative total, ``negative_subsidy``.
    """
    _check_subsidies(total, (subsidy,))
    shares = allocate(max(total - subsidy, 0), weights, caps=caps)
    return PoolSubsidyShares(shares, max(subsidy - total, 0))


def earmarked(total: int, weights: Sequence[Weight], subsidy: Sequence[int]) -> SubsidisedShares:
    """Share the total, then let each party use its own subsidy, at most its share.

    Raises:
        AllocationError: ``subsidy_on_refund``, ``negative_subsidy``, ``length_mismatch``
            when there is not one subsidy per party.
    """
    _check_subsidies(total, subsidy)
    if weights and len(subsidy) != len(weights):
        raise AllocationError(
            "length_mismatch", f"{len(weights)} weights but {len(subsidy)} subsidies"
        )
    gross = allocate(total, weights)
    used = [min(share, own) for share, own in zip(gross, subsidy, strict=True)]
    return _subsidised(gross, used, sum(subsidy))


def targeted_pool(
    total: int, weights: Sequence[Weight], subsidy: int, eligible: Sequence[int]
) -> SubsidisedShares:
    """Share the total, then share one subsidy over the eligible parties only.

    The subsidy, at most what the eligible owe, is shared by their weights with their gross
    share as cap. Ties follow the order of the parties, not that of ``eligible``.

    Args:
        total: whole units, not negative.
        weights: one per party.
        subsidy: whole units, not negative.
        eligible: positions of parties from 0, each once.

    Raises:
        AllocationError: ``subsidy_on_refund``, ``negative_subsidy``.
        ValueError: a position that does not exist or is named twice.
    """
    _check_subsidies(total, (subsidy,))
    require_integers(eligible)
    gross = allocate(total, weights)
    positions = sorted(set(eligible))
    if len(positions) != len(eligible):
        raise ValueError("a party is eligible twice")
    if positions and (positions[0] < 0 or positions[-1] >= len(gross)):
        raise ValueError("an eligible party does not exist")
    used = [0] * len(gross)
    if positions:
        owed = [gross[position] for position in positions]
        pool = min(subsidy, sum(owed))
        own_weights = [weights[position] for position in positions]
        for position, part in zip(positions, allocate(pool, own_weights, caps=owed), strict=True):
            used[position] = part
    return _subsidised(gross, used, subsidy)


def rotate(total: int, weights: Sequence[Weight], start: int) -> list[int]:
    """Share with ties served in the order that begins at party ``start`` and wraps around.

    ``start`` may simply count periods: it is taken modulo the number of parties. A refund
    mirrors the charge of the same ``start``.
    """
    require_integers((start,))
    return divide(total, weights, start=start).shares


def carry_period(total: int, weights: Sequence[Weight], carry: Sequence[Fraction]) -> PeriodShares:
    """Share one period, counting the fractions that earlier periods left behind.

    ``x_i = ideal_i + carry_i - mean`` is rounded down (also below zero), where ``mean`` is what
    those who share carry in, by head; the largest fractions get the units left over, ties in
    input order. ``ideal_i + carry_i`` minus the share is carried on. A party of weight 0 gets 0
    and keeps its carry.

    Every carry stays less than one unit from ``mean``. While the same parties share, ``mean`` is
    0. Who leaves takes his carry along, and what all of them took is missed by those who stay:
    ``mean`` spreads it, so that nobody bears more of it than another.

    Raises:
        AllocationError: ``length_mismatch`` when there is not one carry per party.
    """
    require_integers((total,))
    scaled, weight_sum = _scaled(weights)
    if len(carry) != len(scaled):
        raise AllocationError("length_mismatch", f"{len(scaled)} weights but {len(carry)} carries")
    if weight_sum == 0 and total:
        raise AllocationError("no_weight", "every weight is 0")
    present = [index for index, weight in enumerate(scaled) if weight]
    wanted = [Fraction(total * scaled[index], weight_sum) + carry[index] for index in present]
    whole, scale = scale_weights(wanted)
    missed = sum(whole) - total * scale if present else 0
    # On the scale times the number of parties the mean is a whole number too.
    parties = len(present) if missed else 1
    divided = [divmod(want * parties - missed, scale * parties) for want in whole]
    rest = total - sum(floor for floor, _ in divided)
    rounded = hand_out_rest([floor for floor, _ in divided], [left for _, left in divided], rest)
    shares, carried = [0] * len(scaled), list(carry)
    floors, remainders = [0] * len(scaled), [0] * len(scaled)
    for index, want, share, own in zip(present, wanted, rounded, divided, strict=True):
        shares[index], carried[index] = share, want - share
        floors[index], remainders[index] = own
    return PeriodShares(shares, carried, Fraction(missed, scale * parties), floors, remainders)


def carry_series(totals: Sequence[int], weights: Sequence[Weight]) -> SeriesShares:
    """Share the totals of successive periods over the same parties with ``carry_period``.

    Over any number of periods every party is less than one unit from its exact share of
    all of them, for the same parties share each. Without periods everyone gets 0.
    """
    scaled, _ = _scaled(weights)
    carry = [Fraction(0)] * len(scaled)
    per_period = []
    for total in totals:
        period = carry_period(total, scaled, carry)
        per_period.append(period.shares)
        carry = period.carry
    return SeriesShares(_sum([0] * len(scaled), *per_period), per_period, carry)


def _scaled(weights: Sequence[Weight]) -> tuple[list[int], int]:
    """Whole weights and their sum, checked as ``allocate`` checks them."""
    division = divide(0, weights)
    return division.scaled_weights, sum(division.scaled_weights)


def _check_subsidies(total: int, subsidies: Sequence[int]) -> None:
    require_integers((total, *subsidies))
    if total < 0:
        raise AllocationError("subsidy_on_refund", "a refund cannot be subsidised")
    if any(subsidy < 0 for subsidy in subsidies):
        raise AllocationError("negative_subsidy", "a subsidy is negative")


def _subsidised(gross: list[int], used: list[int], subsidy: int) -> SubsidisedShares:
    shares = [share - part for share, part in zip(gross, used, strict=True)]
    return SubsidisedShares(shares, gross, used, subsidy - sum(used))


def _sum(*columns: Sequence[int]) -> list[int]:
    return list(map(sum, zip(*columns, strict=True)))
