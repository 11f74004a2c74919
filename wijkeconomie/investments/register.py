"""The register of participations as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.investments.queries import ParticipationView
from wijkeconomie.money.amounts import format_plain

COLUMNS = (
    "participation",
    "project_id",
    "project",
    "instrument",
    "member_id",
    "member",
    "units",
    "amount",
    "bought_on",
    "counts_since",
)


def register_csv(rows: Iterable[ParticipationView]) -> bytes:
    """A row a participation, amounts in euros with a point; for the board and the accountant."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [
            row.code,
            row.project_code,
            text_cell(row.project),
            row.instrument,
            row.member_code,
            text_cell(row.member),
            str(row.units),
            format_plain(row.cents),
            row.bought_on.isoformat(),
            row.issued_on.isoformat() if row.issued_on else "",
        ]
        for row in rows
    )
    return out.getvalue().encode()
