"""Laws of care budgets in pure code: amounts, shared minutes, decisions and forecasts."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import assume, example, given
from hypothesis import strategies as st

from wijkeconomie.budgets.rules import (
    Objection,
    Terms,
    care_cents,
    forecast,
    objection,
    share_minutes,
)
from wijkeconomie.money.periods import Period

minutes = st.integers(0, 44_640)
rates = st.integers(0, 100_000)
months = st.dates(date(2025, 1, 1), date(2027, 12, 31)).map(lambda day: day.replace(day=1))
days = st.dates(date(2025, 6, 1), date(2027, 6, 30))
weights = st.one_of(
    st.integers(0, 50),
    st.decimals(0, 50, places=2).map(str),
    st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)


@given(minutes=minutes, rate=rates)
@example(minutes=735, rate=2550)  # 312.375
@example(minutes=2205, rate=6350)  # 2333.625
@example(minutes=30, rate=1)  # exactly half a cent
def test_an_amount_is_minutes_by_rate_half_a_cent_up(minutes: int, rate: int) -> None:
    exact = Decimal(minutes) * rate / 60

    assert care_cents(minutes, rate) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(total=minutes, parts=st.lists(weights, min_size=1, max_size=12))
def test_shared_minutes_come_to_all_of_them_and_lie_within_a_minute(
    total: int, parts: list[int | str]
) -> None:
    assume(any(is_positive(part) for part in parts))

    shared = share_minutes(total, parts)

    assert sum(shared.minutes) == total
    for got, weight in zip(shared.minutes, shared.weights, strict=True):
        assert abs(got * shared.weight_sum - total * weight) < shared.weight_sum
        assert weight or not got


def is_positive(part: int | str) -> bool:
    return any(digit in "123456789" for digit in str(part).split("/", maxsplit=1)[0])


terms = st.builds(
    lambda approved, first, second, rate, left, fence: Terms(
        is_approved=approved,
        starts_on=min(first, second),
        ends_on=max(first, second),
        hourly_rate_cents=rate,
        left_cents=left,
        fence_left_cents=fence,
    ),
    st.booleans(),
    days,
    days,
    rates,
    st.integers(0, 10**7),
    st.none() | st.integers(0, 10**7),
)


@given(month=months, minutes=minutes, claimed=st.none() | st.integers(0, 10**6), terms=terms)
def test_what_is_accepted_is_right_in_every_respect(
    month: date, minutes: int, claimed: int | None, terms: Terms
) -> None:
    found = objection(month, minutes, claimed, terms)
    cents = care_cents(minutes, terms.hourly_rate_cents)
    whole_month = Period.month_of(month)
    overlaps = whole_month.start <= terms.ends_on and terms.starts_on < whole_month.end
    wrong = {
        Objection.NOT_APPROVED: not terms.is_approved,
        Objection.OUTSIDE_PERIOD: not overlaps,
        Objection.AMOUNT_DIFFERS: claimed is not None and claimed != cents,
        Objection.OVER_FENCE: terms.fence_left_cents is not None and cents > terms.fence_left_cents,
        Objection.OVER_BUDGET: terms.left_cents is not None and cents > terms.left_cents,
    }

    assert found == next((reason for reason, is_wrong in wrong.items() if is_wrong), None)


periods = st.tuples(days, st.integers(1, 900)).map(
    lambda pair: Period(pair[0], date.fromordinal(pair[0].toordinal() + pair[1]))
)


@given(
    budget=st.integers(0, 10**7),
    period=periods,
    used=st.dictionaries(months, st.integers(0, 10**6), max_size=24),
)
def test_a_forecast_ties_month_by_month(budget: int, period: Period, used: dict[date, int]) -> None:
    found = forecast(budget, period, used)

    left = budget
    for month in found.months:
        left -= month.cents
        assert month.left_cents == left
    assert [month.month for month in found.months] == [month.start for month in period.months()]
    seen = [month for month in found.months if not month.is_expected]
    assert all(month.cents == used.get(month.month, 0) for month in seen)
    if found.average_cents is None:
        assert not seen
        assert all(month.cents == 0 for month in found.months)
    else:
        exact = Decimal(sum(month.cents for month in seen)) / len(seen)
        assert found.average_cents == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    short = [month.month for month in found.months if month.left_cents < 0]
    assert found.empty_in == (short[0] if short else None)


def test_a_forecast_by_hand() -> None:
    found = forecast(
        1_000_00,
        Period.year(2026),
        {date(2026, 1, 1): 90_00, date(2026, 3, 1): 30_01},
    )

    assert found.average_cents == 40_00  # 120.01 over three months, one of them empty
    assert found.months[2].left_cents == 879_99
    assert found.empty_in is None
    assert found.left_cents == 519_99
    assert forecast(100_00, Period.year(2026), {date(2026, 1, 1): 30_00}).empty_in == (
        date(2026, 4, 1)
    )
