"""``wijkeconomie settle costs`` and ``wijkeconomie verify-settlement``."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.shell import REFUSED, UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.costs.previewing import MonthPreview, preview_month
from wijkeconomie.costs.proof_checking import ProofError, verify_proof
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.money.periods import Period


@click.group("settle", help="Settle what waits.")
def settle_commands() -> None:
    """Group of the command below."""


@settle_commands.command("costs")
@click.option("--cooperative", "code", required=True, help="Code of the cooperative, as in C01.")
@click.option("--period", required=True, help="The month, as in 2026-01.")
@click.option(
    "--accounting-date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which they are booked, when the books of their month are closed.",
)
@click.option("--dry-run", is_flag=True, help="Show what it comes to and write nothing.")
@pass_shell
def settle_costs(
    shell: Shell, code: str, period: str, *, accounting_date: datetime | None, dry_run: bool
) -> None:
    """Settle the shared costs of a month, once; again does nothing."""
    month = _month(period)
    booked_on = accounting_date.date() if accounting_date is not None else None
    with shell.runtime() as runtime:
        identity = system_identity("cli")
        with runtime.units_of_work.begin(identity=identity) as uow:
            cooperative = cooperative_by_code(uow.session, code)
        with runtime.units_of_work.begin(identity=identity, cooperative_id=cooperative.id) as uow:
            if dry_run:
                _print_preview(preview_month(uow, month))
                return
            settled = settle_month(uow, month, Publication.WITH_LETTER, accounting_date=booked_on)
    if settled is None:
        click.echo(f"Nothing waits in {period}")
        return
    click.echo(f"Settled {len(settled.costs)} costs of {period}: {', '.join(settled.costs)}")


def _month(period: str) -> date:
    try:
        found = Period.parse(period)
    except ValueError as error:
        fail(str(error), code=UNUSABLE)
    if found != Period.month_of(found.start):
        fail(f"{period} is not one month: write it as 2026-01", code=UNUSABLE)
    return found.start


def _print_preview(preview: MonthPreview) -> None:
    if not preview.costs:
        click.echo(f"Nothing waits in {preview.month.start:%Y-%m}")
        return
    for cost in preview.costs:
        told = f"by {cost.key} over {cost.members} members"
        if cost.refusal is not None:
            told = f"CANNOT be settled: {cost.refusal.detail}"
        elif cost.subsidy_cents:
            told += f", subsidy {format_plain(cost.subsidy_cents)}"
        click.echo(
            f"{cost.code:<12} {format_plain(cost.total_cents):>12}  {cost.description}, {told}"
        )
    click.echo()
    click.echo(f"{'member':<12} {'now':>12} {'last month':>12} {'difference':>12}")
    for member in preview.members:
        figures = (member.cents, member.before_cents, member.difference_cents)
        click.echo(
            f"{member.code:<12}" + "".join(f" {format_plain(cents):>12}" for cents in figures)
        )


@click.command("verify-settlement")
@click.argument("file", type=click.Path(path_type=Path))
def verify_settlement(file: Path) -> None:
    """Compute a settlement again from its downloaded proof alone; exit code 1 when it is wrong."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", code=UNUSABLE)
    try:
        outcome = verify_proof(content)
    except ProofError as error:
        fail(f"WRONG: {error}", code=REFUSED)
    head = outcome.head
    click.echo(
        f"Right: {format_plain(head.total_cents)} euro of cost {head.cost} ({head.cooperative},"
        f" {head.month}) over {outcome.parties} parties by key {head.key}, version"
        f" {head.key_version}; every share is what the weights give."
    )
    if outcome.subsidy_cents:
        click.echo(
            f"Of this subsidies pay {format_plain(outcome.subsidy_cents)} euro, as the proof tells."
        )
    click.echo(f"Digest {outcome.digest}")
    if outcome.entry_number is not None:
        click.echo(
            f"Compare with the books: the description of entry {outcome.entry_number}"
            f" ends with this digest, and its hash is {outcome.entry_hash}."
        )
