"""Two hundred members who pledge at once at the deadline, against the same SQL alone."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Engine, event, text

from benchmarks.ladders import RUNGS
from benchmarks.measuring import Row
from benchmarks.world import World
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import PlanRound, open_round, plan_round
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

MEMBERS = 200
PRODUCTS = 20
LINES = 5
THREADS = 8
"""As many as the service answers requests with; the others wait in a row, in both ways."""
RUNS = 3
SLOWER_AT_MOST = 3

_MEMBERS = text(
    "insert into member (cooperative_id, code, initials, first_name, last_name, street,"
    " house_number, postcode, city, joined_on, share_units)"
    " select :id, 'L' || lpad(n::text, 6, '0'), 'B.', 'Bench', 'Lid', 'Straat', '1', '1000AA',"
    " 'Stad', '2019-01-01', 1 from generate_series(1, :count) n"
)

Statements = list[tuple[str, Any]]


class _Undone(Exception):  # noqa: N818 it is no error
    """Ends a transaction whose statements were only to be heard."""


def pledge_rows(world: World) -> list[Row]:
    """The time within which 99 of 100 had their answer, all having asked at the same moment.

    The reference sends the very statements of the service, which were listened to beforehand,
    over plain connections of the same role: no objects, no rules.
    """
    supplier_id, members = _shop(world)
    engine: Engine = world.units_of_work.sessions.kw["bind"]
    mine: list[float] = []
    theirs: list[float] = []
    for _run in range(RUNS + 1):
        ours, other = (_round(world, supplier_id) for _ in range(2))
        commands = _commands(world, ours, members)
        heard = [_listen(world, engine, each) for each in _commands(world, other, members)]
        mine.append(_p99([_saver(world, each) for each in commands]))
        theirs.append(_replayed(engine, world.cooperative_id, heard))
        _require_all(world, ours)
        _require_all(world, other)
    reference, found = statistics.median(theirs[1:]), statistics.median(mine[1:])
    name = f"{MEMBERS} members pledging {LINES} products at once: 99 of 100 answered"
    return [Row(name, "ms", found, reference, reference / found, 1 / SLOWER_AT_MOST)]


def _shop(world: World) -> tuple[int, list[int]]:
    with world.begin() as uow:
        uow.session.execute(_MEMBERS, {"id": uow.tenant, "count": MEMBERS})
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = 100000000 where id = :id"
            ),
            {"id": uow.tenant},
        )
        supplier_id = save_supplier(uow, SaveSupplier(code="S1", name="Bench"))
        for number in range(PRODUCTS):
            save_product(
                uow,
                SaveProduct(
                    supplier_code="S1",
                    code=f"P{number:03d}",
                    name=f"Product {number}",
                    unit="stuk",
                    price_excl_cents=1000,
                    vat_basis_points=900,
                    terms=SaleTerms(ladder=RUNGS),
                ),
            )
        members = uow.session.scalars(text("select id from member order by id")).all()
    return supplier_id, list(members)


def _round(world: World, supplier_id: int) -> int:
    now = datetime.now(UTC)
    with world.begin() as uow:
        round_id = plan_round(
            uow,
            PlanRound(
                theme="bench",
                supplier_id=supplier_id,
                opens_at=now,
                closes_at=now + timedelta(days=1),
                delivery_on=(now + timedelta(days=3)).date(),
            ),
        )
        open_round(uow, round_id)
    return round_id


def _commands(world: World, round_id: int, members: Sequence[int]) -> list[SavePledges]:
    with world.begin() as uow:
        products = list(queries.product_ids_by_code(uow.session, uow.tenant, round_id).values())
    return [
        SavePledges(
            round_id=round_id,
            member_id=member_id,
            lines=tuple(
                PledgeLine(products[(number + line) % PRODUCTS], 1 + number % 3, 0)
                for line in range(LINES)
            ),
        )
        for number, member_id in enumerate(members)
    ]


def _saver(world: World, command: SavePledges) -> Callable[[], None]:
    def save() -> None:
        with world.begin() as uow:
            save_pledges(uow, command)

    return save


def _listen(world: World, engine: Engine, command: SavePledges) -> Statements:
    """The statements of one order, which is then undone."""
    heard: Statements = []

    def hear(*arguments: Any) -> None:
        _connection, _cursor, statement, parameters, *_rest = arguments
        heard.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        _undo(world, command)
    except _Undone:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    return heard


def _undo(world: World, command: SavePledges) -> None:
    uow: UnitOfWork
    with world.begin() as uow:
        save_pledges(uow, command)
        raise _Undone


def _replayed(engine: Engine, cooperative_id: int, heard: Sequence[Statements]) -> float:
    held = [engine.raw_connection() for _ in range(THREADS)]
    free: list[psycopg.Connection[Any]] = [each.driver_connection for each in held]  # type: ignore[misc]
    begin = (
        f"begin; set local app.cooperative_id = '{cooperative_id}'; set local app.login_id = ''"
    ).encode()

    def replay(statements: Statements) -> None:
        connection = free.pop()
        try:
            connection.pgconn.exec_(begin)
            for statement, parameters in statements:
                cursor = connection.execute(statement, parameters)
                if cursor.description:
                    cursor.fetchall()
            connection.commit()
        finally:
            free.append(connection)

    try:
        return _p99([lambda each=each: replay(each) for each in heard])  # type: ignore[misc]
    finally:
        for each in held:
            each.close()


def _p99(work: Sequence[Callable[[], None]]) -> float:
    """Milliseconds from the moment all asked until 99 of 100 were answered."""
    gate = threading.Event()
    answered: list[float] = []

    def answer(each: Callable[[], None]) -> None:
        gate.wait()
        each()
        answered.append(time.perf_counter())

    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(answer, each) for each in work]
        began = time.perf_counter()
        gate.set()
        for each in waiting:
            each.result()
    return (sorted(answered)[len(answered) * 99 // 100 - 1] - began) * 1000


def _require_all(world: World, round_id: int) -> None:
    """Every pledge is there as it was made: none is lost and none is there twice."""
    with world.begin() as uow:
        made, quantity = uow.session.execute(
            text(
                "select count(*), sum(quantity)::bigint from pledge"
                " where cooperative_id = :id and round_id = :round and withdrawn_at is null"
            ),
            {"id": uow.tenant, "round": round_id},
        ).one()
    assert made == MEMBERS * LINES
    assert quantity == sum(1 + number % 3 for number in range(MEMBERS)) * LINES
