"""The certificate of a participation as a PDF letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from babel.dates import format_date

from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.investments.certificate_words import WORDS
from wijkeconomie.investments.models import Instrument
from wijkeconomie.money.amounts import format_amount

TEMPLATE = Path(__file__).parent / "typst" / "certificate.typ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Everything that a certificate says."""

    cooperative: str
    kvk: str
    code: str
    project_code: str
    project: str
    instrument: Instrument
    member_code: str
    member: str
    units: int
    unit_price_cents: int
    cents: int
    issued_on: date
    repayment_months: int


def render_certificate(certificate: Certificate, *, language: Language = "nl") -> bytes:
    """Typeset a certificate; the same participation gives the same bytes.

    The moment of creation that stands in the file is the day on which the units began to count.
    """
    words = WORDS[language]
    return render_pdf(
        TEMPLATE,
        {
            "words": words | _terms(certificate, words),
            "cooperative": {"name": certificate.cooperative, "kvk": certificate.kvk},
            "facts": _facts(certificate, words, language),
        },
        language=language,
        title=words["title"].format(code=certificate.code),
        timestamp=datetime.combine(certificate.issued_on, time.min, tzinfo=UTC),
    )


def _facts(certificate: Certificate, words: dict[str, str], language: Language) -> list[list[str]]:
    return [
        [words["member"], f"{certificate.member} ({certificate.member_code})"],
        [words["project"], f"{certificate.project} ({certificate.project_code})"],
        [words["number"], certificate.code],
        [words["units"], str(certificate.units)],
        [words["price"], format_amount(certificate.unit_price_cents, language)],
        [words["amount"], format_amount(certificate.cents, language)],
        [words["since"], format_date(certificate.issued_on, "long", locale=language)],
    ]


def _terms(certificate: Certificate, words: dict[str, str]) -> dict[str, str]:
    return {
        "intro": words["intro"].format(member=certificate.member, project=certificate.project),
        "kind": words[certificate.instrument.value],
        "leaving": words["leaving"].format(months=certificate.repayment_months),
    }
