"""Reads of the accountant's pages: the books of a period, grouped and in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.ledger.queries import TrialBalanceLine, trial_balance


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """A control account with its parts, or an account without, over a period; in cents."""

    code: str
    name_nl: str
    name_en: str
    rgs_code: str
    parts: int
    opening: int
    debit: int
    credit: int
    closing: int


def account_groups(
    session: Session, cooperative_id: int, from_: date, until: date
) -> list[AccountGroup]:
    """The trial balance of a period in euros, the parts of a control account together."""
    groups: dict[str, list[TrialBalanceLine]] = {}
    for line in trial_balance(session, cooperative_id, from_=from_, until=until):
        if line.unit == "EUR":
            groups.setdefault(line.account_code.partition(":")[0], []).append(line)
    return [
        AccountGroup(
            code=code,
            name_nl=lines[0].name_nl,
            name_en=lines[0].name_en,
            rgs_code=lines[0].rgs_code,
            parts=sum(":" in line.account_code for line in lines),
            opening=sum(line.opening for line in lines),
            debit=sum(line.debit for line in lines),
            credit=sum(line.credit for line in lines),
            closing=sum(line.closing for line in lines),
        )
        for code, lines in groups.items()
    ]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry in the list: its number, day, kind, and the sum of its debits in cents."""

    number: int
    accounting_date: date
    kind: str
    source: str
    description: str
    debit: int
    reverses: int | None
    hash: str


def entry_rows(
    session: Session, cooperative_id: int, from_: date, until: date, *, after: int, limit: int
) -> list[EntryRow]:
    """Entries dated in a period, by number, from the one after ``after``."""
    found = session.execute(
        text(
            "select e.number, e.accounting_date, e.kind, e.source, e.description,"
            " coalesce((select sum(p.amount) from posting p where p.cooperative_id ="
            " e.cooperative_id and p.entry_number = e.number and p.amount > 0), 0)::bigint,"
            " e.reverses_number, encode(e.hash, 'hex') from journal_entry e"
            " where e.cooperative_id = :cooperative_id and e.number > :after"
            " and e.accounting_date >= :from and e.accounting_date < :until"
            " order by e.number limit :limit"
        ),
        {
            "cooperative_id": cooperative_id,
            "after": after,
            "from": from_,
            "until": until,
            "limit": limit,
        },
    )
    return [EntryRow(*row) for row in found]
