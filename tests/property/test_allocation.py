"""Laws of sharing: true for every total, every set of weights and all bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.compositions import (
    carry_period,
    carry_series,
    earmarked,
    equal,
    rotate,
    targeted_pool,
)
from wijkeconomie.money.explanations import (
    explain_allocation,
    explanation_from_dict,
    explanation_to_dict,
)
from wijkeconomie.money.fast_allocation import allocate_array
from wijkeconomie.money.weights import parse_weight, weight_text

totals = st.integers(min_value=-(10**12), max_value=10**12)
small_totals = st.integers(min_value=-300, max_value=300)
fractions = st.fractions(min_value=0, max_value=50, max_denominator=12)
weight_lists = st.lists(
    st.one_of(st.integers(0, 6), st.integers(0, 10**6), fractions), min_size=1, max_size=25
).filter(any)


@dataclass(frozen=True)
class Bounded:
    """A question that has an answer."""

    total: int
    weights: list[Fraction]
    caps: list[int | None]
    mins: list[int]


@st.composite
def bounded_questions(draw: st.DrawFn) -> Bounded:
    size = draw(st.integers(1, 9))
    weights = draw(st.lists(fractions, min_size=size, max_size=size))
    mins = draw(st.lists(st.integers(0, 20), min_size=size, max_size=size))
    caps = [draw(st.one_of(st.none(), st.integers(minimum, minimum + 40))) for minimum in mins]
    most = sum(
        minimum if weight == 0 else (minimum + 100 if cap is None else cap)
        for weight, minimum, cap in zip(weights, mins, caps, strict=True)
    )
    total = draw(st.integers(sum(mins), most)) * draw(st.sampled_from([1, -1]))
    return Bounded(total, weights, caps, mins)


def ideal_by_search(question: Bounded) -> list[Fraction]:
    """Find the factor by bisecting all bends and drawing a straight line between two."""

    def shares(factor: Fraction) -> list[Fraction]:
        clamped = []
        for weight, cap, low in zip(question.weights, question.caps, question.mins, strict=True):
            grown = factor * weight
            if cap is not None and grown > cap:
                grown = Fraction(cap)
            clamped.append(grown if weight and grown > low else Fraction(low))
        return clamped

    amount = abs(question.total)
    bends = {Fraction(0)}
    for weight, cap, low in zip(question.weights, question.caps, question.mins, strict=True):
        if weight:
            bends |= {low / weight} | ({cap / weight} if cap is not None else set())
            bends.add((amount + sum(question.mins) + 1) / weight)
    ordered = sorted(bends)
    below, above = 0, len(ordered) - 1
    while above - below > 1:
        middle = (below + above) // 2
        if sum(shares(ordered[middle])) <= amount:
            below = middle
        else:
            above = middle
    low_factor, high_factor = ordered[below], ordered[above]
    low_sum, high_sum = sum(shares(low_factor)), sum(shares(high_factor))
    if high_sum <= amount:
        return shares(high_factor)
    step = Fraction(amount - low_sum) / (high_sum - low_sum)
    return shares(low_factor + step * (high_factor - low_factor))


def rounded_by_hand(ideals: Sequence[Fraction], amount: int) -> list[int]:
    shares = [ideal.numerator // ideal.denominator for ideal in ideals]
    order = sorted(range(len(ideals)), key=lambda index: (shares[index] - ideals[index], index))
    for index in order[: amount - sum(shares)]:
        shares[index] += 1
    return shares


@given(total=totals, weights=weight_lists)
@example(total=100, weights=[1, 1, 1])  # the classic lost cent
@example(total=-1, weights=[1, 1])  # a credit note of one cent
def test_shares_sum_to_the_total_and_lie_within_a_cent(
    total: int, weights: list[int | Fraction]
) -> None:
    shares = allocate(total, weights)

    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * Fraction(weight) / sum(weights)) < 1
        assert weight or share == 0


@given(total=totals, weights=weight_lists)
def test_shares_are_the_largest_remainders(total: int, weights: list[int | Fraction]) -> None:
    ideals = [abs(total) * Fraction(weight) / sum(weights) for weight in weights]

    assert [abs(share) for share in allocate(total, weights)] == rounded_by_hand(ideals, abs(total))


@given(total=totals, weights=weight_lists)
def test_a_refund_mirrors_the_charge(total: int, weights: list[int | Fraction]) -> None:
    assert allocate(-total, weights) == [-share for share in allocate(total, weights)]


@given(
    total=totals,
    weights=weight_lists,
    factor=st.fractions(min_value=Fraction(1, 90), max_value=90, max_denominator=90),
)
def test_the_scale_of_the_weights_does_not_matter(
    total: int, weights: list[int | Fraction], factor: Fraction
) -> None:
    assert allocate(total, [weight * factor for weight in weights]) == allocate(total, weights)


@given(total=totals, weights=weight_lists, data=st.data())
def test_the_order_only_decides_between_equal_fractions(
    total: int, weights: list[int | Fraction], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(weights))))

    straight = allocate(total, weights)
    shuffled = allocate(total, [weights[index] for index in order])

    def fractions_rounded_up(shares: list[int], keys: list[int | Fraction]) -> list[Fraction]:
        ideals = [abs(total) * Fraction(key) / sum(keys) for key in keys]
        return sorted(
            ideal % 1 for share, ideal in zip(shares, ideals, strict=True) if abs(share) > ideal
        )

    assert fractions_rounded_up(straight, weights) == fractions_rounded_up(
        shuffled, [weights[index] for index in order]
    )


@given(question=bounded_questions())
@example(Bounded(10, [Fraction(1)] * 3, [3, 3, None], [0, 0, 0]))
@example(Bounded(10, [Fraction(0), Fraction(0)], [None, None], [4, 6]))
def test_bounded_shares_are_those_of_an_independent_search(question: Bounded) -> None:
    shares = allocate(question.total, question.weights, caps=question.caps, mins=question.mins)

    ideals = ideal_by_search(question)
    assert sum(ideals) == abs(question.total)
    assert [abs(share) for share in shares] == rounded_by_hand(ideals, abs(question.total))


@given(question=bounded_questions())
def test_bounds_hold_after_rounding(question: Bounded) -> None:
    shares = allocate(question.total, question.weights, caps=question.caps, mins=question.mins)

    assert sum(shares) == question.total
    for share, weight, cap, low in zip(
        shares, question.weights, question.caps, question.mins, strict=True
    ):
        assert abs(share) >= low
        assert cap is None or abs(share) <= cap
        assert weight or abs(share) == low


@given(question=bounded_questions(), more=st.integers(0, 40))
def test_a_larger_amount_never_gives_a_smaller_ideal_share(question: Bounded, more: int) -> None:
    weights, caps = [*question.weights, Fraction(1)], [*question.caps, None]
    mins = [*question.mins, 0]

    smaller, larger = (
        explain_allocation(abs(question.total) + extra, weights, caps, mins).shares
        for extra in (0, more)
    )

    for before, after in zip(smaller, larger, strict=True):
        assert Fraction(before.exact_numerator, before.exact_denominator) <= Fraction(
            after.exact_numerator, after.exact_denominator
        )


@given(question=bounded_questions())
def test_an_explanation_agrees_with_the_shares_and_survives_storage(question: Bounded) -> None:
    explanation = explain_allocation(question.total, question.weights, question.caps, question.mins)

    assert [share.amount for share in explanation.shares] == allocate(
        question.total, question.weights, caps=question.caps, mins=question.mins
    )
    assert [
        abs(Fraction(share.exact_numerator, share.exact_denominator))
        for share in explanation.shares
    ] == ideal_by_search(question)
    assert [share.weight for share in explanation.shares] == question.weights
    stored = json.dumps(explanation_to_dict(explanation))
    assert explanation_from_dict(json.loads(stored)) == explanation


@given(question=bounded_questions())
def test_a_named_bound_is_reached(question: Bounded) -> None:
    explanation = explain_allocation(question.total, question.weights, question.caps, question.mins)

    for share, cap, low in zip(explanation.shares, question.caps, question.mins, strict=True):
        if share.bound == "cap":
            assert abs(share.amount) == cap
        if share.bound == "minimum":
            assert abs(share.amount) == low


@given(
    total=st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1),
    weights=st.lists(
        st.one_of(st.integers(0, 5), st.integers(0, 2**63 - 1)), min_size=1, max_size=40
    ).filter(any),
)
def test_the_array_path_and_the_list_path_agree(total: int, weights: list[int]) -> None:
    array = np.array(weights, dtype=np.int64)

    assert allocate_array(total, array).tolist() == allocate(total, weights)


@given(total=small_totals, weights=st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_the_array_path_breaks_ties_the_same_way(total: int, weights: list[int]) -> None:
    weights = [*weights, 1]

    shares = allocate_array(total, np.array(weights, dtype=np.int64))

    assert shares.tolist() == allocate(total, weights)


@given(total=totals, size=st.integers(1, 200))
def test_equal_shares_are_those_of_equal_weights(total: int, size: int) -> None:
    assert equal(total, size) == allocate(total, [1] * size)


@given(total=totals, size=st.integers(1, 30))
def test_over_a_full_round_of_starts_equal_weights_pay_equally(total: int, size: int) -> None:
    rounds = [rotate(total, [1] * size, start) for start in range(size)]

    assert [sum(column) for column in zip(*rounds, strict=True)] == [total] * size


@given(total=totals, weights=weight_lists, start=st.integers(-50, 50))
def test_rotation_is_allocation_of_the_rotated_parties(
    total: int, weights: list[int | Fraction], start: int
) -> None:
    first = start % len(weights)

    shares = rotate(total, weights, start)

    assert shares[first:] + shares[:first] == allocate(total, weights[first:] + weights[:first])


@given(
    period_totals=st.lists(small_totals, max_size=12),
    weights=weight_lists,
)
def test_over_any_number_of_periods_nobody_is_a_cent_off(
    period_totals: list[int], weights: list[int | Fraction]
) -> None:
    series = carry_series(period_totals, weights)

    assert [sum(shares) for shares in series.per_period] == period_totals
    assert sum(series.carry) == 0
    paid = [0] * len(weights)
    for number, shares in enumerate(series.per_period, start=1):
        paid = [before + share for before, share in zip(paid, shares, strict=True)]
        for share, weight in zip(paid, weights, strict=True):
            ideal = sum(period_totals[:number]) * Fraction(weight) / sum(weights)
            assert abs(share - ideal) < 1
    assert series.shares == paid
    for carry, share, weight in zip(series.carry, paid, weights, strict=True):
        assert carry == sum(period_totals) * Fraction(weight) / sum(weights) - share


@given(data=st.data(), size=st.integers(1, 6))
def test_with_changing_parties_each_period_still_sums(data: st.DataObject, size: int) -> None:
    carry = [Fraction(0)] * size
    for _ in range(5):
        weights = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size).filter(any))
        total = data.draw(small_totals)

        period = carry_period(total, weights, carry)

        assert sum(period.shares) == total
        assert sum(period.carry) == 0
        for weight, share, before, after in zip(
            weights, period.shares, carry, period.carry, strict=True
        ):
            assert weight or (share == 0 and before == after)
        carry = period.carry


@given(
    total=st.integers(0, 5000),
    weights=weight_lists,
    subsidy=st.integers(0, 6000),
    data=st.data(),
)
def test_a_subsidy_is_used_or_unused_and_nobody_gets_more_than_owed(
    total: int, weights: list[int | Fraction], subsidy: int, data: st.DataObject
) -> None:
    eligible = data.draw(st.lists(st.integers(0, len(weights) - 1), unique=True))
    own = data.draw(st.lists(st.integers(0, 900), min_size=len(weights), max_size=len(weights)))

    for result, available in (
        (targeted_pool(total, weights, subsidy, eligible), subsidy),
        (earmarked(total, weights, own), sum(own)),
    ):
        assert result.gross == allocate(total, weights)
        assert sum(result.used) + result.unused_subsidy == available
        assert result.unused_subsidy >= 0
        for share, gross, used in zip(result.shares, result.gross, result.used, strict=True):
            assert share == gross - used
            assert 0 <= used <= gross


@given(weight=st.fractions(max_denominator=10**6))
def test_a_weight_survives_writing_and_reading(weight: Fraction) -> None:
    assert parse_weight(weight_text(weight)) == weight
