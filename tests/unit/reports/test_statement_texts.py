"""Words: both languages say everything, with the same places to fill in."""

from __future__ import annotations

import string
from collections.abc import Mapping

import pytest

from tests.factories.statements import a_member_statement
from wijkeconomie.reports.shared_queries import entry_words
from wijkeconomie.reports.statement import StatementKind
from wijkeconomie.reports.statement_texts import line_text, payment_sentences, section_title
from wijkeconomie.reports.statement_words import LINE_TEXTS, MEMBER_TEXTS, TITLED_TEXTS, WORDS


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("words", [LINE_TEXTS, MEMBER_TEXTS, TITLED_TEXTS, WORDS])
def test_both_languages_say_the_same_things(words: Mapping[str, Mapping[str, str]]) -> None:
    assert words["nl"].keys() == words["en"].keys()
    for key in words["nl"]:
        assert places(words["nl"][key]) == places(words["en"][key]), key


@pytest.mark.parametrize(
    ("kind", "source", "is_debit", "key"),
    [
        ("round.settled", "round/C01-R01/1", True, "round_settled"),
        ("round.settled.reversed", "round/C01-R01/1", False, "round_reversed"),
        ("cost.settled", "cost/C01-K011/1", True, "cost_settled"),
        ("cost.settled.reversed", "cost/C01-K011/1", False, "cost_reversed"),
        ("contribution.charged", "contribution/2026", True, "contribution"),
        ("contribution.charged.reversed", "contribution/2026", False, "contribution_reversed"),
        ("bank.incasso", "bank/B1", False, "payment_collected"),
        ("bank.storno", "bank/B1", True, "payment_returned"),
        ("contribution.collected", "bank/B1", False, "payment_collected"),
        ("contribution.returned", "bank/B1", True, "payment_returned"),
        ("payment.received", "payment/1", False, "payment_in"),
        ("something.new", "elsewhere/1", True, "other"),
    ],
)
def test_every_kind_of_entry_has_its_words(
    kind: str, source: str, *, is_debit: bool, key: str
) -> None:
    words = entry_words(kind, source, "codes only", is_debit=is_debit, themes={})

    assert words.text_key == key


def test_a_round_is_called_by_its_code_and_theme() -> None:
    statement = a_member_statement()

    titles = [section_title(section, "nl") for section in statement.sections]
    assert titles == ["", "", "Ronde C01-R01, groente", "", "Ronde C01-R01, groente"]


def test_a_member_reads_of_his_own_payment() -> None:
    payment = next(
        line
        for line in a_member_statement().lines
        if line.text_key.startswith("payment_o") or line.text_key == "payment_in"
    )

    assert line_text(payment, "nl", StatementKind.MEMBER) == "Jouw betaling"
    assert line_text(payment, "en", StatementKind.COOPERATIVE) == "Payment received"


def test_without_a_mandate_everything_is_to_be_transferred() -> None:
    [sentence] = payment_sentences(a_member_statement(mandate_id=None), "nl")

    assert sentence.startswith("Maak €\N{NO-BREAK SPACE}14,80 over")
