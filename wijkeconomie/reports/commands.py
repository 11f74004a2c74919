"""``wijkeconomie statement``: a statement as a file, the same bytes for the same request."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import text

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.shell import UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.core.typesetting import Language
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.rendering import Format, render, render_many
from wijkeconomie.reports.service import StatementRequest, every_member_statement, statement_for

DATE = click.DateTime(formats=["%Y-%m-%d"])
STANDARD_OUTPUT = "-"


@click.command("statement")
@click.option("--cooperative", "code", required=True, help="Code of the cooperative, as in C01.")
@click.option("--from", "from_", type=DATE, required=True, help="First day of the period.")
@click.option("--to", "until", type=DATE, required=True, help="First day after the period.")
@click.option("--member", "member_code", help="Member number, as in L00001.")
@click.option("--round", "round_code", help="Code of a round, as in C01-R01.")
@click.option("--all-members", is_flag=True, help="Every member, in one file (CSV only).")
@click.option("--format", "format_", type=click.Choice(["csv", "pdf", "json"]), required=True)
@click.option("--output", required=True, help="The file to write; - for standard output.")
@click.option("--language", type=click.Choice(["nl", "en"]), default="nl", show_default=True)
@click.option("--large-print", is_flag=True, help="Type of 16 points (PDF only).")
@pass_shell
def statement_command(  # noqa: PLR0917 - click passes its options by name
    shell: Shell,
    code: str,
    from_: datetime,
    until: datetime,
    member_code: str | None,
    round_code: str | None,
    format_: Format,
    output: str,
    language: Language,
    *,
    all_members: bool,
    large_print: bool,
) -> None:
    """Write the statement of a cooperative, or of one member or round of it, or of all members."""
    if until <= from_:
        fail("--to must be later than --from: it is the first day after the period", code=UNUSABLE)
    if [bool(member_code), bool(round_code), all_members].count(True) > 1:
        fail("give one of --member, --round and --all-members", code=UNUSABLE)
    if all_members and format_ != "csv":
        fail("--all-members goes with --format csv", code=UNUSABLE)
    if large_print and format_ != "pdf":
        fail("--large-print goes with --format pdf", code=UNUSABLE)
    request = StatementRequest(
        period=Period(from_.date(), until.date()),
        member_code=member_code,
        round_code=round_code,
    )
    with shell.runtime() as runtime, _cooperative(runtime, code) as uow:
        if all_members:
            content = render_many(every_member_statement(uow, request.period), language=language)
        else:
            found = statement_for(uow, request)
            content = render(found, format_, language=language, large_print=large_print)
    if output == STANDARD_OUTPUT:
        click.echo(content, nl=False)
        return
    try:
        write_whole(Path(output), content)
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror}", code=UNUSABLE)


@contextmanager
def _cooperative(runtime: Runtime, code: str) -> Iterator[UnitOfWork]:
    identity = system_identity("cli")
    with runtime.units_of_work.begin(identity=identity) as uow:
        cooperative_id = uow.session.scalar(
            text("select id from cooperative where code = :code"), {"code": code}
        )
    if cooperative_id is None:
        raise NotFoundError(f"there is no cooperative {code}", cooperative=code)
    with runtime.units_of_work.begin(identity=identity, cooperative_id=cooperative_id) as uow:
        yield uow


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the whole new one, never a part.

    Raises:
        OSError: the folder or the disk does not allow it; an earlier file is left as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o640)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
