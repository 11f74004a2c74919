"""``wijkeconomie import split``: a small group's bills from a file into the books."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.shell import UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.network.splitting.lines import SplitFile
from wijkeconomie.network.splitting.reading import read_split_file
from wijkeconomie.network.splitting.refusals import SplitPeopleUnknownError
from wijkeconomie.network.splitting.service import (
    Neighbour,
    SplitChoice,
    SplitPreview,
    book_split_file,
    guess_members,
    neighbours,
    preview_split,
)

CLI = system_identity("cli")


def _pair(
    _context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, meant = value.rpartition("=")
        if not equals or not name:
            raise click.BadParameter(f"write it as NAME=…, not {value!r}", param=option)
        found[name] = meant
    return found


@click.command("split")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--cooperative", "code", required=True, help="Code of the cooperative, as in C01.")
@click.option(
    "--member",
    "members",
    multiple=True,
    callback=_pair,
    metavar="NAME=NUMBER",
    help="Who a person of the file is; NAME= without a number leaves out lines with him.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=_pair,
    metavar="NAME=WEIGHT",
    help="The weight of a person of an IHateMoney file.",
)
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Accounting date; today.")
@click.option("--preview", "is_preview", is_flag=True, help="Show what it does; book nothing.")
@pass_shell
def import_split(  # noqa: PLR0917 click hands options over by position
    shell: Shell,
    file: Path,
    code: str,
    members: dict[str, str],
    weights: dict[str, str],
    day: datetime | None,
    *,
    is_preview: bool,
) -> None:
    """Book the bills of an IHateMoney or Splitwise export FILE as costs of a small group.

    The same file again books nothing twice. Exit code 1 when it is refused.
    """
    try:
        read = read_split_file(file.read_bytes())
    except DomainError as refusal:
        fail(f"{refusal.code}: {refusal.detail}", code=UNUSABLE)
    on = None if day is None else day.date()
    with shell.runtime() as runtime:
        with runtime.units_of_work.begin(identity=CLI) as uow:
            tenant = cooperative_by_code(uow.session, code).id
        with runtime.units_of_work.begin(identity=CLI, cooperative_id=tenant) as uow:
            known = neighbours(uow, on or local_date(uow.now, LOCAL_TIME))
            choice = _choice(read, known, members, weights, on)
            preview = preview_split(uow, read, choice)
            if not is_preview:
                book_split_file(uow, read, choice)
    _print(read, preview, is_preview=is_preview)


def _choice(
    file: SplitFile,
    known: list[Neighbour],
    members: dict[str, str],
    weights: dict[str, str],
    on: date | None,
) -> SplitChoice:
    found = guess_members(file.people, known) | members
    if strangers := [name for name in (*members, *weights) if name not in file.people]:
        raise SplitPeopleUnknownError(
            f"nobody in the file is called {strangers[0]}; there are {', '.join(file.people)}",
            people=strangers[0],
        )
    if missing := [name for name in file.people if name not in found]:
        told = " ".join(f'--member "{name}=NUMBER"' for name in missing)
        raise SplitPeopleUnknownError(f"say who these are, with {told}", people=", ".join(missing))
    return SplitChoice(members=found, weights=weights, accounting_date=on)


def _print(file: SplitFile, preview: SplitPreview, *, is_preview: bool) -> None:
    click.echo(f"{'number':<12}{'paid':>12}{'share':>12}{'repaid':>12}{'owes':>12}")
    for each in preview.members:
        figures = (each.paid_cents, each.share_cents, each.repaid_cents, each.owes_cents)
        click.echo(f"{each.code:<12}" + "".join(f"{format_plain(cents):>12}" for cents in figures))
    did = "Would book" if is_preview else "Booked"
    click.echo(f"{did} {preview.bills} bills and {preview.repayments} repayments.")
    if preview.known:
        click.echo(f"In the books already: {preview.known}.")
    if preview.agrees is not None:
        click.echo(f"The file's own totals {'agree' if preview.agrees else 'differ'}.")
    for wrong in file.wrong:
        click.echo(f"Left out: line {wrong.number} ({wrong.fault})", err=True)
    for left in preview.left_out:
        click.echo(f"Left out: line {left.line.number} ({left.reason})", err=True)
