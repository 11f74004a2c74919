"""The report of a round to its municipality: money in full, people as counts that name nobody."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.vouchers.grant_queries import GrantReport
from wijkeconomie.vouchers.grant_rules import SMALLEST_SHOWN, shown_counts

SMALL = f"<{SMALLEST_SHOWN}"
NOT_SHOWN = "-"
"""For a count that is large enough, but would tell a small one by subtraction."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A line of the report: its count as text, and its amount where it may be told."""

    key: str
    count: str
    cents: int | None = None


def count_text(count: int) -> str:
    """A count that is no part of a whole."""
    return str(count) if count >= SMALLEST_SHOWN else SMALL


def outcome_lines(report: GrantReport) -> list[ReportLine]:
    """What became of the applications."""
    return _lines(report.by_outcome, {})


def payout_lines(report: GrantReport) -> list[ReportLine]:
    """How what was granted is paid; an amount is told with its count or not at all."""
    return _lines(report.by_payout, report.cents_by_payout)


def _lines(counts: Mapping[str, int], cents: Mapping[str, int]) -> list[ReportLine]:
    lines = []
    for key, shown in shown_counts(counts).items():
        if shown is not None:
            lines.append(ReportLine(key, str(shown), cents.get(key)))
        else:
            lines.append(ReportLine(key, SMALL if counts[key] < SMALLEST_SHOWN else NOT_SHOWN))
    return lines


def grant_report_csv(report: GrantReport) -> bytes:
    """The report as a file: amounts in euros with a point, counts as the page shows them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["round", "name", "grantor", "item", "count", "amount"])
    own = [report.round.code, text_cell(report.round.name), text_cell(report.round.grantor)]
    amounts = {
        "awarded": report.round.budget_cents,
        "received": report.received_cents,
        "granted": report.round.granted_cents or 0,
        "spent": report.spent_cents,
        "lapsed": report.lapsed_cents,
        "repaid": report.repaid_cents,
        "left": report.left_cents,
    }
    for item, cents in amounts.items():
        writer.writerow([*own, item, "", format_plain(cents)])
    people = {
        "applications": report.round.applications,
        "carers": report.carers,
        "persons_cared_for": report.persons,
    }
    for item, count in people.items():
        writer.writerow([*own, item, count_text(count), ""])
    for group, lines in (("outcome", outcome_lines(report)), ("payout", payout_lines(report))):
        for line in lines:
            cents_text = format_plain(line.cents) if line.cents is not None else ""
            writer.writerow([*own, f"{group}:{line.key}", line.count, cents_text])
    return out.getvalue().encode()
