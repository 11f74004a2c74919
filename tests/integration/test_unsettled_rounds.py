"""Laws of rounds that lie unsettled, are settled by the clock, or without charging anyone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.integration.test_deadlines import a_coordinator, letters, now, outcomes
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.jobs import latest_runs, run_due
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.purchasing import settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.explanations import explain_share, recompute
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import (
    ConfirmationError,
    FiguresChangedError,
    InvoiceMissingError,
    RoundStateError,
    SecondPersonError,
    UnchargedAskedError,
)
from wijkeconomie.purchasing.settlement_preview import figures_seen
from wijkeconomie.purchasing.uncharged import (
    AskUncharged,
    DecideUncharged,
    ask_uncharged,
    decide_uncharged,
)
from wijkeconomie.purchasing.unsettled import SetRoundPolicy, set_round_policy


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def received(market: Market, *, invoiced: bool = True, more_net: int = 0) -> int:
    round_id = market.open_round()
    for member, count in (("L001", 3), ("L002", 5)):
        market.pledge(round_id, member, AARD=count, ZEEP=1)
    market.order(round_id)
    market.receive(round_id)
    if invoiced:
        market.invoice(round_id, code=f"F-{round_id}", more_net=more_net)
    return round_id


def policy(market: Market, *, nag: int = 7, settle: int | None = None) -> None:
    with market.books.open() as uow:
        set_round_policy(uow, SetRoundPolicy(nag_after_days=nag, settle_after_days=settle))


def after(market: Market, days: int) -> None:
    market.clock.advance(timedelta(days=days))
    run_due(market.books.units_of_work, ROUND_JOBS)


# --- by the clock


def test_the_clock_settles_a_received_round_after_the_agreed_days(market: Market) -> None:
    policy(market, settle=10)
    round_id = received(market)
    after(market, 9)
    assert now(market, round_id).state is RoundState.RECEIVED
    after(market, 1)
    assert now(market, round_id).state is RoundState.SETTLED
    assert sum(market.owed(each) for each in market.members) == 1549
    assert market.books.verify().fault is None


def test_without_agreement_the_clock_settles_nothing(market: Market) -> None:
    round_id = received(market)
    after(market, 89)
    assert now(market, round_id).state is RoundState.RECEIVED


def test_the_clock_waits_for_the_invoice_and_accepts_no_difference(market: Market) -> None:
    policy(market, settle=10)
    without, differs = received(market, invoiced=False), received(market, more_net=25)
    after(market, 11)
    assert now(market, without).state is RoundState.RECEIVED
    assert now(market, differs).state is RoundState.RECEIVED
    with market.books.open() as uow:
        [run] = [
            each for each in latest_runs(uow.session, uow.tenant) if each.job == "rounds.settle"
        ]
    assert (run.period, run.error) == (str(differs), "invoice-difference")


def test_coordinators_and_treasurers_are_told_of_an_unsettled_round_each_so_many_days(
    market: Market,
) -> None:
    a_coordinator(market)
    a_coordinator(market, "treasurer")
    a_coordinator(market, "accountant")
    policy(market, nag=5, settle=30)
    round_id = received(market)
    after(market, 4)
    assert letters(market) == []
    after(market, 1)
    assert [subject for _, subject in letters(market)] == ["groente is nog niet afgerekend"] * 2
    after(market, 20)  # the clock stood still: one more, not four
    assert outcomes(market, "rounds.nag") == ["told", "told"]
    market.settle(round_id)
    assert [each for each in letters(market) if "nog niet" in each[1]] == []


@pytest.mark.parametrize(("nag", "settle"), [(0, None), (61, None), (7, 0), (7, 91)])
def test_a_policy_out_of_range_is_refused(market: Market, nag: int, settle: int | None) -> None:
    with pytest.raises(InvalidInputError):
        policy(market, nag=nag, settle=settle)


# --- without charging


def ask(market: Market, round_id: int, login: int, *, typed: str | None = None) -> int:
    code = now(market, round_id).code
    identity = Identity(actor=f"login:{login}", login_id=login, roles=frozenset({Role.COORDINATOR}))
    with market.books.units_of_work.begin(
        identity=identity, cooperative_id=market.books.cooperative_id
    ) as uow:
        return ask_uncharged(
            uow,
            AskUncharged(
                round_id=round_id, reason="buurtfeest", typed_code=code if typed is None else typed
            ),
        )


def decide(market: Market, request_id: int, login: int, typed: str, *, yes: bool = True) -> None:
    identity = Identity(actor=f"login:{login}", login_id=login, roles=frozenset({Role.BOARD}))
    with market.books.units_of_work.begin(
        identity=identity, cooperative_id=market.books.cooperative_id
    ) as uow:
        decide_uncharged(
            uow, DecideUncharged(request_id=request_id, is_approved=yes, typed_code=typed)
        )


def test_two_people_settle_a_round_without_charging_and_the_cooperative_pays(
    market: Market,
) -> None:
    first, second = a_coordinator(market), a_coordinator(market, "board")
    round_id = received(market)
    request_id = ask(market, round_id, first)
    code = now(market, round_id).code
    assert [subject for _, subject in letters(market)] == ["Beoordeel: groente zonder verrekening"]
    decide(market, request_id, second, code)
    assert now(market, round_id).state is RoundState.SETTLED
    assert {market.owed(each) for each in market.members} == {0}
    with market.books.open() as uow:
        [settled] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
        shares = settlement_queries.shares(uow.session, uow.tenant, round_id, 1)
        assert settled.entry_number is not None
        entry = ledger.entry(uow.session, uow.tenant, settled.entry_number)
    assert (settled.members_gross_cents, settled.cooperative_gross_cents) == (0, 1549)
    assert settled.reason == "buurtfeest"
    assert sum(posting.amount for posting in entry.postings) == 0
    assert {(share.gross_cents, recompute(share.explanation).gross_cents) for share in shares} == {
        (0, 0)
    }
    assert all(explain_share(share.explanation, "nl") for share in shares)
    assert market.books.verify().fault is None


def test_who_asks_does_not_approve_and_a_machine_does_neither(market: Market) -> None:
    first = a_coordinator(market)
    round_id = received(market)
    request_id = ask(market, round_id, first)
    with pytest.raises(SecondPersonError):
        decide(market, request_id, first, now(market, round_id).code)
    with pytest.raises(SecondPersonError), market.books.open() as uow:
        decide_uncharged(uow, DecideUncharged(request_id=request_id, is_approved=True))
    assert now(market, round_id).state is RoundState.RECEIVED


def test_the_database_knows_that_two_people_are_two(market: Market) -> None:
    first = a_coordinator(market)
    request_id = ask(market, received(market), first)
    with pytest.raises(IntegrityError, match="second_person"), market.books.open() as uow:
        uow.session.execute(
            text(
                "update uncharged_request set decided_by = asked_by, decided_at = now(),"
                " is_approved = true where id = :id"
            ),
            {"id": request_id},
        )


def test_the_database_settles_nothing_on_a_request_that_was_not_approved(market: Market) -> None:
    first = a_coordinator(market)
    round_id = received(market)
    request_id = ask(market, round_id, first)
    with pytest.raises(DBAPIError, match="settled by nothing"):
        _settle_by_hand(market, round_id, request_id)


def _settle_by_hand(market: Market, round_id: int, request_id: int) -> None:
    key = {"id": market.books.cooperative_id, "round": round_id, "request": request_id}
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "insert into round_settlement (cooperative_id, round_id, version, settled_at,"
                " settled_by, accounting_date, supplier_gross_cents, members_gross_cents,"
                " cooperative_gross_cents, uncharged_request_id) values (:id, :round, 1, now(),"
                " 'x', '2026-01-07', 0, 0, 0, :request)"
            ),
            key,
        )
        uow.session.execute(
            text(
                "update purchase_round set state = 'settled', settlement_version = 1"
                " where id = :round"
            ),
            key,
        )


def test_a_typed_code_a_reason_and_an_invoice_are_needed(market: Market) -> None:
    first = a_coordinator(market)
    with pytest.raises(ConfirmationError):
        ask(market, received(market), first, typed="ja")
    with pytest.raises(InvoiceMissingError):
        ask(market, received(market, invoiced=False), first)


def test_it_is_asked_once_and_may_be_turned_down_by_anyone_and_asked_again(
    market: Market,
) -> None:
    first = a_coordinator(market)
    round_id = received(market)
    request_id = ask(market, round_id, first)
    with pytest.raises(UnchargedAskedError):
        ask(market, round_id, first)
    decide(market, request_id, first, "", yes=False)
    with pytest.raises(NotFoundError):
        decide(market, request_id, first, "", yes=False)
    ask(market, round_id, first)


def test_another_invoice_than_was_shown_is_not_approved(market: Market) -> None:
    first, second = a_coordinator(market), a_coordinator(market, "board")
    round_id = received(market)
    request_id = ask(market, round_id, first)
    market.invoice(round_id, code="F-anders", more_net=1)
    with pytest.raises(FiguresChangedError):
        decide(market, request_id, second, now(market, round_id).code)
    assert now(market, round_id).state is RoundState.RECEIVED


def test_the_clock_does_not_overtake_who_has_to_decide(market: Market) -> None:
    policy(market, settle=5)
    first = a_coordinator(market)
    round_id = received(market)
    ask(market, round_id, first)
    after(market, 6)
    assert now(market, round_id).state is RoundState.RECEIVED


def test_a_round_that_was_charged_meanwhile_is_not_settled_again(market: Market) -> None:
    first, second = a_coordinator(market), a_coordinator(market, "board")
    round_id = received(market)
    request_id = ask(market, round_id, first)
    market.settle(round_id)
    with pytest.raises(RoundStateError):
        decide(market, request_id, second, now(market, round_id).code)


# --- differences first


def test_other_differences_than_were_seen_are_not_booked(market: Market) -> None:
    round_id = market.settled_round()
    with market.books.open() as uow:
        line = settlement_queries.deliveries(uow.session, uow.tenant, round_id)[0]
    lines = tuple(
        ReceiveLine(
            round_id=round_id,
            round_product_id=line.round_product_id,
            delivered=count,
            reason="geteld",
        )
        for count in (10, 9)
    )
    shown = CorrectRound(
        round_id=round_id, reason="geteld", lines=lines[:1], accepted_difference_cents=0
    )
    with market.books.open() as uow:
        preview = preview_correction(uow, shown)
    with pytest.raises(FiguresChangedError), market.books.open() as uow:
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="geteld",
                lines=lines[1:],
                seen=figures_seen(preview),
            ),
        )
    with market.books.open() as uow:
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="geteld",
                lines=lines[:1],
                accepted_difference_cents=preview.difference_cents,
                seen=figures_seen(preview),
            ),
        )
    owed = {member.code: member.gross_cents for member in preview.members}
    assert {code: market.owed(code) for code in owed} == owed
