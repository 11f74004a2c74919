"""The only writer of the books: accounts, entries, reversals and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.refusals import IdempotencyKeyReusedError
from wijkeconomie.core.round_trips import Read, read_together
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.canonical import bulk_posting_lines, content_hash, posting_line
from wijkeconomie.ledger.chart import ChartLine
from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryDraft, EntryHeader, PostingDraft
from wijkeconomie.ledger.refusals import (
    AlreadyReversedError,
    UnknownAccountError,
    UnknownEntryError,
    as_refusal,
)


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """An entry in the books; ``is_replay`` when it had been posted by an earlier request."""

    number: int
    is_replay: bool


# One statement, however many drafts: the entries, their lines and (through the guards) numbers,
# hashes, period, balances and sums. Each round trip that is saved is a fifth of a small entry's
# cost. Nothing comes back for a key that the books have already.
_INSERT_ENTRIES = """
with entry as (
  insert into journal_entry (cooperative_id, number, accounting_date, posted_at, posted_by,
    kind, source, description, idempotency_key, reverses_number, posting_count, content_hash,
    previous_hash, hash)
  {entries}
  returning number, idempotency_key
), lines as (
  insert into posting (cooperative_id, entry_number, line, account_id, amount)
  {lines}
)
select idempotency_key, number from entry
"""
_ONE_ENTRY = """
values (:cooperative_id, 0, :accounting_date, :posted_at, :posted_by, :kind, :source,
  :description, :idempotency_key, :reverses, :posting_count, :content_hash, '', '')
"""
_MANY_ENTRIES = """
select :cooperative_id, 0, h.accounting_date, :posted_at, :posted_by, h.kind, h.source,
  h.description, h.idempotency_key, h.reverses, h.posting_count, h.content_hash, '', ''
from unnest(cast(:accounting_dates as date[]), cast(:kinds as text[]), cast(:sources as text[]),
  cast(:descriptions as text[]), cast(:idempotency_keys as text[]), cast(:reversed as bigint[]),
  cast(:posting_counts as bigint[]), cast(:content_hashes as bytea[])) with ordinality
  as h (accounting_date, kind, source, description, idempotency_key, reverses, posting_count,
    content_hash, position)
order by h.position
"""
_LINES_BY_CODE = """
select :cooperative_id, entry.number, drafted.line, account.id, drafted.amount
from entry
cross join unnest((select cast(:codes as text[])), (select cast(:units as text[])),
  (select cast(:amounts as bigint[]))) with ordinality as drafted (code, unit, amount, line)
left join account on account.cooperative_id = :cooperative_id
  and account.code = drafted.code and account.unit = drafted.unit
"""
_LINES_BY_ID = """
select :cooperative_id, entry.number, drafted.line, drafted.account_id, drafted.amount
from unnest(cast(:idempotency_keys as text[]), cast(:account_ids as text[]),
  cast(:amounts as text[])) as draft (idempotency_key, account_ids, amounts)
join entry on entry.idempotency_key = draft.idempotency_key
cross join unnest(cast(draft.account_ids as bigint[]), cast(draft.amounts as bigint[]))
  with ordinality as drafted (account_id, amount, line)
"""
_POST_BY_CODE = text(_INSERT_ENTRIES.format(entries=_ONE_ENTRY, lines=_LINES_BY_CODE))
_POST_BY_ID = text(_INSERT_ENTRIES.format(entries=_MANY_ENTRIES, lines=_LINES_BY_ID))


def post_entry(uow: UnitOfWork, draft: EntryDraft) -> PostedEntry:
    """Post one entry: number, hash, balances and limits in one durable statement.

    Posting the same draft again returns the first entry and books nothing.

    Raises:
        UnknownAccountError, ClosedPeriodError, BalanceLimitError, AlreadyReversedError.
        IdempotencyKeyReusedError: the key belongs to an entry with another content.
    """
    lines = [
        posting_line(line, posting.account_code, posting.unit, posting.amount)
        for line, posting in enumerate(draft.postings, start=1)
    ]
    numbers = _insert(
        uow,
        _POST_BY_CODE,
        draft,
        {
            "accounting_date": draft.accounting_date,
            "kind": draft.kind,
            "source": draft.source,
            "description": draft.description,
            "idempotency_key": draft.idempotency_key,
            "reverses": draft.reverses,
            "posting_count": len(lines),
            "content_hash": _content_hash(uow, draft, lines),
            "codes": [posting.account_code for posting in draft.postings],
            "units": [posting.unit for posting in draft.postings],
            "amounts": [posting.amount for posting in draft.postings],
        },
    )
    if draft.idempotency_key in numbers:
        return PostedEntry(numbers[draft.idempotency_key], is_replay=False)
    return _posted_before(uow, draft, draft.postings)


def post_bulk_entry(uow: UnitOfWork, draft: BulkEntryDraft) -> PostedEntry:
    """Post one entry of any size, set-based: 100,000 postings in about a second.

    Same guarantees and refusals as :func:`post_entry`.
    """
    [posted] = post_bulk_entries(uow, [draft])
    return posted


def post_bulk_entries(uow: UnitOfWork, drafts: Sequence[BulkEntryDraft]) -> list[PostedEntry]:
    """Post entries of any size by one statement, numbered in their order; all or none.

    A balance that several of them touch is written once, and its limit holds after all of them.
    Same guarantees and refusals as :func:`post_entry`.
    """
    if not drafts:
        return []
    lines = [bulk_posting_lines(draft) for draft in drafts]
    numbers = _insert(
        uow,
        _POST_BY_ID,
        drafts[0],
        {
            "accounting_dates": [draft.accounting_date for draft in drafts],
            "kinds": [draft.kind for draft in drafts],
            "sources": [draft.source for draft in drafts],
            "descriptions": [draft.description for draft in drafts],
            "idempotency_keys": [draft.idempotency_key for draft in drafts],
            "reversed": [draft.reverses for draft in drafts],
            "posting_counts": [len(each) for each in lines],
            "content_hashes": [
                _content_hash(uow, draft, each) for draft, each in zip(drafts, lines, strict=True)
            ],
            "account_ids": [array_text(draft.account_ids.tolist()) for draft in drafts],
            "amounts": [array_text(draft.amounts.tolist()) for draft in drafts],
        },
    )
    return [
        PostedEntry(numbers[draft.idempotency_key], is_replay=False)
        if draft.idempotency_key in numbers
        else _posted_before(uow, draft, draft.postings())
        for draft in drafts
    ]


def _content_hash(uow: UnitOfWork, header: EntryHeader, lines: Sequence[str]) -> bytes:
    return content_hash(
        header,
        posted_at=uow.now,
        posted_by=uow.actor,
        posting_count=len(lines),
        posting_lines=lines,
    )


def _insert(
    uow: UnitOfWork, statement: TextClause, header: EntryHeader, values: Mapping[str, object]
) -> dict[str, int]:
    """Insert entries; the numbers of those that are new, by key."""
    who: dict[str, object] = {
        "cooperative_id": uow.tenant,
        "posted_at": uow.now,
        "posted_by": uow.actor,
    }
    try:
        # Past the layers of a mapper: a tenth of the time of a small entry.
        [numbers] = read_together(uow.session, [Read(statement, who | dict(values), dict)])
    except DBAPIError as error:
        refusal = as_refusal(error, date=header.accounting_date.isoformat(), key=header.kind)
        if refusal is None:
            raise
        raise refusal from error
    found: dict[str, int] = numbers
    return found


def _posted_before(
    uow: UnitOfWork, header: EntryHeader, postings: Sequence[PostingDraft]
) -> PostedEntry:
    number = queries.number_of_key(uow.session, uow.tenant, header.idempotency_key)
    _require_same_content(uow, number, header, postings)
    return PostedEntry(number, is_replay=True)


def _require_same_content(
    uow: UnitOfWork, number: int, header: EntryHeader, postings: Sequence[PostingDraft]
) -> None:
    earlier = queries.entry(uow.session, uow.tenant, number)
    before = [(line.account_code, line.unit, line.amount) for line in earlier.postings]
    now = [(line.account_code, line.unit, line.amount) for line in postings]
    same = before == now and (earlier.kind, earlier.source, earlier.accounting_date) == (
        header.kind,
        header.source,
        header.accounting_date,
    )
    if not same:
        raise IdempotencyKeyReusedError(
            f"entry {number} has this key and another content", key=header.idempotency_key
        )


def reverse_entry(
    uow: UnitOfWork,
    number: int,
    *,
    accounting_date: date,
    idempotency_key: str,
    description: str,
) -> PostedEntry:
    """Post the opposite of entry ``number``, naming it; at most once for each entry.

    Raises:
        UnknownEntryError, AlreadyReversedError, ClosedPeriodError, BalanceLimitError.
    """
    original = queries.entry(uow.session, uow.tenant, number)
    if original.reversed_by is not None:
        earlier = queries.entry(uow.session, uow.tenant, original.reversed_by)
        if earlier.idempotency_key == idempotency_key:
            return PostedEntry(earlier.number, is_replay=True)
        raise AlreadyReversedError(
            f"entry {number} was reversed by entry {earlier.number}",
            number=number,
            reversal=earlier.number,
        )
    draft = EntryDraft(
        accounting_date=accounting_date,
        kind=f"{original.kind}.reversed",
        source=original.source,
        description=description,
        idempotency_key=idempotency_key,
        reverses=number,
        postings=tuple(
            PostingDraft(line.account_code, -line.amount, line.unit) for line in original.postings
        ),
    )
    return post_entry(uow, draft)


def lock_books(uow: UnitOfWork) -> None:
    """Wait until no entry of the cooperative is under way, and hold the books until the end.

    What is read after this is what an entry posted in this transaction will meet.
    """
    uow.session.execute(
        text("select ledger_lock_books(:cooperative_id)"), {"cooperative_id": uow.tenant}
    )


def open_books(uow: UnitOfWork, chart: Iterable[ChartLine], *, unit: str = "EUR") -> None:
    """Open the accounts of the chart that the cooperative does not have yet in a unit."""
    uow.session.execute(
        text(
            "insert into account (cooperative_id, code, key, unit, kind, rgs_code, name_nl,"
            " name_en, has_parties) values (:cooperative_id, :code, :key, :unit, :kind, :rgs,"
            " :name_nl, :name_en, :has_parties) on conflict do nothing"
        ),
        [
            {
                "cooperative_id": uow.tenant,
                "code": line.number,
                "key": line.key,
                "unit": unit,
                "kind": line.kind.value,
                "rgs": line.rgs_code,
                "name_nl": line.name_nl,
                "name_en": line.name_en,
                "has_parties": line.has_parties,
            }
            for line in chart
        ],
    )


_OPEN_PARTIES = text(
    """
insert into account (cooperative_id, code, key, party, unit, kind, rgs_code, name_nl, name_en,
  has_parties)
select control.cooperative_id, control.code || ':' || wanted.party, control.key, wanted.party,
  control.unit, control.kind, control.rgs_code, control.name_nl, control.name_en, false
from account control
cross join unnest(cast(:parties as text[])) as wanted (party)
where control.cooperative_id = :cooperative_id and control.key = :key and control.unit = :unit
  and control.party is null and control.has_parties
on conflict do nothing
"""
)


def ensure_account(
    uow: UnitOfWork, key: str, party: str | None = None, *, unit: str = "EUR"
) -> str:
    """The code of an account of the chart, or of one party's part, which is opened if new.

    Raises:
        UnknownAccountError: the chart has no such key, or it has no parties.
    """
    if party is not None:
        return ensure_accounts(uow, key, [party], unit=unit)[party]
    codes = queries.control_codes(uow.session, uow.tenant, unit=unit)
    if key not in codes:
        raise UnknownAccountError(f"the chart has no account {key} in {unit}", key=key)
    return codes[key]


def ensure_accounts(
    uow: UnitOfWork, key: str, parties: Sequence[str], *, unit: str = "EUR"
) -> Mapping[str, str]:
    """The codes of the parts of a control account, by party; missing ones are opened at once.

    Raises:
        UnknownAccountError: the chart has no such key, or it has no parties.
    """
    codes = queries.party_codes(uow.session, uow.tenant, key, parties, unit=unit)
    # Known ones are left out here rather than in SQL: a join with an array has no statistics.
    if new := [party for party in parties if party not in codes]:
        uow.session.execute(
            _OPEN_PARTIES,
            {"cooperative_id": uow.tenant, "key": key, "unit": unit, "parties": new},
        )
        codes = queries.party_codes(uow.session, uow.tenant, key, parties, unit=unit)
    if missing := [party for party in parties if party not in codes]:
        raise UnknownAccountError(
            f"the chart has no account {key} with parts in {unit}", key=key, party=missing[0]
        )
    return codes


def party_accounts(
    uow: UnitOfWork, key: str, parties: Sequence[str], *, unit: str = "EUR"
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str]]:
    """Ids and codes of the parts of a control account, in the order of ``parties``."""
    ensure_accounts(uow, key, parties, unit=unit)
    known = queries.party_account_ids(uow.session, uow.tenant, key, unit=unit)
    control = ensure_account(uow, key, unit=unit)
    ids = np.fromiter((known[party] for party in parties), np.int64, len(parties))
    return ids, [f"{control}:{party}" for party in parties]


def set_balance_limit(
    uow: UnitOfWork,
    account_code: str,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    unit: str = "EUR",
) -> None:
    """Limit an account's balance, debit positive; the database then refuses to pass it.

    Raises:
        UnknownAccountError: no such account.
        BalanceLimitError: the balance is past the new limit already.
    """
    try:
        changed = uow.session.execute(
            text(
                "update account_balance set minimum_balance = :minimum,"
                " maximum_balance = :maximum where cooperative_id = :cooperative_id"
                " and account_id = (select id from account where cooperative_id ="
                " :cooperative_id and code = :code and unit = :unit) returning account_id"
            ),
            {
                "cooperative_id": uow.tenant,
                "code": account_code,
                "unit": unit,
                "minimum": minimum,
                "maximum": maximum,
            },
        ).all()
    except DBAPIError as error:
        refusal = as_refusal(error, account=account_code)
        if refusal is None:
            raise
        raise refusal from error
    if not changed:
        raise UnknownAccountError(f"there is no account {account_code}", account=account_code)


__all__ = [
    "PostedEntry",
    "UnknownEntryError",
    "ensure_account",
    "ensure_accounts",
    "lock_books",
    "open_books",
    "party_accounts",
    "post_bulk_entries",
    "post_bulk_entry",
    "post_entry",
    "reverse_entry",
    "set_balance_limit",
]
