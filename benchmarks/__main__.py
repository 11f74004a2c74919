"""``python -m benchmarks``: prints a table and writes ``var/bench.json``."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.costs import cost_rows, doubling_rows, month_rows
from benchmarks.importing import import_rows
from benchmarks.ladders import ladder_rows
from benchmarks.ledger import ledger_rows
from benchmarks.measuring import Row
from benchmarks.rounds import pledge_rows
from benchmarks.statements import statement_rows
from benchmarks.vouchers import voucher_rows
from benchmarks.world import a_world

OUTPUT = Path("var") / "bench.json"


def main() -> None:
    """Run every group of comparisons; a missed goal is shown, not hidden."""
    rows: list[Row] = []
    with a_world() as world:
        rows += ledger_rows(world)
    with a_world() as world:
        rows += statement_rows(world)
    with a_world() as world:
        rows += ladder_rows(world)
    with a_world() as world:
        rows += pledge_rows(world)
    with a_world() as world:
        rows += cost_rows(world)
    with a_world() as world:
        rows += doubling_rows(world)
    with a_world() as world:
        rows += month_rows(world)
    with a_world() as world:
        rows += voucher_rows(world)
    rows += import_rows()
    _print(rows)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    print(f"Written to {OUTPUT}")


def _print(rows: list[Row]) -> None:
    table = Table(title="Ours against raw SQL (ratio: reference / ours)", title_justify="left")
    for heading in ("what", "unit", "ours", "reference", "ratio", "goal", ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        table.add_row(
            row.name,
            row.unit,
            f"{row.ours:,.1f}",
            f"{row.reference:,.1f}",
            f"{row.ratio:.2f}",
            f"{row.goal:.2f}",
            "ok" if row.is_reached else "missed",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
