"""Posting many small entries in one statement, as a till with a queue needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, repeat
from typing import cast

from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from wijkeconomie.core.round_trips import Read
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.canonical import content_hash, posting_line
from wijkeconomie.ledger.drafts import EntryDraft
from wijkeconomie.ledger.refusals import as_refusal

# The arrays come through sub-selects, which hide their length: one plan serves all.
_POST = text(
    """
with drafted as (
  select * from unnest((select cast(:dates as date[])), (select cast(:actors as text[])),
    (select cast(:kinds as text[])), (select cast(:sources as text[])),
    (select cast(:descriptions as text[])), (select cast(:keys as text[])),
    (select cast(:counts as bigint[])), (select cast(:hashes as bytea[]))) with ordinality
    as d (accounting_date, posted_by, kind, source, description, key, count, hash, position)
), entry as (
  insert into journal_entry (cooperative_id, number, accounting_date, posted_at, posted_by,
    kind, source, description, idempotency_key, posting_count, content_hash, previous_hash, hash)
  select :cooperative_id, 0, accounting_date, :posted_at, posted_by, kind, source, description,
    key, count, hash, '', ''
  from drafted order by position
  returning number, idempotency_key
), lines as (
  insert into posting (cooperative_id, entry_number, line, account_id, amount)
  select :cooperative_id, entry.number, l.line, account.id, l.amount
  from unnest((select cast(:line_keys as text[])), (select cast(:lines as bigint[])),
    (select cast(:codes as text[])), (select cast(:units as text[])),
    (select cast(:amounts as bigint[]))) as l (key, line, code, unit, amount)
  join entry on entry.idempotency_key = l.key
  left join lateral (
    -- "From this code on, the first" names the right index, whatever the statistics say.
    select x.id, x.code, x.unit from account x
    where x.cooperative_id = :cooperative_id and (x.code, x.unit) >= (l.code, l.unit)
    order by x.code, x.unit limit 1
  ) account on account.code = l.code and account.unit = l.unit
)
select idempotency_key, number from entry
"""
)


def post_entries(
    uow: UnitOfWork, drafts: Sequence[EntryDraft], *, actors: Sequence[str] | None = None
) -> dict[str, int]:
    """Post entries with keys of their own, all or none, in their order; numbers by their keys.

    An entry whose key the books have already is left out, and its key with it: whoever calls
    has looked before. Reversals are posted one by one.

    Args:
        actors: who posted each; ``None`` is the unit's actor for all.

    Raises:
        UnknownAccountError, ClosedPeriodError, BalanceLimitError: of any of them.
    """
    if not drafts:
        return {}
    posted_by = list(actors or repeat(uow.actor, len(drafts)))
    lines = [list(enumerate(draft.postings, start=1)) for draft in drafts]
    flat = list(chain.from_iterable(lines))
    values = {
        "cooperative_id": uow.tenant,
        "posted_at": uow.now,
        "dates": [draft.accounting_date for draft in drafts],
        "actors": posted_by,
        "kinds": [draft.kind for draft in drafts],
        "sources": [draft.source for draft in drafts],
        "descriptions": [draft.description for draft in drafts],
        "keys": [draft.idempotency_key for draft in drafts],
        "counts": [len(draft.postings) for draft in drafts],
        "hashes": [
            content_hash(
                draft,
                posted_at=uow.now,
                posted_by=actor,
                posting_count=len(draft.postings),
                posting_lines=[
                    posting_line(line, posting.account_code, posting.unit, posting.amount)
                    for line, posting in own
                ],
            )
            for draft, actor, own in zip(drafts, posted_by, lines, strict=True)
        ],
        "line_keys": [
            draft.idempotency_key for draft, own in zip(drafts, lines, strict=True) for _ in own
        ],
        "lines": [line for line, _ in flat],
        "codes": [posting.account_code for _, posting in flat],
        "units": [posting.unit for _, posting in flat],
        "amounts": [posting.amount for _, posting in flat],
    }
    try:
        return dict(uow.session.execute(_POST, values).all())
    except DBAPIError as error:
        refusal = as_refusal(error, date=drafts[0].accounting_date.isoformat())
        if refusal is None:
            raise
        raise refusal from error


_HOLD = text("select ledger_lock_books(:cooperative_id)")


def hold_books(cooperative_id: int) -> Read:
    """As ``lock_books``, to be sent along with what is read after it."""
    return Read(_HOLD, {"cooperative_id": cooperative_id}, lambda _rows: None)


_OPEN = text(
    """
insert into account (cooperative_id, code, key, party, unit, kind, rgs_code, name_nl, name_en,
  has_parties)
select control.cooperative_id, control.code || ':' || wanted.party, control.key, wanted.party,
  control.unit, control.kind, control.rgs_code, control.name_nl, control.name_en, false
from account control
cross join unnest(cast(:parties as text[])) as wanted (party)
where control.cooperative_id = :cooperative_id and control.key = :key and control.unit = :unit
  and control.party is null and control.has_parties
returning party, id
"""
)


_KNOWN = text(
    "select party from account where cooperative_id = :cooperative_id and key = :key"
    " and unit = :unit and party = any(cast(:parties as text[])) order by party limit 1"
)


class PartyKnownError(Exception):
    """An account that was to be opened is there already: of ``party``."""

    def __init__(self, party: str) -> None:
        super().__init__(f"{party} has an account")
        self.party = party


def open_new_accounts(
    uow: UnitOfWork, key: str, parties: Sequence[str], *, unit: str = "EUR"
) -> dict[str, int]:
    """Open parts of a control account, none of which exists yet; their ids by party.

    Unlike ``ensure_accounts`` it reads nothing first, and asks for no way out of a conflict:
    that would look up each of ten thousand accounts three times before it is written.

    Raises:
        PartyKnownError: one of them has an account, or is named twice; none is opened.
    """
    values = {"cooperative_id": uow.tenant, "key": key, "unit": unit, "parties": list(parties)}
    try:
        with uow.session.begin_nested():
            return dict(uow.session.execute(_OPEN, values).all())
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        raise PartyKnownError(_known_party(uow, values)) from error


def _known_party(uow: UnitOfWork, values: dict[str, object]) -> str:
    known: str | None = uow.session.scalar(_KNOWN, values)
    parties = Counter(cast("list[str]", values["parties"]))
    return known or parties.most_common(1)[0][0]
