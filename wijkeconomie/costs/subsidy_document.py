"""The accounting for a subsidy on paper (PDF), for its funder; no names of members stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date

from wijkeconomie.cooperatives.queries import CooperativeView
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.costs.funding_queries import SubsidyReport
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date

TEMPLATE = Path(__file__).parent / "typst" / "subsidy_report.typ"

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "nl": {
        "title": "Verantwoording van subsidie {code}",
        "grantor": "Gever",
        "purpose": "Voor",
        "period": "Tijdvak",
        "until": "{first} tot en met {last}",
        "accounted": "Verantwoord",
        "accounted_on": "op {day}",
        "not_yet": "nog niet",
        "made_on": "Gemaakt op",
        "sums": "Waar het geld bleef",
        "what": "Wat",
        "amount": "Bedrag",
        "awarded": "Toegekend",
        "received": "Ontvangen",
        "to_receive": "Nog te ontvangen",
        "spent": "Besteed",
        "given_as_vouchers": "waarvan als wijkmunt gegeven",
        "returned_by_vouchers": "min wat terugkwam van verlopen wijkmunt",
        "lapsed": "Vervallen: niet besteed en niet ontvangen",
        "repaid": "Terugbetaald",
        "left": "Nog te besteden",
        "to_repay": "Nog terug te betalen",
        "entries": "Boeking voor boeking",
        "entry": "Boeking",
        "day": "Dag",
        "nothing": "Er is nog niets besteed.",
        "subsidy.spent": "Besteed",
        "subsidy.lapsed": "Vervallen",
        "subsidy.repaid": "Terugbetaald",
        "voucher.issued": "Als wijkmunt gegeven",
        "voucher.expired": "Terug van verlopen wijkmunt",
        "cost.settled": "Gedeelde kosten",
        "cost.settled.reversed": "Gedeelde kosten, teruggedraaid",
        "other": "Ander gebruik",
        "closing": "De nummers zijn die van de boekingen in het grootboek van de coöperatie.",
        "kvk": "KvK",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Accounting for subsidy {code}",
        "grantor": "Funder",
        "purpose": "For",
        "period": "Period",
        "until": "{first} up to and including {last}",
        "accounted": "Accounted for",
        "accounted_on": "on {day}",
        "not_yet": "not yet",
        "made_on": "Made on",
        "sums": "What became of the money",
        "what": "What",
        "amount": "Amount",
        "awarded": "Awarded",
        "received": "Received",
        "to_receive": "Still to receive",
        "spent": "Spent",
        "given_as_vouchers": "of which given as vouchers",
        "returned_by_vouchers": "less what came back of vouchers that expired",
        "lapsed": "Lapsed: not spent and not received",
        "repaid": "Paid back",
        "left": "Left to spend",
        "to_repay": "Left to pay back",
        "entries": "Entry by entry",
        "entry": "Entry",
        "day": "Day",
        "nothing": "Nothing was spent yet.",
        "subsidy.spent": "Spent",
        "subsidy.lapsed": "Lapsed",
        "subsidy.repaid": "Paid back",
        "voucher.issued": "Given as vouchers",
        "voucher.expired": "Came back of vouchers that expired",
        "cost.settled": "Shared costs",
        "cost.settled.reversed": "Shared costs, turned back",
        "other": "Other use",
        "closing": "The numbers are those of the entries in the ledger of the cooperative.",
        "kvk": "Chamber of Commerce (KvK)",
        "page": "Page",
        "of": "of",
    },
}


def render_report_pdf(
    report: SubsidyReport,
    cooperative: CooperativeView,
    *,
    made_at: datetime,
    language: Language = "nl",
) -> bytes:
    """The accounting as an accessible PDF: its sums, and each entry behind them."""
    words = _WORDS[language]
    title = words["title"].format(code=report.code)
    return render_pdf(
        TEMPLATE,
        {
            "words": words,
            "cooperative": {"name": cooperative.full_name, "kvk": cooperative.kvk},
            "grantor": report.grantor,
            "purpose": report.purpose,
            "period": words["until"].format(
                first=long_date(report.valid_from, language),
                last=long_date(report.valid_until, language),
            ),
            "accounted": words["accounted_on"].format(day=long_date(report.accounted_on, language))
            if report.accounted_on
            else words["not_yet"],
            "made_on": long_date(local_date(made_at, LOCAL_TIME), language),
            "heads": [words[head] for head in ("entry", "day", "what", "amount")],
            "sums": _sums(report, words, language),
            "lines": _lines(report, words, language),
        },
        language=language,
        title=title,
        timestamp=made_at,
    )


def _sums(report: SubsidyReport, words: Mapping[str, str], language: Language) -> list[list[Any]]:
    left = "to_repay" if report.accounted_on else "left"
    sums = [
        ("awarded", report.awarded_cents),
        ("received", report.received_cents),
        ("to_receive", report.to_receive_cents),
        ("spent", report.spent_cents),
        ("lapsed", report.lapsed_cents),
        ("repaid", report.repaid_cents),
        (left, report.left_cents),
    ]
    if report.given_as_vouchers_cents:
        sums[4:4] = [
            ("given_as_vouchers", report.given_as_vouchers_cents),
            ("returned_by_vouchers", -report.returned_by_vouchers_cents),
        ]
    return [[words[name], format_amount(cents, language)] for name, cents in sums]


def _lines(report: SubsidyReport, words: Mapping[str, str], language: Language) -> list[list[str]]:
    """Without the sources of entries: some of them are codes of vouchers."""
    return [
        [
            str(line.entry_number),
            format_date(line.accounting_date, "d MMM y", locale=language),
            words.get(line.kind, words["other"]),
            format_amount(line.amount, language),
        ]
        for line in report.lines
        if line.kind != "subsidy.awarded"
    ]
