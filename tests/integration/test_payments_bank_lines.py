"""Bank lines on real books: what matches is booked once, what does not waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, post_entry
from wijkeconomie.payments.queries import unbooked_lines
from wijkeconomie.payments.refusals import BankLineDiffersError, WrongBankAccountError
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.payments.service import (
    BankLineOutcome,
    RecordBankLine,
    match_bank_lines,
    record_bank_line,
    record_bank_lines,
)

OWN_IBAN = "NL91ABNA0417164300"
COLLECTED = RecordBankLine(
    code="BE1",
    account_iban=OWN_IBAN,
    booked_on=date(2026, 2, 2),
    amount_cents=1250,
    kind="incasso",
    counter_iban="NL02ABNA0123456789",
    end_to_end_id="CONTR26-L1",
)
RETURNED = replace(
    COLLECTED,
    code="BE2",
    booked_on=date(2026, 2, 20),
    amount_cents=-1250,
    kind="storno",
    return_reason="AM04",
)


@pytest.fixture
def books(units_of_work: UnitOfWorkFactory) -> Books:
    """A cooperative of which member L1 owes EUR 12.50 contribution for 2026."""
    books = open_books_of_a_new_cooperative(units_of_work)
    with books.open() as uow:
        uow.session.execute(
            text(
                "insert into member (cooperative_id, code, initials, first_name, last_name,"
                " street, house_number, postcode, city, joined_on, share_units)"
                " values (:cooperative_id, 'L1', 'A.', 'A', 'B', 'C', '1', '3511AA', 'Utrecht',"
                " '2020-01-01', 1)"
            ),
            {"cooperative_id": books.cooperative_id},
        )
        receivable = ensure_account(uow, "contribution_receivable", "L1")
        post_entry(
            uow,
            EntryDraft(
                accounting_date=date(2026, 1, 1),
                kind="contribution.charged",
                source="contribution/2026",
                description="Contribution 2026",
                idempotency_key="contribution/2026",
                postings=(
                    debit(receivable, 1250),
                    credit(ensure_account(uow, "contribution_income"), 1250),
                ),
            ),
        )
    return books


def record(books: Books, line: RecordBankLine) -> BankLineOutcome:
    with books.open() as uow:
        return record_bank_line(uow, line)


def test_a_collected_contribution_clears_what_the_member_owed(books: Books) -> None:
    outcome = record(books, COLLECTED)

    assert outcome.mismatch is None
    assert books.balance("10201") == 1250
    assert books.balance("13701:L1") == 0
    assert books.verify().fault is None


def test_a_returned_collection_is_owed_again(books: Books) -> None:
    record(books, COLLECTED)

    record(books, RETURNED)

    assert books.balance("10201") == 0
    assert books.balance("13701:L1") == 1250


def test_a_returned_contribution_may_be_collected_again(books: Books) -> None:
    record(books, COLLECTED)
    record(books, RETURNED)

    outcome = record(books, replace(COLLECTED, code="BE3", booked_on=date(2026, 3, 2)))

    assert outcome.mismatch is None
    assert books.balance("13701:L1") == 0


def test_the_same_line_twice_is_booked_once(books: Books) -> None:
    first = record(books, COLLECTED)

    again = record(books, COLLECTED)

    assert again == first
    assert books.balance("10201") == 1250


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (replace(COLLECTED, end_to_end_id=None), Mismatch.REFERENCE_UNKNOWN),
        (replace(COLLECTED, end_to_end_id="CONTR26-L9"), Mismatch.MEMBER_UNKNOWN),
        (replace(COLLECTED, end_to_end_id="CONTR25-L1"), Mismatch.NOT_CHARGED),
        (replace(COLLECTED, amount_cents=1249), Mismatch.AMOUNT_DIFFERS),
        (RETURNED, Mismatch.NOTHING_TO_RETURN),
    ],
)
def test_a_line_that_does_not_match_exactly_waits_and_books_nothing(
    books: Books, line: RecordBankLine, reason: Mismatch
) -> None:
    outcome = record(books, line)

    assert outcome.mismatch is reason
    assert books.balance("10201") == 0
    with books.open() as uow:
        [waiting] = unbooked_lines(uow.session, books.cooperative_id)
    assert waiting.code == line.code


def test_a_second_collection_of_one_contribution_waits_for_a_person(books: Books) -> None:
    record(books, COLLECTED)

    outcome = record(books, replace(COLLECTED, code="BE3"))

    assert outcome.mismatch is Mismatch.COLLECTED_ALREADY


def test_lines_are_matched_by_date_whatever_the_order_in_which_they_arrive(books: Books) -> None:
    with books.open() as uow:
        assert record_bank_lines(uow, [RETURNED, COLLECTED]) == 2
        outcomes = match_bank_lines(uow)

    assert [(outcome.code, outcome.mismatch) for outcome in outcomes] == [
        ("BE1", None),
        ("BE2", None),
    ]


def test_a_reference_of_the_bank_cannot_tell_two_stories(books: Books) -> None:
    record(books, COLLECTED)

    with pytest.raises(BankLineDiffersError):
        record(books, replace(COLLECTED, booked_on=date(2026, 2, 3)))


def test_a_line_of_another_account_is_refused(books: Books) -> None:
    with pytest.raises(WrongBankAccountError):
        record(books, replace(COLLECTED, account_iban="NL02ABNA0123456789"))


@pytest.mark.parametrize(
    "line",
    [
        replace(COLLECTED, amount_cents=0),
        replace(COLLECTED, amount_cents=-1250),
        replace(RETURNED, amount_cents=1250),
        replace(COLLECTED, kind="overboeking"),
        replace(COLLECTED, code=" "),
    ],
)
def test_a_line_that_contradicts_itself_is_refused(books: Books, line: RecordBankLine) -> None:
    with pytest.raises(InvalidInputError):
        record(books, line)


def test_only_who_handles_money_records_bank_lines(
    units_of_work: UnitOfWorkFactory, books: Books
) -> None:
    member = Identity(actor="login:1", roles=frozenset({Role.MEMBER}))

    with (
        pytest.raises(PermissionDeniedError),
        units_of_work.begin(identity=member, cooperative_id=books.cooperative_id) as uow,
    ):
        record_bank_line(uow, COLLECTED)
