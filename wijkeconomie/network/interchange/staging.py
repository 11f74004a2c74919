"""From folder to spool: every file is read once, each row checked and given to its cooperative.

What can be told from a row and the rows that it names is checked here; what takes a whole
round or what the database holds is checked later, cooperative by cooperative.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from wijkeconomie.network.interchange.detail_files import DETAIL_FOLDER
from wijkeconomie.network.interchange.faults import NotACityFolderError, RowError
from wijkeconomie.network.interchange.files import (
    COOPERATIVES,
    FEDERATION_FILE,
    ROUNDS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Line, Row, header_faults, read_lines
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.network.interchange.unfinished_files import ALL_LAYOUTS, LAYOUT_OF

FEDERATION_NAMES = ("name", "city", "currency", "year", "money_unit", "cooperatives")


@dataclass(frozen=True, slots=True)
class FederationRecord:
    """The city cooperative as ``federation.json`` describes it."""

    name: str
    city: str
    currency: str
    year: int
    cooperatives: tuple[str, ...]


@dataclass(slots=True)
class Staged:
    """A folder that has been read: the spool, rows per file, and the federation.

    ``is_readable`` is false when a whole file could not be read: nothing is imported then.
    """

    spool: Spool
    present: tuple[str, ...]
    rows: Counter[str] = field(default_factory=Counter)
    federation: FederationRecord | None = None
    is_readable: bool = True

    def cooperatives(self) -> list[str]:
        """The codes of the cooperatives of the folder, in the order of their rows."""
        return [row["coop_id"] for row in self._cooperative_rows()]

    def _cooperative_rows(self) -> list[Row]:
        return sorted(
            (
                row
                for code in self.spool.owners(COOPERATIVES.file)
                for row in self.spool.rows(COOPERATIVES, code)
            ),
            key=lambda row: row.line,
        )


def require_city_folder(folder: Path) -> tuple[str, ...]:
    """The files of the folder that are files of a city, by name.

    Raises:
        NotACityFolderError: there is no such folder, it holds no such file, or it holds a
            CSV file of another name.
    """
    if not folder.is_dir():
        raise NotACityFolderError(f"there is no folder {folder}", folder=str(folder))
    known = {*LAYOUT_OF, FEDERATION_FILE}
    found = {path.name for path in folder.iterdir()}
    below = (path for path in (folder / DETAIL_FOLDER).rglob("*") if path.is_file())
    found |= {path.relative_to(folder).as_posix() for path in below}
    if strange := sorted(name for name in found - known if name.lower().endswith(".csv")):
        raise NotACityFolderError(
            f"{strange[0]} is not a file of a city folder; those are {', '.join(sorted(known))}",
            folder=str(folder),
            file=strange[0],
        )
    if COOPERATIVES.file not in found:
        raise NotACityFolderError(
            f"{folder} holds no {COOPERATIVES.file}, so it is not a city folder",
            folder=str(folder),
        )
    return tuple(sorted(found & known))


def stage_folder(folder: Path, spool: Spool, on_row: Callable[[str], None]) -> Staged:
    """Read every file of the folder into the spool.

    ``on_row`` is told the file of each row, for a progress bar.

    Raises:
        NotACityFolderError: as :func:`require_city_folder`.
    """
    staged = Staged(spool, require_city_folder(folder))
    present = [layout for layout in ALL_LAYOUTS if layout.file in staged.present]
    # Headers first: a file that cannot be read would make every row that refers to it wrong too.
    for layout in present:
        for fault in header_faults(folder / layout.file, layout):
            staged.is_readable = False
            spool.add_fault(fault)
    if not staged.is_readable:
        return staged
    for layout in present:
        for line in read_lines(folder / layout.file, layout):
            staged.rows[layout.file] += 1
            on_row(layout.file)
            _stage(staged, layout, line)
    if FEDERATION_FILE in staged.present:
        staged.rows[FEDERATION_FILE] = 1
        _stage_federation(staged, folder / FEDERATION_FILE)
    return staged


@dataclass(slots=True)
class _Arrival:
    """A line on its way into the spool; ``faults`` grows while it is looked at."""

    staged: Staged
    layout: Layout
    line: Line
    faults: list[RowError]

    def wrong(self, column: str, reason: str) -> None:
        value = self.line.cells.get(column, "")
        self.faults.append(RowError(self.layout.file, self.line.number, column, value, reason))


def _stage(staged: Staged, layout: Layout, line: Line) -> None:
    arrival = _Arrival(staged, layout, line, list(line.faults))
    owner = _owner(arrival)
    occurrence = 1
    if all(line.cells.get(name) for name in layout.key):
        occurrence = _register(arrival, owner)
    if arrival.faults:
        for fault in arrival.faults:
            staged.spool.add_fault(replace(fault, cooperative=owner or None))
        if group := line.cells.get(layout.group, ""):
            reason = f"{layout.file}:{line.number} is refused"
            staged.spool.mark_incomplete(ROUNDS.file, group, reason)
        return
    row = Row(layout.file, line.number, line.cells, line.values)
    grouping = row[layout.group] if layout.group else ""
    staged.spool.add_row(layout, row, owner, grouping, occurrence)


def _register(arrival: _Arrival, owner: str) -> int:
    """Register the row's keys and refuse a second use; returns how often the key was seen."""
    layout, line, spool = arrival.layout, arrival.line, arrival.staged.spool
    key = layout.key_of(line.cells)
    is_wrong = bool(arrival.faults)
    times = spool.add_key(layout.file, key, line.number, owner, is_wrong=is_wrong)
    if times > 1 and layout.has_unique_key:
        first = spool.find_key(layout.file, key)
        where = "" if first is None else f" on line {first.line}"
        arrival.wrong(layout.key[0], f"this id is used before{where}")
    if other := line.cells.get(layout.other_key, ""):
        place = f"{layout.file}:{layout.other_key}"
        if spool.add_key(place, other, line.number, owner, is_wrong=is_wrong) > 1:
            arrival.wrong(layout.other_key, "another row has this too")
    return times


def _owner(arrival: _Arrival) -> str:
    """The code of the row's cooperative, as far as it can be told; adds wrong references."""
    layout, line = arrival.layout, arrival.line
    owner = line.cells.get("coop_id", "")
    if owner and layout is not COOPERATIVES:
        owner = _referred(arrival, "coop_id", COOPERATIVES.file)
    unreadable = {fault.column for fault in line.faults}
    for reference in layout.references:
        named = line.cells.get(reference.column, "")
        if not named or reference.column in unreadable:
            continue
        place = f"{reference.file}:{reference.by}" if reference.by else reference.file
        found = _referred(arrival, reference.column, place)
        if found and owner and found != owner:
            arrival.wrong(
                reference.column, f"{named} is of cooperative {found}, this row of {owner}"
            )
        owner = owner or found
    return owner


def _referred(arrival: _Arrival, column: str, place: str) -> str:
    """The cooperative of the row that a cell names, empty when there is none."""
    named = arrival.line.cells[column]
    file = place.partition(":")[0]
    known = arrival.staged.spool.find_key(place, named)
    if known is None:
        is_present = file in arrival.staged.present
        arrival.wrong(column, f"{file} has no {named}" if is_present else f"there is no {file}")
        return ""
    if known.is_wrong:
        arrival.wrong(column, f"{named} is refused itself, see {file}:{known.line}")
    return known.cooperative


def _stage_federation(staged: Staged, path: Path) -> None:
    def wrong(column: str, reason: str, line: int = 1) -> None:
        staged.spool.add_fault(RowError(FEDERATION_FILE, line, column, "", reason))

    try:
        record: Any = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return wrong("", "this is not UTF-8")
    except JSONDecodeError as error:
        return wrong("", f"this is not JSON: {error.msg}", error.lineno)
    except RecursionError:
        return wrong("", "this is not JSON that a person wrote")
    if not isinstance(record, dict):
        return wrong("", "this is not an object with names and values")
    remarks = _federation_remarks(record, staged.spool.keys(COOPERATIVES.file))
    for column, reason in remarks:
        wrong(column, reason)
    if not remarks:
        staged.federation = FederationRecord(
            record["name"],
            record["city"],
            record["currency"],
            record["year"],
            tuple(record["cooperatives"]),
        )
    return None


def _federation_remarks(record: dict[str, Any], codes: list[str]) -> list[tuple[str, str]]:
    remarks = [(name, "there is no such name") for name in record if name not in FEDERATION_NAMES]
    remarks += [(name, "this is missing") for name in FEDERATION_NAMES if name not in record]
    if remarks:
        return remarks
    for name in ("name", "city"):
        if not (isinstance(record[name], str) and record[name].strip()):
            remarks.append((name, "this is a text"))
    if record["currency"] != "EUR":
        remarks.append(("currency", "amounts are in EUR"))
    if record["money_unit"] != "cents":
        remarks.append(("money_unit", "amounts are in cents"))
    year = record["year"]
    if not isinstance(year, int) or isinstance(year, bool) or not 1900 <= year <= 2199:
        remarks.append(("year", "this is a year, as in 2026"))
    listed = record["cooperatives"]
    if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
        remarks.append(("cooperatives", "this is a list of codes"))
    elif sorted(listed) != sorted(codes):
        odd = sorted(set(listed) ^ set(codes)) or ["a code that is there twice"]
        remarks.append(("cooperatives", f"it differs from {COOPERATIVES.file}: {odd[0]}"))
    return remarks
