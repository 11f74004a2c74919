"""Whose turn it is where the first to pledge goes first: by each increment, not by the pledge.

Who asks for three and days later for two more has his turn of the first day for three, and
of the later day for two. Lowering takes back the newest units, so that an early claim keeps
its place. Pure: a turn is anything that can be ordered, quantities are whole units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

Turn = TypeVar("Turn", bound=Any)


def changed_later(
    quantity: int, later: Sequence[tuple[Turn, int]], wanted: int, now: Turn
) -> list[tuple[Turn, int]]:
    """The increments after the first claim, when a pledge of ``quantity`` becomes ``wanted``.

    >>> changed_later(3, [], 5, "thursday")
    [('thursday', 2)]
    >>> changed_later(5, [("thursday", 2)], 2, "friday")
    []
    """
    if wanted > quantity:
        return [*later, (now, wanted - quantity)]
    return parts_within(wanted, [(now, quantity - sum(units for _, units in later)), *later])[1:]


def parts_of(
    quantity: int, turn: Turn, later: Sequence[tuple[Turn, int]]
) -> list[tuple[Turn, int]]:
    """A pledge's quantity as parts with their turns, oldest first; they sum to it."""
    return [(turn, quantity - sum(units for _, units in later)), *later]


def parts_within(quantity: int, parts: Sequence[tuple[Turn, int]]) -> list[tuple[Turn, int]]:
    """The oldest units of some parts, ``quantity`` of them or all there are."""
    kept: list[tuple[Turn, int]] = []
    for turn, units in parts:
        taken = min(units, quantity)
        if taken <= 0:
            break
        kept.append((turn, taken))
        quantity -= taken
    return kept


def deliver_in_turn(usable: int, claims: Sequence[Sequence[tuple[Turn, int]]]) -> list[int]:
    """Serve the parts of all claims in the order of their turns, until the units are gone.

    Of equal turns the earlier claim goes first. Nobody gets more than his parts.

    >>> deliver_in_turn(6, [[(1, 3), (3, 4)], [(2, 2)]])
    [4, 2]
    """
    parts = [(turn, claim, units) for claim, own in enumerate(claims) for turn, units in own]
    given = [0] * len(claims)
    for _turn, claim, units in sorted(parts, key=lambda part: (part[0], part[1])):
        taken = min(units, usable)
        given[claim] += taken
        usable -= taken
    return given
