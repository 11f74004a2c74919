"""Projects and care budgets that are there go down and up with the migration that changed them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from alembic import command
from sqlalchemy import create_engine, text

from tests.conftest import Clock
from tests.factories.care import CareHome
from tests.factories.investments import a_roof
from wijkeconomie.budgets.declaring import approve
from wijkeconomie.budgets.lists import make_list
from wijkeconomie.budgets.models import CareLaw, Payer
from wijkeconomie.core.database import DatabaseAddresses, alembic_config, application_engine
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.investments.reversing import turn_back_payment, turn_back_result

REVISION = "0036_projects_and_care"
JANUARY = date(2026, 1, 1)


def test_lists_results_and_disposals_survive_it(
    fresh_addresses: DatabaseAddresses, clock: Clock
) -> None:
    clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    engine = application_engine(fresh_addresses)
    roof = a_roof(
        UnitOfWorkFactory(session_factory(engine), clock), stage_units=10, maximum_units=12
    )
    roof.buy(L001=12)
    [paid] = roof.buy(L002=2)
    roof.draw(100_000)
    roof.put_into_use(life=12)
    roof.share(140)
    with roof.books.open() as uow:
        turn_back_result(uow, "ZON", 2026, reason="vergist")
        turn_back_payment(uow, paid, reason="vergist")
    roof.share(120)
    clock.set(datetime(2026, 5, 20, 12, tzinfo=UTC))
    roof.dispose(date(2026, 5, 20), 12_100)
    home = CareHome(roof.books, roof.members)
    for holder, payer, law in (
        ("L001", "VGZ", CareLaw.ZVW),
        ("L002", "CZ", CareLaw.ZVW),
        ("L003", None, CareLaw.WLZ),
    ):
        budget = home.budget(holder=holder, payer_name=payer, law=law)
        made = home.declare(home.agreement(budget, home.carer()), 60)
        with home.open() as uow:
            approve(uow, made.id, note="map 1")
    with home.open() as uow:
        for name in ("VGZ", "CZ"):
            make_list(uow, JANUARY, Payer.INSURER, name)
        make_list(uow, JANUARY, Payer.SVB)
    engine.dispose()
    config = alembic_config(fresh_addresses.owner)

    command.downgrade(config, REVISION)
    command.downgrade(config, "-1")
    owner = create_engine(fresh_addresses.owner)
    lists = text("select payer, number from care_list order by payer, number")
    results = text("select cents from project_result")
    with owner.connect() as connection:
        assert connection.execute(lists).all() == [("insurer", 1), ("insurer", 2), ("svb", 1)]
        assert connection.scalars(results).all() == [120]
    owner.dispose()
    command.upgrade(config, "head")

    with owner.connect() as connection:
        assert connection.execute(
            text("select payer, payer_name, number from care_list order by payer, number")
        ).all() == [
            ("insurer", "Zorgverzekeraars", 1),
            ("insurer", "Zorgverzekeraars", 2),
            ("svb", "SVB", 1),
        ]
        assert connection.execute(
            text("select law, payer_name from care_budget order by code")
        ).all() == [("Zvw", None), ("Zvw", None), ("Wlz", "SVB")]
    owner.dispose()
    assert roof.books.verify().fault is None
    engine.dispose()
