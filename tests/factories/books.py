"""Books of a new cooperative, and entries for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import open_books, post_entry
from wijkeconomie.ledger.verification import Verification, verify_books


@dataclass(frozen=True)
class Books:
    """The opened books of one cooperative, with short ways to use them in a test."""

    units_of_work: UnitOfWorkFactory
    cooperative_id: int
    code: str

    @contextmanager
    def open(self) -> Iterator[UnitOfWork]:
        with self.units_of_work.begin(
            identity=system_identity("test"), cooperative_id=self.cooperative_id
        ) as uow:
            yield uow

    def post(self, amount: int, on: date = date(2026, 1, 5)) -> int:
        with self.open() as uow:
            return post_entry(uow, a_balanced_entry(amount, on=on)).number

    def balance(self, code: str) -> int:
        with self.open() as uow:
            return queries.account_balance(uow.session, self.cooperative_id, code)

    def verify(self) -> Verification:
        with self.open() as uow:
            return verify_books(uow.session, self.cooperative_id, self.code)


def open_books_of_a_new_cooperative(units_of_work: UnitOfWorkFactory) -> Books:
    """A cooperative with the standard chart and nothing booked."""
    code = f"T{uuid.uuid4().hex[:10]}"
    with units_of_work.begin(identity=system_identity("test")) as uow:
        cooperative_id = uow.session.scalar(
            text(
                "insert into cooperative (code, name, neighbourhood, liability, vat_regime, kvk,"
                " iban, creditor_id, founded_on, contribution_year_cents, share_price_cents,"
                " vote_rule) values (:code, 'Test U.A.', 'Test', 'UA', 'regulier', '00000000',"
                " 'NL91ABNA0417164300', 'x', '2020-01-01', 0, 0, 'een_lid_een_stem')"
                " returning id"
            ),
            {"code": code},
        )
    assert isinstance(cooperative_id, int)
    with units_of_work.begin(
        identity=system_identity("test"), cooperative_id=cooperative_id
    ) as uow:
        open_books(uow, load_chart())
    return Books(units_of_work, cooperative_id, code)


def a_balanced_entry(
    amount: int, *, on: date = date(2026, 1, 5), key: str | None = None
) -> EntryDraft:
    """``amount`` cents of other income, received on the bank account."""
    return EntryDraft(
        accounting_date=on,
        kind="test.posted",
        source="test/1",
        description="a test",
        idempotency_key=key or str(uuid.uuid4()),
        postings=(debit("10201", amount), credit("82701", amount)),
    )
