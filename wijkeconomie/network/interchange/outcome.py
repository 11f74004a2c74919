"""What an import did: rows per file and outcome, refusals, and remarks for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wijkeconomie.network.interchange.faults import RowError


class RowOutcome(StrEnum):
    """What became of a row; each row of the folder has exactly one."""

    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    REFUSED = "refused"
    LEFT_OUT = "left out"


@dataclass(slots=True)
class ImportOutcome:
    """The figures of one run.

    ``counts`` is keyed by file and outcome. ``remarks`` name rows that were imported but need
    a person, such as a bank line that matches nothing. ``refused_cells`` counts what is wrong
    by cooperative; empty text stands for rows whose cooperative is not known.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    counts: Counter[tuple[str, RowOutcome]] = field(default_factory=Counter)
    remarks: list[RowError] = field(default_factory=list)
    refused_cells: Counter[str] = field(default_factory=Counter)
    cooperatives: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    shared: dict[tuple[str, int], RowOutcome] = field(default_factory=dict)
    """What became of a supplier or product, by file and line: the most that it came to anywhere."""

    @property
    def has_refusals(self) -> bool:
        """Whether anything of the folder was not imported."""
        return bool(self.refused_cells)

    def add(self, file: str, outcome: RowOutcome, rows: int = 1) -> None:
        """Count rows of a file."""
        if rows:
            self.counts[file, outcome] += rows

    def add_shared(self, file: str, line: int, outcome: RowOutcome) -> None:
        """Note what became of one copy of a row that every cooperative gets a copy of."""
        order = list(RowOutcome)
        earlier = self.shared.get((file, line), RowOutcome.LEFT_OUT)
        self.shared[file, line] = min(earlier, outcome, key=order.index)

    def close(self, rows: Mapping[str, int], refused: Mapping[str, int]) -> None:
        """Fill in what was refused, and what was left out because of that."""
        self.rows = dict(rows)
        for (file, _), outcome in self.shared.items():
            self.add(file, outcome)
        for file, count in rows.items():
            self.add(file, RowOutcome.REFUSED, min(refused.get(file, 0), count))
            done = sum(self.counts[file, outcome] for outcome in RowOutcome)
            self.add(file, RowOutcome.LEFT_OUT, count - done)


class Progress(Protocol):
    """Told how far an import is; it may raise, and the import then stops as a crash would."""

    def row_read(self, file: str) -> None:
        """A row has been read and looked at."""

    def rows_done(self, cooperative: str, file: str, rows: int) -> None:
        """Rows are about to be committed."""


class Silent:
    """Progress that nobody watches."""

    def row_read(self, file: str) -> None:
        """Do nothing."""

    def rows_done(self, cooperative: str, file: str, rows: int) -> None:
        """Do nothing."""
