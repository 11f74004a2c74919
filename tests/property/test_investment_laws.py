"""Laws of investing together, for campaigns and assets nobody would think of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wijkeconomie.investments.rules import (
    EXEMPT_OFFER_CENTS,
    CampaignFigures,
    DisposalFigures,
    Leaver,
    can_do_without,
    depreciation_plan,
    drawable_cents,
    first_open_day,
    months_later,
    needs_prospectus,
    releases,
    share_result,
)
from wijkeconomie.money.allocation import AllocationError

CENTS = st.integers(0, 10**12)
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
UNITS = st.lists(st.integers(1, 500), min_size=1, max_size=60)


@st.composite
def campaigns(draw: st.DrawFn) -> CampaignFigures:
    target = draw(st.integers(1, 500))
    raised = draw(st.integers(0, target))
    price = draw(st.integers(1, 10**6))
    return CampaignFigures(
        unit_price_cents=price,
        target_units=target,
        stage_units=draw(st.integers(1, target)),
        raised_units=raised,
        drawn_cents=0,
        is_closed=draw(st.booleans()),
    )


@given(cost=CENTS, residual=CENTS, life=st.integers(1, 600), begins=DAYS)
@example(cost=100, residual=0, life=120, begins=date(2024, 2, 1))
def test_an_asset_loses_exactly_its_cost_over_its_life(
    cost: int, residual: int, life: int, begins: date
) -> None:
    left = min(residual, cost)
    plan = depreciation_plan(cost, left, life, begins.replace(day=1))

    parts = [part for _, part in plan]
    months = [month for month, _ in plan]
    assert sum(parts) == cost - left
    assert max(parts) - min(parts) <= 1
    assert len(plan) == life
    assert months == sorted(set(months))
    assert all(month.day == 1 for month in months)
    # Straight: after any number of months it is on the line, give or take the cents to come.
    for number in (1, life // 2, life):
        line = Fraction((cost - left) * number, life)
        assert abs(sum(parts[:number]) - line) < life


@given(units=UNITS, cents=st.integers(-(10**9), 10**9))
def test_shares_of_a_result_are_its_total_and_go_by_units(units: list[int], cents: int) -> None:
    left = [own * 10**9 for own in units]

    shares = share_result(cents, units, left)

    assert sum(shares) == cents
    for own, share in zip(units, shares, strict=True):
        assert abs(share - Fraction(cents * own, sum(units))) < 1
    for one, its in zip(units, shares, strict=True):
        for other, others in zip(units, shares, strict=True):
            if one == other:
                assert abs(its - others) <= 1


@given(units=UNITS, price=st.integers(1, 10**5), data=st.data())
def test_nobody_bears_more_of_a_loss_than_he_has_left(
    units: list[int], price: int, data: st.DataObject
) -> None:
    left = [data.draw(st.integers(0, own * price)) for own in units]
    loss = data.draw(st.integers(0, sum(left)))

    shares = share_result(-loss, units, left)

    assert sum(shares) == -loss
    assert all(0 <= -share <= own for share, own in zip(shares, left, strict=True))
    with pytest.raises(AllocationError):
        share_result(-sum(left) - 1, units, left)


@given(campaign=campaigns())
def test_never_more_may_be_spent_than_came_in(campaign: CampaignFigures) -> None:
    most = drawable_cents(campaign)

    assert 0 <= most <= campaign.raised_units * campaign.unit_price_cents
    if campaign.is_closed or campaign.raised_units == campaign.target_units:
        assert most == campaign.raised_units * campaign.unit_price_cents
    elif campaign.raised_units < campaign.stage_units:
        assert most == 0


@given(
    st.lists(st.builds(Leaver, DAYS, st.text("LM0123", min_size=1), st.integers(0, 10**6))),
    st.lists(st.tuples(DAYS, st.integers(1, 10**6))),
    st.one_of(st.none(), st.integers(1, 10**6)),
    DAYS,
)
def test_releases_keep_to_the_rule_and_to_the_order_of_leaving(
    waiting: list[Leaver], before: list[tuple[date, int]], per_year: int | None, today: date
) -> None:
    found = releases(waiting, before, per_year_cents=per_year, today=today)

    due = sorted(leaver for leaver in waiting if leaver.due_on <= today)
    assert found == due[: len(found)], "who left first goes first, nobody too early"
    used = sum(cents for day, cents in before if day.year == today.year)
    if per_year is None:
        assert found == due
    elif found and used:
        assert used + sum(leaver.cents for leaver in found) <= per_year
    elif due and not used:
        assert found, "an amount above the limit does not wait for ever"


@given(day=DAYS, months=st.integers(0, 1200))
def test_so_many_months_later_is_in_that_month(day: date, months: int) -> None:
    later = months_later(day, months)

    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_offers_of_a_year_count_together() -> None:
    before = [(date(2026, 1, 1), EXEMPT_OFFER_CENTS - 100)]

    assert not needs_prospectus(before, date(2026, 12, 31), 100)
    assert needs_prospectus(before, date(2026, 12, 31), 101)
    assert not needs_prospectus(before, date(2027, 1, 1), EXEMPT_OFFER_CENTS)


@given(cost=CENTS, lost=CENTS, proceeds=CENTS, vat=CENTS)
@example(cost=1_200_000, lost=400_000, proceeds=605_000, vat=105_000)
def test_what_leaves_is_written_off_sold_or_lost(
    cost: int, lost: int, proceeds: int, vat: int
) -> None:
    figures = DisposalFigures(
        cost_cents=cost,
        depreciated_cents=min(lost, cost),
        proceeds_cents=proceeds,
        vat_cents=min(vat, proceeds),
    )

    assert figures.book_value_cents >= 0
    net = figures.proceeds_cents - figures.vat_cents
    assert figures.depreciated_cents + net - figures.result_cents == cost


@given(day=DAYS, closed=st.sets(st.integers(0, 30)))
def test_a_closed_month_is_booked_on_the_first_day_that_is_open(
    day: date, closed: set[int]
) -> None:
    months = {months_later(day, number).replace(day=1) for number in closed}

    found = first_open_day(day, months)

    assert found.replace(day=1) not in months
    if day.replace(day=1) not in months:
        assert found == day
        return
    assert found.day == 1
    between = [months_later(day, number).replace(day=1) for number in range(len(months) + 1)]
    assert all(month in months for month in between if month < found)


@given(campaign=campaigns(), units=st.integers(1, 500), part=st.integers(0, 100))
def test_what_is_done_without_leaves_stage_and_spending_paid(
    campaign: CampaignFigures, units: int, part: int
) -> None:
    spent = replace(campaign, drawn_cents=drawable_cents(campaign) * part // 100)
    rest = replace(spent, raised_units=spent.raised_units - units)

    if can_do_without(spent, units):
        assert rest.raised_units >= rest.stage_units
        assert rest.drawn_cents <= rest.raised_units * rest.unit_price_cents
    else:
        assert rest.raised_units < rest.stage_units or drawable_cents(rest) < 0
