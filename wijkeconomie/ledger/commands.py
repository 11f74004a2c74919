"""``wijkeconomie ledger``: questions an operator or an auditor asks of the books."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import click
from sqlalchemy import text

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.shell import REFUSED, UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.amounts import format_plain

DATE = click.DateTime(formats=["%Y-%m-%d"])
cooperative_option = click.option(
    "--cooperative", "code", help="Code of the cooperative, as in C01; all when left out."
)


@click.group("ledger", help="Inspect and verify the books.")
def ledger_commands() -> None:
    """Group of the commands below."""


@contextmanager
def _books(runtime: Runtime, cooperative_id: int) -> Iterator[UnitOfWork]:
    identity = system_identity("cli")
    with runtime.units_of_work.begin(identity=identity, cooperative_id=cooperative_id) as uow:
        yield uow


def _cooperatives(runtime: Runtime, code: str | None) -> list[tuple[int, str]]:
    """Id and code of the named cooperative, or of all; an unknown code ends the command."""
    with runtime.units_of_work.begin(identity=system_identity("cli")) as uow:
        rows = uow.session.execute(
            text(
                "select id, code from cooperative"
                " where cast(:code as text) is null or code = :code order by code"
            ),
            {"code": code},
        )
        found = [(row[0], row[1]) for row in rows]
    if code is not None and not found:
        fail(f"there is no cooperative {code}", code=UNUSABLE)
    return found


@ledger_commands.command("verify")
@cooperative_option
@pass_shell
def verify(shell: Shell, code: str | None) -> None:
    """Check gaps, sums, hashes and balances; exit 1 and name the first wrong entry."""
    faults = 0
    with shell.runtime() as runtime:
        for cooperative_id, cooperative in _cooperatives(runtime, code):
            with _books(runtime, cooperative_id) as uow:
                outcome = verify_books(uow.session, cooperative_id, cooperative)
            if outcome.fault is None:
                click.echo(
                    f"{cooperative}: {outcome.entries} entries, {outcome.postings} postings, "
                    f"all in order; last hash {outcome.last_hash.hex()}"
                )
                continue
            faults += 1
            place = (
                f"entry {outcome.fault.entry_number}"
                if outcome.fault.entry_number is not None
                else "the balances"
            )
            click.echo(f"{cooperative}: WRONG at {place} ({outcome.fault.check}): "
                       f"{outcome.fault.detail}")  # fmt: skip
    if faults:
        sys.exit(REFUSED)


@ledger_commands.command("trial-balance")
@cooperative_option
@click.option("--from", "from_", type=DATE, help="First accounting date of the movements.")
@click.option("--to", "until", type=DATE, help="First accounting date that no longer counts.")
@pass_shell
def trial_balance(
    shell: Shell, code: str | None, from_: datetime | None, until: datetime | None
) -> None:
    """Print each account's opening, debit, credit and closing; exit 1 when out of balance."""
    difference = 0
    with shell.runtime() as runtime:
        for cooperative_id, cooperative in _cooperatives(runtime, code):
            with _books(runtime, cooperative_id) as uow:
                lines = queries.trial_balance(
                    uow.session,
                    cooperative_id,
                    from_=from_.date() if from_ else date.min,
                    until=until.date() if until else date.max,
                )
            click.echo(f"{cooperative}")
            click.echo(f"{'account':<24}{'RGS':<14}{'opening':>14}{'debit':>14}{'credit':>14}"
                       f"{'closing':>14}  unit")  # fmt: skip
            for line in lines:
                click.echo(_line(line))
            difference += abs(_print_totals(lines))
    if difference:
        fail("the books do not balance", code=REFUSED)


def _line(line: queries.TrialBalanceLine) -> str:
    amounts = (line.opening, line.debit, line.credit, line.closing)
    figures = "".join(f"{format_plain(amount):>14}" for amount in amounts)
    return f"{line.account_code:<24}{line.rgs_code:<14}{figures}  {line.unit}"


def _print_totals(lines: list[queries.TrialBalanceLine]) -> int:
    difference = 0
    for unit in sorted({line.unit for line in lines}):
        own = [line for line in lines if line.unit == unit]
        sums = [
            sum(amounts)
            for amounts in zip(
                *((line.opening, line.debit, line.credit, line.closing) for line in own),
                strict=True,
            )
        ]
        figures = "".join(f"{format_plain(amount):>14}" for amount in sums)
        click.echo(f"{'total':<38}{figures}  {unit}")
        difference += abs(sums[0]) + abs(sums[3]) + abs(sums[1] - sums[2])
    return difference


@ledger_commands.command("entries")
@click.option("--cooperative", "code", required=True, help="Code of the cooperative, as in C01.")
@click.option("--from", "from_", type=DATE, help="First accounting date.")
@click.option("--to", "until", type=DATE, help="First accounting date that no longer counts.")
@click.option("--number", type=click.IntRange(min=1), help="One entry only.")
@pass_shell
def entries(
    shell: Shell,
    code: str,
    from_: datetime | None,
    until: datetime | None,
    number: int | None,
) -> None:
    """Print journal entries with their postings, in hledger's journal format."""
    with shell.runtime() as runtime:
        [(cooperative_id, _)] = _cooperatives(runtime, code)
        with _books(runtime, cooperative_id) as uow:
            last = number or queries.last_number(uow.session, cooperative_id)
            for start in range(number or 1, last + 1, 500):
                page = queries.entries(
                    uow.session,
                    cooperative_id,
                    first=start,
                    last=min(last, start + 499),
                    from_=from_.date() if from_ else None,
                    until=until.date() if until else None,
                )
                for entry in page:
                    click.echo(_journal_text(entry))


def _journal_text(entry: queries.Entry) -> str:
    head = f"{entry.accounting_date} ({entry.number}) {entry.description}"
    notes = f"    ; {entry.kind}, {entry.source}, hash {entry.hash.hex()}"
    lines = [
        f"    {line.account_code:<32}  {line.unit} {format_plain(line.amount):>14}"
        for line in entry.postings
    ]
    return "\n".join([head, notes, *lines, ""])
