"""The certificate of a participation: what it says, in both languages and for each instrument."""

from __future__ import annotations

import io
from datetime import date

import pytest
from pypdf import PdfReader

from wijkeconomie.core.typesetting import Language
from wijkeconomie.investments.certificate import Certificate, render_certificate
from wijkeconomie.investments.models import Instrument


def a_certificate(instrument: Instrument = Instrument.EQUITY) -> Certificate:
    return Certificate(
        cooperative="Buurtcoöperatie De Zwaan U.A.",
        kvk="12345678",
        code="ZON-0001",
        project_code="ZON",
        project="Zonnedak op de gymzaal",
        instrument=instrument,
        member_code="M101",
        member="Annelies de Wit",
        units=3,
        unit_price_cents=25000,
        cents=75000,
        issued_on=date(2026, 1, 5),
        repayment_months=12,
    )


def text_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(page.extract_text() for page in pages).replace("\xa0", " ")


@pytest.mark.parametrize(("language", "amount"), [("nl", "€ 750,00"), ("en", "€750.00")])
def test_it_tells_who_holds_what_since_when(language: Language, amount: str) -> None:
    shown = text_of(render_certificate(a_certificate(), language=language))

    for words in ("Annelies de Wit (M101)", "ZON-0001", "De Zwaan U.A.", amount, "2026"):
        assert words in shown


def test_it_tells_what_the_units_are() -> None:
    texts = {text_of(render_certificate(a_certificate(each))) for each in Instrument}

    assert len(texts) == len(Instrument)


def test_the_same_participation_gives_the_same_bytes() -> None:
    assert render_certificate(a_certificate()) == render_certificate(a_certificate())
