"""Bank lines pay for units by the number of the participation; what does not fit waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.conftest import Clock
from tests.factories.investments import Roof, a_roof
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.queries import participation
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.payments.service import (
    BankLineOutcome,
    RecordBankLine,
    match_bank_lines,
    record_bank_line,
    record_bank_lines,
)

LINE = RecordBankLine(
    code="B1",
    account_iban="NL91ABNA0417164300",
    booked_on=date(2026, 1, 6),
    amount_cents=50_000,
    kind="incasso",
    counter_iban="NL02ABNA0123456789",
    end_to_end_id="ZON-0001",
)


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory, clock: Clock) -> Roof:
    clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    roof = a_roof(units_of_work)
    assert roof.take("L001", 2) == "ZON-0001"
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    return roof


def record(roof: Roof, line: RecordBankLine) -> BankLineOutcome:
    with roof.books.open() as uow:
        return record_bank_line(uow, line)


def state(roof: Roof) -> str:
    with roof.books.open() as uow:
        return participation(uow.session, uow.tenant, "ZON-0001").state


def test_a_payment_is_found_by_its_reference_and_booked_once(roof: Roof) -> None:
    first = record(roof, replace(LINE, end_to_end_id=" ZON-0001"))

    assert first.entry_number is not None
    assert record(roof, replace(LINE, end_to_end_id=" ZON-0001")) == first
    assert state(roof) == "paid"
    assert roof.books.balance("10201") == 50_000
    assert roof.balances("participation_deposits") == {"ZON/L001": -50_000}
    assert roof.books.verify().fault is None


def test_lines_that_were_recorded_before_pay_when_they_are_matched(roof: Roof) -> None:
    with roof.books.open() as uow:
        record_bank_lines(uow, [LINE])
        [outcome] = match_bank_lines(uow)

    assert outcome.mismatch is None
    assert state(roof) == "paid"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (replace(LINE, amount_cents=49_999), Mismatch.AMOUNT_DIFFERS),
        (replace(LINE, booked_on=date(2026, 1, 4)), Mismatch.NO_PARTICIPATION_WAITS),
        (replace(LINE, booked_on=date(2026, 1, 11)), Mismatch.NO_PARTICIPATION_WAITS),
        (replace(LINE, end_to_end_id="ZON-0009"), Mismatch.REFERENCE_UNKNOWN),
        (replace(LINE, end_to_end_id=None), Mismatch.REFERENCE_UNKNOWN),
        (replace(LINE, amount_cents=-50_000, kind="storno"), Mismatch.NOTHING_TO_RETURN),
    ],
)
def test_what_does_not_fit_waits_for_a_person(
    roof: Roof, line: RecordBankLine, reason: Mismatch
) -> None:
    assert record(roof, line).mismatch is reason
    assert state(roof) == "subscribed"
    assert roof.books.balance("10201") == 0


def test_what_was_paid_by_hand_is_not_paid_again(roof: Roof) -> None:
    roof.pay("ZON-0001", date(2026, 1, 6))

    assert record(roof, LINE).mismatch is Mismatch.NO_PARTICIPATION_WAITS
    assert roof.books.balance("10201") == 50_000
