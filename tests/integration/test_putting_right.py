"""A result shared wrongly and a payment noted by mistake are put right while nothing followed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.investments import PRICE, Roof, a_roof
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.leaving import PayMember, pay_member, release_units
from wijkeconomie.investments.models import Instrument
from wijkeconomie.investments.queries import results
from wijkeconomie.investments.refusals import (
    LossNotBorneError,
    ParticipationStateError,
    PaymentFollowedError,
    ResultFollowedError,
    ResultSharedError,
)
from wijkeconomie.investments.results import ShareResult, preview_result, share_project_result
from wijkeconomie.investments.reversing import turn_back_payment, turn_back_result
from wijkeconomie.payments.service import RecordBankLine, match_bank_lines, record_bank_line

DAY = date(2026, 12, 31)


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory) -> Roof:
    """L001 has 12 units and L002 has 4; 4 of 20 are free, and the first stage is 10."""
    roof = a_roof(units_of_work, stage_units=10)
    roof.buy(L001=12)
    roof.buy(L002=4)
    return roof


def a_result(cents: int, *, year: int = 2026, on: date = DAY) -> ShareResult:
    return ShareResult(project_code="ZON", year=year, cents=cents, accounting_date=on)


def back(roof: Roof, year: int = 2026, reason: str = "verkeerd bedrag") -> None:
    with roof.books.open() as uow:
        turn_back_result(uow, "ZON", year, reason=reason)


def unpay(roof: Roof, code: str) -> None:
    with roof.books.open() as uow:
        turn_back_payment(uow, code, reason="van een ander")


def test_a_preview_tells_each_holder_what_it_brings_and_books_nothing(roof: Roof) -> None:
    with roof.books.open() as uow:
        found = preview_result(uow, a_result(-999))

    assert [(each.holder.code, each.cents, each.left_after_cents) for each in found] == [
        ("L001", -749, 12 * PRICE - 749),
        ("L002", -250, 4 * PRICE - 250),
    ]
    assert roof.books.balance("05403") == 0


@pytest.mark.parametrize("year", [2027, 1999])
def test_a_year_that_has_not_begun_is_not_shared(roof: Roof, year: int) -> None:
    for act in (preview_result, share_project_result):
        with roof.books.open() as uow, pytest.raises(InvalidInputError):
            act(uow, a_result(1, year=year))


def test_a_preview_refuses_what_sharing_refuses(units_of_work: UnitOfWorkFactory) -> None:
    roof = a_roof(units_of_work, instrument=Instrument.LOAN)
    roof.buy(L001=20)
    with roof.books.open() as uow, pytest.raises(LossNotBorneError):
        preview_result(uow, a_result(-1))


def test_a_surplus_is_turned_back_and_shared_anew(roof: Roof) -> None:
    roof.share(9_999)
    back(roof)

    assert roof.balances("owed_to_members") == {}
    assert roof.books.balance("82811") == 0
    assert roof.share(1_600) == {"L001": 1_200, "L002": 400}
    with pytest.raises(ResultSharedError):
        roof.share(1)
    with roof.books.open() as uow:
        project = uow.session.scalar(text("select id from investment_project"))
        assert isinstance(project, int)
        shown = results(uow.session, uow.tenant, project, roof.members["L001"])
    assert [(each.cents, each.own_cents) for each in shown] == [(1_600, 1_200)]
    assert roof.books.verify().fault is None
    back(roof)
    assert roof.share(3) == {"L001": 2, "L002": 1}


def test_a_loss_comes_back_to_the_capital(roof: Roof) -> None:
    roof.share(-1_600)
    back(roof)

    assert roof.balances("members_capital") == {"ZON/L001": -12 * PRICE, "ZON/L002": -4 * PRICE}
    with pytest.raises(NotFoundError):
        back(roof)


def test_nothing_is_no_entry_to_turn_back(roof: Roof) -> None:
    roof.share(0)
    back(roof)
    assert roof.share(16) == {"L001": 12, "L002": 4}


def test_a_result_of_which_someone_was_paid_stays(roof: Roof) -> None:
    roof.share(1_600)
    with roof.books.open() as uow:
        pay_member(
            uow,
            PayMember(idempotency_key="een", member_code="L002", cents=1, paid_on=date(2026, 1, 5)),
        )

    with pytest.raises(ResultFollowedError) as refused:
        back(roof)

    assert refused.value.context["member"] == "L002"
    assert roof.balances("owed_to_members") == {"L001": -1_200, "L002": -399}
    with pytest.raises(InvalidInputError):
        back(roof, reason=" ")


def test_a_loss_after_which_capital_moved_on_stays(roof: Roof, clock: Clock) -> None:
    roof.share(-1_600)
    clock.set(datetime(2027, 1, 10, 12, tzinfo=UTC))
    with roof.books.open() as uow:
        release_units(uow, "ZON", "L002")

    with pytest.raises(ResultFollowedError):
        back(roof)


def test_a_payment_noted_by_mistake_waits_again(roof: Roof) -> None:
    [paid] = roof.buy(L003=2)
    assert roof.count("raised_units") == 18

    unpay(roof, paid)

    assert (roof.count("raised_units"), roof.count("taken_units")) == (16, 18)
    assert "ZON/L003" not in roof.balances("members_capital")
    assert roof.books.balance("10201") == 16 * PRICE
    with pytest.raises(ParticipationStateError):
        unpay(roof, paid)
    assert roof.pay(paid) is True
    unpay(roof, paid)
    assert roof.pay(paid) is True
    assert roof.count("raised_units") == 18
    assert roof.books.verify().fault is None


def test_a_payment_is_turned_back_while_the_campaign_gathers(
    units_of_work: UnitOfWorkFactory,
) -> None:
    roof = a_roof(units_of_work)
    [paid] = roof.buy(L001=2)

    unpay(roof, paid)

    assert roof.balances("participation_deposits") == {}
    roof.buy(L002=18)
    assert roof.pay(paid) is True


def test_a_payment_by_which_others_count_stays(roof: Roof) -> None:
    with pytest.raises(PaymentFollowedError):
        unpay(roof, "ZON-0001")


def test_a_payment_that_was_spent_or_shared_over_stays(roof: Roof, clock: Clock) -> None:
    roof.buy(L003=4)
    roof.draw(18 * PRICE)
    with pytest.raises(PaymentFollowedError):
        unpay(roof, "ZON-0003")
    roof.share(16, year=2026)
    with pytest.raises(PaymentFollowedError):
        unpay(roof, "ZON-0002")


def test_a_payment_that_the_bank_told_of_stays(roof: Roof) -> None:
    code = roof.take("L003", 2)
    with roof.books.open() as uow:
        record_bank_line(
            uow,
            RecordBankLine(
                code="B-1",
                account_iban="NL91ABNA0417164300",
                booked_on=date(2026, 1, 5),
                amount_cents=2 * PRICE,
                counter_iban=None,
                end_to_end_id=code,
                kind="incasso",
                return_reason=None,
            ),
        )
        match_bank_lines(uow)
    assert roof.count("raised_units") == 18

    with pytest.raises(PaymentFollowedError):
        unpay(roof, code)
    assert roof.count("raised_units") == 18


ATTACKS = {
    "a payment that the books keep": "update participation set state = 'subscribed',"
    " paid_on = null, issued_on = null, payments_reversed = 1"
    " where cooperative_id = :id and code = 'ZON-0002'",
    "a result turned back twice": "update project_result set reversed_on = reversed_on"
    " where cooperative_id = :id",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_puts_nothing_right_by_half(roof: Roof, attack: str) -> None:
    roof.share(0)
    back(roof)
    with pytest.raises(DBAPIError) as refused, roof.books.open() as uow:
        uow.session.execute(text(ATTACKS[attack]), {"id": uow.tenant})
    assert getattr(refused.value.orig, "sqlstate", None) == "WE075"
