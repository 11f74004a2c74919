"""Who comes to owe money hears it once, when the account passes zero."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.reports.below_zero import BELOW_ZERO_JOBS, below_zero_mails, passed_zero

ADDRESS = "https://wijk.example.org"


@pytest.fixture
def market(fresh_runtime: Runtime, clock: Clock) -> Market:
    """L001 and L002 pay by themselves; L003 is collected from."""
    made = a_market(fresh_runtime.units_of_work, clock)
    with made.books.open() as uow:
        uow.session.execute(
            text(
                "update member set email = lower(code) || '@example.org', mandate_id ="
                " case code when 'L003' then mandate_id end where cooperative_id = :id"
            ),
            {"id": uow.tenant},
        )
    return made


def letters(runtime: Runtime) -> dict[str, Letter]:
    """What is sent when the clock has done what is due."""
    sent: list[Letter] = []
    run_due(runtime.units_of_work, BELOW_ZERO_JOBS)
    send_due(
        runtime.units_of_work, below_zero_mails(ADDRESS), lambda letter, _event: sent.append(letter)
    )
    return {letter.to: letter for letter in sent}


def pays(market: Market, member: str, cents: int) -> None:
    with market.books.open() as uow:
        draft = EntryDraft(
            accounting_date=date(2026, 1, 1),
            kind="bank.transfer",
            source="bank/B1",
            description="paid",
            idempotency_key=f"{member} {market.clock.now}",
            postings=(debit("10201", cents), credit(f"13830:{member}", cents)),
        )
        post_entry(uow, draft)


def test_a_letter_comes_when_an_account_passes_zero_and_not_at_the_next_charge(
    market: Market, fresh_runtime: Runtime, clock: Clock
) -> None:
    assert letters(fresh_runtime) == {}
    market.settled_round()
    assert letters(fresh_runtime) == {}  # the day has not ended
    clock.advance(timedelta(days=1))
    told = letters(fresh_runtime)
    assert set(told) == {"l001@example.org", "l002@example.org"}
    assert "€\xa08,01" in told["l001@example.org"].body
    assert f"{ADDRESS}/c/{market.books.code}/account" in told["l001@example.org"].body
    assert letters(fresh_runtime) == {}
    pays(market, "L001", market.owed("L001") + 1)
    clock.advance(timedelta(days=1))
    market.settled_round()
    clock.advance(timedelta(days=1))
    # L001 had a cent and owes again; L002 owed already.
    assert set(letters(fresh_runtime)) == {"l001@example.org"}


def test_who_has_paid_by_the_time_of_sending_gets_no_letter(
    market: Market, fresh_runtime: Runtime, clock: Clock
) -> None:
    market.settled_round()
    clock.advance(timedelta(days=1))
    pays(market, "L001", market.owed("L001"))
    assert set(letters(fresh_runtime)) == {"l002@example.org"}


def test_what_counts_is_the_day_on_which_it_was_booked(market: Market, clock: Clock) -> None:
    market.settled_round()
    day = clock.now.date()
    with market.books.open() as uow:
        told = {
            offset: passed_zero(uow.session, uow.tenant, day + timedelta(days=offset))
            for offset in (-1, 0, 1)
        }
    assert told == {-1: [], 0: [market.members["L001"], market.members["L002"]], 1: []}
