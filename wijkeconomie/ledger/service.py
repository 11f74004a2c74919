"""The only writer of the books: accounts, entries, reversals, limits and periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import IdempotencyKeyReusedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.canonical import content_hash, posting_line
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


# One statement a draft: the entry, its lines and (through the guards) number, hash, period,
# balances and sums. Each round trip that is saved is a fifth of a small entry's cost.
# Nothing comes back when the books have the key already.
_INSERT_ENTRY = """
with entry as (
  insert into journal_entry (cooperative_id, number, accounting_date, posted_at, posted_by,
    kind, source, description, idempotency_key, reverses_number, posting_count, content_hash,
    previous_hash, hash)
  values (:cooperative_id, 0, :accounting_date, :posted_at, :posted_by, :kind, :source,
    :description, :idempotency_key, :reverses, :posting_count, :content_hash, '', '')
  returning number
), lines as (
  insert into posting (cooperative_id, entry_number, line, account_id, amount)
  {lines}
)
select number from entry
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
from entry
cross join unnest(cast(:account_ids as bigint[]), cast(:amounts as bigint[]))
  with ordinality as drafted (account_id, amount, line)
"""
_POST_BY_CODE = text(_INSERT_ENTRY.format(lines=_LINES_BY_CODE))
_POST_BY_ID = text(_INSERT_ENTRY.format(lines=_LINES_BY_ID))


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
    posted = _insert(
        uow,
        _POST_BY_CODE,
        draft,
        posting_lines=lines,
        codes=[posting.account_code for posting in draft.postings],
        units=[posting.unit for posting in draft.postings],
        amounts=[posting.amount for posting in draft.postings],
    )
    if posted.is_replay:
        _require_same_content(uow, posted.number, draft, draft.postings)
    return posted


def post_bulk_entry(uow: UnitOfWork, draft: BulkEntryDraft) -> PostedEntry:
    """Post one entry of any size, set-based: 100,000 postings in about a second.

    Same guarantees and refusals as :func:`post_entry`.
    """
    amounts: list[int] = draft.amounts.tolist()
    lines = [
        f"{line}\t{code}\t{draft.unit}\t{amount}\n"
        for line, (code, amount) in enumerate(
            zip(draft.account_codes, amounts, strict=True), start=1
        )
    ]
    posted = _insert(
        uow,
        _POST_BY_ID,
        draft,
        posting_lines=lines,
        account_ids=array_text(draft.account_ids.tolist()),
        amounts=array_text(amounts),
    )
    if posted.is_replay:
        postings = tuple(
            PostingDraft(code, amount, draft.unit)
            for code, amount in zip(draft.account_codes, amounts, strict=True)
        )
        _require_same_content(uow, posted.number, draft, postings)
    return posted


def _insert(
    uow: UnitOfWork,
    statement: Any,
    header: EntryHeader,
    *,
    posting_lines: Sequence[str],
    **columns: Sequence[Any] | str,
) -> PostedEntry:
    values = {
        "cooperative_id": uow.tenant,
        "accounting_date": header.accounting_date,
        "posted_at": uow.now,
        "posted_by": uow.actor,
        "kind": header.kind,
        "source": header.source,
        "description": header.description,
        "idempotency_key": header.idempotency_key,
        "reverses": header.reverses,
        "posting_count": len(posting_lines),
        "content_hash": content_hash(
            header,
            posted_at=uow.now,
            posted_by=uow.actor,
            posting_count=len(posting_lines),
            posting_lines=posting_lines,
        ),
    }
    try:
        number = uow.session.scalar(statement, values | columns)
    except DBAPIError as error:
        refusal = as_refusal(error, date=header.accounting_date.isoformat(), key=header.kind)
        if refusal is None:
            raise
        raise refusal from error
    if number is not None:
        return PostedEntry(number, is_replay=False)
    earlier = queries.number_of_key(uow.session, uow.tenant, header.idempotency_key)
    return PostedEntry(earlier, is_replay=True)


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


def close_period(uow: UnitOfWork, month: date, *, reason: str | None = None) -> None:
    """Close the month that ``month`` lies in: no entry may be dated in it any more."""
    _set_period(uow, month, is_closed=True, reason=reason)


def reopen_period(uow: UnitOfWork, month: date, *, reason: str) -> None:
    """Open a closed month again; the reason stays in the audit trail."""
    _set_period(uow, month, is_closed=False, reason=reason)


def _set_period(uow: UnitOfWork, month: date, *, is_closed: bool, reason: str | None) -> None:
    require_permission(uow.identity, "period.close")
    starts_on = month.replace(day=1)
    # The head is locked first, so that no entry slips in between the check and the closing.
    lock_books(uow)
    uow.session.execute(
        text(
            "insert into accounting_period (cooperative_id, starts_on, is_closed, changed_at,"
            " changed_by) values (:cooperative_id, :starts_on, :is_closed, :now, :actor)"
            " on conflict (cooperative_id, starts_on) do update set is_closed ="
            " excluded.is_closed, changed_at = excluded.changed_at,"
            " changed_by = excluded.changed_by"
        ),
        {
            "cooperative_id": uow.tenant,
            "starts_on": starts_on,
            "is_closed": is_closed,
            "now": uow.now,
            "actor": uow.actor,
        },
    )
    record_change(
        uow,
        subject=f"period/{starts_on:%Y-%m}",
        action="closed" if is_closed else "reopened",
        after={"is_closed": is_closed},
        reason=reason,
    )


__all__ = [
    "PostedEntry",
    "UnknownEntryError",
    "close_period",
    "ensure_account",
    "ensure_accounts",
    "lock_books",
    "open_books",
    "party_accounts",
    "post_bulk_entry",
    "post_entry",
    "reopen_period",
    "reverse_entry",
    "set_balance_limit",
]
