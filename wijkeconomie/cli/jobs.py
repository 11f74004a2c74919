"""``wijkeconomie jobs`` and ``wijkeconomie worker``: scheduled work, seen and done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import click
from sqlalchemy import text

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.job_starts import Started
from wijkeconomie.core.jobs import (
    Due,
    JobRun,
    due_work,
    failing_work,
    latest_runs,
    run_due,
    work_under_way,
)
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.shell import REFUSED, UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.money.periods import LOCAL_TIME

CLI = system_identity("cli")
at_option = click.option(
    "--at",
    "moment",
    help="As if it were this moment, as in 2026-02-01T00:05 (for rehearsals on a copy).",
)


@click.group("jobs", help="Scheduled work: what was done, what is due.")
def jobs_commands() -> None:
    """Group of the commands below."""


@jobs_commands.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@pass_shell
def list_runs(shell: Shell, limit: int) -> None:
    """Show what is being done now, and what was done or failed last, for each cooperative."""
    with shell.runtime() as runtime:
        for code, uow in _each_cooperative(runtime.units_of_work):
            for started in work_under_way(uow, shell.scheduled):
                click.echo(f"{code:<6} {_moment(started.started_at)}  {_told_now(started)}")
            failing = {(run.job, run.period) for run in failing_work(uow, shell.scheduled)}
            for run in latest_runs(uow.session, uow.tenant, limit=limit):
                is_failing = (run.job, run.period) in failing
                told = _told(run, is_failing=is_failing)
                click.echo(f"{code:<6} {_moment(run.finished_at)}  {told}")


@jobs_commands.command("due")
@at_option
@pass_shell
def show_due(shell: Shell, moment: str | None) -> None:
    """Show what is due, oldest first."""
    with shell.runtime() as runtime:
        for code, uow in _each_cooperative(_at(runtime, moment)):
            for due in due_work(uow, shell.scheduled, with_waiting=True):
                click.echo(f"{code:<6} {_moment(due.due_at)}  {due.job} {due.period}")


@jobs_commands.command("run-due")
@at_option
@pass_shell
def run_due_now(shell: Shell, moment: str | None) -> None:
    """Do everything that is due, once; exit code 1 when anything failed.

    In production --at is refused: what it did, months that have not come were booked for good.
    """
    if moment is not None and shell.settings.service_production:
        fail(
            "--at is for rehearsals on a copy: this is production (service.production), and work"
            " done as if it were another moment would stand in its books. Nothing was done;"
            " `jobs due --at` shows what would be.",
            code=REFUSED,
        )
    with shell.runtime() as runtime:
        codes = {uow.tenant: code for code, uow in _each_cooperative(runtime.units_of_work)}

        def tell(cooperative_id: int, due: Due, failure: JobRun | None) -> None:
            code = codes.get(cooperative_id, "?")
            told = "done" if failure is None else f"FAILED: {failure.detail} ({failure.error})"
            click.echo(f"{code:<6} {due.job} {due.period}: {told}")

        hands = runtime.settings.worker_hands
        tally = run_due(_at(runtime, moment), shell.scheduled, hands=hands, on_done=tell)
    click.echo(f"{tally.done} done, {tally.failed} failed")
    if tally.failed:
        raise click.exceptions.Exit(REFUSED)


@click.command("worker")
@pass_shell
def worker(shell: Shell) -> None:
    """Do scheduled work until interrupted; several may run, one leads."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with shell.runtime() as runtime, shell.clock(runtime):
        click.echo("The worker looks for due work (Ctrl-C to stop)")
        stop.wait()


def _at(runtime: Runtime, moment: str | None) -> UnitOfWorkFactory:
    if moment is None:
        return runtime.units_of_work
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        fail(f"{moment!r} is not a moment: write it as 2026-02-01T00:05", code=UNUSABLE)
    then = (read if read.tzinfo else read.replace(tzinfo=LOCAL_TIME)).astimezone(UTC)
    return replace(runtime.units_of_work, clock=lambda: then)


def _each_cooperative(units_of_work: UnitOfWorkFactory) -> Iterator[tuple[str, UnitOfWork]]:
    with units_of_work.begin(identity=CLI) as uow:
        rows = uow.session.execute(text("select code, id from cooperative order by code")).all()
    for code, cooperative_id in rows:
        with units_of_work.begin(identity=CLI, cooperative_id=cooperative_id) as uow:
            yield code, uow


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M}"


def _told_now(started: Started) -> str:
    what = f"{started.job} {started.period}"
    if started.is_interrupted:
        return f"{what}: BROKEN OFF, is done again from the start"
    return f"{what}: busy, then {started.waiting} more"


def _told(run: JobRun, *, is_failing: bool) -> str:
    what = f"{run.job} {run.period}"
    if run.error is None:
        return f"{what}: done ({run.outcome})"
    if not is_failing:
        return f"{what}: not needed any more; failed before: {run.detail} ({run.error})"
    again = _moment(run.next_attempt_at) if run.next_attempt_at else "never"
    return f"{what}: FAILED {run.attempts} times: {run.detail} ({run.error}); again at {again}"
