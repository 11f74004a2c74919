"""Whole indivisible quantities: who gets what when a delivery falls short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wijkeconomie.money.allocation import AllocationError, allocate, require_integers

ShortageRule = Literal["pro_rata", "first_pledged"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Units per pledge, in input order, and the ``surplus`` that nobody pledged for."""

    delivered: list[int]
    surplus: int


def deliver(usable: int, pledged: Sequence[int], rule: ShortageRule) -> Delivered:
    """Divide the usable units over the pledges; nobody gets more than was pledged.

    ``pro_rata`` allocates with the pledge as weight, equal fractions to the earlier pledge;
    ``first_pledged`` serves the pledges in input order until the units are gone.

    Raises:
        AllocationError: ``negative_quantity``.
        TypeError: a quantity that is not a whole number.
        ValueError: an unknown rule.
    """
    require_integers((usable, *pledged))
    if usable < 0 or any(pledge < 0 for pledge in pledged):
        raise AllocationError("negative_quantity", "a quantity is negative")
    if rule not in {"pro_rata", "first_pledged"}:
        raise ValueError(f"unknown shortage rule {rule!r}")
    wanted = sum(pledged)
    if usable >= wanted:
        return Delivered(list(pledged), usable - wanted)
    if rule == "pro_rata":
        # In a shortage the ideal share is below the pledge, a whole number, so that rounding
        # up cannot pass it: the pledge is its own cap.
        return Delivered(allocate(usable, pledged), 0)
    delivered, left = [], usable
    for pledge in pledged:
        units = min(pledge, left)
        delivered.append(units)
        left -= units
    return Delivered(delivered, 0)
