"""What is booked is what was shown, deposits and all; and a wrong invoice can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market_with_deposits
from tests.integration.test_deadlines import now
from tests.integration.test_unsettled_rounds import ask, decide
from wijkeconomie.core.audit import history
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import settlement_queries
from wijkeconomie.purchasing.invoicing import (
    RecordInvoice,
    WithdrawInvoice,
    record_invoice,
    withdraw_invoice,
)
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.refusals import (
    FiguresChangedError,
    GoodsCameError,
    InvoiceMissingError,
    RoundStateError,
)
from wijkeconomie.purchasing.rounds import CancelRound, cancel_round
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product
from wijkeconomie.purchasing.uncharged import standing_request


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market_with_deposits(units_of_work, clock)


@pytest.fixture
def round_id(market: Market) -> int:
    """Two bottles came: 4.22 and 0.89 VAT, with 0.30 of deposits."""
    key = market.open_round()
    market.pledge(key, "L001", ZEEP=2)
    market.order(key)
    market.receive(key)
    return key


def invoice(market: Market, round_id: int, *, deposits: int | None, code: str = "F1") -> None:
    with market.books.open() as uow:
        paper = RecordInvoice(
            round_id=round_id,
            code=code,
            invoiced_on=local_date(uow.now, LOCAL_TIME),
            net_cents=422,
            vat_cents=89,
            deposit_cents=deposits,
        )
        record_invoice(uow, paper)


def withdraw(market: Market, round_id: int, reason: str = "van een andere ronde") -> None:
    with market.books.open() as uow:
        withdraw_invoice(uow, WithdrawInvoice(round_id=round_id, reason=reason))


def settle(market: Market, command: SettleRound) -> None:
    with market.books.open() as uow:
        settle_round(uow, command)


def seen(market: Market, round_id: int) -> str:
    with market.books.open() as uow:
        return preview_settlement(uow, round_id).seen


# --- without charging


def approve(market: Market, round_id: int, request_id: int) -> None:
    decide(market, request_id, 2, now(market, round_id).code)


def test_who_approves_charging_nobody_sees_the_deposits_too(market: Market, round_id: int) -> None:
    invoice(market, round_id, deposits=30)
    request_id = ask(market, round_id, 1)
    with market.books.open() as uow:
        asked = standing_request(uow, round_id)
    assert asked is not None
    assert asked.amount_cents == 541

    approve(market, round_id, request_id)

    with market.books.open() as uow:
        [booked] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
        owed = ledger.party_balance(uow.session, uow.tenant, "suppliers", "S1")
    assert (booked.supplier_payable_cents, booked.members_payable_cents) == (541, 0)
    assert booked.cooperative_payable_cents == 541
    assert owed == -541


@pytest.mark.parametrize("deposits", [None, 45])
def test_other_deposits_than_were_asked_about_are_not_approved(
    market: Market, round_id: int, deposits: int | None
) -> None:
    invoice(market, round_id, deposits=60)
    request_id = ask(market, round_id, 1)
    invoice(market, round_id, deposits=deposits)
    with pytest.raises(FiguresChangedError) as refused:
        approve(market, round_id, request_id)
    assert refused.value.context["shown_cents"] == 571
    assert refused.value.context["now_cents"] == 511 + (30 if deposits is None else deposits)
    assert now(market, round_id).state is RoundState.RECEIVED


def test_goods_with_a_deposit_that_cost_nothing_need_an_invoice_before_they_are_given(
    market: Market,
) -> None:
    with market.books.open() as uow:
        free = SaveProduct(
            supplier_code="S1",
            code="KRAT",
            name="Krat",
            unit="stuk",
            price_excl_cents=0,
            vat_basis_points=2100,
            deposit_cents=375,
        )
        save_product(uow, free)
    round_id = market.open_round()
    market.pledge(round_id, "L001", KRAT=1)
    market.order(round_id)
    market.receive(round_id)
    with pytest.raises(InvoiceMissingError) as refused:
        ask(market, round_id, 1)
    assert refused.value.context["expected_cents"] == 375


# --- settling


def test_a_settlement_tells_what_is_payable_as_its_preview_did(
    market: Market, round_id: int
) -> None:
    invoice(market, round_id, deposits=40)
    with market.books.open() as uow:
        preview = preview_settlement(uow, round_id)
    market.settle(round_id, accepted=10)
    with market.books.open() as uow:
        [booked] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    for each in ("supplier", "members", "cooperative"):
        name = f"{each}_payable_cents"
        assert getattr(booked, name) == getattr(preview, name)
    assert booked.members_payable_cents == market.owed("L001") == 541


def test_other_amounts_than_were_shown_are_not_booked(market: Market, round_id: int) -> None:
    invoice(market, round_id, deposits=30)
    command = SettleRound(round_id=round_id, seen=seen(market, round_id))
    # Somebody else counts the invoice again while the page lies open.
    invoice(market, round_id, deposits=40)
    for accepted in (None, 10):
        with pytest.raises(FiguresChangedError):
            settle(market, replace(command, accepted_difference_cents=accepted))
    assert now(market, round_id).state is RoundState.RECEIVED

    # Nor with another VAT in the same amount, which the books would tell.
    shown = seen(market, round_id)
    with market.books.open() as uow:
        paper = RecordInvoice(
            round_id=round_id,
            code="F1",
            invoiced_on=local_date(uow.now, LOCAL_TIME),
            net_cents=421,
            vat_cents=90,
            deposit_cents=40,
        )
        record_invoice(uow, paper)
    with pytest.raises(FiguresChangedError):
        settle(market, replace(command, seen=shown, accepted_difference_cents=10))

    again = replace(command, seen=seen(market, round_id), accepted_difference_cents=10)
    settle(market, again)
    assert now(market, round_id).state is RoundState.SETTLED


# --- an invoice of another round


def test_an_invoice_of_another_round_is_taken_back_and_can_be_entered_there(
    market: Market, round_id: int
) -> None:
    other = market.open_round()
    market.pledge(other, "L002", ZEEP=2)
    market.order(other)
    invoice(market, other, deposits=None)

    withdraw(market, other)

    invoice(market, round_id, deposits=None)
    with market.books.open() as uow:
        assert settlement_queries.invoice(uow.session, uow.tenant, other) is None
        last = history(uow.session, uow.tenant, f"round/{other}")[-1]
        # Nothing came of it, so now it can be called off.
        cancel_round(uow, CancelRound(round_id=other, reason="leverancier ziek"))
    assert (last.action, last.before["code"], last.reason) == (
        "invoice-withdrawn",
        "F1",
        "van een andere ronde",
    )


def test_taking_an_invoice_back_takes_a_reason_and_an_invoice(
    market: Market, round_id: int
) -> None:
    with pytest.raises(NotFoundError):
        withdraw(market, round_id)
    invoice(market, round_id, deposits=None)
    with pytest.raises(InvalidInputError):
        withdraw(market, round_id, reason="  ")
    with pytest.raises(GoodsCameError), market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="toch niet"))


def test_what_was_settled_keeps_its_invoice(market: Market, round_id: int) -> None:
    invoice(market, round_id, deposits=None)
    market.settle(round_id)
    with pytest.raises(RoundStateError):
        withdraw(market, round_id)
