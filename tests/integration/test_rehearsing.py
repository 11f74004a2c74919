"""The preview of a round's statement is the statement, before anything is booked."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.periods import Period
from wijkeconomie.purchasing.queries import round_by_id
from wijkeconomie.purchasing.refusals import InvoiceMissingError, RoundStateError
from wijkeconomie.reports.queries import round_statement
from wijkeconomie.reports.rehearsing import rehearsed_round_statement
from wijkeconomie.reports.rendering import file_name, render
from wijkeconomie.reports.statement import Statement

ALL = Period.parse("2026")


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


@pytest.fixture
def round_id(market: Market) -> int:
    """A round that came short, with an invoice that asks three cents more."""
    made = market.open_round(freight=501)
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(made, member, AARD=count, ZEEP=1)
    market.order(made)
    market.receive(made, AARD=10)
    return made


def rehearse(market: Market, round_id: int) -> Statement:
    with market.books.open() as uow:
        code = round_by_id(uow.session, uow.tenant, round_id).code
        return rehearsed_round_statement(uow, code, ALL)


def counts(market: Market) -> list[int]:
    tables = ("journal_entry", "posting", "pledge_share", "round_settlement", "outbox_message")
    with market.books.open() as uow:
        found = [
            uow.session.scalars(
                text(f"select count(*) from {table} where cooperative_id = :id"),
                {"id": uow.tenant},
            ).one()
            for table in tables
        ]
        assert verify_books(uow.session, uow.tenant, market.books.code).fault is None
    return found


def test_the_preview_is_the_statement_that_settling_gives(market: Market, round_id: int) -> None:
    market.invoice(round_id, more_net=3)
    before = counts(market)
    rehearsed = rehearse(market, round_id)
    assert counts(market) == before
    market.settle(round_id, accepted=3)
    with market.books.open() as uow:
        booked = round_statement(uow.session, uow.tenant, rehearsed.subject_code, ALL)
    assert rehearsed.round is not None
    assert rehearsed.round == booked.round
    assert rehearsed.vat_totals == booked.vat_totals
    assert rehearsed.closing_cents == booked.closing_cents > 0
    assert [replace(line, entry_number=None) for line in booked.lines] == list(rehearsed.lines)
    with pytest.raises(RoundStateError):
        rehearse(market, round_id)


def test_a_preview_says_that_nothing_is_booked(market: Market, round_id: int) -> None:
    market.invoice(round_id)
    statement = rehearse(market, round_id)
    assert statement.first_entry is None
    assert "round-preview" in file_name(statement, "csv")
    rows = list(csv.DictReader(io.StringIO(render(statement, "csv").decode())))
    assert {row["statement_kind"] for row in rows} == {"round-preview"}
    assert {row["entry_number"] for row in rows} == {""}
    assert render(statement, "pdf").startswith(b"%PDF")


def test_what_stands_in_the_way_of_settling_stands_in_the_way_of_its_preview(
    market: Market, round_id: int
) -> None:
    before = counts(market)
    with pytest.raises(InvoiceMissingError):
        rehearse(market, round_id)
    assert counts(market) == before
