"""A statement whose sums differ from the books is never handed out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.factories.statements import (
    a_cooperative_statement,
    a_member_statement,
    a_round_statement,
)
from wijkeconomie.reports.refusals import StatementDoesNotTieError
from wijkeconomie.reports.statement import (
    PaymentNote,
    Statement,
    StatementKind,
    VatTotal,
    check_statement,
)


@pytest.mark.parametrize(
    "statement", [a_member_statement(), a_round_statement(), a_cooperative_statement()]
)
def test_a_statement_that_ties_is_handed_on_as_it_is(statement: Statement) -> None:
    assert check_statement(statement) is statement


@pytest.mark.parametrize("name", ["opening_cents", "closing_cents", "debit_cents", "credit_cents"])
@pytest.mark.parametrize(
    "statement", [a_member_statement(), a_round_statement(), a_cooperative_statement()]
)
def test_one_cent_beside_it_is_refused(statement: Statement, name: str) -> None:
    wrong = replace(statement, **{name: getattr(statement, name) + 1})

    with pytest.raises(StatementDoesNotTieError):
        check_statement(wrong)


def test_a_running_balance_that_jumps_is_refused() -> None:
    statement = a_member_statement()
    section = statement.sections[0]
    line = replace(section.lines[0], balance_cents=1)
    wrong = replace(statement, sections=(replace(section, lines=(line,)), *statement.sections[1:]))

    with pytest.raises(StatementDoesNotTieError) as refusal:
        check_statement(wrong)

    assert refusal.value.context["sum"] == "running balance"


def test_shares_that_do_not_sum_to_their_posting_are_refused() -> None:
    statement = a_member_statement()
    place, section = next(
        (place, section)
        for place, section in enumerate(statement.sections)
        if section.kind == "round"
    )
    line = replace(section.lines[0], details=section.lines[0].details[1:])
    sections = list(statement.sections)
    sections[place] = replace(section, lines=(line, *section.lines[1:]))

    with pytest.raises(StatementDoesNotTieError) as refusal:
        check_statement(replace(statement, sections=tuple(sections)))

    assert refusal.value.context["sum"] == "shares of round/C01-R01/1"


def test_vat_that_is_not_the_sum_of_the_shares_is_refused() -> None:
    statement = a_member_statement()
    first, *rest = statement.vat_totals
    wrong = VatTotal(first.vat_basis_points, first.base_cents - 1, first.vat_cents + 1)

    with pytest.raises(StatementDoesNotTieError):
        check_statement(replace(statement, vat_totals=(wrong, *rest)))


def test_a_payment_note_must_come_to_the_closing_balance() -> None:
    statement = a_member_statement()

    with pytest.raises(StatementDoesNotTieError):
        check_statement(replace(statement, payment=PaymentNote(1, 0, 0, None, "L00002")))


def test_a_rounds_shares_must_equal_the_suppliers_invoice() -> None:
    statement = a_round_statement()
    assert statement.round is not None
    block = replace(statement.round, cooperative_gross_cents=110)

    with pytest.raises(StatementDoesNotTieError):
        check_statement(replace(statement, round=block))


def test_a_round_without_its_block_has_charged_nobody() -> None:
    statement = a_round_statement()

    with pytest.raises(StatementDoesNotTieError):
        check_statement(replace(statement, round=None))


def test_accounts_of_a_cooperative_must_balance() -> None:
    statement = a_cooperative_statement()

    with pytest.raises(StatementDoesNotTieError):
        check_statement(replace(statement, accounts=statement.accounts[1:]))


def test_a_member_statement_shows_what_is_owed_then_what_is_paid() -> None:
    statement = a_member_statement()

    assert statement.kind is StatementKind.MEMBER
    balances = [line.balance_cents for line in statement.lines]
    assert balances == [1250, 0, 1250, 4130, 1250, -1630, 1480]
    assert [section.kind for section in statement.sections] == [
        "contribution",
        "payment",
        "round",
        "payment",
        "round",
    ]
