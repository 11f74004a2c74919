"""The canonical form of a journal entry, and the hash chain over it.

This is the second, independent implementation of what the database checks on insertion
(``migrations/sql/ledger_guards.sql``); ``docs/ledger.md`` defines the form for auditors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryHeader


def first_hash(cooperative_code: str) -> bytes:
    """The hash before the first entry of a cooperative's books."""
    text = f"wijkeconomie ledger 1\ncooperative {cooperative_code}\n"
    return hashlib.sha256(text.encode()).digest()


def posting_line(line: int, account_code: str, unit: str, amount: int) -> str:
    """One posting in canonical form, with its line feed."""
    return f"{line}\t{account_code}\t{unit}\t{amount}\n"


def bulk_posting_lines(draft: BulkEntryDraft) -> list[str]:
    """All postings of an entry in canonical form; written out here, as there may be many."""
    return [
        f"{line}\t{code}\t{draft.unit}\t{amount}\n"
        for line, (code, amount) in enumerate(
            zip(draft.account_codes, draft.amounts.tolist(), strict=True), start=1
        )
    ]


def content_hash(
    header: EntryHeader,
    *,
    posted_at: datetime,
    posted_by: str,
    posting_count: int,
    posting_lines: Iterable[str],
) -> bytes:
    """SHA-256 over the canonical content of an entry: its header, then its postings in order."""
    moment = posted_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = (
        "wijkeconomie journal entry 1\n"
        f"date {header.accounting_date.isoformat()}\n"
        f"posted {moment}\n"
        f"by {posted_by}\n"
        f"kind {header.kind}\n"
        f"source {header.source}\n"
        f"key {header.idempotency_key}\n"
        f"reverses {'-' if header.reverses is None else header.reverses}\n"
        f"description {header.description}\n"
        f"postings {posting_count}\n"
    )
    return hashlib.sha256((head + "".join(posting_lines)).encode()).digest()


def chained_hash(previous_hash: bytes, number: int, content: bytes) -> bytes:
    """The hash of an entry: over the hash before it, its number and its content's hash."""
    return hashlib.sha256(previous_hash + f"{number}\n".encode() + content).digest()
