"""Whoever writes down a cost or a subsidy stands in the audit trail."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.factories.shared_costs import JANUARY, House, a_house
from tests.integration.test_cost_corrections import subsidise
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.keeping import SaveRecurringCost, save_recurring_cost
from wijkeconomie.costs.models import SubsidyMode


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work)


def trail(house: House, kind: str) -> list[tuple[str, object, object]]:
    with house.books.open() as uow:
        rows = uow.session.execute(
            text(
                "select action, before, after from audit_record where cooperative_id = :id"
                " and subject like :kind order by id"
            ),
            {"id": uow.tenant, "kind": f"{kind}/%"},
        )
        return [(row.action, row.before, row.after) for row in rows]


def test_a_cost_is_in_the_trail_with_its_amounts(house: House) -> None:
    house.cost("A", 1000, vat=210)

    [(action, before, after)] = trail(house, "shared_cost")
    assert (action, before) == ("recorded", None)
    assert after == {
        "code": "A",
        "month": "2026-01",
        "key": "equal",
        "net_cents": 1000,
        "vat_cents": 210,
        "supplier": None,
    }


def test_a_recurring_cost_and_a_subsidy_are_in_the_trail(house: House) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 400)
    with house.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code="HUUR",
                description="huur",
                key_code="equal",
                net_cents=10000,
                vat_cents=0,
                starts_on=JANUARY,
            ),
        )

    assert [action for action, *_ in trail(house, "recurring_cost")] == ["recorded"]
    assert [action for action, *_ in trail(house, "subsidy")] == ["recorded"]
