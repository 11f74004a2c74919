"""Rows that are kept as they were read: those of capabilities to come, and unusual spellings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.comparing import differences, unusual_cells
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.stored import Cells, kept_rows
from wijkeconomie.network.interchange.work import CooperativeWork
from wijkeconomie.network.models import KeptRow

BATCH = 1000

Keyed = list[tuple[str, Row]]


def row_key(layout: Layout, row: Row, occurrence: int) -> str:
    """What a kept row is known by: its key, numbered where keys may repeat."""
    key = layout.key_of(row.cells)
    return key if occurrence == 1 else f"{key}#{occurrence}"


def kept_faults(work: CooperativeWork, uow: UnitOfWork, layout: Layout) -> Iterator[RowError]:
    """Where rows differ from those kept under the same key."""
    for batch in _batches(work, layout):
        stored = dict(kept_rows(uow.session, uow.tenant, layout.file, [key for key, _ in batch]))
        for key, row in batch:
            if key not in stored:
                continue
            known = {name: stored[key].get(name, "") for name in layout.names}
            yield from differences(layout, row, known)


def import_kept_rows(work: CooperativeWork, layout: Layout) -> None:
    """Keep the rows of a file that no capability asks for yet."""
    for batch in _batches(work, layout):
        with work.begin() as uow:
            new = keep_rows(
                uow,
                layout,
                [(key, row.cells) for key, row in batch if work.is_right(row)],
            )
            work.tell(layout.file, len(batch))
        right = sum(work.is_right(row) for _, row in batch)
        work.done(layout.file, RowOutcome.KEPT, new)
        work.done(layout.file, RowOutcome.UNCHANGED, right - new)


def remember_spelling(uow: UnitOfWork, layout: Layout, rows: list[Row]) -> None:
    """Remember cells that an export would write in other words for the same value."""
    unusual = [(layout.key_of(row.cells), unusual_cells(layout, row)) for row in rows]
    keep_rows(uow, layout, [(key, cells) for key, cells in unusual if cells])


def remember_number(uow: UnitOfWork, layout: Layout, row: Row, stored_key: str) -> None:
    """Remember a row's own id where the program gave it another one."""
    [column] = layout.key
    if row[column] != stored_key:
        keep_rows(uow, layout, [(stored_key, {column: row[column]})])


def keep_rows(uow: UnitOfWork, layout: Layout, rows: list[tuple[str, Cells]]) -> int:
    """Keep cells under their keys, where there are none yet; how many are new."""
    if not rows:
        return 0
    statement = (
        insert(KeptRow)
        .on_conflict_do_nothing(index_elements=["cooperative_id", "file", "row_key"])
        .returning(KeptRow.id)
    )
    found = uow.session.scalars(
        statement,
        [
            {
                "cooperative_id": uow.tenant,
                "file": layout.file,
                "row_key": key,
                "cells": cells,
            }
            for key, cells in rows
        ],
    )
    return len(found.all())


def _batches(work: CooperativeWork, layout: Layout) -> Iterator[Keyed]:
    rows = work.spool.numbered_rows(layout, work.code)
    while batch := list(islice(rows, BATCH)):
        yield [(row_key(layout, row, occurrence), row) for row, occurrence in batch]
