"""Sharing an amount, worked by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from wijkeconomie.money.allocation import AllocationError, allocate
from wijkeconomie.money.explanations import (
    explain_allocation,
    explanation_from_dict,
    explanation_to_dict,
    share_from_dict,
    share_to_dict,
)
from wijkeconomie.money.fast_allocation import allocate_array
from wijkeconomie.money.weights import (
    WeightFormatError,
    parse_weight,
    scale_weights,
    weight_text,
)


@pytest.mark.parametrize(
    ("total", "weights", "bounds", "shares"),
    [
        (100, [1, 1, 1], {}, [34, 33, 33]),
        (-100, [1, 1, 1], {}, [-34, -33, -33]),
        (100, [3, 2, 2], {}, [43, 29, 28]),  # 42 6/7, 28 4/7, 28 4/7
        (1000, ["0.35", "0.65"], {}, [350, 650]),
        (1000, ["45/1000", "955/1000"], {}, [45, 955]),
        (5, [0, 1, 0, 1], {}, [0, 3, 0, 2]),
        (0, [0, 0], {}, [0, 0]),
        # Party 1 stops at 10; the other 90 in the proportion 1 : 2.
        (100, [1, 1, 2], {"caps": [10, None, None]}, [10, 30, 60]),
        # Party 2 is lifted to 50; the other 50 in the proportion 1 : 2.
        (100, [1, 1, 2], {"mins": [None, 50, None]}, [17, 50, 33]),
        # Cap and minimum at once: 20 and 50 are held, party 3 takes the rest.
        (100, [4, 1, 1], {"caps": [20, None, None], "mins": [None, 50, 0]}, [20, 50, 30]),
        (-100, [4, 1, 1], {"caps": [20, None, None], "mins": [None, 50, 0]}, [-20, -50, -30]),
        # A weight of 0 gets its minimum, whatever its cap.
        (100, [0, 1], {"mins": [7, None], "caps": [50, None]}, [7, 93]),
        # The minima are the total: nothing is left to weigh.
        (12, [0, 0], {"mins": [5, 7]}, [5, 7]),
        (0, [0, 0], {"mins": [0, None], "caps": [0, None]}, [0, 0]),
        # The caps are the total.
        (12, [1, 9], {"caps": [5, 7]}, [5, 7]),
        (10, [1, 1, 1], {"caps": [3, 3, None]}, [3, 3, 4]),
        # Parties 1 and 3 reach their caps at nearly the same factor: 0.49798 and 0.49744.
        (1474, [988, 995, 977], {"caps": [492, 508, 486]}, [492, 496, 486]),
        # A minimum that is also the cap fixes the share.
        (10, [1, 1], {"mins": [3, None], "caps": [3, None]}, [3, 7]),
    ],
)
def test_an_amount_is_shared_as_worked_by_hand(
    total: int, weights: list[Any], bounds: dict[str, Any], shares: list[int]
) -> None:
    assert allocate(total, weights, **bounds) == shares


@pytest.mark.parametrize(
    ("total", "weights", "bounds", "code"),
    [
        (1, [], {"caps": [1]}, "no_parties"),
        (1, [-1], {"caps": [1, 2]}, "length_mismatch"),
        (1, [1], {"mins": []}, "length_mismatch"),
        (1, [-1], {"caps": [-1]}, "negative_weight"),
        (1, ["-0.5", 1], {}, "negative_weight"),
        (1, [1], {"caps": [-2], "mins": [-1]}, "negative_bound"),
        (1, [1], {"mins": [3], "caps": [2]}, "min_above_cap"),
        (0, [0], {"mins": [1]}, "mins_above_total"),
        (1, [0, 0], {"mins": [1, 1]}, "mins_above_total"),
        (1, [0, 0], {}, "no_weight"),
        (-1, [0], {}, "no_weight"),
        (5, [0], {"caps": [3]}, "no_weight"),
        (5, [1, 1], {"caps": [2, 2]}, "caps_below_total"),
        (5, [1, 0], {"caps": [2, None]}, "caps_below_total"),
        (5, [1, 0], {"caps": [2, 10], "mins": [0, 1]}, "caps_below_total"),
    ],
)
def test_the_first_wrong_thing_is_named(
    total: int, weights: list[Any], bounds: dict[str, Any], code: str
) -> None:
    with pytest.raises(AllocationError) as refusal:
        allocate(total, weights, **bounds)
    assert refusal.value.code == code
    assert refusal.value.detail


@pytest.mark.parametrize("weight", [0.35, True, None, 1j])
def test_a_weight_that_is_not_exact_is_refused(weight: Any) -> None:
    with pytest.raises(TypeError):
        allocate(100, [1, weight])


@pytest.mark.parametrize("total", [1.0, True, "1"])
def test_a_total_that_is_no_whole_number_is_refused(total: Any) -> None:
    with pytest.raises(TypeError):
        allocate(total, [1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1e9",
        "1e999999999",
        ".5",
        "5.",
        "1/0",
        "1/-2",
        "1.5/2",
        "+1",
        " 1",
        "1\n",
        "٣",
        "nan",
        "1_000",
        "1,5",
        "9" * 5000,
    ],
)
def test_text_that_is_no_plain_weight_is_refused(text: str) -> None:
    with pytest.raises(WeightFormatError):
        parse_weight(text)


def test_weights_without_a_manageable_common_scale_are_refused() -> None:
    weights = [f"1/{10**3500 + step}" for step in range(2000)]

    with pytest.raises(WeightFormatError):
        scale_weights(weights)


@pytest.mark.parametrize("text", ["386.6", "0.05", "-0.35", "12", "1/3", "-7/6", "0", "0.125"])
def test_a_weight_is_written_as_it_was_read(text: str) -> None:
    assert weight_text(parse_weight(text)) == text


def test_an_explanation_tells_fraction_rounding_and_bound() -> None:
    explanation = explain_allocation(100, ["0.5", 1, 1, 0], caps=[10, None, None, None])

    capped, first, second, weightless = explanation.shares
    assert explanation.weight_sum == Fraction(5, 2)
    assert (capped.amount, capped.bound, capped.exact_numerator) == (10, "cap", 10)
    assert (first.amount, first.bound, first.received_remainder_cent) == (45, None, False)
    assert second.amount == 45
    assert (weightless.amount, weightless.bound) == (0, None)


def test_an_explanation_of_a_refund_mirrors_that_of_the_charge() -> None:
    charge, refund = (explain_allocation(total, [1, 1, 1]).shares for total in (100, -100))

    assert charge[0].received_remainder_cent
    assert (charge[0].exact_numerator, charge[0].exact_denominator) == (100, 3)
    for plus, minus in zip(charge, refund, strict=True):
        assert minus.amount == -plus.amount
        assert minus.exact_numerator == -plus.exact_numerator
        assert minus.received_remainder_cent == plus.received_remainder_cent


@pytest.mark.parametrize(
    ("weights", "bounds"),
    [
        ([1, 1], {"mins": [None, 60]}),
        ([0, 1], {"mins": [40, None]}),
        ([0, 0], {"mins": [40, 60]}),
    ],
)
def test_a_minimum_that_lifts_a_share_is_named(weights: list[int], bounds: dict[str, Any]) -> None:
    shares = explain_allocation(100, weights, **bounds).shares

    for share, minimum in zip(shares, bounds["mins"], strict=True):
        assert share.bound == ("minimum" if minimum else None)


def test_a_bound_that_equals_the_unbounded_share_is_not_named() -> None:
    explanation = explain_allocation(100, [1, 1], caps=[50, 60], mins=[10, 50])

    assert [share.bound for share in explanation.shares] == [None, None]


def test_a_stored_share_is_small_and_complete() -> None:
    share = explain_allocation(10_000, ["386.6", "321.3", "271.6"]).shares[0]

    stored = share_to_dict(share)

    assert stored == {"w": "386.6", "x": "7732000/1959", "r": 1}  # 3946.91
    assert share_from_dict(stored) == share


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"w": "1"},
        {"w": "1", "x": "1", "b": "z"},
        {"w": "1", "x": 0.5},
        {"w": "1", "x": "1", "amount": 3},
    ],
)
def test_what_is_no_stored_share_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a stored share"):
        share_from_dict(stored)


def test_a_stored_allocation_that_no_longer_sums_is_refused() -> None:
    stored = explanation_to_dict(explain_allocation(100, [1, 1, 1]))
    stored["total"] = 101

    with pytest.raises(ValueError, match="do not sum"):
        explanation_from_dict(stored)


@pytest.mark.parametrize(
    ("total", "weights"),
    [
        (2**62, [3, 5, 7]),  # the products leave 64 bits
        (100, [2**62, 2**62, 2**62 - 1]),  # the sum leaves 64 bits
        (-(2**63) + 1, [1, 1, 1]),
        (123_457, list(range(5000))),
        (-7, [1] * 10),
        (0, [0, 0]),
        (0, [4, 2]),
    ],
)
def test_the_array_path_gives_the_same_shares(total: int, weights: list[int]) -> None:
    shares = allocate_array(total, np.array(weights, dtype=np.int64))

    assert shares.dtype == np.int64
    assert shares.tolist() == allocate(total, weights)


@pytest.mark.parametrize(
    ("total", "weights", "code"),
    [
        (1, [], "no_parties"),
        (1, [5, -1], "negative_weight"),
        (2**70, [5, -1], "negative_weight"),
        (1, [0, 0], "no_weight"),
        (2**70, [0], "no_weight"),
    ],
)
def test_the_array_path_refuses_the_same(total: int, weights: list[int], code: str) -> None:
    with pytest.raises(AllocationError) as refusal:
        allocate_array(total, np.array(weights, dtype=np.int64))
    assert refusal.value.code == code


def test_the_array_path_takes_whole_numbers_in_one_row() -> None:
    floats: Any = np.array([0.5, 0.5])
    table: Any = np.array([[1, 2]])
    not_whole: Any = 1.0

    with pytest.raises(TypeError):
        allocate_array(1, floats)
    with pytest.raises(TypeError):
        allocate_array(not_whole, np.array([1]))
    with pytest.raises(ValueError, match="one dimension"):
        allocate_array(1, table)
