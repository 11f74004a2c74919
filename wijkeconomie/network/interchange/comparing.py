"""Comparing rows of a folder with what is stored: facts may not differ, details may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy.orm import Session

from wijkeconomie.network.interchange.cells import write_cell
from wijkeconomie.network.interchange.checks import fault
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import (
    DELIVERIES,
    PLEDGES,
    ROUNDS,
    SUPPLIER_INVOICES,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Row, parse_row
from wijkeconomie.network.interchange.round_rows import RoundRows
from wijkeconomie.network.interchange.stored import Cells, stored_rows

NOT_STORED = frozenset({"member_count"})
"""Columns that are counted at every export, not stored."""


def differing_columns(layout: Layout, row: Row, stored: Cells) -> list[str]:
    """The columns in which a row says something else than what is stored."""
    known = parse_row(layout, 0, stored)
    return [name for name in layout.names if name not in NOT_STORED and row[name] != known[name]]


def differences(layout: Layout, row: Row, stored: Cells) -> Iterator[RowError]:
    """A fault at each cell that differs from what is stored."""
    for name in differing_columns(layout, row, stored):
        yield fault(row, name, f"this differs from what is stored: {stored[name] or 'nothing'}")


def round_differences(
    session: Session, cooperative_id: int, rows: RoundRows, state: str
) -> list[RowError]:
    """What differs between a round and the stored one of the same code, which is at ``state``."""
    if state not in {"settled", "cancelled"}:
        return [fault(rows.round, "status", f"round {rows.code} is still {state} here")]
    found: list[RowError] = []
    for layout, own in (
        (ROUNDS, [rows.round]),
        (PLEDGES, rows.pledges),
        (DELIVERIES, rows.deliveries),
        (SUPPLIER_INVOICES, rows.invoices),
        *rows.details.rows.items(),
    ):
        stored = {
            layout.key_of(cells): cells
            for cells in stored_rows(session, cooperative_id, layout, rows.code)
        }
        found.extend(_file_differences(layout, rows.round, own, stored))
    return found


def _file_differences(
    layout: Layout, round_: Row, own: Iterable[Row], stored: Mapping[str, Cells]
) -> Iterator[RowError]:
    left = dict(stored)
    for row in own:
        known = left.pop(layout.key_of(row.cells), None)
        if known is None:
            reason = "this differs from what is stored: the round was finished without this row"
            yield fault(row, layout.key[0], reason)
        else:
            yield from differences(layout, row, known)
    for key in left:
        reason = f"this differs from what is stored: {layout.file} lacks {key}"
        yield fault(round_, "round_id", reason)


def unusual_cells(layout: Layout, row: Row) -> Cells:
    """Cells that say what an export would write in other words, to be remembered."""
    return {
        column.name: row.cells[column.name]
        for column in layout.columns
        if row.cells[column.name] != _usual(layout, row, column.name)
    }


def _usual(layout: Layout, row: Row, name: str) -> str:
    [column] = [column for column in layout.columns if column.name == name]
    value = row[name]
    if layout is ROUNDS and name == "shortage_rule":
        return row.cells[name]
    return write_cell(column.kind, value)
