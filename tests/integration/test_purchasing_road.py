"""Laws of a round on its road from draft to books, by the real use cases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.audit import history
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.permissions import PERMISSIONS
from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    StaleVersionError,
)
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.periods import close_period
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.purchasing import deadlines, queries, rounds, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DeadlinePassedError,
    InactiveMemberError,
    InvoiceDifferenceError,
    InvoiceKnownError,
    InvoiceMissingError,
    LinesNotReceivedError,
    NothingPledgedError,
    OverOrderError,
    PledgeTooLargeError,
    ProductNotInRoundError,
    RoundNotOpenError,
    RoundStateError,
)
from wijkeconomie.purchasing.rounds import CancelRound, cancel_round
from wijkeconomie.purchasing.settling import (
    SettleRound,
    allocate_round,
    preview_settlement,
    settle_round,
)


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def state(market: Market, round_id: int) -> RoundState:
    with market.books.open() as uow:
        return queries.round_by_id(uow.session, uow.tenant, round_id).state


def quantities(market: Market, round_id: int) -> dict[tuple[str, str], int]:
    with market.books.open() as uow:
        return {
            (pledge.member_code, pledge.product_code): pledge.quantity
            for pledge in queries.pledges(uow.session, uow.tenant, round_id)
        }


def mails(market: Market) -> list[str]:
    with market.books.open() as uow:
        return list(
            uow.session.scalars(
                text("select event_key from outbox_message where cooperative_id = :id order by 1"),
                {"id": uow.tenant},
            )
        )


# --- pledging


def test_an_order_is_made_changed_withdrawn_and_made_again(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3, ZEEP=1)
    market.pledge(round_id, "L001", AARD=5)
    assert quantities(market, round_id) == {("L001", "AARD"): 5, ("L001", "ZEEP"): 1}

    [pledge_id] = market.pledge(round_id, "L001", ZEEP=0)
    assert quantities(market, round_id) == {("L001", "AARD"): 5}
    assert market.pledge(round_id, "L001", ZEEP=2) == [pledge_id]

    with market.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"pledge/{pledge_id}")
    assert [change.action for change in changes] == ["made", "withdrawn", "made"]
    assert [change.after["quantity"] for change in changes] == [1, 0, 2]


def test_saving_the_same_order_again_leaves_no_trace(market: Market) -> None:
    round_id = market.open_round()
    [pledge_id] = market.pledge(round_id, "L001", AARD=3)

    assert market.pledge(round_id, "L001", AARD=3, ZEEP=0) == []

    with market.books.open() as uow:
        assert len(history(uow.session, uow.tenant, f"pledge/{pledge_id}")) == 1


def test_a_screen_that_lay_open_cannot_undo_a_later_change(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.pledge(round_id, "L001", AARD=4)
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
    stale = SavePledges(
        round_id=round_id,
        member_id=market.members["L001"],
        lines=(PledgeLine(product, 9, version=1),),
    )

    with pytest.raises(StaleVersionError), market.books.open() as uow:
        save_pledges(uow, stale)

    assert quantities(market, round_id) == {("L001", "AARD"): 4}


def test_one_wrong_line_saves_nothing_of_the_order(market: Market) -> None:
    round_id = market.open_round()
    with pytest.raises(PledgeTooLargeError) as refused:
        market.pledge(round_id, "L001", AARD=3, ZEEP=51)
    assert refused.value.context["maximum"] == 50
    assert quantities(market, round_id) == {}


def test_the_deadline_counts_to_the_instant_even_before_a_job_has_closed(
    market: Market, clock: Clock
) -> None:
    round_id = market.open_round()
    deadline = clock.now + timedelta(days=2)
    clock.set(deadline - timedelta(microseconds=1))
    market.pledge(round_id, "L001", AARD=1)
    clock.set(deadline)
    with pytest.raises(DeadlinePassedError):
        market.pledge(round_id, "L001", AARD=2)
    assert state(market, round_id) is RoundState.OPEN


def test_a_draft_takes_no_pledges(market: Market) -> None:
    with pytest.raises(RoundNotOpenError):
        market.pledge(market.plan(), "L001", AARD=1)


def test_who_left_does_not_pledge(market: Market) -> None:
    round_id = market.open_round()
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set left_on = '2026-01-04' where id = :id"),
            {"id": market.members["L001"]},
        )
    with pytest.raises(InactiveMemberError):
        market.pledge(round_id, "L001", AARD=1)


def test_a_product_of_another_round_is_not_pledged_for(market: Market) -> None:
    round_id, other = market.open_round(), market.open_round()
    with market.books.open() as uow:
        foreign = queries.product_ids_by_code(uow.session, uow.tenant, other)["AARD"]
    command = SavePledges(
        round_id=round_id, member_id=market.members["L001"], lines=(PledgeLine(foreign, 1),)
    )
    with pytest.raises(ProductNotInRoundError), market.books.open() as uow:
        save_pledges(uow, command)


def limit_credit(market: Market, cents: int) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = :cents where id = :id"
            ),
            {"cents": cents, "id": uow.tenant},
        )


def test_the_credit_limit_counts_what_is_reserved_and_tells_what_is_short(
    market: Market,
) -> None:
    limit_credit(market, 1000)
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=7)  # 7 x 1.19 with 9 % = 9.08
    with pytest.raises(CreditLimitError) as refused:
        market.pledge(round_id, "L001", AARD=8)  # 10.38
    assert refused.value.context["short_cents"] == 38


def test_ordering_less_is_allowed_past_the_limit(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=20)
    limit_credit(market, 0)
    market.pledge(round_id, "L001", AARD=19)
    with pytest.raises(CreditLimitError):
        market.pledge(round_id, "L001", AARD=20)


def test_two_tabs_at_once_cannot_pass_the_limit_together(market: Market) -> None:
    limit_credit(market, 1000)
    first, second = market.open_round(), market.open_round()
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def order(round_id: int) -> None:
        start.wait()
        try:
            market.pledge(round_id, "L001", AARD=6)  # 7.78 each
            outcomes.append("saved")
        except CreditLimitError:
            outcomes.append("refused")

    tabs = [threading.Thread(target=order, args=(each,)) for each in (first, second)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(outcomes) == ["refused", "saved"]


# --- the clock


def test_the_clock_opens_and_closes_each_round_once(
    market: Market, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    round_id = market.plan()
    run_due(units_of_work, ROUND_JOBS)
    assert state(market, round_id) is RoundState.OPEN
    clock.advance(timedelta(days=3))
    run_due(units_of_work, ROUND_JOBS)
    run_due(units_of_work, ROUND_JOBS)
    assert state(market, round_id) is RoundState.CLOSED
    with market.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"round/{round_id}")
    assert [change.action for change in changes] == ["planned", "open", "closed"]


def test_a_round_that_cannot_be_closed_does_not_stop_the_others(
    market: Market,
    units_of_work: UnitOfWorkFactory,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = market.open_round(), market.open_round()
    clock.advance(timedelta(days=3))
    real = deadlines.meet_deadline

    def breaks(uow: UnitOfWork, round_id: int) -> str:
        if round_id == first:
            raise RuntimeError("this one breaks")
        return real(uow, round_id)

    monkeypatch.setattr("wijkeconomie.purchasing.jobs.meet_deadline", breaks)
    run_due(units_of_work, ROUND_JOBS)
    assert state(market, first) is RoundState.OPEN
    assert state(market, second) is RoundState.CLOSED


# --- ordering and receiving


def test_ordered_is_the_sum_of_the_pledges(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.pledge(round_id, "L002", AARD=4, ZEEP=2)
    market.pledge(round_id, "L002", ZEEP=0)
    market.order(round_id)
    with market.books.open() as uow:
        lines = settlement_queries.deliveries(uow.session, uow.tenant, round_id)
    assert [(line.product_code, line.ordered, line.delivered) for line in lines] == [
        ("AARD", 7, None)
    ]


def test_an_empty_round_is_not_ordered(market: Market) -> None:
    round_id = market.open_round()
    with pytest.raises(NothingPledgedError):
        market.order(round_id)
    assert state(market, round_id) is RoundState.OPEN  # closing was undone with it


def test_every_line_is_entered_before_receiving_is_finished(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3, ZEEP=1)
    market.order(round_id)
    with pytest.raises(LinesNotReceivedError) as refused, market.books.open() as uow:
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    assert refused.value.context["products"] == "Aardappelen, Zeep"


def test_more_than_was_ordered_takes_a_reason(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
    line = ReceiveLine(round_id=round_id, round_product_id=product, delivered=5)
    with pytest.raises(OverOrderError), market.books.open() as uow:
        receive_line(uow, line)
    with market.books.open() as uow:
        receive_line(uow, replace(line, reason="gekregen"))


@pytest.mark.parametrize(("delivered", "damaged"), [(-1, 0), (2, 3), (2, -1)])
def test_impossible_deliveries_are_refused(market: Market, delivered: int, damaged: int) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
    with pytest.raises(InvalidInputError), market.books.open() as uow:
        receive_line(
            uow,
            ReceiveLine(
                round_id=round_id,
                round_product_id=product,
                delivered=delivered,
                damaged=damaged,
            ),
        )


def test_a_delivery_can_be_entered_again_until_it_is_shared_out(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id, AARD=2)
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
        line = ReceiveLine(round_id=round_id, round_product_id=product, delivered=3)
        receive_line(uow, line)
        allocate_round(uow, round_id)
    with pytest.raises(RoundStateError), market.books.open() as uow:
        receive_line(uow, line)


# --- settling


def test_members_and_cooperative_pay_the_invoice_and_the_books_say_so(market: Market) -> None:
    round_id = market.settled_round(AARD=9, ZEEP=4)
    with market.books.open() as uow:
        [settlement] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
        shares = settlement_queries.shares(uow.session, uow.tenant, round_id, 1)
        assert settlement.entry_number is not None
        entry = ledger.entry(uow.session, uow.tenant, settlement.entry_number)
    assert settlement.supplier_gross_cents == (
        settlement.members_gross_cents + settlement.cooperative_gross_cents
    )
    assert sum(share.gross_cents for share in shares) == settlement.members_gross_cents
    assert sum(posting.amount for posting in entry.postings) == 0
    assert sum(market.owed(member) for member in market.members) == settlement.members_gross_cents
    assert market.books.verify().fault is None


def test_settling_again_books_nothing(market: Market) -> None:
    round_id = market.settled_round()
    with market.books.open() as uow:
        before = ledger.last_number(uow.session, uow.tenant)
    with pytest.raises(RoundStateError):
        market.settle(round_id)
    with market.books.open() as uow:
        assert ledger.last_number(uow.session, uow.tenant) == before


def received(market: Market, **came: int) -> int:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id, **came)
    return round_id


def test_a_delivery_without_invoice_is_not_settled(market: Market) -> None:
    with pytest.raises(InvoiceMissingError) as refused:
        market.settle(received(market))
    assert refused.value.context["expected_cents"] == 389


def test_exactly_the_difference_must_be_accepted(market: Market) -> None:
    round_id = received(market)
    market.invoice(round_id, more_net=25)
    for accepted in (None, 24, -25):
        with pytest.raises(InvoiceDifferenceError) as refused:
            market.settle(round_id, accepted)
        assert refused.value.context["difference_cents"] == 25
    market.settle(round_id, 25)
    with market.books.open() as uow:
        [settlement] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    assert (settlement.members_gross_cents, settlement.cooperative_gross_cents) == (389, 25)


def test_a_round_in_which_nothing_came_is_settled_without_an_entry(market: Market) -> None:
    round_id = received(market, AARD=0)
    market.settle(round_id)
    with market.books.open() as uow:
        [settlement] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    assert settlement.entry_number is None
    assert state(market, round_id) is RoundState.SETTLED


def test_a_closed_month_stops_settling_and_nothing_is_half_done(market: Market) -> None:
    round_id = received(market)
    market.invoice(round_id)
    with market.books.open() as uow:
        close_period(uow, date(2026, 1, 1))
    with pytest.raises(ClosedPeriodError):
        market.settle(round_id)
    assert state(market, round_id) is RoundState.RECEIVED
    with market.books.open() as uow:
        assert settlement_queries.settlements(uow.session, uow.tenant, round_id) == []
        later = SettleRound(round_id=round_id, accounting_date=date(2026, 2, 1))
        settle_round(uow, later)


def test_an_invoice_is_settled_once(market: Market) -> None:
    first, second = received(market), received(market)
    market.invoice(first, code="F-7")
    with pytest.raises(InvoiceKnownError):
        market.invoice(second, code="F-7")


def test_an_invoice_that_was_typed_wrong_is_replaced(market: Market) -> None:
    round_id = received(market)
    market.invoice(round_id, more_net=100)
    market.invoice(round_id)
    market.settle(round_id)
    assert state(market, round_id) is RoundState.SETTLED


def test_every_member_with_a_share_is_told_once(market: Market) -> None:
    round_id = market.settled_round()
    told = [key for key in mails(market) if "/settled/" in key]
    assert told == sorted(
        f"round/{round_id}/settled/1/member/{member_id}" for member_id in market.members.values()
    )


# --- correcting and cancelling


def the_correction(market: Market, round_id: int) -> CorrectRound:
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
    line = ReceiveLine(
        round_id=round_id, round_product_id=product, delivered=9, reason="verkeerd geteld"
    )
    return CorrectRound(round_id=round_id, reason="verkeerd geteld", lines=(line,))


def test_a_preview_of_a_correction_changes_nothing(market: Market) -> None:
    round_id = market.settled_round()
    with market.books.open() as uow:
        preview = preview_correction(uow, the_correction(market, round_id))
        assert any(member.difference_cents for member in preview.members)
    with market.books.open() as uow:
        [line, _] = settlement_queries.deliveries(uow.session, uow.tenant, round_id)
        assert line.delivered == 12
        assert len(settlement_queries.settlements(uow.session, uow.tenant, round_id)) == 1


def test_a_correction_reverses_books_anew_and_tells_only_whose_amount_changes(
    market: Market,
) -> None:
    round_id = market.settled_round()
    command = the_correction(market, round_id)
    with market.books.open() as uow:
        preview = preview_correction(uow, command)
    with market.books.open() as uow:
        correct_round(uow, replace(command, accepted_difference_cents=preview.difference_cents))
    with market.books.open() as uow:
        first, second = settlement_queries.settlements(uow.session, uow.tenant, round_id)
        assert first.reversal_number is not None
        reversal = ledger.entry(uow.session, uow.tenant, first.reversal_number)
    assert reversal.reverses == first.entry_number
    assert second.reason == "verkeerd geteld"
    for member in preview.members:
        assert market.owed(member.code) == member.gross_cents
    told = {key.rpartition("/")[2] for key in mails(market) if "/corrected/" in key}
    assert told == {str(member.member_id) for member in preview.members if member.difference_cents}
    assert market.books.verify().fault is None


def test_a_correction_says_why(market: Market) -> None:
    round_id = market.settled_round()
    command = replace(the_correction(market, round_id), reason=" ")
    with pytest.raises(InvalidInputError), market.books.open() as uow:
        correct_round(uow, command)


def test_a_cancelled_round_costs_nobody_anything_and_tells_who_ordered(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="leverancier gestopt"))
        assert queries.reserved_cents(uow.session, uow.tenant, market.members["L001"]) == 0
    assert mails(market) == [f"round/{round_id}/cancelled/member/{market.members['L001']}"]
    with pytest.raises(RoundStateError), market.books.open() as uow:
        rounds.open_round(uow, round_id)


def test_a_settled_round_is_not_cancelled(market: Market) -> None:
    round_id = market.settled_round()
    with pytest.raises(RoundStateError), market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="spijt"))


# --- who may, and whose


@pytest.mark.parametrize("role", list(Role))
def test_steps_ask_for_the_permission_of_the_table(market: Market, role: Role) -> None:
    round_id = market.settled_round()
    identity = Identity(actor="login:1", roles=frozenset({role}))
    steps: dict[str, Callable[[UnitOfWork], object]] = {
        "round.open": lambda uow: rounds.open_round(uow, round_id),
        "round.close": lambda uow: rounds.close_round(uow, rounds.CloseRound(round_id=round_id)),
        "round.order": lambda uow: rounds.order_round(uow, rounds.OrderRound(round_id=round_id)),
        "round.receive": lambda uow: finish_receiving(uow, FinishReceiving(round_id=round_id)),
        "round.settle": lambda uow: settle_round(uow, SettleRound(round_id=round_id)),
        "round.read-all-pledges": lambda uow: preview_settlement(uow, round_id),
        "round.correct": lambda uow: correct_round(uow, the_correction(market, round_id)),
        "round.cancel": lambda uow: cancel_round(uow, CancelRound(round_id=round_id, reason="x")),
    }
    for permission, step in steps.items():
        refused = False
        try:
            with market.books.units_of_work.begin(
                identity=identity, cooperative_id=market.books.cooperative_id
            ) as uow:
                step(uow)
                uow.session.rollback()
        except PermissionDeniedError:
            refused = True
        except DomainError:
            pass  # the step was allowed, and is not one for a settled round
        assert refused == (role not in PERMISSIONS[permission]), permission


def test_another_cooperative_does_not_see_the_round(
    market: Market, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    round_id = market.open_round()
    other = a_market(units_of_work, clock)
    with other.books.open() as uow:
        assert queries.rounds(uow.session, uow.tenant) == []
        rows = uow.session.scalar(
            text("select count(*) from purchase_round where id = :id"), {"id": round_id}
        )
        assert rows == 0  # even without a filter on the cooperative
    with pytest.raises(NotFoundError), other.books.open() as uow:
        queries.round_by_id(uow.session, uow.tenant, round_id)
