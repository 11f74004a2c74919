"""Laws of costs that come back: another amount from a month on, and a trail of who said so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.shared_costs import House, a_house
from wijkeconomie.core.audit import history
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.keeping import SaveRecurringCost, save_recurring_cost
from wijkeconomie.costs.queries import costs_of_month
from wijkeconomie.costs.recurring import ChangeRecurringCost, change_recurring_cost
from wijkeconomie.costs.recurring_queries import recurring_cost


@pytest.fixture
def house(fresh_runtime: Runtime, clock: Clock) -> House:
    clock.set(datetime(2026, 1, 10, tzinfo=UTC))
    found = a_house(fresh_runtime.units_of_work)
    found.key("other")
    with found.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code="HUUR",
                description="huur",
                key_code="equal",
                net_cents=10000,
                vat_cents=0,
                starts_on=date(2026, 1, 15),
                day_of_month=15,
            ),
        )
    return found


def change(house: House, from_month: date, **terms: Any) -> None:
    with house.books.open() as uow:
        given: dict[str, Any] = {"key_code": "other", "net_cents": 12000, "vat_cents": 0} | terms
        change_recurring_cost(uow, ChangeRecurringCost(code="HUUR", from_month=from_month, **given))


def made(house: House) -> list[tuple[int, str]]:
    with house.books.open() as uow:
        return [
            (cost.gross_cents, cost.key_name)
            for month in range(1, 8)
            for cost in costs_of_month(uow.session, uow.tenant, date(2026, month, 1))
        ]


def test_from_its_month_on_a_change_counts_also_when_the_clock_was_behind(
    house: House, fresh_runtime: Runtime, clock: Clock
) -> None:
    change(house, date(2026, 3, 1), ends_on=date(2026, 4, 30))
    clock.set(datetime(2026, 7, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert made(house) == [(10000, "equal")] * 2 + [(12000, "other")] * 2


def test_a_change_is_seen_beforehand_and_kept_in_the_trail(house: House) -> None:
    change(house, date(2026, 2, 1))

    with house.books.open() as uow:
        now = recurring_cost(uow.session, uow.tenant, "HUUR", date(2026, 1, 10))
        later = recurring_cost(uow.session, uow.tenant, "HUUR", date(2026, 1, 20))
        subject = f"recurring_cost/{_id(house)}"
        changes = history(uow.session, uow.tenant, subject)
    assert (now.gross_cents, later.gross_cents) == (10000, 12000)
    assert [each.action for each in changes] == ["recorded", "changed"]
    assert (changes[1].before["net_cents"], changes[1].after["net_cents"]) == (10000, 12000)


def _id(house: House) -> int:
    with house.books.open() as uow:
        statement = text("select id from recurring_cost where cooperative_id = :id")
        return int(uow.session.scalars(statement, {"id": uow.tenant}).one())


def test_what_was_made_already_is_not_changed(
    house: House, fresh_runtime: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 2, 20, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    with pytest.raises(InvalidInputError) as caught:
        change(house, date(2026, 2, 1))
    assert caught.value.context["cost"] == "HUUR-2026-02-15"
    change(house, date(2026, 3, 1))


def test_a_start_long_ago_makes_no_thousands_of_costs(house: House) -> None:
    with pytest.raises(InvalidInputError), house.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code="OUD",
                description="huur",
                key_code="equal",
                net_cents=10000,
                vat_cents=0,
                starts_on=date(202, 1, 15),
            ),
        )
