"""A process that dies in the middle of settling leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.models import RoundState

PROGRAM = """
import sys
from sqlalchemy import create_engine
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.purchasing.settling import SettleRound, settle_round

address, cooperative_id, round_id = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
units = UnitOfWorkFactory(session_factory(create_engine(address)))
with units.begin(identity=system_identity("test"), cooperative_id=cooperative_id) as uow:
    settle_round(uow, SettleRound(round_id=round_id))
"""
# Where the process is stopped: the first write of this table waits, and there it is killed.
STEPS = ("journal_entry", "round_settlement", "pledge_share", "audit_record", "outbox_message")


@pytest.fixture
def owner_of(fresh_runtime: Runtime) -> Iterator[Engine]:
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", STEPS)
def test_a_killed_settlement_is_as_if_never_begun_and_then_completes(
    fresh_runtime: Runtime, owner_of: Engine, clock: Clock, table: str
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    round_id = market.open_round(freight=300)
    for member in market.members:
        market.pledge(round_id, member, AARD=4, ZEEP=1)
    market.order(round_id)
    market.receive(round_id, AARD=7)
    market.invoice(round_id)

    kill_while_writing(fresh_runtime, owner_of, market, round_id, table)

    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
        assert found.state is RoundState.RECEIVED
        assert settlement_queries.settlements(uow.session, uow.tenant, round_id) == []
    assert all(market.owed(member) == 0 for member in market.members)

    market.settle(round_id)
    with market.books.open() as uow:
        [settlement] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    assert sum(market.owed(each) for each in market.members) == settlement.members_gross_cents
    assert market.books.verify().fault is None


def kill_while_writing(
    runtime: Runtime, owner: Engine, market: Market, round_id: int, table: str
) -> None:
    """Let a process settle, and kill it the moment it waits for a table that we hold."""
    with owner.connect() as holder:
        holder.execute(text(f"lock table {table} in share mode"))
        arguments = (runtime.addresses.application, market.books.cooperative_id, round_id)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)], env=dict(os.environ)
        )
        wait_until_blocked(owner, table)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner)


def wait_until_blocked(owner: Engine, table: str) -> None:
    blocked = text(
        "select count(*) from pg_locks where not granted and relation = cast(:name as regclass)"
    )
    for _ in range(400):
        with owner.connect() as connection:
            if connection.scalar(blocked, {"name": table}):
                return
        time.sleep(0.05)
    raise AssertionError(f"the process never wrote to {table}")


def wait_until_gone(owner: Engine) -> None:
    """The server notices that a client died when it next speaks to it."""
    others = text(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and state <> 'idle' and pid <> pg_backend_pid()"
    )
    for _ in range(400):
        with owner.connect() as connection:
            if not connection.scalar(others):
                return
        time.sleep(0.05)
    raise AssertionError("the transaction of the killed process is still there")
