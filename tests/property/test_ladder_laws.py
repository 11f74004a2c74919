"""Laws of price ladders and packs, against every outcome there can be."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.ladders import (
    Demand,
    LadderError,
    Rung,
    best_outcome,
    ladder,
    missing_quantity,
)
from wijkeconomie.money.ordering import OrderTerms, order_quantity, share_order

TERMS = st.builds(OrderTerms, st.integers(1, 6), st.integers(0, 14))
DEMANDS = st.lists(
    st.builds(
        Demand,
        st.integers(1, 6),
        st.none() | st.integers(1, 12),
        st.integers(0, 4),
    ),
    max_size=7,
)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Rung, ...]:
    steps = draw(st.integers(0, 4))
    quantities = sorted(
        draw(st.lists(st.integers(2, 30), min_size=steps, max_size=steps, unique=True))
    )
    prices = sorted(
        draw(st.lists(st.integers(0, 12), min_size=steps + 1, max_size=steps + 1, unique=True)),
        reverse=True,
    )
    return ladder(prices[0], quantities, prices[1:])


def packs_by_counting(wanted: int, tolerance: int, terms: OrderTerms) -> int:
    """The rule of the worked table, written as people say it."""
    possible = [0]
    for packs in range(1, wanted + tolerance + 1):
        units = packs * terms.pack_size
        # Every pack is filled, and somebody wants a part of the last one, unless the
        # supplier's minimum asks for it.
        is_filled = units <= wanted + tolerance
        is_wanted = units - terms.pack_size < wanted
        is_minimum = units - terms.pack_size < terms.minimum
        if wanted and is_filled and (is_wanted or is_minimum) and units >= terms.minimum:
            possible.append(units)
    return max(possible)


@given(st.integers(0, 40), st.integers(0, 15), TERMS)
def test_packs_are_ordered_as_one_would_count_them(
    wanted: int, tolerance: int, terms: OrderTerms
) -> None:
    assert order_quantity(wanted, tolerance, terms) == packs_by_counting(wanted, tolerance, terms)


@given(st.integers(0, 40), st.integers(0, 15), st.integers(0, 9), st.integers(0, 9), TERMS)
def test_more_wanted_never_orders_less(
    wanted: int, tolerance: int, more: int, more_tolerance: int, terms: OrderTerms
) -> None:
    less = order_quantity(wanted, tolerance, terms)
    assert order_quantity(wanted + more, tolerance + more_tolerance, terms) >= less


@pytest.mark.parametrize(
    ("wanted", "tolerance", "ordered"),
    [(0, 9, 0), (4, 5, 0), (5, 5, 10), (10, 9, 10), (11, 8, 10), (11, 9, 20), (19, 30, 20)],
)
def test_worked_table_of_packs_of_ten(wanted: int, tolerance: int, ordered: int) -> None:
    assert order_quantity(wanted, tolerance, OrderTerms(10)) == ordered


@pytest.mark.parametrize(
    ("wanted", "tolerance", "ordered"), [(19, 4, 0), (19, 5, 24), (24, 0, 24), (25, 0, 25)]
)
def test_worked_table_of_a_minimum_of_24(wanted: int, tolerance: int, ordered: int) -> None:
    assert order_quantity(wanted, tolerance, OrderTerms(1, 24)) == ordered


@given(DEMANDS.filter(bool), TERMS, st.sampled_from(["pro_rata", "first_pledged"]))
def test_what_is_ordered_is_shared_whole_and_within_what_each_said(
    demands: list[Demand], terms: OrderTerms, rule: str
) -> None:
    wanted = [demand.quantity for demand in demands]
    tolerances = [demand.tolerance for demand in demands]
    ordered = order_quantity(sum(wanted), sum(tolerances), terms)
    shared = share_order(ordered, wanted, tolerances, rule)  # type: ignore[arg-type]
    assert sum(shared) == ordered
    for demand, units in zip(demands, shared, strict=True):
        assert 0 <= units <= demand.quantity + demand.tolerance
        if ordered >= sum(wanted):
            assert units >= demand.quantity
        else:
            assert units <= demand.quantity


@given(ladders(), DEMANDS, TERMS)
def test_the_outcome_is_the_best_for_everybody_of_all_that_hold(
    rungs: tuple[Rung, ...], demands: list[Demand], terms: OrderTerms
) -> None:
    reached = best_outcome(rungs, demands, terms).reached
    ours = {number for number, each in enumerate(demands) if each.accepts(reached.rung.price_cents)}
    assert (reached.wanted, reached.tolerance, reached.pledges) == (
        sum(demands[number].quantity for number in ours),
        sum(demands[number].tolerance for number in ours),
        len(ours),
    )
    holds_ours = False
    # Every set of takers with every rung: whatever holds is no better for anyone.
    for chosen in product([False, True], repeat=len(demands)):
        inside = {number for number, is_in in enumerate(chosen) if is_in}
        for rung in rungs:
            price = rung.price_cents
            if any(
                demands[number].accepts(price) != (number in inside)
                for number in range(len(demands))
            ):
                continue
            ordered = order_quantity(
                sum(demands[number].quantity for number in inside),
                sum(demands[number].tolerance for number in inside),
                terms,
            )
            if ordered < rung.from_quantity:
                continue
            assert price >= reached.rung.price_cents
            assert inside <= ours
            holds_ours |= inside == ours and rung == reached.rung
    assert holds_ours


@given(ladders(), DEMANDS, TERMS, st.randoms(use_true_random=False))
def test_order_and_grouping_of_pledges_do_not_matter(
    rungs: tuple[Rung, ...], demands: list[Demand], terms: OrderTerms, random: object
) -> None:
    grouped: dict[int | None, Demand] = {}
    for each in demands:
        so_far = grouped.get(each.max_price_cents, Demand(0, pledges=0))
        grouped[each.max_price_cents] = Demand(
            so_far.quantity + each.quantity,
            each.max_price_cents,
            so_far.tolerance + each.tolerance,
            so_far.pledges + 1,
        )
    shuffled = list(demands)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = best_outcome(rungs, demands, terms)
    assert best_outcome(rungs, shuffled, terms) == expected
    assert best_outcome(rungs, grouped.values(), terms) == expected


@given(ladders(), DEMANDS, st.builds(Demand, st.integers(1, 9)), TERMS)
def test_another_pledge_never_raises_the_price(
    rungs: tuple[Rung, ...], demands: list[Demand], one_more: Demand, terms: OrderTerms
) -> None:
    before = best_outcome(rungs, demands, terms).position
    assert best_outcome(rungs, [*demands, one_more], terms).position >= before


@given(ladders(), DEMANDS, TERMS)
def test_what_is_missing_to_the_next_price_is_just_enough(
    rungs: tuple[Rung, ...], demands: list[Demand], terms: OrderTerms
) -> None:
    outcome = best_outcome(rungs, demands, terms)
    following = outcome.following
    if following is None:
        return
    missing = missing_quantity(following, terms)
    assert missing > 0
    position = outcome.position + 1
    enough = best_outcome(rungs, [*demands, Demand(missing)], terms)
    assert enough.position >= position
    if missing > 1:
        short = best_outcome(rungs, [*demands, Demand(missing - 1)], terms)
        assert short.rungs[position].is_reached is False


def test_a_worked_ladder_in_which_a_maximum_drops_out() -> None:
    rungs = ladder(910, [24, 48], [840, 790])
    demands = [Demand(20), Demand(10, 840), Demand(16, 790)]
    # At 7.90 all 46 take part: two short. At 8.40 the 30 who accept it are enough.
    outcome = best_outcome(rungs, demands)
    assert (outcome.reached.rung.price_cents, outcome.reached.wanted) == (840, 30)
    assert outcome.following is not None
    assert missing_quantity(outcome.following) == 2


@pytest.mark.parametrize(
    ("quantities", "prices", "code"),
    [
        ([10], [], "uneven"),
        ([1], [90], "quantity"),
        ([10, 10], [90, 80], "quantity"),
        ([10], [100], "price"),
        ([10, 20], [90, 90], "price"),
        ([10], [-1], "price"),
    ],
)
def test_what_is_no_ladder_is_refused(quantities: list[int], prices: list[int], code: str) -> None:
    with pytest.raises(LadderError) as refused:
        ladder(100, quantities, prices)
    assert refused.value.code == code
