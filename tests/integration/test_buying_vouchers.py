"""A member orders vouchers, and an exact bank line issues them; anything else waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.vouchers import Neighbourhood, a_neighbourhood
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.ordering import MakeRun, make_run
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.payments.service import (
    BankLineOutcome,
    RecordBankLine,
    match_bank_lines,
    record_bank_line,
    record_bank_lines,
)
from wijkeconomie.vouchers.buying import OrderVouchers, give_up_order, order_vouchers
from wijkeconomie.vouchers.order_queries import OrderView, orders
from wijkeconomie.vouchers.refusals import OrderStateError

OURS, APART = "NL91ABNA0417164300", "NL20INGB0001234567"
ORDERED, PAID = date(2026, 1, 10), date(2026, 1, 12)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work)
    place.scheme("koop", is_for_sale=True)
    return place


def order(place: Neighbourhood, cents: int = 2500, **more: Any) -> str:
    values: dict[str, Any] = {
        "idempotency_key": "order",
        "member_id": place.members["L001"],
        "scheme_code": "koop",
    }
    with place.books.open() as uow:
        return order_vouchers(uow, OrderVouchers(cents=cents, **(values | more)))


def a_line(reference: str | None, cents: int = 2500, **more: Any) -> RecordBankLine:
    line = RecordBankLine(
        code="B1",
        account_iban=OURS,
        booked_on=PAID,
        amount_cents=cents,
        kind="incasso",
        end_to_end_id=reference,
    )
    return replace(line, **more)


def record(place: Neighbourhood, line: RecordBankLine, clock: Clock) -> BankLineOutcome:
    clock.set(datetime(2026, 1, 14, 12, tzinfo=UTC))
    with place.books.open() as uow:
        return record_bank_line(uow, line)


def shown(place: Neighbourhood) -> OrderView:
    with place.books.open() as uow:
        [found] = orders(uow.session, uow.tenant)
        return found


def test_an_exact_line_issues_what_was_ordered_once(place: Neighbourhood, clock: Clock) -> None:
    code = order(place)
    assert order(place) == code
    assert place.books.verify().entries == 0

    outcome = record(place, a_line(f" {code.lower()}"), clock)

    assert outcome.entry_number is not None
    assert record(place, a_line(f" {code.lower()}"), clock) == outcome
    found = shown(place)
    assert (found.state, found.paid_on) == ("paid", PAID)
    assert place.held(str(found.voucher_code)) == 2500
    # It came in on the ordinary account: the meter of cover asks to move it.
    assert (place.balance("10201"), place.balance("10202")) == (2500, 0)
    assert place.circulation()["EUR"].issued == 2500


def test_what_comes_in_on_the_account_of_vouchers_is_apart(
    place: Neighbourhood, clock: Clock
) -> None:
    place.issue("V1", 1000)
    place.redeem("V1", 1000)
    with place.books.open() as uow:
        run = MakeRun(
            idempotency_key="run", kind=PayeeKind.MERCHANT, debtor_iban=APART, execute_on=ORDERED
        )
        make_run(uow, run)
    before = place.balance("10202")

    assert record(place, a_line(order(place), account_iban=APART), clock).entry_number

    assert (place.balance("10201"), place.balance("10202")) == (0, before + 2500)


def test_lines_that_were_recorded_before_issue_when_they_are_matched(
    place: Neighbourhood, clock: Clock
) -> None:
    first, second = order(place), order(place, 700, idempotency_key="second")
    clock.set(datetime(2026, 1, 14, 12, tzinfo=UTC))
    with place.books.open() as uow:
        record_bank_lines(uow, [a_line(first), a_line(second, 700, code="B2")])
        outcomes = match_bank_lines(uow)
    assert [each.mismatch for each in outcomes] == [None, None]
    assert place.circulation()["EUR"].issued == 3200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_cents": 2499}, Mismatch.AMOUNT_DIFFERS),
        ({"booked_on": date(2026, 1, 9)}, Mismatch.NO_ORDER_WAITS),
        ({"booked_on": date(2026, 1, 15)}, Mismatch.NO_ORDER_WAITS),
        ({"end_to_end_id": "WM-2222222"}, Mismatch.REFERENCE_UNKNOWN),
        ({"amount_cents": -2500, "kind": "storno"}, Mismatch.NOTHING_TO_RETURN),
    ],
)
def test_what_is_not_exact_waits(
    place: Neighbourhood, clock: Clock, change: dict[str, Any], reason: Mismatch
) -> None:
    line = a_line(order(place), **change)
    assert record(place, line, clock).mismatch is reason
    assert shown(place).state == "open"
    assert place.books.verify().entries == 0


def test_an_order_is_paid_once_and_what_was_given_up_is_not_issued(
    place: Neighbourhood, clock: Clock
) -> None:
    code = order(place)
    assert record(place, a_line(code), clock).entry_number
    assert record(place, a_line(code, code="B2"), clock).mismatch is Mismatch.NO_ORDER_WAITS
    with pytest.raises(OrderStateError), place.books.open() as uow:
        give_up_order(uow, code)
    other = order(place, idempotency_key="other")
    with place.books.open() as uow:
        give_up_order(uow, other)
    assert record(place, a_line(other, code="B3"), clock).mismatch is Mismatch.NO_ORDER_WAITS
    assert place.circulation()["EUR"].issued == 2500


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"cents": 0}, InvalidInputError),
        ({"cents": 100_001}, InvalidInputError),
        ({"scheme_code": "wijkmunt"}, NotFoundError),
        ({"scheme_code": "none"}, NotFoundError),
        ({"member_id": 0}, NotFoundError),
    ],
)
def test_only_what_is_for_sale_is_ordered(
    place: Neighbourhood, terms: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        order(place, **terms)


def test_a_local_unit_is_not_for_sale(place: Neighbourhood) -> None:
    with pytest.raises(InvalidInputError):
        place.scheme("uren", unit="UUR", is_for_sale=True)


def test_a_member_orders_for_himself_only(place: Neighbourhood) -> None:
    code = order(place)
    with place.books.open() as uow:
        other = Identity(actor="x", roles=frozenset({Role.MEMBER}), member_id=place.members["L002"])
        as_other = UnitOfWork(uow.session, uow.now, other, uow.cooperative_id)
        with pytest.raises(PermissionDeniedError):
            give_up_order(as_other, code)
        command = OrderVouchers(
            idempotency_key="o", member_id=place.members["L001"], scheme_code="koop", cents=1
        )
        with pytest.raises(PermissionDeniedError):
            order_vouchers(as_other, command)


def test_the_database_keeps_what_became_of_an_order(
    place: Neighbourhood, clock: Clock, owner: Engine
) -> None:
    record(place, a_line(order(place)), clock)
    change = text("update voucher_order set state = 'open' where cooperative_id = :id")
    with pytest.raises(DBAPIError) as refused, owner.begin() as connection:
        connection.execute(change, {"id": place.books.cooperative_id})
    assert refused.value.orig.sqlstate == "WE063"  # type: ignore[union-attr]
