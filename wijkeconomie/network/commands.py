"""``wijkeconomie import`` and ``wijkeconomie export``: a cooperative moves in, and out again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.shell import REFUSED, UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.network.interchange.exporting import ExportOutcome
from wijkeconomie.network.interchange.exporting import export_city as write_city
from wijkeconomie.network.interchange.faults import NotACityFolderError, RowError
from wijkeconomie.network.interchange.importing import import_city as read_city
from wijkeconomie.network.interchange.outcome import ImportOutcome, RowOutcome
from wijkeconomie.network.interchange.outcomes import export_outcomes as write_outcomes
from wijkeconomie.network.splitting.command import import_split

SHOWN_FAULTS = 20
FOLDER = click.Path(path_type=Path)
cooperative_option = click.option(
    "--cooperative", "code", help="Code of one cooperative, as in C01; all when left out."
)


@click.group("import", help="Bring data in.")
def import_commands() -> None:
    """Group of the commands below."""


@click.group("export", help="Take data out.")
def export_commands() -> None:
    """Group of the commands below."""


import_commands.add_command(import_split)


@import_commands.command("city")
@click.argument("folder", type=FOLDER)
@click.option(
    "--strict/--no-strict",
    "is_strict",
    default=True,
    show_default=True,
    help="Import nothing of a cooperative with a wrong row, or leave out wrong rows only.",
)
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8"),
    help="Write everything that is wrong to this file, a line each.",
)
@pass_shell
def import_city(shell: Shell, folder: Path, *, is_strict: bool, report: TextIO | None) -> None:
    """Import the city in FOLDER; the same command again goes on where it stopped.

    Exit code 1 when anything was refused, 2 when FOLDER is not a city.
    """
    listener = FaultPrinter(report)
    with shell.runtime() as runtime, _bars() as bars:
        try:
            outcome = read_city(
                runtime.units_of_work,
                folder,
                is_strict=is_strict,
                progress=bars,
                on_fault=listener,
            )
        except NotACityFolderError as refusal:
            fail(refusal.detail, code=UNUSABLE)
    _print_summary(outcome)
    listener.close(outcome)
    if outcome.has_refusals:
        sys.exit(REFUSED)


@export_commands.command("city")
@click.argument("folder", type=FOLDER)
@cooperative_option
@click.option("--overwrite", is_flag=True, help="Replace the files of an earlier export.")
@pass_shell
def export_city(shell: Shell, folder: Path, code: str | None, *, overwrite: bool) -> None:
    """Write everything to FOLDER, as an import reads it."""
    with shell.runtime() as runtime:
        outcome = write_city(
            runtime.units_of_work,
            system_identity("cli"),
            folder,
            cooperative=code,
            overwrite=overwrite,
        )
    _print_export(folder, outcome)


@export_commands.command("outcomes")
@click.argument("folder", type=FOLDER)
@cooperative_option
@pass_shell
def export_outcomes(shell: Shell, folder: Path, code: str | None) -> None:
    """Write what rounds and costs came to, and the answers to redemptions."""
    with shell.runtime() as runtime:
        rows = write_outcomes(
            runtime.units_of_work, system_identity("cli"), folder, cooperative=code
        )
    for file, count in rows.items():
        click.echo(f"{folder / file}: {count} rows")


class FaultPrinter:
    """Shows the first faults of each cooperative, counts the rest, and writes all to a file."""

    def __init__(self, report: TextIO | None) -> None:
        self._report = report
        self._shown: dict[str, list[RowError]] = {}
        self._count: Counter[str] = Counter()

    def __call__(self, fault: RowError) -> None:
        owner = fault.cooperative or ""
        self._count[owner] += 1
        first = self._shown.setdefault(owner, [])
        if len(first) < SHOWN_FAULTS:
            first.append(fault)
        if self._report is not None:
            self._report.write(f"{owner or '-'}\t{fault}\n")

    def close(self, outcome: ImportOutcome) -> None:
        """Print what was refused, by cooperative, on standard error."""
        for owner, faults in self._shown.items():
            fate = "nothing of it is imported" if owner in outcome.left_out else "left out"
            whose = f"{owner} ({fate})" if owner else "Of no known cooperative"
            click.echo(f"\n{whose}: {self._count[owner]} wrong", err=True)
            for fault in faults:
                click.echo(f"  {fault}", err=True)
            if (more := self._count[owner] - len(faults)) > 0:
                where = self._report.name if self._report is not None else "use --report FILE"
                click.echo(f"  and {more} more ({where})", err=True)


class ProgressBars:
    """Two bars: rows read and checked, and rows of rounds and members brought in."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def row_read(self, file: str) -> None:
        """Count a row that was read."""
        self._advance("Reading", file, 1)

    def rows_done(self, cooperative: str, file: str, rows: int) -> None:
        """Count rows that were brought in."""
        self._advance("Importing", f"{cooperative} {file}", rows)

    def _advance(self, name: str, detail: str, rows: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None, detail="")
        self._bars.update(self._tasks[name], advance=rows, detail=detail)


@contextmanager
def _bars() -> Iterator[ProgressBars | None]:
    """Bars on standard error when a person looks at it, else nothing."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        if not console.is_terminal:
            yield None
            return
        bars = Bars(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        yield ProgressBars(stack.enter_context(bars))


def _print_summary(outcome: ImportOutcome) -> None:
    heads = ("read", *(name.value for name in RowOutcome))
    click.echo(f"{'file':<26}" + "".join(f"{head:>11}" for head in heads))
    for file, rows in outcome.rows.items():
        figures = (rows, *(outcome.counts[file, name] for name in RowOutcome))
        click.echo(f"{file:<26}" + "".join(f"{figure:>11}" for figure in figures))
    if any(name is RowOutcome.KEPT for _, name in outcome.counts):
        click.echo("Kept: read, checked and stored until there is a part that works with it.")
    click.echo(f"Cooperatives imported: {', '.join(outcome.cooperatives) or 'none'}")
    if outcome.left_out:
        click.echo(f"Cooperatives left out: {', '.join(outcome.left_out)}")
    for remark in outcome.remarks[:SHOWN_FAULTS]:
        click.echo(f"Look at {remark}")
    if (more := len(outcome.remarks) - SHOWN_FAULTS) > 0:
        click.echo(f"and {more} more bank lines that were not booked")


def _print_export(folder: Path, outcome: ExportOutcome) -> None:
    for file, rows in outcome.rows.items():
        click.echo(f"{folder / file}: {rows} rows")
    for cooperative, code, state in outcome.unfinished:
        click.echo(f"Goes on where it comes in: round {code} of {cooperative} ({state})")
