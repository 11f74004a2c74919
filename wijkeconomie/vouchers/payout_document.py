"""The invoice of a merchant's fee on paper (PDF): what he was paid, and what was kept of it.

Its number is that of the payout, which has no gaps. It tells what a simplified invoice tells
(Directive 2006/112/EC, art. 226b): the day, who supplies, what, and the tax.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from babel.numbers import format_percent

from wijkeconomie.cooperatives.queries import CooperativeView
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.vat import rate_on
from wijkeconomie.vouchers.payout_queries import PayoutInvoice

TEMPLATE = Path(__file__).parent / "typst" / "payout.typ"

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "nl": {
        "title": "Uitbetaling en factuur {number}",
        "to": "Aan",
        "day": "Datum",
        "number": "Nummer",
        "entry": "Boekstuk",
        "what": "Wat",
        "amount": "Bedrag",
        "taken": "Betaald met wijkmunt in je winkel, vergoeding {percent}",
        "gross": "Samen waarvan we uitbetalen",
        "fee": "Onze vergoeding, zonder btw",
        "vat": "Btw {percent} over de vergoeding",
        "fee_with_vat": "Vergoeding met btw",
        "paid": "Naar je bankrekening",
        "kor": "Vrijgesteld van btw: kleineondernemersregeling (artikel 25 Wet OB).",
        "closing": "De vergoeding is met het tegoed verrekend. Je hoeft niets meer te betalen."
        " Over wat je klanten bij je kochten, geef jij zelf btw aan.",
        "kvk": "KvK",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Payout and invoice {number}",
        "to": "To",
        "day": "Date",
        "number": "Number",
        "entry": "Journal entry",
        "what": "What",
        "amount": "Amount",
        "taken": "Paid with vouchers in your shop, fee {percent}",
        "gross": "Together, of which we pay out",
        "fee": "Our fee, without VAT",
        "vat": "VAT {percent} on the fee",
        "fee_with_vat": "Fee with VAT",
        "paid": "To your bank account",
        "kor": "Exempt from VAT: scheme for small businesses (article 25 Wet OB).",
        "closing": "The fee was taken from what you are owed. You have nothing to pay."
        " On what your customers bought from you, you declare VAT yourself.",
        "kvk": "Chamber of Commerce (KvK)",
        "page": "Page",
        "of": "of",
    },
}


def render_payout_pdf(
    payout: PayoutInvoice, cooperative: CooperativeView, *, language: Language = "nl"
) -> bytes:
    """A payout as an accessible PDF; the same bytes each time."""
    words = _WORDS[language]
    title = words["title"].format(number=payout.number)
    return render_pdf(
        TEMPLATE,
        {
            "words": words,
            "cooperative": {
                "name": cooperative.full_name,
                "kvk": cooperative.kvk,
                "iban": cooperative.iban,
            },
            "facts": [
                [words["to"], f"{payout.merchant_name} ({payout.merchant_code})"],
                [words["day"], long_date(payout.paid_on, language)],
                [words["number"], str(payout.number)],
                [words["entry"], str(payout.entry_number)],
            ],
            "rows": _rows(payout, words, language),
            "note": words["kor"] if cooperative.vat_regime == "kor" else None,
        },
        language=language,
        title=title,
        timestamp=payout.created_at,
    )


def _rows(
    payout: PayoutInvoice, words: Mapping[str, str], language: Language
) -> list[dict[str, object]]:
    """What adds up to what went to the bank; totals are strong."""

    def row(label: str, cents: int, *, is_total: bool = False) -> dict[str, object]:
        return {"label": label, "amount": format_amount(cents, language), "total": is_total}

    rows = [
        row(
            words["taken"].format(percent=_percent(part.fee_basis_points, language)),
            part.gross_cents,
        )
        for part in payout.parts
    ]
    rows.append(row(words["gross"], payout.gross_cents, is_total=True))
    rows.append(row(words["fee"], -payout.fee_cents))
    if payout.fee_vat_cents:
        rate = _percent(rate_on("high", payout.paid_on), language)
        rows.append(row(words["vat"].format(percent=rate), -payout.fee_vat_cents))
        fee_with_vat = payout.fee_cents + payout.fee_vat_cents
        rows.append(row(words["fee_with_vat"], -fee_with_vat, is_total=True))
    rows.append(row(words["paid"], payout.paid_cents, is_total=True))
    return rows


def _percent(basis_points: int, language: Language) -> str:
    rate = Decimal(basis_points).scaleb(-4)
    return format_percent(rate, locale=language, decimal_quantization=False)
