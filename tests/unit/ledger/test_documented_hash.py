"""The hashes that docs/ledger.md shows to an auditor, recomputed from its own text."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path

from wijkeconomie.ledger.canonical import chained_hash, content_hash, first_hash, posting_line
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit

PAGE = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text(encoding="utf-8")
HASHES = re.findall(r"`([0-9a-f]{64})`", PAGE)

ENTRY = EntryDraft(
    accounting_date=date(2026, 2, 2),
    kind="contribution.collected",
    source="bank/BE1",
    description="Contribution 2026",
    idempotency_key="bank/BE1",
    postings=(debit("10201", 1250), credit("13701:L001", 1250)),
)


def block(name: str) -> bytes:
    found = re.search(rf"<!-- {name} -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1].encode()


def test_the_text_of_the_page_has_the_hashes_that_it_tells() -> None:
    content, first, chained = HASHES

    assert hashlib.sha256(block("content")).hexdigest() == content
    assert hashlib.sha256(block("first")).hexdigest() == first
    over = bytes.fromhex(first) + b"1\n" + bytes.fromhex(content)
    assert hashlib.sha256(over).hexdigest() == chained


def test_the_program_hashes_that_entry_alike() -> None:
    content = content_hash(
        ENTRY,
        posted_at=datetime(2026, 2, 3, 9, 30, 0, 125_000, tzinfo=UTC),
        posted_by="system:bank",
        posting_count=2,
        posting_lines=[
            posting_line(line, posting.account_code, posting.unit, posting.amount)
            for line, posting in enumerate(ENTRY.postings, start=1)
        ],
    )

    first = first_hash("MRS")
    assert [content.hex(), first.hex(), chained_hash(first, 1, content).hex()] == HASHES
