"""Writing files of a folder: beside the target first, put in place when they are whole."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wijkeconomie.network.interchange.faults import FolderInUseError


@contextmanager
def folder_in_place(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside ``target``; its files are moved there when the block ends well.

    Files of folders within it go to folders of the same name. What else is in the target stays. A
    reader never sees half a file, and when the block raises nothing has changed.

    Raises:
        FolderInUseError: the target holds files and ``overwrite`` is not set, or is no folder.
    """
    if target.exists() and not target.is_dir():
        raise FolderInUseError(f"{target} is a file", folder=str(target))
    if not overwrite and target.is_dir() and any(target.iterdir()):
        raise FolderInUseError(
            f"{target} is not empty; name another folder, or overwrite its files",
            folder=str(target),
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield draft
        target.mkdir(exist_ok=True)
        for path in sorted(each for each in draft.rglob("*") if each.is_file()):
            place = target / path.relative_to(draft)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_rows(path: Path, names: Sequence[str], rows: Iterable[Iterable[str]]) -> int:
    """Write a CSV file with a header; returns how many rows it has."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value, indented by one space and with a newline at the end."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
