"""The ledger held to a naive model: lists and sums, over histories nobody would think of."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryDraft, PostingDraft
from wijkeconomie.ledger.periods import close_period, reopen_period
from wijkeconomie.ledger.refusals import (
    AlreadyReversedError,
    BalanceLimitError,
    ClosedPeriodError,
)
from wijkeconomie.ledger.service import (
    ensure_account,
    party_accounts,
    post_bulk_entry,
    post_entry,
    reverse_entry,
    set_balance_limit,
)

DAYS = st.sampled_from([date(2026, month, 15) for month in (1, 2, 3)])
PARTIES = ("L1", "L2", "L3")
AMOUNTS = st.integers(-500, 500)


def account_id(uow: UnitOfWork, code: str) -> int:
    found = uow.session.scalar(
        text("select id from account where cooperative_id = :id and code = :code"),
        {"id": uow.tenant, "code": code},
    )
    assert isinstance(found, int)
    return found


class LedgerModel(RuleBasedStateMachine):
    """Entries are a list, balances are sums, closed months and limits are sets."""

    books: Books

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[date, dict[str, int]]] = []
        self.reversed: set[int] = set()
        self.closed: set[date] = set()
        self.least: dict[str, int] = {}

    drafts: Bundle[EntryDraft] = Bundle("drafts")

    @initialize()
    def open_accounts(self) -> None:
        self.book = open_books_of_a_new_cooperative(self.books.units_of_work)
        with self.book.open() as uow:
            self.income = ensure_account(uow, "contribution_income")
            self.ids, codes = party_accounts(uow, "member_account", PARTIES)
            self.codes = dict(zip(PARTIES, codes, strict=True))

    @contextmanager
    def refusal(self, day: date, changes: dict[str, int]) -> Iterator[None]:
        """Expect what the model expects, or that nothing is refused."""
        if day.replace(day=1) in self.closed:
            with pytest.raises(ClosedPeriodError):
                yield
        elif self.passes_limit(changes):
            with pytest.raises(BalanceLimitError):
                yield
        else:
            yield
            self.entries.append((day, changes))

    def passes_limit(self, changes: dict[str, int]) -> bool:
        after = self.balances()
        for code, amount in changes.items():
            after[code] += amount
        return any(after[code] < least for code, least in self.least.items() if code in changes)

    def balances(self) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for _day, changes in self.entries:
            for code, amount in changes.items():
                sums[code] += amount
        return sums

    @rule(target=drafts, day=DAYS, amounts=st.lists(AMOUNTS.filter(bool), min_size=3, max_size=3))
    def post(self, day: date, amounts: list[int]) -> EntryDraft:
        changes = {
            self.codes[party]: amount for party, amount in zip(PARTIES, amounts, strict=True)
        }
        changes[self.income] = -sum(amounts)
        draft = EntryDraft(
            accounting_date=day,
            kind="test.posted",
            source="test/1",
            description="a test",
            idempotency_key=str(uuid.uuid4()),
            postings=tuple(PostingDraft(code, amount) for code, amount in changes.items()),
        )
        kept = {code: amount for code, amount in changes.items() if amount}
        with self.refusal(day, kept), self.book.open() as uow:
            assert post_entry(uow, draft).number == len(self.entries) + 1
        return draft

    @rule(draft=drafts)
    def post_again(self, draft: EntryDraft) -> None:
        changes = {line.account_code: line.amount for line in draft.postings}
        day = draft.accounting_date
        with self.book.open() as uow:
            known = [
                entry.number
                for entry in queries.entries(uow.session, uow.tenant, first=1, last=10_000)
                if entry.idempotency_key == draft.idempotency_key
            ]
        if known:
            with self.book.open() as uow:
                posted = post_entry(uow, draft)
            assert (posted.number, posted.is_replay) == (known[0], True)
        else:
            with self.refusal(day, changes), self.book.open() as uow:
                post_entry(uow, draft)

    @rule(day=DAYS, amount=st.integers(1, 300))
    def post_many(self, day: date, amount: int) -> None:
        amounts = np.full(len(PARTIES), amount, np.int64)
        changes = {self.codes[party]: amount for party in PARTIES}
        changes[self.income] = -amount * len(PARTIES)
        with self.refusal(day, changes), self.book.open() as uow:
            income_id = account_id(uow, self.income)
            post_bulk_entry(
                uow,
                BulkEntryDraft(
                    accounting_date=day,
                    kind="test.posted",
                    source="test/many",
                    description="a test of many",
                    idempotency_key=str(uuid.uuid4()),
                    account_ids=np.append(self.ids, income_id),
                    account_codes=[*self.codes.values(), self.income],
                    amounts=np.append(amounts, -amount * len(PARTIES)),
                ),
            )

    @rule(which=st.integers(0, 50), day=DAYS)
    def reverse(self, which: int, day: date) -> None:
        if not self.entries:
            return
        number = which % len(self.entries) + 1
        changes = {code: -amount for code, amount in self.entries[number - 1][1].items()}

        def act() -> None:
            with self.book.open() as uow:
                reverse_entry(
                    uow,
                    number,
                    accounting_date=day,
                    idempotency_key=str(uuid.uuid4()),
                    description="a reversal",
                )

        if number in self.reversed:
            with pytest.raises(AlreadyReversedError):
                act()
            return
        before = len(self.entries)
        with self.refusal(day, changes):
            act()
        if len(self.entries) > before:
            self.reversed.add(number)

    @rule(day=DAYS)
    def close(self, day: date) -> None:
        with self.book.open() as uow:
            close_period(uow, day)
        self.closed.add(day.replace(day=1))

    @rule(day=DAYS)
    def reopen(self, day: date) -> None:
        with self.book.open() as uow:
            reopen_period(uow, day, reason="a test")
        self.closed.discard(day.replace(day=1))

    @rule(party=st.sampled_from(PARTIES), least=st.integers(-800, 100))
    def limit(self, party: str, least: int) -> None:
        code = self.codes[party]
        if self.balances()[code] < least:
            with pytest.raises(BalanceLimitError), self.book.open() as uow:
                set_balance_limit(uow, code, minimum=least)
            return
        with self.book.open() as uow:
            set_balance_limit(uow, code, minimum=least)
        self.least[code] = least

    @invariant()
    def balances_are_the_sums(self) -> None:
        if not hasattr(self, "book"):
            return
        wanted = self.balances()
        codes = [*self.codes.values(), self.income]
        with self.book.open() as uow:
            found = queries.balances(uow.session, uow.tenant, codes)
            assert queries.last_number(uow.session, uow.tenant) == len(self.entries)
        assert {code: found.get(code, 0) for code in codes} == {
            code: wanted[code] for code in codes
        }

    def teardown(self) -> None:
        if hasattr(self, "book"):
            assert self.book.verify().fault is None


def test_the_ledger_is_what_lists_and_sums_say(units_of_work: UnitOfWorkFactory) -> None:
    LedgerModel.books = Books(units_of_work, 0, "")
    run_state_machine_as_test(
        LedgerModel,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
