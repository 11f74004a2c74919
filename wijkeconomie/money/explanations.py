"""Why a share is what it is: the figures behind every share, and a compact form to store.

The compact form of one share keeps only what cannot be derived: weight, exact fraction,
whether it got an odd unit, and the bound. The rounded amount follows from these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wijkeconomie.money.allocation import divide
from wijkeconomie.money.clamping import Bound
from wijkeconomie.money.weights import Weight, parse_weight, weight_text

_BOUND_BY_LETTER: Mapping[str, Bound] = {"c": "cap", "m": "minimum"}
_LETTER_BY_BOUND: Mapping[Bound, str] = {"cap": "c", "minimum": "m"}


@dataclass(frozen=True, slots=True)
class ShareExplanation:
    """One party's share: ``exact_numerator / exact_denominator`` units became ``amount``.

    ``received_remainder_cent``: one of the units left over after rounding toward zero went
    here. ``bound``: the bound that changed the share, if one did.
    """

    weight: Fraction
    exact_numerator: int
    exact_denominator: int
    amount: int
    received_remainder_cent: bool
    bound: Bound | None


@dataclass(frozen=True, slots=True)
class AllocationExplanation:
    """A whole allocation; ``shares`` in input order, summing to ``total``."""

    total: int
    weight_sum: Fraction
    shares: tuple[ShareExplanation, ...]


def explain_allocation(
    total: int,
    weights: Sequence[Weight],
    caps: Sequence[int | None] | None = None,
    mins: Sequence[int | None] | None = None,
    *,
    start: int = 0,
) -> AllocationExplanation:
    """Share exactly as ``allocate`` (``rotate`` with a ``start``) and tell how.

    Raises:
        AllocationError, TypeError, WeightFormatError: as ``allocate``.
    """
    division = divide(total, weights, caps=caps, mins=mins, start=start)
    bounds = division.bounds or [None] * len(division.shares)
    shares = []
    for index, amount in enumerate(division.shares):
        floor = division.floors[index]
        exact = Fraction(
            division.sign * (floor * division.denominator + division.remainders[index]),
            division.denominator,
        )
        shares.append(
            ShareExplanation(
                weight=Fraction(division.scaled_weights[index], division.scale),
                exact_numerator=exact.numerator,
                exact_denominator=exact.denominator,
                amount=amount,
                received_remainder_cent=abs(amount) > floor,
                bound=bounds[index],
            )
        )
    weight_sum = Fraction(sum(division.scaled_weights), division.scale)
    return AllocationExplanation(total, weight_sum, tuple(shares))


def share_to_dict(share: ShareExplanation) -> dict[str, Any]:
    """Write a share for JSON: ``{"w": "386.6", "x": "100/3", "r": 1, "b": "c"}``.

    ``r`` (an odd unit) and ``b`` (``c`` cap, ``m`` minimum) are left out when they do not
    apply.
    """
    compact: dict[str, Any] = {
        "w": weight_text(share.weight),
        "x": str(Fraction(share.exact_numerator, share.exact_denominator)),
    }
    if share.received_remainder_cent:
        compact["r"] = 1
    if share.bound is not None:
        compact["b"] = _LETTER_BY_BOUND[share.bound]
    return compact


def share_from_dict(compact: Mapping[str, Any]) -> ShareExplanation:
    """Rebuild a share from ``share_to_dict``, its rounded amount included.

    Raises:
        ValueError: the mapping was not written by ``share_to_dict``.
    """
    try:
        weight, exact = parse_weight(compact["w"]), parse_weight(compact["x"])
        bound = _BOUND_BY_LETTER[compact["b"]] if "b" in compact else None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("not a stored share explanation") from error
    if unknown := set(compact) - {"w", "x", "r", "b"}:
        raise ValueError(f"not a stored share explanation: {sorted(map(str, unknown))}")
    is_rounded_up = bool(compact.get("r"))
    magnitude = abs(exact.numerator) // exact.denominator + is_rounded_up
    return ShareExplanation(
        weight=weight,
        exact_numerator=exact.numerator,
        exact_denominator=exact.denominator,
        amount=-magnitude if exact < 0 else magnitude,
        received_remainder_cent=is_rounded_up,
        bound=bound,
    )


def explanation_to_dict(explanation: AllocationExplanation) -> dict[str, Any]:
    """Write a whole allocation for JSON; the reverse of ``explanation_from_dict``."""
    return {
        "total": explanation.total,
        "weight_sum": weight_text(explanation.weight_sum),
        "shares": [share_to_dict(share) for share in explanation.shares],
    }


def explanation_from_dict(compact: Mapping[str, Any]) -> AllocationExplanation:
    """Rebuild an allocation and check that its shares still make up its total.

    Raises:
        ValueError: not written by ``explanation_to_dict``, or the shares do not sum.
    """
    try:
        total, weight_sum = compact["total"], parse_weight(compact["weight_sum"])
        shares = tuple(share_from_dict(share) for share in compact["shares"])
    except (KeyError, TypeError) as error:
        raise ValueError("not a stored explanation") from error
    if sum(share.amount for share in shares) != total:
        raise ValueError("the stored shares do not sum to the stored total")
    return AllocationExplanation(total, weight_sum, shares)
