"""Exact sharing of one amount over weighted parties: the rule every other share stands on.

Whole units in, whole units out, rational arithmetic between. The compositions (subsidies,
rotating ties, carried fractions) are in ``compositions``, the reasons in ``explanations``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from wijkeconomie.money.clamping import Bound, clamp_shares
from wijkeconomie.money.weights import Weight, scale_weights


class AllocationError(Exception):
    """An amount cannot be shared as asked.

    ``code`` is stable (``no_weight``); ``detail`` is a sentence for a person.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Division:
    """A finished division with what it takes to explain it; lists are in input order.

    All but ``shares`` and ``sign`` are absolute: the exact share is
    ``sign * (floors[i] + remainders[i] / denominator)``, the weight
    ``scaled_weights[i] / scale``.
    """

    sign: int
    shares: list[int]
    floors: list[int]
    remainders: list[int]
    denominator: int
    bounds: list[Bound | None] | None
    scaled_weights: list[int]
    scale: int
    held: int | None = None
    """With bounds: what those at a bound pay together."""
    free_weight: int | None = None
    """With bounds: the scaled weights of all others, who share the rest."""


def allocate(
    total: int,
    weights: Sequence[Weight],
    *,
    caps: Sequence[int | None] | None = None,
    mins: Sequence[int | None] | None = None,
) -> list[int]:
    """Share ``total`` over ``weights`` by largest remainder.

    The ideal share is ``clamp(factor * weight, minimum, cap)`` with the one factor for which
    the shares sum to ``|total|``. It is rounded down; the units left over go one each to
    the largest fractions, equal fractions to the earlier party.

    Args:
        total: whole units (cents); negative for a refund, which mirrors the charge.
        weights: one per party, each >= 0: int, ``Fraction``, ``"0.35"`` or ``"45/1000"``.
        caps: at most so many units for a party, absolute; ``None``: no cap.
        mins: at least so many units for a party, absolute; ``None``: 0.

    Returns:
        One share per party, in input order. They sum to ``total``, each lies less than one
        unit from its ideal and within its bounds; a weight of 0 gets exactly its minimum.
        When the minima already are the total, weights are not needed.

    Raises:
        AllocationError: ``no_parties`` ``length_mismatch`` ``negative_weight``
            ``negative_bound`` ``min_above_cap`` ``mins_above_total`` ``no_weight``
            ``caps_below_total``, checked in this order.
        TypeError, WeightFormatError: a value that is not exact, such as a float.
    """
    return divide(total, weights, caps=caps, mins=mins).shares


def divide(
    total: int,
    weights: Sequence[Weight],
    *,
    caps: Sequence[int | None] | None = None,
    mins: Sequence[int | None] | None = None,
    start: int = 0,
) -> Division:
    """Share as ``allocate`` does and keep the exact fractions.

    ``start``: equal fractions are served in the order that begins at this party and wraps
    around; any integer, taken modulo the number of parties.
    """
    require_integers(chain((total,), caps or (), mins or ()))
    scaled, scale = _checked_weights(weights, caps, mins)
    amount = abs(total)
    sign = -1 if total < 0 else 1
    bounds: list[Bound | None] | None = None
    held = free_weight = None
    if caps is None and mins is None:
        floors, remainders, denominator = _proportional(amount, scaled)
    else:
        all_mins = [0] * len(scaled) if mins is None else [minimum or 0 for minimum in mins]
        all_caps: Sequence[int | None] = [None] * len(scaled) if caps is None else caps
        _check_bounds(amount, scaled, all_caps, all_mins)
        clamped = clamp_shares(amount, scaled, all_caps, all_mins)
        floors, remainders, denominator, bounds = (
            clamped.floors,
            clamped.remainders,
            clamped.denominator,
            clamped.bounds,
        )
        held, free_weight = clamped.held, clamped.free_weight
    shares = hand_out_rest(floors, remainders, amount - sum(floors), start=start)
    if sign < 0:
        shares = [-share for share in shares]
    return Division(
        sign, shares, floors, remainders, denominator, bounds, scaled, scale, held, free_weight
    )


def hand_out_rest(
    floors: Sequence[int], remainders: Sequence[int], missing: int, *, start: int = 0
) -> list[int]:
    """Add the ``missing`` units one each to the largest remainders.

    ``missing`` is 0 up to the number of parties. Parties with equal remainders are served in
    input order, beginning at ``start`` and wrapping around.
    """
    shares = list(floors)
    if missing == 0:
        return shares
    # The smallest remainder that still gets a unit: sorting bare ints and passing once over
    # the parties is much cheaper than sorting the parties themselves.
    threshold = sorted(remainders, reverse=True)[missing - 1]
    at_threshold = []
    for index, remainder in enumerate(remainders):
        if remainder > threshold:
            shares[index] += 1
            missing -= 1
        elif remainder == threshold:
            at_threshold.append(index)
    if start:
        first = start % len(shares)
        at_threshold.sort(key=lambda index: index < first)
    for index in at_threshold[:missing]:
        shares[index] += 1
    return shares


def require_integers(values: Iterable[int | None]) -> None:
    """Refuse floats, booleans and other near-integers; ``None`` passes.

    Raises:
        TypeError: naming the offending type.
    """
    for kind in set(map(type, values)) - {int, type(None)}:
        if not issubclass(kind, int) or issubclass(kind, bool):
            raise TypeError(f"amounts and bounds are whole numbers, not {kind.__name__}")


def _checked_weights(
    weights: Sequence[Weight],
    caps: Sequence[int | None] | None,
    mins: Sequence[int | None] | None,
) -> tuple[list[int], int]:
    """Check presence, lengths and signs, in that order; return whole weights and scale."""
    if len(weights) == 0:
        raise AllocationError("no_parties", "there is nobody to share with")
    for name, bounds in (("caps", caps), ("minima", mins)):
        if bounds is not None and len(bounds) != len(weights):
            raise AllocationError(
                "length_mismatch", f"{len(weights)} weights but {len(bounds)} {name}"
            )
    scaled, scale = scale_weights(weights)
    if min(scaled) < 0:
        position = next(index for index, weight in enumerate(scaled) if weight < 0)
        raise AllocationError("negative_weight", f"the weight of party {position + 1} is negative")
    return scaled, scale


def _check_bounds(
    amount: int, scaled: Sequence[int], caps: Sequence[int | None], mins: Sequence[int]
) -> None:
    if min(mins) < 0 or any(cap is not None and cap < 0 for cap in caps):
        raise AllocationError("negative_bound", "a cap or a minimum is negative")
    for position, (cap, minimum) in enumerate(zip(caps, mins, strict=True), start=1):
        if cap is not None and minimum > cap:
            raise AllocationError(
                "min_above_cap", f"the minimum of party {position} is above its cap"
            )
    minimum_sum = sum(mins)
    if minimum_sum > amount:
        raise AllocationError(
            "mins_above_total", f"the minima are {minimum_sum} but the total is {amount}"
        )
    if minimum_sum == amount:
        return
    if not any(scaled):
        raise AllocationError("no_weight", "every weight is 0")
    reachable = 0
    for weight, cap, minimum in zip(scaled, caps, mins, strict=True):
        if weight and cap is None:
            return
        reachable += (cap or 0) if weight else minimum
    if reachable < amount:
        raise AllocationError(
            "caps_below_total", f"the caps allow {reachable} but the total is {amount}"
        )


def _proportional(amount: int, scaled: Sequence[int]) -> tuple[list[int], list[int], int]:
    """Ideal shares without bounds, as floors, remainders and their common denominator."""
    weight_sum = sum(scaled)
    if weight_sum == 0:
        if amount:
            raise AllocationError("no_weight", "every weight is 0")
        return [0] * len(scaled), [0] * len(scaled), 1
    products = [amount * weight for weight in scaled]
    return (
        [product // weight_sum for product in products],
        [product % weight_sum for product in products],
        weight_sum,
    )
