"""Laws of rounds that repeat: rhythm, holidays, breaks and the clock, by the real jobs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.integration.test_supplier_pages import coordinator
from tests.integration.test_web_pages import post
from wijkeconomie.core.audit import history
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadline_models import OnMiss, RoundDeadline
from wijkeconomie.purchasing.deadline_queries import round_deadline
from wijkeconomie.purchasing.deadlines import DeadlineTerms, terms_in
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.models import PurchaseRound, RoundState, ShortageRule
from wijkeconomie.purchasing.repeating import (
    SaveDeliveryBreak,
    SaveRepeatingRound,
    save_delivery_break,
    save_repeating_round,
    stop_repeating_round,
    withdraw_delivery_break,
)
from wijkeconomie.purchasing.repeating_models import OnHoliday
from wijkeconomie.purchasing.repeating_queries import (
    MadeDelivery,
    deliveries_made,
    deliveries_to_come,
    repeating_round,
)
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product


@pytest.fixture
def market(fresh_runtime: Runtime, clock: Clock) -> Market:
    return a_market(fresh_runtime.units_of_work, clock)


__all__ = ["coordinator"]

WEEKLY = SaveRepeatingRound(
    code="GROENTE",
    theme="groente",
    supplier_id=0,
    first_delivery_on=date(2026, 1, 15),
    opens_days_before=6,
    opens_time=time(9),
    closes_days_before=2,
    closes_time=time(20),
    ahead_days=1,
    terms=DeadlineTerms(on_miss=OnMiss.CANCEL, target_net_cents=500),
)


def weekly(market: Market, **changes: object) -> None:
    with market.books.open() as uow:
        command = replace(WEEKLY, supplier_id=market.supplier_id, **changes)  # type: ignore[arg-type]
        save_repeating_round(uow, command)


def made(market: Market) -> list[MadeDelivery]:
    with market.books.open() as uow:
        row = repeating_round(uow.session, uow.tenant, "GROENTE")
        return list(reversed(deliveries_made(uow.session, uow.tenant, row.id)))


def run_until(market: Market, until: datetime, step: timedelta = timedelta(hours=6)) -> None:
    while market.clock.now < until:
        market.clock.advance(min(step, until - market.clock.now))
        run_due(market.books.units_of_work, ROUND_JOBS)


def test_each_week_a_round_is_made_with_the_products_and_prices_of_its_day(
    market: Market,
) -> None:
    weekly(market)
    run_until(market, datetime(2026, 1, 9, 12, tzinfo=UTC))
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="AARD",
                name="Aardappelen",
                unit="kg",
                price_excl_cents=150,
                vat_basis_points=900,
            ),
        )
    run_until(market, datetime(2026, 1, 16, 12, tzinfo=UTC))
    with market.books.open() as uow:
        rounds = sorted(queries.rounds(uow.session, uow.tenant), key=lambda each: each.closes_at)
        prices = [
            {
                each.code: each.price_excl_cents
                for each in queries.offered_products(uow.session, uow.tenant, found.id)
            }["AARD"]
            for found in rounds
        ]
    assert [found.delivery_on.isoformat() for found in rounds] == ["2026-01-15", "2026-01-22"]
    assert [found.state for found in rounds] == [RoundState.CANCELLED, RoundState.OPEN]
    assert prices == [119, 150]
    local = rounds[1].closes_at.astimezone(LOCAL_TIME)
    assert (local.date(), local.hour) == (date(2026, 1, 20), 20)
    with market.books.open() as uow:
        terms = round_deadline(uow.session, uow.tenant, rounds[1].id)
    assert terms is not None
    assert (terms.on_miss, terms.target_net_cents) == (OnMiss.CANCEL, 500)


def test_each_round_takes_what_was_agreed_about_its_closing_time(market: Market) -> None:
    agreed = DeadlineTerms(
        on_miss=OnMiss.PROLONG,
        prolong_days=3,
        most_prolongations=2,
        when_spent="cancel",
        topup_hours=12,
        reminder_hours=36,
    )
    weekly(market, terms=agreed, shortage_rule=ShortageRule.MANUAL)
    run_until(market, datetime(2026, 1, 16, 12, tzinfo=UTC))

    with market.books.open() as uow:
        rounds = queries.rounds(uow.session, uow.tenant)
        assert len(rounds) == 2
        for found in rounds:
            row = uow.session.get_one(RoundDeadline, (uow.tenant, found.id))
            assert terms_in(row) == agreed
            assert found.shortage_rule is ShortageRule.MANUAL


@pytest.mark.parametrize("rule", list(SurplusRule))
def test_each_round_does_with_surplus_what_the_template_says(
    market: Market, rule: SurplusRule
) -> None:
    weekly(market, surplus_rule=rule)
    run_until(market, datetime(2026, 1, 9, 12, tzinfo=UTC))

    with market.books.open() as uow:
        [found] = queries.rounds(uow.session, uow.tenant)
        made = uow.session.get_one(PurchaseRound, (uow.tenant, found.id))
        assert made.surplus_rule == rule.value


def test_a_new_round_that_repeats_is_not_written_over_one_that_is_there(market: Market) -> None:
    weekly(market, is_new=True)
    with pytest.raises(InvalidInputError) as refused:
        weekly(market, is_new=True, theme="iets anders")
    assert refused.value.context["field"] == "code"
    weekly(market, theme="groente en fruit")
    with market.books.open() as uow:
        assert repeating_round(uow.session, uow.tenant, "GROENTE").theme == "groente en fruit"


@pytest.mark.parametrize(("hours", "told"), [(24, 24), (12, 36), (None, None), (36, None)])
def test_a_reminder_comes_as_long_before_the_closing_time_as_was_agreed(
    market: Market, hours: int | None, told: int | None
) -> None:
    """The round is open for two days; it has to be open twice as long as its reminder is ahead."""
    weekly(
        market,
        opens_days_before=4,
        opens_time=time(20),
        terms=DeadlineTerms(reminder_hours=hours),
    )
    opened = datetime(2026, 1, 11, 19, tzinfo=UTC)
    run_until(market, opened - timedelta(hours=1))
    reminded: int | None = None
    for hour in range(50):
        market.clock.set(opened + timedelta(hours=hour))
        run_due(market.books.units_of_work, ROUND_JOBS)
        with market.books.open() as uow:
            sent = uow.session.scalar(
                text("select count(*) from outbox_message where kind = 'mail.round-reminder'")
            )
        if sent and reminded is None:
            reminded = hour
    assert reminded == told


def test_a_break_skips_deliveries_and_can_be_taken_back(market: Market) -> None:
    weekly(market)
    with market.books.open() as uow:
        break_id = save_delivery_break(
            uow,
            SaveDeliveryBreak(
                first_day=date(2026, 1, 14), last_day=date(2026, 1, 22), reason="vakantie"
            ),
        )
        save_delivery_break(
            uow,
            SaveDeliveryBreak(
                first_day=date(2026, 1, 29), last_day=date(2026, 1, 29), reason="inventaris"
            ),
        )
    run_until(market, datetime(2026, 1, 9, tzinfo=UTC))
    with market.books.open() as uow:
        withdraw_delivery_break(uow, break_id)
    run_until(market, datetime(2026, 1, 24, tzinfo=UTC))
    assert [(each.skipped, each.note) for each in made(market)] == [
        ("break", "vakantie"),
        (None, None),
        ("break", "inventaris"),
    ]


@pytest.mark.parametrize(
    ("rule", "delivery"),
    [
        (OnHoliday.SKIP, None),
        (OnHoliday.BEFORE, date(2026, 5, 13)),
        (OnHoliday.AFTER, date(2026, 5, 15)),
        (OnHoliday.AS_USUAL, date(2026, 5, 14)),
    ],
)
def test_a_delivery_on_a_holiday_is_skipped_or_moved_with_its_closing_time(
    market: Market, clock: Clock, rule: OnHoliday, delivery: date | None
) -> None:
    clock.set(datetime(2026, 5, 1, tzinfo=UTC))
    weekly(market, first_delivery_on=date(2026, 5, 14), on_holiday=rule)
    run_until(market, datetime(2026, 5, 8, tzinfo=UTC))
    [only] = made(market)
    assert only.delivery_on == delivery
    if delivery is None:
        assert (only.skipped, only.note) == ("holiday", "Hemelvaartsdag")
    else:
        with market.books.open() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, str(only.round_code))
        assert found.closes_at.astimezone(LOCAL_TIME).date() == delivery - timedelta(days=2)


def test_after_standing_still_no_round_is_made_in_which_nobody_could_order(
    market: Market, clock: Clock
) -> None:
    weekly(market)
    clock.set(datetime(2026, 1, 28, 12, tzinfo=UTC))
    run_due(market.books.units_of_work, ROUND_JOBS)
    assert [(each.nominal_on.day, each.skipped) for each in made(market)] == [
        (15, "late"),
        (22, "late"),
        (29, "late"),
    ]
    clock.set(datetime(2026, 1, 29, 12, tzinfo=UTC))
    run_due(market.books.units_of_work, ROUND_JOBS)
    assert made(market)[-1].round_code is not None


@pytest.mark.parametrize("first", [date(2026, 3, 31), date(2026, 10, 27)])
def test_the_nights_of_the_changing_clock_make_each_round_once_at_its_hour(
    market: Market, clock: Clock, first: date
) -> None:
    clock.set(datetime.combine(first - timedelta(days=12), time(), UTC))
    # Opens and closes on both Sundays at half past two: an hour that is skipped, or comes twice.
    weekly(
        market,
        first_delivery_on=first,
        opens_days_before=9,
        opens_time=time(2, 30),
        closes_time=time(2, 30),
    )
    run_until(
        market,
        datetime.combine(first, time(), UTC) - timedelta(days=1),
        timedelta(minutes=30),
    )
    [one, _next] = made(market)
    with market.books.open() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, str(one.round_code))
        changes = history(uow.session, uow.tenant, f"round/{found.id}")
    assert [change.action for change in changes] == [
        "planned",
        "deadline-set",
        "open",
        "cancelled",
    ]
    assert found.closes_at.astimezone(LOCAL_TIME).date() == first - timedelta(days=2)


def test_a_stopped_round_repeats_no_more_and_shows_nothing_to_come(market: Market) -> None:
    weekly(market)
    with market.books.open() as uow:
        stop_repeating_round(uow, "GROENTE")
    run_until(market, datetime(2026, 1, 20, tzinfo=UTC))
    assert made(market) == []


def test_what_is_to_come_is_told_with_holidays(market: Market, clock: Clock) -> None:
    clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    weekly(market, first_delivery_on=date(2026, 5, 7), on_holiday=OnHoliday.BEFORE)
    with market.books.open() as uow:
        row = repeating_round(uow.session, uow.tenant, "GROENTE")
        plans = deliveries_to_come(uow.session, row)
    assert [(plan.delivery_on.day, plan.note) for plan in plans[:3]] == [
        (7, None),
        (13, "Hemelvaartsdag"),
        (21, None),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"every_weeks": 0}, "every_weeks"),
        ({"opens_days_before": 2, "opens_time": time(20)}, "closes_days_before"),
        ({"first_delivery_on": date(2026, 1, 1)}, "first_delivery_on"),
        ({"last_delivery_on": date(2026, 1, 14)}, "last_delivery_on"),
        ({"theme": " "}, "theme"),
    ],
)
def test_a_rhythm_that_cannot_be_is_refused(
    market: Market, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        weekly(market, **changes)
    assert refused.value.context["field"] == field


def test_only_what_is_offered_in_the_category_is_in_the_round(market: Market) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update product set category = 'groente' where code = 'AARD'"
                " and cooperative_id = :id"
            ),
            {"id": uow.tenant},
        )
    weekly(market, category="groente")
    run_until(market, datetime(2026, 1, 9, tzinfo=UTC))
    with market.books.open() as uow:
        [found] = queries.rounds(uow.session, uow.tenant)
        offered = queries.offered_products(uow.session, uow.tenant, found.id)
    assert [each.code for each in offered] == ["AARD"]


def test_the_page_of_a_new_round_that_repeats_refuses_a_code_that_is_there(
    coordinator: FlaskClient,
) -> None:
    page = "/c/MRS/repeating/new"
    form = {
        "code": "GROENTE",
        "theme": "groente",
        "supplier": "LEV1",
        "first_delivery_on": "2026-01-15",
        "opens_days_before": "6",
        "opens_time": "09:00",
        "closes_days_before": "2",
        "closes_time": "20:00",
        "surplus_rule": "ask",
    }
    assert post(coordinator, page, page, **form)[0] == 303
    status, text = post(coordinator, page, page, **(form | {"theme": "iets anders"}))
    assert (status, "Er is al een herhalende ronde met deze code" in text) == (422, True)
    own = "/c/MRS/repeating/GROENTE"
    kept = coordinator.get(own).get_data(as_text=True)
    assert re.search(r'name="theme"[^>]*value="groente"', kept)
    assert re.search(r'name="surplus_rule" value="ask" checked', kept)
    assert post(coordinator, own, own, **(form | {"theme": "groente en fruit"}))[0] == 303
