"""Deeds, fixed and variable parts, subsidies, rotation and series, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from wijkeconomie.money.allocation import AllocationError, allocate
from wijkeconomie.money.compositions import (
    MAXIMUM_PARTIES,
    CostLine,
    breukdelen,
    carry_period,
    carry_series,
    earmarked,
    equal,
    fixed_variable,
    lines,
    pool_subsidy,
    rotate,
    targeted_pool,
)
from wijkeconomie.money.quantities import Delivered, deliver


def test_equal_shares_differ_by_at_most_a_cent() -> None:
    assert equal(100, 3) == [34, 33, 33]
    assert equal(-100, 3) == [-34, -33, -33]
    assert equal(1, 4) == [1, 0, 0, 0]


def test_breukdelen_share_by_the_deed() -> None:
    assert breukdelen(10_000, [45, 55, 900], 1000) == [450, 550, 9000]


def test_a_fixed_and_a_variable_part_follow_their_own_keys() -> None:
    result = fixed_variable(1001, "35", [1, 1], [3, 1])

    # 350.35 and 650.65: the odd cent goes to the larger fraction.
    assert (result.fixed_total, result.variable_total) == (350, 651)
    assert (result.fixed, result.variable) == ([175, 175], [488, 163])
    assert result.shares == [663, 338]


@pytest.mark.parametrize("percentage", ["0", "100", "12.5", "1/3"])
def test_any_percentage_shares_the_whole_total(percentage: str) -> None:
    result = fixed_variable(-1001, percentage, [1, 2], [5, 0])

    assert sum(result.shares) == -1001
    assert result.fixed_total + result.variable_total == -1001


def test_every_line_of_a_bill_is_shared_on_its_own() -> None:
    result = lines([CostLine(100), CostLine(50, [1, 0, 0]), CostLine(-2)], [1, 1, 1])

    assert result.per_line == [[34, 33, 33], [50, 0, 0], [-1, -1, 0]]
    assert result.shares == [83, 32, 33]


def test_a_bill_without_lines_costs_nothing() -> None:
    assert lines([], [1, 2]).shares == [0, 0]


def test_a_pool_subsidy_comes_off_the_total() -> None:
    assert pool_subsidy(1000, 400, [1, 1]).shares == [300, 300]

    too_much = pool_subsidy(1000, 1400, [1, 1])
    assert (too_much.shares, too_much.unused_subsidy) == ([0, 0], 400)


def test_a_pool_subsidy_keeps_the_caps() -> None:
    assert pool_subsidy(1000, 400, [1, 1], [100, None]).shares == [100, 500]


def test_an_earmarked_subsidy_stays_with_its_party() -> None:
    result = earmarked(900, [1, 1, 1], [100, 500, 0])

    assert result.gross == [300, 300, 300]
    assert result.used == [100, 300, 0]
    assert result.shares == [200, 0, 300]
    assert result.unused_subsidy == 200


def test_a_targeted_pool_serves_only_the_eligible() -> None:
    result = targeted_pool(1000, [1, 1, 2], 300, [2, 0])

    # 300 over weights 1 and 2 with 250 and 500 as caps.
    assert result.gross == [250, 250, 500]
    assert result.used == [100, 0, 200]
    assert result.shares == [150, 250, 300]
    assert result.unused_subsidy == 0


def test_a_targeted_pool_pays_no_more_than_is_owed() -> None:
    result = targeted_pool(1000, [1, 1, 2], 9000, [0])

    assert (result.used, result.unused_subsidy) == ([250, 0, 0], 8750)
    assert targeted_pool(1000, [1, 1], 70, []).unused_subsidy == 70


def test_a_targeted_pool_gives_nobody_more_than_the_gross_share() -> None:
    # By weight alone 2 over 9 : 3 would be 2 and 0, but both owe 1.
    result = targeted_pool(2, [9, 3, 1], 2, [0, 1])

    assert (result.gross, result.used) == ([1, 1, 0], [1, 1, 0])


def test_a_targeted_pool_breaks_ties_by_the_order_of_the_parties() -> None:
    assert targeted_pool(100, [1, 1], 1, [1, 0]).used == [1, 0]


@pytest.mark.parametrize("eligible", [[0, 0], [2], [-1]])
def test_an_eligible_party_exists_and_is_named_once(eligible: list[int]) -> None:
    with pytest.raises(ValueError, match="eligible"):
        targeted_pool(100, [1, 1], 1, eligible)


@pytest.mark.parametrize(
    ("start", "shares"),
    [
        (0, [26, 26, 25, 25]),
        (1, [25, 26, 26, 25]),
        (3, [26, 25, 25, 26]),
        (7, [26, 25, 25, 26]),
    ],
)
def test_rotation_moves_the_odd_cents_along(start: int, shares: list[int]) -> None:
    assert rotate(102, [1, 1, 1, 1], start) == shares
    assert rotate(-102, [1, 1, 1, 1], start) == [-share for share in shares]


def test_rotation_only_decides_between_equal_fractions() -> None:
    # 42 6/7, 28 4/7, 28 4/7: the first is not in the tie.
    assert rotate(100, [3, 2, 2], 2) == [43, 28, 29]


def test_a_series_gives_everybody_the_odd_cent_in_turn() -> None:
    result = carry_series([100, 100, 100, 100], [1, 1, 1])

    assert result.per_period == [[34, 33, 33], [33, 34, 33], [33, 33, 34], [34, 33, 33]]
    assert result.carry == [Fraction(-2, 3), Fraction(1, 3), Fraction(1, 3)]
    assert result.shares == [134, 133, 133]


def test_a_refund_in_a_series_rounds_toward_minus_infinity() -> None:
    result = carry_series([-1], [1, 1])

    # -1/2 each: floor -1, fraction 1/2 each; the first in order gets the unit.
    assert result.per_period == [[0, -1]]
    assert result.carry == [Fraction(-1, 2), Fraction(1, 2)]


def test_a_weight_of_zero_keeps_its_carry() -> None:
    carry = [Fraction(1, 3), Fraction(-2, 3), Fraction(1, 3)]

    period = carry_period(1, [1, 0, 1], carry)

    # 1/2 + 1/3 each.
    assert period.shares == [1, 0, 0]
    assert period.carry == [Fraction(-1, 6), Fraction(-2, 3), Fraction(5, 6)]


def test_a_unit_too_many_after_others_left_is_spread_over_everyone() -> None:
    period = carry_period(1, [1, 1], [Fraction(9, 10), Fraction(9, 10)])

    assert period.shares == [1, 0]
    assert sum(period.carry) == Fraction(9, 5)


def test_a_series_without_periods_costs_nothing() -> None:
    assert carry_series([], [1, 2]).shares == [0, 0]
    assert carry_series([0, 0], [0, 0]).per_period == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("compute", "code"),
    [
        (lambda: equal(5, 0), "no_parties"),
        (lambda: equal(5, -3), "no_parties"),
        (lambda: breukdelen(5, [], 0), "no_parties"),
        (lambda: breukdelen(5, [-1, 2], 3), "negative_weight"),
        (lambda: breukdelen(5, [1, 2], 4), "breukdelen_sum"),
        (lambda: breukdelen(5, [0], 0), "no_weight"),
        (lambda: fixed_variable(5, "101", [1], [1]), "negative_weight"),
        (lambda: fixed_variable(5, "-1", [1], [1]), "negative_weight"),
        (lambda: fixed_variable(5, "50", [1], [1, 2]), "length_mismatch"),
        (lambda: fixed_variable(5, "50", [], []), "no_parties"),
        (lambda: fixed_variable(5, "50", [0], [1]), "no_weight"),
        (lambda: lines([CostLine(5, [1]), CostLine(5, [1, 1])]), "length_mismatch"),
        (lambda: lines([]), "no_parties"),
        (lambda: lines([CostLine(5, [])]), "no_parties"),
        (lambda: pool_subsidy(-5, 1, [1]), "subsidy_on_refund"),
        (lambda: pool_subsidy(5, -1, [1]), "negative_subsidy"),
        (lambda: pool_subsidy(5, 1, [1], [3]), "caps_below_total"),
        (lambda: earmarked(-5, [1], [1]), "subsidy_on_refund"),
        (lambda: earmarked(5, [1], [-1]), "negative_subsidy"),
        (lambda: earmarked(5, [1], [1, 1]), "length_mismatch"),
        (lambda: earmarked(5, [], []), "no_parties"),
        (lambda: targeted_pool(-5, [1], 1, [0]), "subsidy_on_refund"),
        (lambda: targeted_pool(5, [1], -1, [0]), "negative_subsidy"),
        (lambda: rotate(5, [], 0), "no_parties"),
        (lambda: carry_series([5], [0]), "no_weight"),
        (lambda: carry_series([5], []), "no_parties"),
        (lambda: carry_series([5], [-1]), "negative_weight"),
        (lambda: carry_period(5, [1], []), "length_mismatch"),
        (lambda: deliver(-1, [1], "pro_rata"), "negative_quantity"),
        (lambda: deliver(1, [-1], "first_pledged"), "negative_quantity"),
    ],
)
def test_what_cannot_be_shared_is_named(compute: Callable[[], Any], code: str) -> None:
    with pytest.raises(AllocationError) as refusal:
        compute()
    assert refusal.value.code == code


def test_a_crowd_beyond_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        equal(1, MAXIMUM_PARTIES + 1)


def test_a_line_without_any_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="no weights"):
        lines([CostLine(5)])


def test_a_shortage_is_shared_by_pledge_and_never_above_it() -> None:
    assert deliver(7, [5, 3, 2], "pro_rata") == Delivered([4, 2, 1], 0)
    assert deliver(7, [5, 3, 2], "first_pledged") == Delivered([5, 2, 0], 0)


def test_pro_rata_is_allocation_with_the_pledge_as_weight_and_cap() -> None:
    pledged = [4, 1, 0, 9, 3]
    for usable in range(sum(pledged) + 1):
        expected = allocate(usable, pledged, caps=pledged)
        assert deliver(usable, pledged, "pro_rata").delivered == expected


def test_what_nobody_pledged_for_is_surplus() -> None:
    assert deliver(12, [5, 3, 2], "pro_rata") == Delivered([5, 3, 2], 2)
    assert deliver(3, [], "first_pledged") == Delivered([], 3)
    assert deliver(3, [0, 0], "pro_rata") == Delivered([0, 0], 3)


def test_an_unknown_shortage_rule_is_refused() -> None:
    rule: Any = "loudest"
    with pytest.raises(ValueError, match="loudest"):
        deliver(1, [1], rule)
