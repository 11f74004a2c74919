"""``wijkeconomie demo``: a sample city, a round played by its people, and the site to look at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from waitress import serve as serve_wsgi

from wijkeconomie.cli.demo_round import PlayedRound, Player, Players, plan_open_round, play_round
from wijkeconomie.cooperatives.invitations import Invite, accept_invitation, invite
from wijkeconomie.cooperatives.logins import hash_password, password_hasher
from wijkeconomie.cooperatives.queries import cooperative_by_code, grants_of_login, role_holders
from wijkeconomie.core.identity import Identity, Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.shell import UNUSABLE, Shell, fail, pass_shell
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.reports.commands import write_whole
from wijkeconomie.reports.rendering import render
from wijkeconomie.reports.service import StatementRequest, statement_for

CITY = Path(__file__).parents[1] / "network" / "demo_city"
COOPERATIVE = "MRS"
PASSWORD = "samen in de buurt"  # noqa: S105 printed for everyone: a demo holds nothing real
LOGINS = (
    ("annelies@example.org", "Annelies de Wit", {Role.MEMBER}, "M101"),
    ("carlijn@example.org", "Carlijn van der Meulen", {Role.MEMBER}, "M103"),
    ("esra@example.org", "Esra Çelik", {Role.MEMBER}, "M105"),
    ("bram@example.org", "Bram Hoekstra", {Role.MEMBER, Role.COORDINATOR}, "M102"),
    ("gerda@example.org", "Gerda van Loon", {Role.MEMBER, Role.TREASURER, Role.BOARD}, "M107"),
    ("accountant@example.org", "Fenna Postma", {Role.ACCOUNTANT}, None),
    ("hanneke@example.org", "Hanneke Bos", {Role.CARE}, None),
)
COORDINATOR, TREASURER = "bram@example.org", "gerda@example.org"


@click.command("demo")
@click.option("--serve/--no-serve", "is_served", default=True, show_default=True)
@pass_shell
def demo_command(shell: Shell, *, is_served: bool) -> None:
    """Import a sample city, play a round as its people would, and serve the site."""
    if shell.settings.service_production:
        fail("a demo is not for production: it makes logins with a known password", code=UNUSABLE)
    with shell.runtime() as runtime:
        played, files = _play(runtime)
        _print_table(runtime, played, files)
        if not is_served:
            return
        with shell.clock(runtime):
            application = shell.create_app(runtime)
            settings = runtime.settings
            address = f"http://{settings.server_host}:{settings.server_port}"
            click.echo(f"\nOpen {address} in a browser; Ctrl-C stops it.")
            serve_wsgi(
                application,
                host=settings.server_host,
                port=settings.server_port,
                threads=settings.server_threads,
                _quiet=True,
            )


def _play(runtime: Runtime) -> tuple[PlayedRound, list[Path]]:
    faults: list[object] = []
    import_city(runtime.units_of_work, CITY, on_fault=faults.append)
    if faults:
        fail(f"the sample city was changed by hand: {faults[0]}", code=UNUSABLE)
    with runtime.units_of_work.begin(identity=system_identity("demo")) as uow:
        cooperative_id = cooperative_by_code(uow.session, COOPERATIVE).id

    def within(identity: Identity) -> AbstractContextManager[UnitOfWork]:
        return runtime.units_of_work.begin(identity=identity, cooperative_id=cooperative_id)

    _make_logins(runtime, within)
    players = _players(runtime, within)
    played = play_round(players)
    with within(system_identity("demo")) as uow:
        is_any_open = bool(
            queries.rounds(uow.session, uow.tenant, states=[RoundState.OPEN], limit=1)
        )
    if not is_any_open:
        plan_open_round(players)
    with within(system_identity("demo")) as uow:
        return played, _write_statements(uow, runtime, played)


def _make_logins(
    runtime: Runtime, within: Callable[[Identity], AbstractContextManager[UnitOfWork]]
) -> None:
    """Invite everyone, and accept as they would; who has a login keeps it."""
    hasher = password_hasher(runtime.settings.security_password_hashing)
    with within(system_identity("demo")) as uow:
        known = {holder.email for holder in role_holders(uow.session, uow.tenant)}
        for email, name, roles, member_code in LOGINS:
            if email in known:
                continue
            command = Invite(
                email=email, display_name=name, roles=frozenset(roles), member_code=member_code
            )
            token = invite(uow, command).token
            accept_invitation(uow, token, password_hash=hash_password(PASSWORD, hasher))


def _players(
    runtime: Runtime, within: Callable[[Identity], AbstractContextManager[UnitOfWork]]
) -> Players:
    with within(system_identity("demo")) as uow:
        holders = {holder.email: holder for holder in role_holders(uow.session, uow.tenant)}
    found: dict[str, Player] = {}
    for email, name, _roles, _member_code in LOGINS:
        login_id = holders[email].login_id
        asking = Identity(actor=f"login:{login_id}", login_id=login_id)
        with runtime.units_of_work.begin(identity=asking) as uow:
            [grant] = [
                each for each in grants_of_login(uow.session, login_id) if each.code == COOPERATIVE
            ]
        identity = Identity(
            actor=asking.actor, login_id=login_id, member_id=grant.member_id, roles=grant.roles
        )
        found[email] = Player(name, lambda identity=identity: within(identity))  # type: ignore[misc]
    members = {code: found[email] for email, _name, _roles, code in LOGINS if code is not None}
    return Players(members, found[COORDINATOR], found[TREASURER])


def _write_statements(uow: UnitOfWork, runtime: Runtime, played: PlayedRound) -> list[Path]:
    """Write the round's statement and a member's of this month, as PDF and CSV."""
    folder = runtime.settings.service_home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    month = Period.month_of(local_date(played.settled_on, LOCAL_TIME))
    requests = {
        f"round-{played.code}": StatementRequest(period=month, round_code=played.code),
        "member-M101": StatementRequest(period=month, member_code="M101"),
    }
    files = []
    for name, request in requests.items():
        statement = statement_for(uow, request)
        for format_ in ("pdf", "csv"):
            path = folder / f"statement-{name}.{format_}"
            write_whole(path, render(statement, "pdf" if format_ == "pdf" else "csv"))
            files.append(path)
    return files


def _print_table(runtime: Runtime, played: PlayedRound, files: list[Path]) -> None:
    console = Console(width=96)
    table = Table(title=f"Round {played.code} in {COOPERATIVE}, step by step", title_justify="left")
    table.add_column("Who")
    table.add_column("What")
    table.add_column("Amount", justify="right")
    for step in played.steps:
        cents = "" if step.cents is None else format_amount(step.cents, "nl")
        table.add_row(step.who, step.text, cents)
    console.print(table)
    _print_books(runtime, console)
    console.print("\nStatements:")
    for path in files:
        click.echo(f"  {path}")
    console.print(f'\nDemo logins, all with the password "{PASSWORD}":')
    for email, name, roles, _member in LOGINS:
        words = ", ".join(sorted(role.value for role in roles))
        click.echo(f"  {email:<26} {name} ({words})")


def _print_books(runtime: Runtime, console: Console) -> None:
    with runtime.units_of_work.begin(identity=system_identity("demo")) as uow:
        cooperative = cooperative_by_code(uow.session, COOPERATIVE)
    with runtime.units_of_work.begin(
        identity=system_identity("demo"), cooperative_id=cooperative.id
    ) as uow:
        outcome = verify_books(uow.session, uow.tenant, cooperative.code)
    state = "all in order" if outcome.fault is None else outcome.fault.detail
    console.print(f"The books: {outcome.entries} entries, {outcome.postings} postings, {state}.")
