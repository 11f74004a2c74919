"""A month list on paper (PDF) and as a file (CSV), for the body that pays the care."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from babel.dates import format_date

from wijkeconomie.budgets.lists import ListLine, MonthList
from wijkeconomie.budgets.models import SVB_NAME
from wijkeconomie.cooperatives.queries import CooperativeView
from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.amounts import format_amount, format_plain
from wijkeconomie.money.periods import LOCAL_TIME, local_date

TEMPLATE = Path(__file__).parent / "typst" / "month_list.typ"
CSV_COLUMNS = (
    "month",
    "payer",
    "payer_name",
    "list",
    "law",
    "budget",
    "holder",
    "carer",
    "minutes",
    "hourly_rate",
    "amount",
    "declaration",
    "approved_on",
    "signed_on_paper",
    "worked_in",
    "is_correction",
)


def hours_text(minutes: int) -> str:
    """Minutes as hours and minutes: ``12:05``; of a correction perhaps ``-0:30``."""
    whole, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else ''}{whole}:{rest:02d}"


def file_name(wanted: MonthList, extension: str) -> str:
    """A name that tells which list it is, and nobody's name."""
    payer = re.sub(r"[^a-z0-9]+", "-", wanted.payer_name.lower()).strip("-") or wanted.payer.value
    return f"zorg-{payer}-{wanted.month:%Y-%m}-{wanted.number}.{extension}"


def render_list_csv(wanted: MonthList) -> bytes:
    """The list as CSV (UTF-8, one header row), a row a declaration; amounts in euros with a point.

    Names that a spreadsheet would run as a formula are made harmless.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for line in wanted.lines:
        writer.writerow(
            (
                f"{wanted.month:%Y-%m}",
                wanted.payer.value,
                text_cell(wanted.payer_name),
                wanted.number,
                line.law,
                text_cell(line.budget),
                text_cell(line.holder),
                text_cell(line.carer),
                line.minutes,
                format_plain(line.hourly_rate_cents),
                format_plain(line.cents),
                text_cell(line.declaration),
                local_date(line.approved_at, LOCAL_TIME).isoformat(),
                int(line.is_on_paper),
                f"{line.month:%Y-%m}",
                int(line.replaced_minutes is not None),
            )
        )
    return out.getvalue().encode()


def render_list_pdf(
    wanted: MonthList, cooperative: CooperativeView, *, language: Language = "nl"
) -> bytes:
    """The list as an accessible PDF; the same list gives the same bytes."""
    words = _WORDS[language]
    month = format_date(wanted.month, "MMMM y", locale=language)
    title = words["title"].format(month=month, number=wanted.number)
    return render_pdf(
        TEMPLATE,
        _letter(wanted, cooperative, words, language),
        language=language,
        title=title,
        timestamp=wanted.made_at,
    )


_WORDS: dict[Language, dict[str, str]] = {
    "nl": {
        "title": "Zorguren {month}, lijst {number}",
        "payer": "Voor",
        "svb": "Sociale Verzekeringsbank (SVB)",
        "month": "Maand",
        "made_on": "Gemaakt op",
        "intro": "Deze uren zijn gewerkt en goedgekeurd door de budgethouders.",
        "law": "Wet",
        "budget": "Budget",
        "holder": "Budgethouder",
        "carer": "Zorgverlener",
        "hours": "Uren",
        "rate": "Tarief per uur",
        "amount": "Bedrag",
        "approved": "Goedgekeurd",
        "paper": "op papier",
        "corrected": "correctie over {month}: {before} uur werd {after} uur",
        "total": "Samen",
        "closing": "Het bedrag is het aantal minuten maal het uurtarief, gedeeld door 60. "
        "Een halve cent gaat naar boven.",
        "kvk": "KvK",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Hours of care {month}, list {number}",
        "payer": "For",
        "svb": "Sociale Verzekeringsbank (SVB)",
        "month": "Month",
        "made_on": "Made on",
        "intro": "These hours were worked, and approved by the holders of the budgets.",
        "law": "Law",
        "budget": "Budget",
        "holder": "Holder",
        "carer": "Carer",
        "hours": "Hours",
        "rate": "Rate an hour",
        "amount": "Amount",
        "approved": "Approved",
        "paper": "on paper",
        "corrected": "correction of {month}: {before} hours became {after}",
        "total": "Together",
        "closing": "The amount is the minutes times the rate an hour, divided by 60. "
        "Half a cent goes up.",
        "kvk": "Chamber of Commerce (KvK)",
        "page": "Page",
        "of": "of",
    },
}
_HEADS = ("law", "budget", "holder", "carer", "hours", "rate", "amount", "approved")


def _letter(
    wanted: MonthList, cooperative: CooperativeView, words: dict[str, str], language: Language
) -> dict[str, Any]:
    return {
        "words": words,
        "cooperative": {"name": cooperative.full_name, "kvk": cooperative.kvk},
        "payer": words["svb"] if wanted.payer_name == SVB_NAME else wanted.payer_name,
        "month": format_date(wanted.month, "MMMM y", locale=language),
        "made_on": long_date(local_date(wanted.made_at, LOCAL_TIME), language),
        "heads": [words[head] for head in _HEADS],
        "lines": [_line(line, words, language) for line in wanted.lines],
        "totals": _totals(wanted, language),
        "total_hours": hours_text(wanted.minutes),
        "total": format_amount(wanted.total_cents, language),
    }


def _line(line: ListLine, words: dict[str, str], language: Language) -> list[str]:
    approved = format_date(local_date(line.approved_at, LOCAL_TIME), "d MMM y", locale=language)
    return [
        line.law,
        line.budget,
        line.holder,
        line.carer,
        hours_text(line.minutes),
        format_amount(line.hourly_rate_cents, language),
        format_amount(line.cents, language),
        ", ".join(
            [
                f"{approved} ({words['paper']})" if line.is_on_paper else approved,
                *_corrected(line, words, language),
            ]
        ),
    ]


def _corrected(line: ListLine, words: dict[str, str], language: Language) -> list[str]:
    if line.replaced_minutes is None:
        return []
    return [
        words["corrected"].format(
            month=format_date(line.month, "MMMM y", locale=language),
            before=hours_text(line.replaced_minutes),
            after=hours_text(line.replaced_minutes + line.minutes),
        )
    ]


def _totals(wanted: MonthList, language: Language) -> list[list[str]]:
    minutes: dict[str, int] = defaultdict(int)
    cents: dict[str, int] = defaultdict(int)
    for line in wanted.lines:
        minutes[line.law] += line.minutes
        cents[line.law] += line.cents
    return [[law, hours_text(minutes[law]), format_amount(cents[law], language)] for law in minutes]
