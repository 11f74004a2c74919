"""The clock of rounds does each thing once: whoever is killed when, however many there are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.faults.test_settlement_crash import wait_until_blocked, wait_until_gone
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadlines import DeadlineTerms, set_deadline
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.repeating import SaveRepeatingRound, save_repeating_round

PROGRAM = """
import sys
from datetime import datetime
from sqlalchemy import create_engine
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.purchasing.jobs import ROUND_JOBS

address, moment = sys.argv[1], datetime.fromisoformat(sys.argv[2])
run_due(UnitOfWorkFactory(session_factory(create_engine(address)), lambda: moment), ROUND_JOBS)
"""


@pytest.fixture
def owner_of(fresh_runtime: Runtime) -> Iterator[Engine]:
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


def a_miss(market: Market) -> int:
    """A round that misses its target, to be prolonged twice by two days, then cancelled."""
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    with market.books.open() as uow:
        set_deadline(
            uow,
            round_id,
            DeadlineTerms(
                on_miss=OnMiss.PROLONG,
                prolong_days=2,
                most_prolongations=2,
                when_spent="cancel",
                target_net_cents=100_000,
            ),
        )
    return round_id


def weekly(market: Market) -> None:
    with market.books.open() as uow:
        save_repeating_round(
            uow,
            SaveRepeatingRound(
                code="GROENTE",
                theme="groente",
                supplier_id=market.supplier_id,
                first_delivery_on=date(2026, 1, 15),
                opens_days_before=6,
                opens_time=time(9),
                closes_days_before=2,
                closes_time=time(20),
            ),
        )


def mails(market: Market, kind: str) -> int:
    with market.books.open() as uow:
        found = uow.session.scalar(
            text("select count(*) from outbox_message where cooperative_id = :id and kind = :kind"),
            {"id": uow.tenant, "kind": kind},
        )
    return int(found or 0)


@pytest.mark.parametrize(
    "table", ["job_run", "purchase_round", "round_deadline", "audit_record", "outbox_message"]
)
def test_a_killed_worker_prolongs_a_round_exactly_once(
    fresh_runtime: Runtime, owner_of: Engine, clock: Clock, table: str
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    round_id = a_miss(market)
    with market.books.open() as uow:
        before = queries.round_by_id(uow.session, uow.tenant, round_id).closes_at
    clock.set(before)

    with owner_of.connect() as holder:
        holder.execute(text(f"lock table {table} in share mode"))
        arguments = (fresh_runtime.addresses.application, clock.now.isoformat())
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env={**os.environ})
        wait_until_blocked(owner_of, table)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner_of)
    for _ in range(2):
        run_due(fresh_runtime.units_of_work, ROUND_JOBS)

    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
    assert found.closes_at - before == timedelta(days=2)
    assert mails(market, "mail.round-prolonged") == 1


@pytest.mark.parametrize("table", ["job_run", "purchase_round", "round_product", "audit_record"])
def test_a_killed_worker_makes_a_repeating_round_exactly_once(
    fresh_runtime: Runtime, owner_of: Engine, clock: Clock, table: str
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    weekly(market)
    clock.advance(timedelta(days=4))

    with owner_of.connect() as holder:
        holder.execute(text(f"lock table {table} in share mode"))
        arguments = (fresh_runtime.addresses.application, clock.now.isoformat())
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env={**os.environ})
        wait_until_blocked(owner_of, table)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner_of)
    run_due(fresh_runtime.units_of_work, ROUND_JOBS)

    with market.books.open() as uow:
        [found] = queries.rounds(uow.session, uow.tenant)
        assert queries.offered_products(uow.session, uow.tenant, found.id)
    assert found.state is RoundState.OPEN


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_start_at_once_make_and_prolong_each_round_once(
    fresh_runtime: Runtime, clock: Clock, workers: int
) -> None:
    markets = [a_market(fresh_runtime.units_of_work, clock) for _ in range(3)]
    missing = [a_miss(market) for market in markets]
    for market in markets:
        weekly(market)
    clock.advance(timedelta(days=4))

    with ThreadPoolExecutor(workers) as pool:
        tallies = list(
            pool.map(lambda _: run_due(fresh_runtime.units_of_work, ROUND_JOBS), range(workers))
        )

    assert sum(tally.failed for tally in tallies) == 0
    for market, round_id in zip(markets, missing, strict=True):
        with market.books.open() as uow:
            codes = [each.code for each in queries.rounds(uow.session, uow.tenant)]
            found = queries.round_by_id(uow.session, uow.tenant, round_id)
        assert len(codes) == len(set(codes)) == 2
        assert found.state is RoundState.OPEN
        assert mails(market, "mail.round-prolonged") == 1
