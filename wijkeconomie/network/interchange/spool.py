"""A temporary store beside the import: rows that are right, keys, and what is wrong.

Files need not be sorted and may be larger than memory, while the import goes cooperative by
cooperative and round by round. SQLite sorts and finds them again; the file has no name and
is gone with the process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Row, parse_row

_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -16000;
create table known_key (
  file text, id text, line integer, cooperative text, is_wrong integer, times integer,
  primary key (file, id)
) without rowid;
create table good_row (
  file text, cooperative text, grouping text, line integer, occurrence integer, cells text,
  primary key (file, cooperative, grouping, line)
) without rowid;
create table wrong_cell (
  file text, line integer, column_name text, value text, reason text, cooperative text
);
create table incomplete (file text, id text, reason text, primary key (file, id)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """Where a key was seen first, whose it is, and whether its row was refused."""

    line: int
    cooperative: str
    is_wrong: bool


class Spool:
    """Holds one folder while it is imported; use it as a context manager."""

    def __init__(self) -> None:
        # An empty name makes SQLite use a temporary file that it removes itself.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def find_key(self, file: str, name: str) -> KnownKey | None:
        """The row of ``file`` that has this key, if any."""
        found = self._database.execute(
            "select line, cooperative, is_wrong from known_key where file = ? and id = ?",
            (file, name),
        ).fetchone()
        return None if found is None else KnownKey(found[0], found[1], bool(found[2]))

    def add_key(self, file: str, name: str, line: int, cooperative: str, *, is_wrong: bool) -> int:
        """Register a key, or count it once more; returns how often it has been seen."""
        [(times,)] = self._database.execute(
            "insert into known_key values (?, ?, ?, ?, ?, 1)"
            " on conflict do update set times = times + 1 returning times",
            (file, name, line, cooperative, is_wrong),
        ).fetchall()
        return int(times)

    def keys(self, file: str) -> list[str]:
        """Every key of a file, also of refused rows."""
        rows = self._database.execute(
            "select id from known_key where file = ? order by id", (file,)
        )
        return [row[0] for row in rows]

    def owners(self, file: str) -> list[str]:
        """The cooperatives that have right rows in a file."""
        rows = self._database.execute(
            "select distinct cooperative from good_row where file = ? order by 1", (file,)
        )
        return [row[0] for row in rows]

    def mark_incomplete(self, file: str, name: str, reason: str) -> None:
        """Remember that a row misses one that belongs to it; the first reason counts."""
        self._database.execute(
            "insert or ignore into incomplete values (?, ?, ?)", (file, name, reason)
        )

    def incomplete_reason(self, file: str, name: str) -> str | None:
        """Why the row with this key is incomplete, if it is."""
        found = self._database.execute(
            "select reason from incomplete where file = ? and id = ?", (file, name)
        ).fetchone()
        return None if found is None else str(found[0])

    def add_row(
        self, layout: Layout, row: Row, cooperative: str, grouping: str, occurrence: int
    ) -> None:
        """Keep a row that is right as far as could be seen."""
        written = json.dumps([row.cells[name] for name in layout.names], ensure_ascii=False)
        self._database.execute(
            "insert into good_row values (?, ?, ?, ?, ?, ?)",
            (layout.file, cooperative, grouping, row.line, occurrence, written),
        )

    def rows(self, layout: Layout, cooperative: str, grouping: str | None = None) -> Iterator[Row]:
        """The rows of a cooperative in order of their lines, or of one group of it."""
        for row, _ in self.numbered_rows(layout, cooperative, grouping):
            yield row

    def numbered_rows(
        self, layout: Layout, cooperative: str, grouping: str | None = None
    ) -> Iterator[tuple[Row, int]]:
        """The same, each with how often its key had been seen by then."""
        condition = "" if grouping is None else " and grouping = ?"
        names = layout.names
        for line, occurrence, written in self._database.execute(
            "select line, occurrence, cells from good_row where file = ? and cooperative = ?"
            f"{condition} order by line",
            (layout.file, cooperative, *(() if grouping is None else (grouping,))),
        ):
            cells = dict(zip(names, json.loads(written), strict=True))
            yield parse_row(layout, line, cells), occurrence

    def count_rows(self, file: str, cooperative: str) -> int:
        """How many right rows a cooperative has in a file."""
        [(count,)] = self._database.execute(
            "select count(*) from good_row where file = ? and cooperative = ?",
            (file, cooperative),
        ).fetchall()
        return int(count)

    def add_fault(self, fault: RowError) -> None:
        """Keep what is wrong; the owner is empty where it is not known."""
        self._database.execute(
            "insert into wrong_cell values (?, ?, ?, ?, ?, ?)",
            (
                fault.file,
                fault.line,
                fault.column,
                fault.value,
                fault.reason,
                fault.cooperative or "",
            ),
        )

    def faults(self, cooperative: str | None = None) -> Iterator[RowError]:
        """What is wrong, in order of file and line; of one cooperative, or of all."""
        condition = "" if cooperative is None else "where cooperative = ?"
        for file, line, column, value, reason, owner in self._database.execute(
            f"select * from wrong_cell {condition} order by cooperative, file, line, rowid",
            () if cooperative is None else (cooperative,),
        ):
            yield RowError(file, line, column, value, reason, owner or None)

    def has_faults(self, cooperative: str) -> bool:
        """Whether any row of this cooperative is refused."""
        return (
            self._database.execute(
                "select 1 from wrong_cell where cooperative = ? limit 1", (cooperative,)
            ).fetchone()
            is not None
        )

    def fault_owners(self) -> list[str]:
        """The cooperatives with refused rows; empty text stands for those of nobody known."""
        rows = self._database.execute("select distinct cooperative from wrong_cell order by 1")
        return [row[0] for row in rows]

    def refused_rows(self) -> dict[str, int]:
        """How many rows are refused, by file."""
        return dict(
            self._database.execute(
                "select file, count(distinct line) from wrong_cell group by file"
            ).fetchall()
        )
