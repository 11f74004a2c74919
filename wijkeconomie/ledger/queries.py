"""Reads of the books: balances, entries, account lines, the trial balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.round_trips import Read
from wijkeconomie.ledger.refusals import UnknownEntryError


@dataclass(frozen=True, slots=True)
class PostingLine:
    """A posting as it is read: account, unit, amount (a debit is positive)."""

    account_code: str
    unit: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A journal entry with its postings in order."""

    number: int
    accounting_date: date
    posted_at: datetime
    posted_by: str
    kind: str
    source: str
    description: str
    idempotency_key: str
    reverses: int | None
    reversed_by: int | None
    content_hash: bytes
    previous_hash: bytes
    hash: bytes
    postings: tuple[PostingLine, ...]


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """An account over a period, in smallest units; a debit balance is positive."""

    account_code: str
    name_nl: str
    name_en: str
    rgs_code: str
    kind: str
    unit: str
    opening: int
    debit: int
    credit: int
    closing: int


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One posting of an account, as its holder reads it."""

    account_code: str
    entry_number: int
    accounting_date: date
    kind: str
    source: str
    description: str
    reverses: int | None
    amount: int


_ENTRY_COLUMNS = """
select e.number, e.accounting_date, e.posted_at, e.posted_by, e.kind, e.source, e.description,
  e.idempotency_key, e.reverses_number, r.number as reversed_by, e.content_hash,
  e.previous_hash, e.hash
from journal_entry e
left join journal_entry r on r.cooperative_id = e.cooperative_id
  and r.reverses_number = e.number
where e.cooperative_id = :cooperative_id
"""
_POSTINGS = text(
    """
select p.entry_number, a.code, a.unit, p.amount
from posting p
join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
where p.cooperative_id = :cooperative_id and p.entry_number between :first and :last
order by p.entry_number, p.line
"""
)


def entry(session: Session, cooperative_id: int, number: int) -> Entry:
    """One entry with its postings.

    Raises:
        UnknownEntryError: the books have no such number.
    """
    found = entries(session, cooperative_id, first=number, last=number)
    if not found:
        raise UnknownEntryError(f"there is no entry {number}", number=number)
    return found[0]


def entries(
    session: Session,
    cooperative_id: int,
    *,
    first: int,
    last: int,
    from_: date | None = None,
    until: date | None = None,
) -> list[Entry]:
    """Entries by number, with their postings, where wanted only of a half-open range of dates."""
    heads = session.execute(
        text(
            _ENTRY_COLUMNS + " and e.number between :first and :last"
            " and (cast(:from as date) is null or e.accounting_date >= :from)"
            " and (cast(:until as date) is null or e.accounting_date < :until)"
            " order by e.number"
        ),
        {
            "cooperative_id": cooperative_id,
            "first": first,
            "last": last,
            "from": from_,
            "until": until,
        },
    ).all()
    if not heads:
        return []
    lines: dict[int, list[PostingLine]] = {head.number: [] for head in heads}
    bounds = {"first": heads[0].number, "last": heads[-1].number}
    for number, code, unit, amount in session.execute(
        _POSTINGS, {"cooperative_id": cooperative_id, **bounds}
    ):
        if number in lines:
            lines[number].append(PostingLine(code, unit, amount))
    return [
        Entry(
            number=head.number,
            accounting_date=head.accounting_date,
            posted_at=head.posted_at,
            posted_by=head.posted_by,
            kind=head.kind,
            source=head.source,
            description=head.description,
            idempotency_key=head.idempotency_key,
            reverses=head.reverses_number,
            reversed_by=head.reversed_by,
            content_hash=bytes(head.content_hash),
            previous_hash=bytes(head.previous_hash),
            hash=bytes(head.hash),
            postings=tuple(lines[head.number]),
        )
        for head in heads
    ]


def last_number(session: Session, cooperative_id: int) -> int:
    """The number of the last entry; 0 when nothing has been booked."""
    return (
        session.scalar(
            text("select last_number from ledger_head where cooperative_id = :cooperative_id"),
            {"cooperative_id": cooperative_id},
        )
        or 0
    )


def number_of_key(session: Session, cooperative_id: int, idempotency_key: str) -> int:
    """The number of the entry that was posted with this key; there must be one."""
    return int(
        session.scalars(
            text(
                "select number from journal_entry where cooperative_id = :cooperative_id"
                " and idempotency_key = :key"
            ),
            {"cooperative_id": cooperative_id, "key": idempotency_key},
        ).one()
    )


def control_codes(session: Session, cooperative_id: int, *, unit: str = "EUR") -> dict[str, str]:
    """The codes of the control accounts, by key."""
    rows = session.execute(
        text(
            "select key, code from account where cooperative_id = :cooperative_id"
            " and party is null and unit = :unit"
        ),
        {"cooperative_id": cooperative_id, "unit": unit},
    )
    return dict(rows.all())


def party_codes(
    session: Session,
    cooperative_id: int,
    key: str,
    parties: Sequence[str],
    *,
    unit: str = "EUR",
) -> dict[str, str]:
    """The codes of the parts of one control account, by party; unopened ones are left out."""
    rows = session.execute(
        text(
            "select party, code from account where cooperative_id = :cooperative_id"
            " and key = :key and unit = :unit and party = any(cast(:parties as text[]))"
        ),
        {"cooperative_id": cooperative_id, "key": key, "unit": unit, "parties": list(parties)},
    )
    return dict(rows.all())


_CONTROL_ACCOUNTS = text(
    "select array_agg(key), array_agg(code), array_agg(id) from account"
    " where cooperative_id = :cooperative_id and unit = :unit and party is null"
)


def control_accounts(
    session: Session, cooperative_id: int, *, unit: str = "EUR"
) -> dict[str, tuple[str, int]]:
    """Codes and ids of the lines of the chart, by key; not the parts of parties."""
    keys, codes, ids = session.execute(
        _CONTROL_ACCOUNTS, {"cooperative_id": cooperative_id, "unit": unit}
    ).one()
    return dict(zip(keys or (), zip(codes or (), ids or (), strict=True), strict=True))


_PARTY_ACCOUNTS = text(
    "select array_agg(party), array_agg(id) from account"
    " where cooperative_id = :cooperative_id and key = :key and unit = :unit"
    " and party is not null"
)


def party_account_ids(
    session: Session, cooperative_id: int, key: str, *, unit: str = "EUR"
) -> dict[str, int]:
    """The ids of all parts of a control account, by party.

    Read whole and joined by who asks: of a cooperative that is new the statistics know nothing,
    and a join in SQL would then look at every pair.
    """
    rows = session.execute(
        _PARTY_ACCOUNTS, {"cooperative_id": cooperative_id, "key": key, "unit": unit}
    )
    return _ids_by_party(rows.all())


def read_party_account_ids(cooperative_id: int, key: str, *, unit: str = "EUR") -> Read:
    """As :func:`party_account_ids`, to be sent along with other reads."""
    values = {"cooperative_id": cooperative_id, "key": key, "unit": unit}
    return Read(_PARTY_ACCOUNTS, values, _ids_by_party)


def _ids_by_party(rows: Sequence[Any]) -> dict[str, int]:
    [(parties, ids)] = rows
    return dict(zip(parties or (), ids or (), strict=True))


def account_balance(session: Session, cooperative_id: int, code: str, *, unit: str = "EUR") -> int:
    """The kept balance of one account, debit positive; 0 for an account not opened yet."""
    return balances(session, cooperative_id, [code], unit=unit).get(code, 0)


def balances(
    session: Session, cooperative_id: int, codes: Sequence[str], *, unit: str = "EUR"
) -> dict[str, int]:
    """The kept balances of many accounts at once, by code, debit positive."""
    rows = session.execute(
        text(
            "select a.code, b.balance from account a join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " where a.cooperative_id = :cooperative_id and a.unit = :unit"
            " and a.code = any(cast(:codes as text[]))"
        ),
        {"cooperative_id": cooperative_id, "unit": unit, "codes": list(codes)},
    )
    return dict(rows.all())


def party_balances(
    session: Session, cooperative_id: int, key: str, *, unit: str = "EUR"
) -> dict[str, int]:
    """The kept balance of every part of a control account, by party, debit positive."""
    rows = session.execute(
        text(
            "select a.party, b.balance from account a join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " where a.cooperative_id = :cooperative_id and a.unit = :unit"
            " and a.key = :key and a.party is not null"
        ),
        {"cooperative_id": cooperative_id, "unit": unit, "key": key},
    )
    return dict(rows.all())


_PARTY_BALANCE = text(
    "select b.balance from account a join account_balance b"
    " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
    " where a.cooperative_id = :cooperative_id and a.key = :key and a.party = :party"
    " and a.unit = :unit"
)


def party_balance(
    session: Session, cooperative_id: int, key: str, party: str, *, unit: str = "EUR"
) -> int:
    """The kept balance of one party's part of a control account; 0 where it is not opened yet."""
    found = session.scalar(
        _PARTY_BALANCE,
        {"cooperative_id": cooperative_id, "key": key, "party": party, "unit": unit},
    )
    return int(found or 0)


_TRIAL_BALANCE = text(
    """
select a.code, a.name_nl, a.name_en, a.rgs_code, a.kind, a.unit,
  coalesce(sum(p.amount) filter (where e.accounting_date < :from), 0)::bigint,
  coalesce(sum(p.amount) filter (where e.accounting_date >= :from and p.amount > 0), 0)::bigint,
  coalesce(-sum(p.amount) filter (where e.accounting_date >= :from and p.amount < 0), 0)::bigint,
  coalesce(sum(p.amount), 0)::bigint
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and e.accounting_date < :until
group by a.cooperative_id, a.id
order by a.code, a.unit
"""
)


def trial_balance(
    session: Session, cooperative_id: int, *, from_: date = date.min, until: date = date.max
) -> list[TrialBalanceLine]:
    """Every account with postings before ``until``: opening at ``from_``, movements, closing."""
    rows = session.execute(
        _TRIAL_BALANCE, {"cooperative_id": cooperative_id, "from": from_, "until": until}
    )
    return [TrialBalanceLine(*row) for row in rows]


_OPENING = text(
    """
select a.code, coalesce(sum(p.amount), 0)::bigint
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.unit = :unit
  and a.code = any(cast(:codes as text[])) and e.accounting_date < :on
group by a.code
"""
)


def opening_balances(
    session: Session, cooperative_id: int, codes: Sequence[str], on: date, *, unit: str = "EUR"
) -> dict[str, int]:
    """The balance of each account at the start of ``on``, by code; 0 where nothing came before."""
    rows = session.execute(
        _OPENING,
        {"cooperative_id": cooperative_id, "codes": list(codes), "on": on, "unit": unit},
    )
    return dict.fromkeys(codes, 0) | dict(rows.all())


_ACCOUNT_LINES = text(
    """
select a.code, e.number, e.accounting_date, e.kind, e.source, e.description,
  e.reverses_number, p.amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.unit = :unit
  and a.code = any(cast(:codes as text[]))
  and e.accounting_date >= :from and e.accounting_date < :until
order by a.code, e.accounting_date, e.number, p.line
"""
)


def account_lines(
    session: Session,
    cooperative_id: int,
    codes: Sequence[str],
    *,
    from_: date,
    until: date,
    unit: str = "EUR",
) -> list[AccountLine]:
    """The postings of accounts over a half-open range of dates, by account, date and number."""
    rows = session.execute(
        _ACCOUNT_LINES,
        {
            "cooperative_id": cooperative_id,
            "codes": list(codes),
            "from": from_,
            "until": until,
            "unit": unit,
        },
    )
    return [AccountLine(*row) for row in rows]


def closed_periods(session: Session, cooperative_id: int) -> Mapping[date, datetime]:
    """The closed months by their first day, with the moment of closing."""
    rows = session.execute(
        text(
            "select starts_on, changed_at from accounting_period"
            " where cooperative_id = :cooperative_id and is_closed order by starts_on"
        ),
        {"cooperative_id": cooperative_id},
    )
    return dict(rows.all())
