"""Reading one file of a city folder: a stream of rows and of what is wrong with them.

Each line stands on its own, so one broken line cannot swallow the next. Memory does not grow
with the file, nor with the longest line in it.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wijkeconomie.network.interchange.cells import CellError, write_cell
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.layout import Layout

LINE_LIMIT = 64 * 1024
"""No row of these files comes near; a longer line is refused before it fills the memory."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its line (the header is line 1), its cells, and their values."""

    file: str
    line: int
    cells: dict[str, str]
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its cells by column (as far as they can be told) and what is wrong."""

    number: int
    cells: dict[str, str]
    values: dict[str, Any]
    faults: list[RowError]


class HeaderError(Exception):
    """The header is wrong, so that no row can be read; ``faults`` says where."""

    def __init__(self, faults: list[RowError]) -> None:
        super().__init__(str(faults[0]))
        self.faults = faults


def read_lines(path: Path, layout: Layout) -> Generator[Line, None, None]:
    """The rows of a file, in order; blank lines are passed over.

    Raises:
        HeaderError: a column is unknown, missing or there twice, or the header is unreadable.
    """
    with path.open("rb") as stream:
        names: list[str] | None = None
        for number, raw in _physical_lines(stream):
            if names is None:
                names = _header(layout, number, raw)
            elif isinstance(raw, _TooLong) or raw.strip():
                yield _line(layout, names, number, raw)
        if names is None:
            raise HeaderError([RowError(layout.file, 1, "", "", "the header is missing")])


def header_faults(path: Path, layout: Layout) -> list[RowError]:
    """What is wrong with the header of a file; nothing when its rows can be read."""
    with closing(read_lines(path, layout)) as lines:
        try:
            next(lines, None)
        except HeaderError as error:
            return error.faults
    return []


def parse_row(layout: Layout, number: int, cells: dict[str, str]) -> Row:
    """Read the cells of a row again that has been found right before."""
    return Row(layout.file, number, cells, _values(layout, number, cells, []))


def canonical(layout: Layout, row: Row) -> dict[str, str]:
    """The cells of a row as an export writes them."""
    return {column.name: write_cell(column.kind, row[column.name]) for column in layout.columns}


@dataclass(frozen=True, slots=True)
class _TooLong:
    start: bytes


def _physical_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | _TooLong]]:
    number = 0
    while raw := stream.readline(LINE_LIMIT):
        number += 1
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if raw.endswith(b"\n") or len(raw) < LINE_LIMIT - len(codecs.BOM_UTF8):
            yield number, raw.rstrip(b"\r\n")
            continue
        yield number, _TooLong(raw)
        while (rest := stream.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
            pass


class _UnreadableError(Exception):
    def __init__(self, position: int, value: str, reason: str) -> None:
        super().__init__(reason)
        self.position = position  # of the cell, from 0
        self.value = value
        self.reason = reason


def _split(raw: bytes | _TooLong) -> list[str]:
    if isinstance(raw, _TooLong):
        cells = raw.start.split(b",")
        longest = max(range(len(cells)), key=lambda position: len(cells[position]))
        value = cells[longest].decode(errors="replace")
        raise _UnreadableError(longest, value, f"a line has at most {LINE_LIMIT} bytes")
    for wrong, reason in ((b"\0", "a NUL byte"), (b"\r", "a carriage return")):
        if (at := raw.find(wrong)) >= 0:
            raise _UnreadableError(raw.count(b",", 0, at), "", f"{reason} within the line")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        position = raw.count(b",", 0, error.start)
        value = raw.split(b",")[position].decode(errors="replace")
        raise _UnreadableError(position, value, "this is not UTF-8") from error
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        position = text.count(",", 0, text.find('"'))
        reason = "a quoted cell ends on its own line and doubles the quotes within it"
        raise _UnreadableError(position, "", reason) from error


def _header(layout: Layout, number: int, raw: bytes | _TooLong) -> list[str]:
    try:
        names = _split(raw)
    except _UnreadableError as error:
        raise HeaderError([RowError(layout.file, number, "", error.value, error.reason)]) from error
    faults = []
    known = set(layout.names)
    for position, name in enumerate(names):
        if name not in known:
            faults.append(RowError(layout.file, number, name, "", f"there is no column {name!r}"))
        elif name in names[:position]:
            faults.append(RowError(layout.file, number, name, "", "the column is there twice"))
    faults.extend(
        RowError(layout.file, number, name, "", "the column is missing")
        for name in layout.names
        if name not in names and name not in layout.later
    )
    if faults:
        raise HeaderError(faults)
    return names


def _line(layout: Layout, names: list[str], number: int, raw: bytes | _TooLong) -> Line:
    try:
        found = _split(raw)
    except _UnreadableError as error:
        column = names[error.position] if error.position < len(names) else ""
        return Line(
            number, {}, {}, [RowError(layout.file, number, column, error.value, error.reason)]
        )
    cells = dict(zip(names, found, strict=False))
    if len(found) != len(names):
        column = names[len(found)] if len(found) < len(names) else ""
        reason = f"the header has {len(names)} columns and this line has {len(found)} cells"
        return Line(number, cells, {}, [RowError(layout.file, number, column, "", reason)])
    cells |= {name: "" for name in layout.later if name not in cells}
    faults: list[RowError] = []
    values = _values(layout, number, cells, faults)
    if not faults and layout.check is not None:
        faults = [
            RowError(layout.file, number, column, cells[column], reason)
            for column, reason in layout.check(values)
        ]
    return Line(number, cells, values, faults)


def _values(
    layout: Layout, number: int, cells: dict[str, str], faults: list[RowError]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in layout.columns:
        cell = cells[column.name]
        if not cell:
            values[column.name] = None
            if column.is_required:
                reason = "this cell may not be empty"
                faults.append(RowError(layout.file, number, column.name, "", reason))
            continue
        try:
            values[column.name] = column.kind.read(cell)
        except CellError as error:
            faults.append(RowError(layout.file, number, column.name, cell, str(error)))
    return values
