"""The PDF: tagged, the same bytes every time, and whole whatever people are called."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfReader

from tests.factories.statements import (
    a_cooperative_statement,
    a_member_statement,
    a_round_statement,
    many_postings,
)
from wijkeconomie.core.typesetting import REPLACEMENT, showable_text
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.reports.statement import Statement
from wijkeconomie.reports.statement_pdf import render_statement_pdf

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def text_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def flat(text: str) -> str:
    return " ".join(text.replace(NO_BREAK_SPACE, " ").split())


@pytest.mark.parametrize(
    "statement", [a_member_statement(), a_round_statement(), a_cooperative_statement()]
)
@pytest.mark.parametrize("large_print", [False, True])
def test_the_same_statement_gives_the_same_bytes(statement: Statement, large_print: bool) -> None:  # noqa: FBT001
    first = render_statement_pdf(statement, large_print=large_print)
    again = render_statement_pdf(statement, large_print=large_print)

    assert first == again
    assert first.startswith(b"%PDF-")


def test_it_is_tagged_and_claims_the_accessible_and_lasting_standards() -> None:
    reader = PdfReader(io.BytesIO(render_statement_pdf(a_member_statement())))

    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "nl"
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert reader.metadata is not None
    assert reader.metadata.title == "Afrekening L00002, 1 januari 2026 tot en met 31 januari 2026"


def test_the_date_of_creation_is_the_end_of_the_period() -> None:
    reader = PdfReader(io.BytesIO(render_statement_pdf(a_member_statement())))

    assert reader.metadata is not None
    created = reader.metadata.creation_date
    assert created is not None
    assert created.date() == a_member_statement().period.end


def test_it_says_what_is_owed_and_how_to_pay() -> None:
    text = flat(text_of(render_statement_pdf(a_member_statement())))

    assert "Coöperatie Lombok U.A." in text
    assert "Je moet nog betalen € 14,80" in text
    assert "De contributie van € 12,50 schrijven we van je rekening af" in text
    assert "Maak € 2,30 over naar NL55 RABO 0607 4426 50" in text
    assert "Bladzijde 1 van 2" in text
    assert "boekingen uit de reeks 14 tot en met 20" in text


def test_a_credit_is_said_in_words_in_both_languages() -> None:
    statement = a_member_statement([], opening=-62345)

    assert "Je tegoed € 623,45" in flat(text_of(render_statement_pdf(statement)))
    assert "Your credit €623.45" in flat(text_of(render_statement_pdf(statement, language="en")))


def test_an_empty_period_says_so() -> None:
    text = flat(text_of(render_statement_pdf(a_member_statement([]))))

    assert "In deze periode is er niets geboekt." in text
    assert "Je hoeft niets te betalen € 0,00" in text


def test_four_hundred_lines_keep_their_header_on_every_page() -> None:
    statement = a_member_statement(many_postings(400))

    reader = PdfReader(io.BytesIO(render_statement_pdf(statement)))
    pages = [flat(page.extract_text()) for page in reader.pages]

    assert len(pages) > 9
    assert all("Omschrijving" in page for page in pages[:-1])
    assert f"Bladzijde {len(pages)} van {len(pages)}" in pages[-1]
    assert flat(format_amount(statement.closing_cents)) in " ".join(pages)


def test_names_are_text_and_never_markup() -> None:
    name = "#panic[*x*] $1$ @ref <l> _u_ \\ ` // =h"

    text = flat(text_of(render_statement_pdf(a_member_statement(name=name))))

    assert "#panic[*x*] $1$ @ref <l> _u_ \\ ` // =h" in text


def test_characters_that_no_font_has_are_replaced_and_nothing_fails() -> None:
    name = "漢字 \N{GRINNING FACE} \x07 \ue000 \N{RIGHT-TO-LEFT OVERRIDE} Łukasz Ðorđe Ελένη Олена"

    content = render_statement_pdf(a_member_statement(name=name))

    assert "Łukasz Ðorđe Ελένη Олена" in text_of(content)
    assert showable_text("a\N{GRINNING FACE}\N{RIGHT-TO-LEFT OVERRIDE}b") == (
        f"a{REPLACEMENT}{REPLACEMENT}b"
    )


def test_loose_accents_are_joined_to_their_letter() -> None:
    assert showable_text("e\N{COMBINING ACUTE ACCENT}漢") == f"é{REPLACEMENT}"


def test_large_print_is_larger() -> None:
    statement = a_member_statement()

    def largest_body(content: bytes) -> float:
        sizes: list[float] = []

        def visit(text: str, _cm: object, matrix: list[float], _font: object, size: float) -> None:
            if "Contributie" in text:
                sizes.append(size * abs(matrix[3]))

        for page in PdfReader(io.BytesIO(content)).pages:
            page.extract_text(visitor_text=visit)
        return max(sizes)

    assert largest_body(render_statement_pdf(statement, large_print=True)) >= 16


def test_a_cooperative_without_vat_of_its_own_says_so() -> None:
    statement = a_member_statement()
    kor = replace(statement, cooperative=replace(statement.cooperative, vat_regime="kor"))

    assert "kleineondernemersregeling" in text_of(render_statement_pdf(kor))
    assert "kleineondernemersregeling" not in text_of(render_statement_pdf(statement))


def test_a_round_shows_that_shares_equal_the_invoice() -> None:
    text = flat(text_of(render_statement_pdf(a_round_statement())))

    assert "Factuur F-2026-118 van 16 januari 2026 € 139,27" in text
    assert "Verschil € 0,00" in text


def test_accounts_of_members_are_taken_together_on_paper() -> None:
    text = flat(text_of(render_statement_pdf(a_cooperative_statement())))

    assert "13830 Ledenrekeningen (2 rekeningen) BVorOvrLek" in text
    assert "13830:L00001" not in text
