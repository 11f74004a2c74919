"""``wijkeconomie worker`` as it runs: one of several leads, and any may die at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.factories.shared_costs import House, a_house
from tests.faults.test_settlement_crash import wait_until_blocked, wait_until_gone
from wijkeconomie.core.clock import LEADER_LOCK
from wijkeconomie.core.runtime import Runtime

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40
StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def owner_of(fresh_runtime: Runtime) -> Iterator[Engine]:
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


@pytest.fixture
def start_worker(fresh_runtime: Runtime, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts a worker on this test's database, by the real clock; none outlives the test."""
    processes: list[subprocess.Popen[bytes]] = []
    surroundings = os.environ | {
        "DATABASE_URL": fresh_runtime.addresses.application.replace("+psycopg", ""),
        "DATABASE_OWNER_URL": fresh_runtime.addresses.owner.replace("+psycopg", ""),
        "WIJKECONOMIE_HOME": str(tmp_path),
        "WIJKECONOMIE_WORKER_LOOK_EVERY_S": "1",
    }

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "wijkeconomie", "worker"],
            env=surroundings,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=20)


def until(what: str, is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"still waiting until {what}"
        time.sleep(0.1)


def settlements(house: House) -> list[tuple[str, int]]:
    """Each cost with how often it was settled."""
    with house.books.open() as uow:
        rows = uow.session.execute(
            text(
                "select c.code, count(s.id) from shared_cost c left join cost_settlement s"
                " on s.cooperative_id = c.cooperative_id and s.cost_id = c.id"
                " where c.cooperative_id = :id group by c.code order by c.code"
            ),
            {"id": uow.tenant},
        )
        return [(row[0], row[1]) for row in rows]


def is_told(house: House) -> bool:
    """Whether the message that a month was settled went out."""
    with house.books.open() as uow:
        return bool(
            uow.session.scalar(
                text(
                    "select count(*) from outbox_message where cooperative_id = :id"
                    " and kind = 'mail.costs-settled' and sent_at is not null"
                ),
                {"id": uow.tenant},
            )
        )


def leaders(owner: Engine) -> list[int]:
    """Who holds the lock of the leader: processes of the server."""
    with owner.connect() as connection:
        return list(
            connection.scalars(
                text(
                    "select distinct l.pid from pg_locks l join pg_database d on d.oid = l.database"
                    " where l.locktype = 'advisory' and l.objid = :lock and l.granted"
                    " and d.datname = current_database()"
                ),
                {"lock": LEADER_LOCK},
            )
        )


def test_a_worker_does_what_is_due_tells_it_and_ends_when_asked(
    fresh_runtime: Runtime, owner_of: Engine, start_worker: StartWorker
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.cost("A", 1000)

    worker = start_worker()
    until("it was settled and told", lambda: is_told(house))
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=PATIENCE_S)

    assert worker.returncode == 0
    assert b"looks for due work" in said
    assert settlements(house) == [("A", 1)]
    assert house.books.verify().fault is None
    assert leaders(owner_of) == []


def test_one_of_two_workers_leads_and_the_other_follows_when_it_dies(
    fresh_runtime: Runtime, owner_of: Engine, start_worker: StartWorker
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.cost("A", 1000)
    first = start_worker()
    until("the first leads", lambda: is_told(house))
    [leader] = leaders(owner_of)
    second = start_worker()
    assert second.stdout is not None
    second.stdout.readline()
    time.sleep(3)

    assert leaders(owner_of) == [leader]
    first.kill()
    first.wait(timeout=20)
    house.cost("B", 600, month=date(2026, 2, 1))
    until("the second does it", lambda: ("B", 1) in settlements(house))

    [successor] = leaders(owner_of)
    assert successor != leader
    assert settlements(house) == [("A", 1), ("B", 1)]
    assert house.books.verify().fault is None


@pytest.mark.parametrize("table", ["job_run", "posting"])
def test_a_worker_that_is_killed_is_followed_by_one_that_settles_once(
    fresh_runtime: Runtime, owner_of: Engine, start_worker: StartWorker, table: str
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.cost("A", 1000)
    with owner_of.connect() as holder:
        holder.execute(text(f"lock table {table} in share mode"))
        worker = start_worker()
        wait_until_blocked(owner_of, table)
        worker.kill()
        worker.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner_of)
    start_worker()
    until("it was settled", lambda: is_told(house))

    assert settlements(house) == [("A", 1)]
    assert house.owed("L001") == 334
    assert house.books.verify().fault is None


def test_between_the_settlement_and_its_mark_there_is_nothing_to_be_killed_in(
    fresh_runtime: Runtime, owner_of: Engine, start_worker: StartWorker
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.cost("A", 1000)
    worker = start_worker()
    until("it is committed", lambda: settlements(house) == [("A", 1)])
    worker.kill()
    worker.wait(timeout=20)
    wait_until_gone(owner_of)

    with owner_of.connect() as connection:
        written_by = connection.execute(
            text(
                "select xmin::text from job_run where job = 'costs.settle'"
                " union select xmin::text from cost_settlement"
                " union select xmin::text from settlement_run"
                " union select xmin::text from cost_share_block"
            )
        ).all()
    assert len(written_by) == 1
    start_worker()
    until("the other looked", lambda: is_told(house))
    assert settlements(house) == [("A", 1)]
    assert house.books.verify().fault is None
