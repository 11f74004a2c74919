"""Statements: a thousand members with a hundred lines each, to CSV."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import numpy as np

from benchmarks.measuring import Row, compare
from benchmarks.world import World
from wijkeconomie.cooperatives.models import Member
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.service import ensure_account, party_accounts, post_bulk_entry
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.member_queries import member_statements
from wijkeconomie.reports.rendering import render_many

MEMBERS = 1000
LINES = 100
PERIOD = Period.year(2026)

_LINES = """
select a.party, e.accounting_date, e.number, e.kind, e.source, e.description, a.code, p.amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = %s and a.key = 'contribution_receivable' and a.party is not null
  and e.accounting_date >= %s and e.accounting_date < %s
order by a.party, e.accounting_date, e.number
"""
_OPENINGS = """
select a.party, coalesce(sum(p.amount) filter (where e.accounting_date < %s), 0)
from account a
left join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
left join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = %s and a.key = 'contribution_receivable' and a.party is not null
group by a.party
"""


def statement_rows(world: World) -> list[Row]:
    """Measure what an accountant downloads at the end of a year."""
    codes = [f"L{number:04d}" for number in range(MEMBERS)]
    _fill(world, codes)

    def ours(_run: int) -> None:
        with world.begin() as uow:
            statements = member_statements(uow.session, world.cooperative_id, codes, PERIOD)
            written = render_many(statements)
        assert written.count(b"\nline,") == MEMBERS * LINES

    def reference(_run: int) -> None:
        assert len(_plainly(world)) == MEMBERS

    name = f"{MEMBERS:,} member statements of {LINES} lines, to CSV"
    return [compare(name, goal=0.5, ours=ours, reference=reference, runs=3)]


def _plainly(world: World) -> list[str]:
    """Two queries and ``csv.writer``: the least that anyone would write."""
    with world.raw.transaction(), world.raw.cursor() as cursor:
        cursor.execute(_OPENINGS.encode(), (PERIOD.start, world.cooperative_id))
        balances = {str(row[0]): int(str(row[1])) for row in cursor.fetchall()}
        cursor.execute(_LINES.encode(), (world.cooperative_id, PERIOD.start, PERIOD.end))
        rows = cursor.fetchall()
    files: dict[str, tuple[io.StringIO, object]] = {}
    for party, *cells, amount in rows:
        key, cents = str(party), int(str(amount))
        if key not in files:
            out = io.StringIO()
            files[key] = (out, csv.writer(out))
        balances[key] += cents
        writer = files[key][1]
        writer.writerow(  # type: ignore[attr-defined]
            [key, *cells, f"{cents / 100:.2f}", f"{balances[key] / 100:.2f}"]
        )
    return [out.getvalue() for out, _ in files.values()]


def _fill(world: World, codes: list[str]) -> None:
    with world.begin() as uow:
        uow.session.add_all(
            Member(
                cooperative_id=world.cooperative_id,
                code=code,
                initials="B.",
                first_name="Bench",
                last_name=code,
                street="Straat",
                house_number="1",
                postcode="1000 AA",
                city="Stad",
                joined_on=date(2020, 1, 1),
                share_units=1,
            )
            for code in codes
        )
        ids, accounts = party_accounts(uow, "contribution_receivable", codes)
        income = ensure_account(uow, "contribution_income")
        income_ids, _ = _own(world, income)
    for line in range(LINES):
        with world.begin() as uow:
            post_bulk_entry(
                uow,
                BulkEntryDraft(
                    accounting_date=date(2026, 1, 1) + timedelta(days=3 * line),
                    kind="contribution.charged",
                    source=f"contribution/{line}",
                    description=f"Contribution {line}",
                    idempotency_key=f"bench/{line}",
                    account_ids=np.append(ids, income_ids),
                    account_codes=[*accounts, income],
                    amounts=np.append(np.full(MEMBERS, 125, np.int64), -125 * MEMBERS),
                ),
            )
    with world.raw.cursor() as cursor:
        cursor.execute("analyze")
    world.raw.commit()


def _own(world: World, code: str) -> tuple[int, str]:
    with world.raw.cursor() as cursor:
        cursor.execute(
            "select id from account where cooperative_id = %s and code = %s",
            (world.cooperative_id, code),
        )
        row = cursor.fetchone()
    world.raw.commit()
    assert row is not None
    return int(str(row[0])), code
