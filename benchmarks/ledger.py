"""The ledger: one entry, an entry of 100,000 postings, and 10,000 balances."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import numpy as np

from benchmarks.measuring import Row, compare
from benchmarks.world import World
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, party_accounts, post_bulk_entry, post_entry
from wijkeconomie.money.fast_allocation import allocate_array

ENTRIES = 200
MEMBERS = 100_000
BALANCES = 10_000
DAY = date(2026, 1, 5)

# The reference keeps the same facts in tables with the same keys, without guards and hashes.
_TABLES = """
create table raw_entry (cooperative_id bigint, number bigint, accounting_date date,
  posted_at timestamptz, posted_by text, kind text, source text, description text,
  idempotency_key text, primary key (cooperative_id, number),
  unique (cooperative_id, idempotency_key));
create table raw_posting (cooperative_id bigint, entry_number bigint, line bigint,
  account_id bigint, amount bigint, primary key (cooperative_id, entry_number, line));
create index on raw_posting (cooperative_id, account_id);
create table raw_balance (cooperative_id bigint, account_id bigint, balance bigint,
  primary key (cooperative_id, account_id));
create sequence raw_number;
insert into raw_balance select cooperative_id, account_id, 0 from account_balance;
"""
_ONE = """
with entry as (
  insert into raw_entry values (%(cooperative)s, nextval('raw_number'), %(day)s, %(now)s,
    'bench', 'bench', 'bench/1', 'an entry', %(key)s) returning number
), posted as (
  insert into raw_posting select %(cooperative)s, entry.number, line, account_id, amount
  from entry, (values (1, %(debit)s::bigint, 100::bigint), (2, %(credit)s, -100))
    as lines (line, account_id, amount)
)
update raw_balance set balance = balance + case account_id when %(debit)s then 100 else -100 end
where cooperative_id = %(cooperative)s and account_id in (%(debit)s, %(credit)s)
"""


def ledger_rows(world: World) -> list[Row]:
    """Measure what every other part stands on."""
    with world.begin() as uow:
        bank, income = ensure_account(uow, "bank"), ensure_account(uow, "contribution_income")
        parties = [f"L{number:06d}" for number in range(MEMBERS)]
        ids, codes = party_accounts(uow, "member_account", parties)
    for _ in range(ENTRIES):  # so that statistics are of books in use
        _post(world, bank, income)
    with world.raw.cursor() as cursor:
        cursor.execute(_TABLES.encode())
        cursor.execute(
            "select id from account where cooperative_id = %s and code in (%s, %s) order by code",
            (world.cooperative_id, bank, income),
        )
        raw_ids = [int(str(row[0])) for row in cursor.fetchall()]
        cursor.execute("analyze")
    world.raw.commit()
    return [
        _one_entry(world, bank, income, raw_ids),
        _many_postings(world, income, raw_ids[1], ids, codes),
        _balances(world, codes[:BALANCES]),
    ]


def _post(world: World, bank: str, income: str) -> None:
    draft = EntryDraft(
        accounting_date=DAY,
        kind="bench",
        source="bench/1",
        description="an entry",
        idempotency_key=str(uuid.uuid4()),
        postings=(debit(bank, 100), credit(income, 100)),
    )
    with world.begin() as uow:
        post_entry(uow, draft)


def _one_entry(world: World, bank: str, income: str, raw_ids: list[int]) -> Row:
    def ours(_run: int) -> None:
        for _ in range(ENTRIES):
            _post(world, bank, income)

    def reference(_run: int) -> None:
        for _ in range(ENTRIES):
            with world.raw.transaction():
                world.raw.execute(
                    _ONE,
                    {
                        "cooperative": world.cooperative_id,
                        "day": DAY,
                        "now": datetime.now(UTC),
                        "key": str(uuid.uuid4()),
                        "debit": raw_ids[0],
                        "credit": raw_ids[1],
                    },
                )

    return compare(f"{ENTRIES} entries posted", goal=0.35, ours=ours, reference=reference)


def _many_postings(
    world: World,
    income: str,
    income_id: int,
    ids: np.ndarray[tuple[int], np.dtype[np.int64]],
    codes: list[str],
) -> Row:
    total = 12_345_678
    weights = np.arange(1, len(codes) + 1, dtype=np.int64) % 97 + 1
    all_ids = np.append(ids, income_id)
    all_codes = [*codes, income]

    def ours(_run: int) -> None:
        shares = allocate_array(total, weights)
        draft = BulkEntryDraft(
            accounting_date=DAY,
            kind="bench",
            source="bench/many",
            description="many postings",
            idempotency_key=str(uuid.uuid4()),
            account_ids=all_ids,
            account_codes=all_codes,
            amounts=np.append(shares, -total),
        )
        with world.begin() as uow:
            post_bulk_entry(uow, draft)

    def reference(_run: int) -> None:
        shares = np.append(allocate_array(total, weights), -total).tolist()
        with world.raw.transaction(), world.raw.cursor() as cursor:
            cursor.execute("select nextval('raw_number')")
            number = cursor.fetchone()
            assert number is not None
            with cursor.copy("copy raw_posting from stdin") as copy:
                for line, (account, amount) in enumerate(
                    zip(all_ids.tolist(), shares, strict=True), start=1
                ):
                    copy.write_row((world.cooperative_id, number[0], line, account, amount))
            cursor.execute(
                "update raw_balance b set balance = b.balance + p.amount from raw_posting p"
                " where p.cooperative_id = %s and p.entry_number = %s"
                " and b.cooperative_id = p.cooperative_id and b.account_id = p.account_id",
                (world.cooperative_id, number[0]),
            )

    return compare(
        f"an entry of {len(all_codes):,} postings", goal=0.6, ours=ours, reference=reference
    )


def _balances(world: World, codes: list[str]) -> Row:
    def ours(_run: int) -> None:
        with world.begin() as uow:
            assert len(queries.balances(uow.session, world.cooperative_id, codes)) == len(codes)

    def reference(_run: int) -> None:
        with world.raw.transaction(), world.raw.cursor() as cursor:
            cursor.execute(
                "select a.code, b.balance from account a join account_balance b"
                " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
                " where a.cooperative_id = %s and a.unit = 'EUR' and a.code = any(%s)",
                (world.cooperative_id, codes),
            )
            assert len(dict(cursor.fetchall())) == len(codes)  # type: ignore[arg-type]

    return compare(f"{len(codes):,} balances read", goal=0.5, ours=ours, reference=reference)
