"""Laws of closing times: what a miss leads to, what a top-up may change, when rounds repeat."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from wijkeconomie.money.ordering import OrderTerms, order_quantity
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing.free_days import holiday_on
from wijkeconomie.purchasing.miss_rules import (
    Reached,
    Terms,
    answer,
    missed_in,
    misses,
    moved_with,
    prolonged_until,
    record_of,
)
from wijkeconomie.purchasing.repeating_rules import Rhythm, makes_at, nominal_days, planned
from wijkeconomie.purchasing.topup_rules import open_units, topup_obstacle

cents = st.integers(0, 100_000)
reached = st.builds(
    Reached,
    ordered_cents=cents,
    pledges=st.integers(0, 30),
    products_below_minimum=st.lists(st.sampled_from(["kaas", "olie"]), unique=True).map(tuple),
)
terms = st.builds(
    Terms,
    on_miss=st.sampled_from(["cancel", "prolong", "ask"]),
    prolong_days=st.integers(1, 28),
    most_prolongations=st.integers(0, 12),
    when_spent=st.sampled_from(["cancel", "ask"]),
    supplier_minimum_cents=st.none() | st.integers(1, 100_000),
    target_cents=st.none() | st.integers(1, 100_000),
    heeds_product_minimum=st.booleans(),
)
moments = st.timedeltas(timedelta(0), timedelta(days=1800)).map(
    lambda since: datetime(2025, 1, 1, tzinfo=UTC) + since
)


@given(reached, terms, st.integers(0, 12))
def test_a_round_closes_exactly_when_nothing_is_missed(
    found: Reached, said: Terms, prolonged: int
) -> None:
    missed = misses(found, said)

    assert (answer(said, prolonged, missed) == "close") == (not missed)


@given(reached, terms)
def test_a_miss_that_stays_ends_after_at_most_the_agreed_prolongations(
    found: Reached, said: Terms
) -> None:
    missed = misses(found, said)
    assume(missed)
    prolonged, answers = 0, []
    while (what := answer(said, prolonged, missed)) == "prolong":
        prolonged += 1
        answers.append(what)

    assert prolonged == (said.most_prolongations if said.on_miss == "prolong" else 0)
    assert what == (said.when_spent if said.on_miss == "prolong" else said.on_miss)


@given(reached, terms, st.integers(0, 50_000))
def test_who_orders_more_never_makes_a_round_miss_more(
    found: Reached, said: Terms, more: int
) -> None:
    assume(found.pledges)
    bigger = Reached(found.ordered_cents + more, found.pledges, found.products_below_minimum)

    assert set(misses(bigger, said)) <= set(misses(found, said))


@given(reached, terms)
def test_what_was_missed_is_read_back_as_it_was_stored(found: Reached, said: Terms) -> None:
    missed = misses(found, said)

    assert missed_in(record_of(found, missed)) == (found.ordered_cents, missed)


@given(moments, st.timedeltas(timedelta(0), timedelta(days=90)), st.integers(1, 28))
def test_a_prolonged_round_closes_at_its_own_hour_and_later_than_now(
    closes_at: datetime, late: timedelta, days: int
) -> None:
    now = closes_at + late
    until = prolonged_until(closes_at, now, days, LOCAL_TIME)
    before, after = closes_at.astimezone(LOCAL_TIME), until.astimezone(LOCAL_TIME)

    assert until > now
    # An hour that a night skips is an hour later, that night only.
    assert after.time() in {before.time(), (before + timedelta(hours=1)).time()}
    assert (after.date() - max(before.date(), now.astimezone(LOCAL_TIME).date())).days == days
    delivery = moved_with(date(2026, 3, 30), closes_at, until, LOCAL_TIME)
    assert delivery - date(2026, 3, 30) == after.date() - before.date()


pledge = st.tuples(st.integers(0, 40), st.integers(0, 9), st.none() | st.integers(1, 500))
order_terms = st.builds(
    OrderTerms, pack_size=st.integers(1, 24), minimum=st.sampled_from([0, 0, 10, 30])
)


@given(
    order_terms,
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40), st.integers(0, 9)), max_size=12),
)
def test_topping_up_takes_nothing_back_and_opens_no_pack(
    sold: OrderTerms, pledges: list[tuple[int, int]], changes: list[tuple[int, int, int]]
) -> None:
    now = list(pledges)

    def ordered() -> int:
        wanted, tolerance = sum(each[0] for each in now), sum(each[1] for each in now)
        return order_quantity(wanted, tolerance, sold)

    begun = sum(each[0] for each in pledges)
    most = begun + open_units(begun, sold)
    for who, quantity, tolerance in changes:
        position = who % len(now)
        before = ordered()
        room = open_units(sum(each[0] for each in now), sold)
        change = (quantity, tolerance, None)
        if topup_obstacle((*now[position], None), change, room) is None:
            now[position] = (quantity, tolerance)
        assert ordered() >= before
        assert sum(each[0] for each in now) <= most

    assert all(
        after[0] >= said[0] and sum(after) >= sum(said)
        for said, after in zip(pledges, now, strict=True)
    )


@given(pledge, st.integers(0, 50))
def test_saving_an_order_as_it_is_is_always_fine(
    said: tuple[int, int, int | None], room: int
) -> None:
    assert topup_obstacle(said, said, room) is None


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 500))
def test_a_lower_maximum_price_takes_back_and_a_higher_one_does_not(
    quantity: int, less: int, price: int
) -> None:
    assert topup_obstacle((quantity, 0, None), (quantity, 0, price), 0) == "takes-back"
    lower = (quantity, 0, max(price - less, 0))
    assert topup_obstacle((quantity, 0, price), lower, 0) == "takes-back"
    assert topup_obstacle((quantity, 0, price), (quantity, 0, price + less), 0) is None
    assert topup_obstacle((quantity, 0, price), (quantity, 0, None), 0) is None


rhythms = st.builds(
    Rhythm,
    first_on=st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    last_on=st.none(),
    every_weeks=st.integers(1, 13),
    opens_days_before=st.integers(3, 20),
    opens_time=st.times(),
    closes_days_before=st.integers(0, 2),
    closes_time=st.times(),
    ahead_days=st.integers(0, 14),
    on_holiday=st.sampled_from(["skip", "before", "after", "as_usual"]),
)


@given(rhythms, st.integers(0, 120))
def test_a_rhythm_names_its_days_once_wherever_one_begins_to_count(
    rhythm: Rhythm, skip: int
) -> None:
    days = nominal_days(rhythm)
    for _ in range(skip % 20):
        next(days)
    last, following = next(days), next(days)

    assert next(nominal_days(rhythm, last)) == following
    assert next(nominal_days(rhythm, following - timedelta(days=1))) == following
    assert (following - last).days == 7 * rhythm.every_weeks


@given(rhythms, st.integers(0, 100), st.sets(st.integers(0, 900), max_size=40))
def test_a_delivery_falls_on_no_holiday_sunday_or_break_that_it_was_moved_for(
    rhythm: Rhythm, number: int, closed: set[int]
) -> None:
    days = nominal_days(rhythm)
    for _ in range(number):
        next(days)
    day = next(days)
    breaks = {date(2025, 1, 1) + timedelta(days=each) for each in closed}
    plan = planned(
        rhythm,
        day,
        holiday_on=holiday_on,
        break_on=lambda each: "vakantie" if each in breaks else None,
        timezone=LOCAL_TIME,
    )

    assert plan.opens_at < plan.closes_at
    assert abs((plan.delivery_on - day).days) <= 6
    assert makes_at(rhythm, day, LOCAL_TIME) <= plan.opens_at
    if plan.skipped is None:
        assert plan.delivery_on not in breaks
        assert holiday_on(plan.delivery_on) is None or rhythm.on_holiday == "as_usual"
        assert plan.delivery_on == day or plan.delivery_on.weekday() != 6


def test_hours_are_hours_of_the_clock_in_summer_and_in_winter() -> None:
    rhythm = Rhythm(
        first_on=date(2026, 3, 26),
        last_on=None,
        every_weeks=1,
        opens_days_before=6,
        opens_time=time(9),
        closes_days_before=2,
        closes_time=time(20),
        ahead_days=1,
        on_holiday="skip",
    )
    plans = [
        planned(
            rhythm, day, holiday_on=lambda _: None, break_on=lambda _: None, timezone=LOCAL_TIME
        )
        for day in (date(2026, 3, 26), date(2026, 4, 2))
    ]

    # The clock went forward on 29 March, between the opening and the closing of the second.
    assert [plan.opens_at.hour for plan in plans] == [8, 8]
    assert [plan.closes_at.hour for plan in plans] == [19, 18]


def test_dutch_holidays_are_known_by_name() -> None:
    assert holiday_on(date(2026, 4, 6)) == "Tweede paasdag"
    assert holiday_on(date(2026, 4, 27)) == "Koningsdag"
    assert holiday_on(date(2026, 5, 14)) == "Hemelvaartsdag"
    assert holiday_on(date(2026, 5, 5)) is None
    assert holiday_on(date(2025, 5, 5)) == "Bevrijdingsdag"
