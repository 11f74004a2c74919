"""Re-checking the books from their rows alone, trusting none of what is kept beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.ledger import queries
from wijkeconomie.ledger.canonical import (
    chained_hash,
    content_hash,
    first_hash,
    posting_line,
)
from wijkeconomie.ledger.drafts import EntryHeader

PAGE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: the entry (``None`` for an account), the check, the words."""

    entry_number: int | None
    check: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome for one cooperative's books; ``fault`` is ``None`` when all is right."""

    cooperative_code: str
    entries: int
    postings: int
    last_hash: bytes
    fault: Fault | None


def verify_books(session: Session, cooperative_id: int, cooperative_code: str) -> Verification:
    """Check gaps, sums per unit, both hashes of each entry, and every kept balance.

    Reads the books in pages, so memory does not grow with their size. Stops at the first
    fault, which is that of the lowest entry number.
    """
    sums: dict[tuple[str, str], int] = defaultdict(int)
    state = _Walk(expected=1, previous=first_hash(cooperative_code), postings=0)
    fault: Fault | None = None
    for entry in _all_entries(session, cooperative_id):
        fault = _entry_fault(entry, state)
        if fault is not None:
            break
        for line in entry.postings:
            sums[line.account_code, line.unit] += line.amount
        state = _Walk(entry.number + 1, entry.hash, state.postings + len(entry.postings))
    if fault is None:
        fault = _head_fault(session, cooperative_id, state) or _balance_fault(
            session, cooperative_id, sums
        )
    return Verification(cooperative_code, state.expected - 1, state.postings, state.previous, fault)


@dataclass(frozen=True, slots=True)
class _Walk:
    expected: int
    previous: bytes
    postings: int


def _all_entries(session: Session, cooperative_id: int) -> Iterator[queries.Entry]:
    start = 1
    last = max(
        queries.last_number(session, cooperative_id),
        session.scalar(
            text("select max(number) from journal_entry where cooperative_id = :cooperative_id"),
            {"cooperative_id": cooperative_id},
        )
        or 0,
    )
    while start <= last:
        yield from queries.entries(session, cooperative_id, first=start, last=start + PAGE - 1)
        start += PAGE


def _entry_fault(entry: queries.Entry, state: _Walk) -> Fault | None:
    number = entry.number
    if number != state.expected:
        return Fault(state.expected, "gap", f"entry {state.expected} is missing")
    by_unit: dict[str, int] = defaultdict(int)
    for line in entry.postings:
        by_unit[line.unit] += line.amount
    for unit, difference in by_unit.items():
        if difference:
            return Fault(number, "sum", f"its postings differ by {difference} {unit}")
    if entry.previous_hash != state.previous:
        return Fault(number, "chain", "it does not continue the hash of the entry before it")
    if entry.content_hash != _content(entry):
        return Fault(number, "content", "its content is not what was hashed when it was posted")
    if entry.hash != chained_hash(entry.previous_hash, number, entry.content_hash):
        return Fault(number, "hash", "its hash is not that of its number and content")
    return None


def _content(entry: queries.Entry) -> bytes:
    header = EntryHeader(
        accounting_date=entry.accounting_date,
        kind=entry.kind,
        source=entry.source,
        description=entry.description,
        idempotency_key=entry.idempotency_key,
        reverses=entry.reverses,
    )
    return content_hash(
        header,
        posted_at=entry.posted_at,
        posted_by=entry.posted_by,
        posting_count=len(entry.postings),
        posting_lines=(
            posting_line(position, line.account_code, line.unit, line.amount)
            for position, line in enumerate(entry.postings, start=1)
        ),
    )


def _head_fault(session: Session, cooperative_id: int, state: _Walk) -> Fault | None:
    head = session.execute(
        text(
            "select last_number, last_hash from ledger_head where cooperative_id = :cooperative_id"
        ),
        {"cooperative_id": cooperative_id},
    ).one_or_none()
    if head is None:
        return Fault(None, "head", "the end of the chain is not recorded")
    if head.last_number >= state.expected:
        return Fault(state.expected, "gap", f"entry {state.expected} is missing at the end")
    if head.last_number != state.expected - 1 or bytes(head.last_hash) != state.previous:
        return Fault(state.expected - 1, "head", "the recorded end of the chain is another one")
    return None


def _balance_fault(
    session: Session, cooperative_id: int, sums: dict[tuple[str, str], int]
) -> Fault | None:
    rows = session.execute(
        text(
            "select a.code, a.unit, b.balance from account a left join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " where a.cooperative_id = :cooperative_id order by a.code, a.unit"
        ),
        {"cooperative_id": cooperative_id},
    )
    for code, unit, balance in rows:
        expected = sums.get((code, unit), 0)
        if balance != expected:
            return Fault(
                None,
                "balance",
                f"account {code} keeps a balance of {balance} {unit}; its postings give {expected}",
            )
    return None
