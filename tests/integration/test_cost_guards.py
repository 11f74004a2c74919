"""What the database itself holds true about settled costs, and who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from threading import Thread

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Clock
from tests.factories.shared_costs import JANUARY, House, a_house
from tests.integration.test_cost_corrections import subsidise
from wijkeconomie.core.database import DatabaseAddresses, alembic_config, application_engine
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.costs.funding import account_for_subsidy
from wijkeconomie.costs.keeping import stop_cost
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import CostSettledError
from wijkeconomie.costs.settling import settle_month


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work)


def until_somebody_waits(owner: Engine) -> None:
    """Until a transaction of this database waits for a lock of another one."""
    for _ in range(400):
        with owner.connect() as connection:
            if connection.scalar(text("select count(*) from pg_locks where not granted")):
                return
        time.sleep(0.025)
    raise AssertionError("nobody waits")


def in_a_thread(act: Callable[[], object]) -> tuple[Thread, list[object]]:
    """What comes of an act that runs beside the test: its result or its refusal."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(act())
        except DomainError as refusal:
            came.append(refusal)

    thread = Thread(target=run)
    thread.start()
    return thread, came


def test_a_cost_that_is_being_stopped_is_not_settled(house: House, owner: Engine) -> None:
    cost = house.cost("A", 1000)
    with house.books.open() as uow:
        stop_cost(uow, cost, reason="dubbel")
        thread, came = in_a_thread(house.settle)
        until_somebody_waits(owner)
    thread.join(timeout=30)

    assert came == [()]
    assert house.books.verify().entries == 0


def test_a_cost_that_is_being_settled_is_not_stopped(house: House, owner: Engine) -> None:
    cost = house.cost("A", 1000)

    def stop() -> None:
        with house.books.open() as other:
            stop_cost(other, cost, reason="te laat")

    with house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.LATER)
        thread, came = in_a_thread(stop)
        until_somebody_waits(owner)
    thread.join(timeout=30)

    assert [type(each) for each in came] == [CostSettledError]
    assert house.shares("A") == [334, 333, 333]


def attack(owner: Engine, house: House, statement: str) -> None:
    """As a hand in psql: with the rights of the owner, past all code of the application."""
    with owner.begin() as connection:
        connection.execute(text(statement), {"id": house.books.cooperative_id})


OWN = "where cooperative_id = :id"
LATE_SHARES = (
    "insert into cost_share_block (cooperative_id, settlement_id, position, member_ids, weights,"
    " cents) select cooperative_id, settlement_id, 1, member_ids, weights, array[0, 0, 0]"
    f" from cost_share_block {OWN}"
)
LATE_SUBSIDIES = (
    "insert into cost_subsidy_block (cooperative_id, settlement_id, subsidy_id, position, cents)"
    " select s.cooperative_id, s.id, g.id, 0, array[5, 0, 0] from cost_settlement s"
    " join subsidy g on g.cooperative_id = s.cooperative_id where s.cooperative_id = :id"
)


def test_a_settled_cost_is_not_stopped_whoever_tries(house: House, owner: Engine) -> None:
    house.cost("A", 1000)
    house.settle()

    with pytest.raises(IntegrityError, match="stopped_or_settled"):
        attack(owner, house, f"update shared_cost set stopped_at = now() {OWN}")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (f"update shared_cost set net_cents = 1, gross_cents = 1 {OWN}", "not what was settled"),
        (f"update shared_cost set net_cents = 900, vat_cents = 100 {OWN}", "not what was settled"),
        (f"update shared_cost set settled_version = 2 {OWN}", "not what was settled"),
        (f"update shared_cost set settled_version = 3 {OWN}", "does not follow"),
        (f"update shared_cost set settled_version = 0 {OWN}", "does not follow"),
        (f"update settlement_run set state = 'posted', published_at = null {OWN}", "stands"),
        (f"update settlement_run set posted_at = now() {OWN}", "stands"),
        (f"update settlement_run set number = 7 {OWN}", "stands"),
        (f"update settlement_run set month = '2026-02-01' {OWN}", "stands"),
        (f"update cost_settlement set total_cents = 5 {OWN}", "stand"),
        (f"update cost_share_block set cents[1] = 5 {OWN}", "stand"),
        (f"delete from cost_share_block {OWN}", "stand"),
        (LATE_SHARES, "has its shares"),
        (LATE_SUBSIDIES, "has its subsidies"),
    ],
)
def test_what_was_settled_stands(house: House, owner: Engine, statement: str, told: str) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 100)
    house.key("other")
    house.cost("A", 1000, key="other")
    with house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.SILENT)

    with pytest.raises(DBAPIError, match=told):
        attack(owner, house, statement)


def test_shares_and_subsidies_of_a_settlement_fit_each_other(house: House, owner: Engine) -> None:
    """Of a settlement that says subsidies pay 400, nothing tells which one."""
    house.cost("A", 1000)
    house.settle()
    copy = (
        "with made as (insert into cost_settlement (cooperative_id, cost_id, version, run_id,"
        " key_version_id, accounting_date, total_cents, subsidy_cents, part_totals, weight_sums,"
        " weight_scales, start, member_count, proof, secret) select cooperative_id, cost_id, 2,"
        " run_id, key_version_id, accounting_date, total_cents, 400, part_totals, weight_sums,"
        " weight_scales, start, member_count, proof, secret from cost_settlement"
        f" {OWN} returning id, cooperative_id)"
        " insert into cost_share_block (cooperative_id, settlement_id, position, member_ids,"
        " weights, cents, subsidy_cents) select made.cooperative_id, made.id, 0, b.member_ids,"
        " b.weights, b.cents, array[400, 0, 0] from made join cost_share_block b"
        " on b.cooperative_id = made.cooperative_id"
    )

    with pytest.raises(DBAPIError, match="subsidies of settlement"):
        attack(owner, house, copy)


def test_what_was_used_of_a_subsidy_stands_once_the_funder_was_told(
    house: House, owner: Engine
) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 600)
    house.cost("A", 900)
    house.settle()
    with house.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 2, 1))

    for change in ("used_cents = 0", "accounted_on = null"):
        with pytest.raises(DBAPIError, match="accounted for"):
            attack(owner, house, f"update subsidy set {change} {OWN}")


@pytest.mark.parametrize(
    "statement",
    [
        f"update shared_cost set month = '2026-02-01' {OWN}",
        f"update shared_cost set key_id = key_id {OWN}",
        f"update recurring_cost set net_cents = 1 {OWN}",
        f"update subsidy set awarded_cents = 1000000 {OWN}",
        f"update subsidy_earmark set cents = 1000000 {OWN}",
    ],
)
def test_the_application_has_no_right_to_what_it_needs_not(house: House, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), house.books.open() as uow:
        uow.session.execute(text(statement), {"id": uow.tenant})


def test_what_a_subsidy_paid_goes_down_and_up_with_the_schema(
    fresh_addresses: DatabaseAddresses, clock: Clock
) -> None:
    engine = application_engine(fresh_addresses)
    house = a_house(UnitOfWorkFactory(session_factory(engine), clock))
    subsidise(house, "G1", SubsidyMode.POOL, 400)
    house.cost("A", 1000)
    house.cost("B", 1000)
    house.settle()
    paid = (
        "select s.cost_id, u.subsidy_id, u.position, u.cents from cost_subsidy_block u"
        " join cost_settlement s on s.cooperative_id = u.cooperative_id and s.id = u.settlement_id"
    )
    with house.books.open() as uow:
        before = uow.session.execute(text(paid)).all()
    engine.dispose()

    config = alembic_config(fresh_addresses.owner)
    command.downgrade(config, "0030_keys_and_meters")
    command.upgrade(config, "head")
    with house.books.open() as uow:
        assert uow.session.execute(text(paid)).all() == before
    assert [row.cents for row in before] == [[134, 133, 133]]
    house.cost("C", 300)
    assert house.settle() == ("C",)
    engine.dispose()
