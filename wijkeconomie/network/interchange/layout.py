"""How a file of a city folder is described: its columns, its key and what it refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wijkeconomie.network.interchange.cells import Kind

Values = Mapping[str, Any]
"""The cells of a row as they were read, by column; an absent one is ``None``."""

Remark = tuple[str, str]
"""A column, and the reason why its cell cannot stand beside the others of its row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; an empty cell means absent, and is refused where the column is required."""

    name: str
    kind: Kind
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that names a row of another file, by that file's key or by ``by``."""

    column: str
    file: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One file of the folder.

    ``key`` names the row; ``has_unique_key`` is false where a repetition means something.
    ``group`` is the column whose value rows are loaded by. The cooperative of a row is its
    ``coop_id`` or that of the first reference; suppliers and products have none. Rows of a
    file that ``is_kept`` are checked and stored as they are. A folder from before the columns
    in ``later`` were there may lack them: their cells are absent then.
    """

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    has_unique_key: bool = True
    other_key: str = ""
    references: tuple[Reference, ...] = ()
    group: str = ""
    is_kept: bool = False
    later: tuple[str, ...] = ()
    check: Callable[[Values], Iterable[Remark]] | None = None

    @property
    def names(self) -> list[str]:
        """The columns in the order in which they are written."""
        return [column.name for column in self.columns]

    def key_of(self, row: Mapping[str, str]) -> str:
        """What names a row."""
        return "/".join(row[name] for name in self.key)


def required(kind: Kind, *names: str) -> tuple[Column, ...]:
    """Columns of one kind that every row fills in."""
    return tuple(Column(name, kind) for name in names)


def optional(kind: Kind, *names: str) -> tuple[Column, ...]:
    """Columns of one kind that a row may leave empty."""
    return tuple(Column(name, kind, is_required=False) for name in names)
