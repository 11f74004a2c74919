"""Shared costs: one over 100,000 members, and a month of a thousand cooperatives."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import numpy as np
import psycopg
from sqlalchemy import text

from benchmarks.measuring import Row, compare
from benchmarks.world import BENCH, World
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.keys import SaveKeyVersion, save_key_version
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.service import open_books, party_accounts
from wijkeconomie.money.fast_allocation import allocate_array

MEMBERS = 100_000
COOPERATIVES = 1000
NEIGHBOURS = 200
COSTS = 3
HANDS = 2  # as config/default.toml has it
MEMORY_GOAL_MB = 400
START = date(2020, 1, 1)

_MEMBERS = text(
    "insert into member (cooperative_id, code, initials, first_name, last_name, street,"
    " house_number, postcode, city, joined_on, share_units, dwelling_m2)"
    " select :id, 'L' || lpad(n::text, 6, '0'), 'B.', 'Bench', 'Lid', 'Straat', '1', '1000AA',"
    " 'Stad', '2019-01-01', 1, 40 + n % 97 from generate_series(1, :count) n"
)
_RAW = """
create table if not exists raw_entry (cooperative_id bigint, number bigint,
  accounting_date date, posted_at timestamptz, source text, primary key (cooperative_id, number));
create table if not exists raw_posting (cooperative_id bigint, entry_number bigint, line bigint,
  account_id bigint, amount bigint, primary key (cooperative_id, entry_number, line));
create index if not exists raw_posting_account on raw_posting (cooperative_id, account_id);
create table if not exists raw_balance (cooperative_id bigint, account_id bigint, balance bigint,
  primary key (cooperative_id, account_id));
truncate raw_balance;
insert into raw_balance select cooperative_id, account_id, 0 from account_balance;
create sequence if not exists raw_number;
"""


def cost_rows(world: World) -> list[Row]:
    """Measure what the clock does at the end of a month."""
    _prepare(world, world.cooperative_id, MEMBERS)
    return [_one_cost(world, MEMBERS), _memory()]


def doubling_rows(world: World) -> list[Row]:
    """Twice the members in at most 2.2 times the time, in two cooperatives as new as each other."""
    half, whole = _cooperative(world, 1_000_001), _cooperative(world, 1_000_002)
    _prepare(world, half, MEMBERS // 2)
    _prepare(world, whole, MEMBERS)
    months, half_months = _months(date(2030, 1, 1)), _months(date(2030, 1, 1))

    def settle(cooperative_id: int, month: date) -> None:
        with _within(world, cooperative_id) as uow:
            _record(uow, f"D{month:%Y%m}", month)
        with _within(world, cooperative_id) as uow:
            assert settle_month(uow, month, Publication.LATER) is not None

    row = compare(
        "twice the members in 2.2 times the time",
        goal=1 / 2.2,
        ours=lambda _: settle(whole, next(months)),
        reference=lambda _: settle(half, next(half_months)),
    )
    return [row]


def month_rows(world: World) -> list[Row]:
    """Measure one worker that settles a month of every cooperative of a country."""
    ids = [_cooperative(world, number) for number in range(COOPERATIVES)]
    for cooperative_id in ids:
        _prepare(world, cooperative_id, NEIGHBOURS)
    _reference_tables(world)
    accounts = {cooperative_id: _accounts(world, cooperative_id) for cooperative_id in ids}
    months = _months()
    raw_number = count(1)

    def fill(_run: int) -> date:
        month = next(months)
        for cooperative_id in ids:
            with _within(world, cooperative_id) as uow:
                for number in range(COSTS):
                    _record(uow, f"{month:%Y%m}-{number}", month)
        return month

    waiting = [fill(0), fill(0), fill(0), fill(0)]

    def ours(_run: int) -> None:
        done = run_due(_after(world, waiting.pop(0)), COST_JOBS, hands=HANDS)
        assert (done.done, done.failed) == (COOPERATIVES, 0)

    def reference(_run: int) -> None:
        weights = np.arange(1, NEIGHBOURS + 1, dtype=np.int64) % 97 + 40
        for cooperative_id in ids:
            with world.raw.transaction():
                for _ in range(COSTS):
                    shares = allocate_array(12_345, weights)
                    number = next(raw_number)
                    _copy(world.raw, cooperative_id, number, accounts[cooperative_id], shares)

    name = f"a month of {COOPERATIVES:,} cooperatives, {NEIGHBOURS} members, {COSTS} costs"
    return [compare(name, goal=0.4, ours=ours, reference=reference, runs=3)]


def _one_cost(world: World, members: int) -> Row:
    _reference_tables(world)
    accounts = _accounts(world, world.cooperative_id)
    weights = np.arange(1, members + 1, dtype=np.int64) % 97 + 40
    months, numbers = _months(), count(1)

    def record() -> date:
        month = next(months)
        with _within(world, world.cooperative_id) as uow:
            _record(uow, f"{month:%Y%m}", month)
        return month

    waiting = [record() for _ in range(8)]

    def ours(_run: int) -> None:
        with _within(world, world.cooperative_id) as uow:
            assert settle_month(uow, waiting.pop(0), Publication.LATER) is not None

    def reference(_run: int) -> None:
        with world.raw.transaction():
            shares = allocate_array(12_345_678, weights)
            _copy(world.raw, world.cooperative_id, next(numbers), accounts, shares)

    return compare(
        f"a cost settled over {members:,} members", goal=0.5, ours=ours, reference=reference
    )


def _memory() -> Row:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = f"memory of that, at most {MEMORY_GOAL_MB}"
    return Row(name, "MB", peak, MEMORY_GOAL_MB, MEMORY_GOAL_MB / peak, 1.0)


def _months(first: date = START) -> Iterator[date]:
    for number in count():
        yield date(first.year + number // 12, number % 12 + 1, 1)


def _after(world: World, month: date) -> UnitOfWorkFactory:
    """Units of work on the second day of the month after ``month``."""
    then = datetime.combine(month, time(), UTC) + timedelta(days=32)
    return replace(world.units_of_work, clock=lambda: then)


def _within(world: World, cooperative_id: int) -> AbstractContextManager[UnitOfWork]:
    return world.units_of_work.begin(identity=BENCH, cooperative_id=cooperative_id)


def _record(uow: UnitOfWork, code: str, month: date) -> None:
    record_cost(
        uow,
        RecordCost(
            code=code,
            month=month,
            description="bench",
            key_code="m2",
            net_cents=12_345_678 if code.startswith(("2", "D")) and "-" not in code else 12_345,
            vat_cents=0,
        ),
    )


def _cooperative(world: World, number: int) -> int:
    with world.units_of_work.begin(identity=BENCH) as uow:
        found = uow.session.scalars(
            text(
                "insert into cooperative (code, name, neighbourhood, liability, vat_regime, kvk,"
                " iban, creditor_id, founded_on, contribution_year_cents, share_price_cents,"
                " vote_rule) values (:code, 'Bench U.A.', 'Bench', 'UA', 'regulier',"
                " '00000000', 'NL91ABNA0417164300', 'x', '2020-01-01', 0, 0,"
                " 'een_lid_een_stem') returning id"
            ),
            {"code": f"N{number}"},
        ).one()
    with _within(world, found) as uow:
        open_books(uow, load_chart())
    return int(found)


def _prepare(world: World, cooperative_id: int, members: int) -> None:
    with _within(world, cooperative_id) as uow:
        uow.session.execute(_MEMBERS, {"id": cooperative_id, "count": members})
        party_accounts(
            uow, "member_account", [f"L{number:06d}" for number in range(1, members + 1)]
        )
        save_key_version(
            uow,
            SaveKeyVersion(code="m2", name="m2", valid_from=START, basis=Basis.FLOOR_AREA),
        )


def _reference_tables(world: World) -> None:
    world.raw.execute(_RAW.encode())
    world.raw.execute("analyze")
    world.raw.commit()


def _accounts(world: World, cooperative_id: int) -> list[int]:
    rows = world.raw.execute(
        "select id from account where cooperative_id = %s and key = 'member_account'"
        " and party is not null order by party",
        (cooperative_id,),
    ).fetchall()
    world.raw.commit()
    return [int(str(row[0])) for row in rows]


def _copy(
    raw: psycopg.Connection[tuple[object, ...]],
    cooperative_id: int,
    number: int,
    accounts: list[int],
    shares: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    """The least that books a cost: an entry, its lines by COPY, and one update of balances."""
    with raw.cursor() as cursor:
        cursor.execute(
            "insert into raw_entry values (%s, %s, '2026-01-31', now(), 'cost')",
            (cooperative_id, number),
        )
        lines = io.StringIO()
        for line, (account, amount) in enumerate(zip(accounts, shares.tolist(), strict=True), 1):
            lines.write(f"{cooperative_id}\t{number}\t{line}\t{account}\t{amount}\n")
        with cursor.copy("copy raw_posting from stdin") as copy:
            copy.write(lines.getvalue())
        cursor.execute(
            "update raw_balance b set balance = b.balance + p.amount from raw_posting p"
            " where p.cooperative_id = %s and p.entry_number = %s"
            " and b.cooperative_id = p.cooperative_id and b.account_id = p.account_id",
            (cooperative_id, number),
        )
