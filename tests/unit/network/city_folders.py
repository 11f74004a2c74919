"""Copies of the demo city, with cells changed on purpose."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import wijkeconomie.network
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.network.interchange.staging import stage_folder

DEMO_CITY = Path(wijkeconomie.network.__file__).parent / "demo_city"

Rows = list[dict[str, str]]


def a_demo_city(folder: Path) -> Path:
    """A copy of the demo city in ``folder``, to change."""
    return Path(shutil.copytree(DEMO_CITY, folder / "city"))


def read_rows(folder: Path, file: str) -> Rows:
    """The rows of a file."""
    with (folder / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def change_rows(folder: Path, file: str, change: Callable[[Rows], Rows | None]) -> None:
    """Rewrite a file with its rows changed, in place or by the rows that are returned."""
    rows = read_rows(folder, file)
    names = list(rows[0])
    rows = change(rows) or rows
    with (folder / file).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def set_cell(folder: Path, file: str, line: int, column: str, value: str) -> None:
    """Change one cell; the first row is line 2."""

    def change(rows: Rows) -> None:
        rows[line - 2][column] = value

    change_rows(folder, file, change)


def line_of(folder: Path, file: str, column: str, value: str) -> int:
    """The line of the first row with this value in a column."""
    rows = read_rows(folder, file)
    return 2 + [row[column] for row in rows].index(value)


def faults_of(folder: Path) -> list[RowError]:
    """What is wrong with a folder by its rows and references."""
    with Spool() as spool:
        stage_folder(folder, spool, lambda _file: None)
        return list(spool.faults())
