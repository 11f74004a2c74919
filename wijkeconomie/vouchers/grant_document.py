"""The report of a round to its municipality on paper (PDF); people are counts that name nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from wijkeconomie.cooperatives.queries import CooperativeView
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.grant_queries import GrantReport
from wijkeconomie.vouchers.grant_report import count_text, outcome_lines, payout_lines
from wijkeconomie.vouchers.grant_rules import SMALLEST_SHOWN

TEMPLATE = Path(__file__).parent / "typst" / "grant_report.typ"

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "nl": {
        "title": "Verslag van {name}",
        "grantor": "Gemeente",
        "window": "Aanvragen kon",
        "until": "van {first} tot en met {last}",
        "accounted": "Verantwoord",
        "accounted_on": "op {day}",
        "not_yet": "nog niet",
        "made_on": "Gemaakt op",
        "sums": "Waar het geld bleef",
        "what": "Wat",
        "amount": "Bedrag",
        "awarded": "Budget",
        "received": "Ontvangen",
        "to_receive": "Nog te ontvangen",
        "granted": "Toegekend",
        "spent": "Besteed",
        "lapsed": "Vervallen: niet besteed en niet ontvangen",
        "repaid": "Terugbetaald",
        "left": "Over",
        "people": "Mensen",
        "who": "Wie",
        "count": "Aantal",
        "applications": "Aanvragen",
        "carers": "Mantelzorgers met een waardering",
        "persons": "Mensen voor wie gezorgd wordt",
        "outcomes": "Wat er van de aanvragen werd",
        "outcome": "Besluit",
        "outcome:granted": "toegekend",
        "outcome:applied": "wacht op een besluit",
        "outcome:no_carer": "afgewezen: geen mantelzorger zoals de gemeente bedoelt",
        "outcome:lives_elsewhere": "afgewezen: woont in een andere gemeente",
        "outcome:mistake": "afgewezen: per ongeluk aangevraagd",
        "outcome:budget_spent": "afgewezen: het budget is op",
        "ways": "Hoe er betaald is",
        "way": "Manier",
        "payout:voucher": "als wijkmunt",
        "payout:account": "op de rekening bij de coöperatie",
        "payout:bank": "op de bankrekening",
        "closing": "In dit verslag staan geen namen. Een aantal onder de {smallest} staat er als"
        " <{smallest}. Een streepje staat voor een aantal waaruit een klein aantal te berekenen"
        " zou zijn.",
        "kvk": "KvK",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Report of {name}",
        "grantor": "Municipality",
        "window": "Applying was possible",
        "until": "from {first} up to and including {last}",
        "accounted": "Accounted for",
        "accounted_on": "on {day}",
        "not_yet": "not yet",
        "made_on": "Made on",
        "sums": "What became of the money",
        "what": "What",
        "amount": "Amount",
        "awarded": "Budget",
        "received": "Received",
        "to_receive": "Still to receive",
        "granted": "Granted",
        "spent": "Spent",
        "lapsed": "Lapsed: not spent and not received",
        "repaid": "Paid back",
        "left": "Left",
        "people": "People",
        "who": "Who",
        "count": "Count",
        "applications": "Applications",
        "carers": "Carers with a grant",
        "persons": "Persons cared for",
        "outcomes": "What became of the applications",
        "outcome": "Decision",
        "outcome:granted": "granted",
        "outcome:applied": "waits for a decision",
        "outcome:no_carer": "refused: is no carer as the municipality means it",
        "outcome:lives_elsewhere": "refused: lives in another municipality",
        "outcome:mistake": "refused: applied by mistake",
        "outcome:budget_spent": "refused: the budget is spent",
        "ways": "How it was paid",
        "way": "Way",
        "payout:voucher": "as a voucher",
        "payout:account": "on the account with the cooperative",
        "payout:bank": "on the bank account",
        "closing": "No names stand in this report. A count below {smallest} is shown as"
        " <{smallest}. A dash stands for a count from which a small one could be found.",
        "kvk": "Chamber of Commerce (KvK)",
        "page": "Page",
        "of": "of",
    },
}


def render_grant_report_pdf(
    report: GrantReport,
    cooperative: CooperativeView,
    *,
    made_at: datetime,
    language: Language = "nl",
) -> bytes:
    """The report as an accessible PDF: the same counts and amounts as its page and its file."""
    words = _WORDS[language]
    round_ = report.round
    title = words["title"].format(name=round_.name)
    return render_pdf(
        TEMPLATE,
        {
            "words": {**words, "closing": words["closing"].format(smallest=SMALLEST_SHOWN)},
            "cooperative": {"name": cooperative.full_name, "kvk": cooperative.kvk},
            "grantor": round_.grantor,
            "window": words["until"].format(
                first=long_date(round_.opens_on, language),
                last=long_date(round_.closes_on, language),
            ),
            "accounted": words["accounted_on"].format(day=long_date(round_.accounted_on, language))
            if round_.accounted_on
            else words["not_yet"],
            "made_on": long_date(local_date(made_at, LOCAL_TIME), language),
            "sums": _sums(report, words, language),
            "people": [
                [words["applications"], count_text(round_.applications)],
                [words["carers"], count_text(report.carers)],
                [words["persons"], count_text(report.persons)],
            ],
            "outcomes": [
                [words[f"outcome:{line.key}"], line.count] for line in outcome_lines(report)
            ],
            "ways": [
                [
                    words[f"payout:{line.key}"],
                    line.count,
                    "-" if line.cents is None else format_amount(line.cents, language),
                ]
                for line in payout_lines(report)
            ],
        },
        language=language,
        title=title,
        timestamp=made_at,
    )


def _sums(report: GrantReport, words: Mapping[str, str], language: Language) -> list[list[str]]:
    sums = {
        "awarded": report.round.budget_cents,
        "received": report.received_cents,
        "to_receive": report.to_receive_cents,
        "granted": report.round.granted_cents or 0,
        "spent": report.spent_cents,
        "lapsed": report.lapsed_cents,
        "repaid": report.repaid_cents,
        "left": report.left_cents,
    }
    return [[words[name], format_amount(cents, language)] for name, cents in sums.items()]
