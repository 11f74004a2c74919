"""Whose turn it is: an early claim keeps its place, whatever is added or taken back later."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.quantities import deliver
from wijkeconomie.purchasing.turn_rules import (
    changed_later,
    deliver_in_turn,
    parts_of,
    parts_within,
)

STEPS = st.lists(st.integers(1, 12), min_size=1, max_size=8)
PARTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=5)


def history(steps: list[int]) -> list[tuple[int, int]]:
    """The parts after a pledge took each of these quantities, one moment after another."""
    later: list[tuple[int, int]] = []
    for moment, (before, wanted) in enumerate(pairwise(steps), start=1):
        later = changed_later(before, later, wanted, moment)
    return parts_of(steps[-1], 0, later)


@given(STEPS)
def test_each_unit_has_the_turn_since_which_it_was_wanted_without_a_break(steps: list[int]) -> None:
    parts = history(steps)
    assert sum(units for _, units in parts) == steps[-1]
    assert all(units > 0 for _, units in parts)
    turns = [turn for turn, units in parts for _ in range(units)]
    assert turns == sorted(turns)
    # The n-th unit stands since the last time that fewer than n were wanted.
    for number, turn in enumerate(turns, start=1):
        lower = [moment for moment, wanted in enumerate(steps) if wanted < number]
        assert turn == (lower[-1] + 1 if lower else 0)


@given(st.integers(0, 60), st.lists(PARTS, max_size=5))
def test_units_go_one_by_one_to_the_earliest_turn(
    usable: int, claims: list[list[tuple[int, int]]]
) -> None:
    units = sorted(
        (turn, claim)
        for claim, own in enumerate(claims)
        for turn, count in own
        for _ in range(count)
    )
    expected = [0] * len(claims)
    for _turn, claim in units[:usable]:
        expected[claim] += 1
    assert deliver_in_turn(usable, claims) == expected


@given(st.integers(0, 60), st.lists(st.integers(0, 9), max_size=6))
def test_without_increments_it_is_the_plain_rule(usable: int, pledged: list[int]) -> None:
    claims = [[(number, units)] for number, units in enumerate(pledged)]
    plain = deliver(usable, pledged, "first_pledged").delivered
    assert deliver_in_turn(usable, claims) == plain


@given(st.integers(0, 30), PARTS)
def test_what_fits_is_the_oldest(quantity: int, parts: list[tuple[int, int]]) -> None:
    kept = parts_within(quantity, parts)
    total = list(accumulate((units for _, units in parts), initial=0))[-1]
    assert sum(units for _, units in kept) == min(quantity, total)
    assert [turn for turn, _ in kept] == [turn for turn, _ in parts][: len(kept)]
