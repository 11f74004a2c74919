"""What is wrong with a folder, and where: file, line, column, value and reason."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.core.refusals import DomainError

SHOWN_VALUE = 60


@dataclass(frozen=True, slots=True)
class RowError:
    """A cell or row that is refused.

    ``line`` counts from 1, the header being line 1. ``column`` is empty when the whole row is
    meant. ``cooperative`` is the code of the one that the row belongs to, where that is known.
    """

    file: str
    line: int
    column: str
    value: str
    reason: str
    cooperative: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
        value = f" [{shortened(self.value)}]" if self.value else ""
        return f"{place}{value}: {self.reason}"


def shortened(value: str) -> str:
    """A value as a message can show it: printable, and not endless."""
    printable = "".join(sign if sign.isprintable() else "�" for sign in value[:SHOWN_VALUE])
    return printable if len(value) <= SHOWN_VALUE else f"{printable}…"


class NotACityFolderError(DomainError):
    """The folder is missing or empty, or holds none of the files of a city folder."""

    code = "not-a-city-folder"
    title = "Not a city folder"


class FolderInUseError(DomainError):
    """The target of an export holds files; name another folder, or ask to overwrite."""

    code = "folder-in-use"
    title = "The folder is not empty"


class ExportConflictError(DomainError):
    """Two cooperatives use one code for different things; export them one at a time."""

    code = "export-conflict"
    title = "Two cooperatives use one code for different things"
