"""Posting many small entries in one statement, as a till with a queue needs it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import cast

from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from wijkeconomie.core.round_trips import Read
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.canonical import content_hash, posting_line
from wijkeconomie.ledger.drafts import EntryDraft

# One text for each statement: a driver that looks at the values of twenty arrays takes longer.
_POST = text(
    """
with entry as (
  insert into journal_entry (cooperative_id, number, accounting_date, posted_at, posted_by,
    kind, source, description, idempotency_key, posting_count, content_hash, previous_hash, hash)
  select :cooperative_id, 0, accounting_date, :posted_at, posted_by, kind, source, description,
    key, count, decode(hash, 'hex'), '', ''
  from jsonb_to_recordset(cast(:drafts as jsonb)) as d (position bigint, accounting_date date,
    posted_by text, kind text, source text, description text, key text, count bigint, hash text)
  order by position
  returning number, idempotency_key
)
insert into posting (cooperative_id, entry_number, line, account_id, amount)
select :cooperative_id, entry.number, l.line, account.id, l.amount
from jsonb_to_recordset(cast(:lines as jsonb)) as l (key text, line bigint, code text, unit text,
  amount bigint)
join entry on entry.idempotency_key = l.key
left join lateral (
  -- "From this code on, the first" names the right index, whatever the statistics say.
  select x.id, x.code, x.unit from account x
  where x.cooperative_id = :cooperative_id and (x.code, x.unit) >= (l.code, l.unit)
  order by x.code, x.unit limit 1
) account on account.code = l.code and account.unit = l.unit
"""
)


def posting(uow: UnitOfWork, drafts: Sequence[tuple[EntryDraft, str]]) -> Read:
    """To post entries with keys of their own, all or none, in their order; each with its actor.

    An entry whose key the books have already is left out: whoever sends this has looked before.
    Reversals are posted one by one. What the books refuse comes as a ``DBAPIError``, and
    :func:`wijkeconomie.ledger.refusals.as_refusal` tells what it stands for.
    """
    written = [(position, *each) for position, each in enumerate(drafts)]
    values = {
        "cooperative_id": uow.tenant,
        "posted_at": uow.now,
        "drafts": json.dumps([_header(uow, *each) for each in written]),
        "lines": json.dumps(
            [
                {
                    "key": draft.idempotency_key,
                    "line": line,
                    "code": each.account_code,
                    "unit": each.unit,
                    "amount": each.amount,
                }
                for draft, _ in drafts
                for line, each in enumerate(draft.postings, start=1)
            ]
        ),
    }
    return Read(_POST, values, lambda _rows: None)


def _header(uow: UnitOfWork, position: int, draft: EntryDraft, actor: str) -> dict[str, object]:
    digest = content_hash(
        draft,
        posted_at=uow.now,
        posted_by=actor,
        posting_count=len(draft.postings),
        posting_lines=[
            posting_line(line, each.account_code, each.unit, each.amount)
            for line, each in enumerate(draft.postings, start=1)
        ],
    )
    return {
        "position": position,
        "accounting_date": draft.accounting_date.isoformat(),
        "posted_by": actor,
        "kind": draft.kind,
        "source": draft.source,
        "description": draft.description,
        "key": draft.idempotency_key,
        "count": len(draft.postings),
        "hash": digest.hex(),
    }


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
