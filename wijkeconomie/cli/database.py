"""``wijkeconomie db``: the schema and the addresses of the database."""

from __future__ import annotations

import click

from wijkeconomie.cli.check import check_migrations
from wijkeconomie.core.database import client_address, database, upgrade
from wijkeconomie.core.embedded_postgres import EmbeddedPostgres
from wijkeconomie.core.shell import Shell, pass_shell


@click.group("db", help="The database: its schema and its addresses.")
def database_commands() -> None:
    """Group of the commands below."""


@database_commands.command("upgrade")
@click.option("--revision", default="head", show_default=True, help="Revision to go to.")
@pass_shell
def upgrade_schema(shell: Shell, revision: str) -> None:
    """Bring the schema to the newest (or the given) revision."""
    with database(shell.settings) as addresses:
        upgrade(addresses, revision)
    click.echo("The schema is current.")


@database_commands.command("url")
@click.option("--owner", is_flag=True, help="As the owner of the schema, not as the application.")
@pass_shell
def print_address(shell: Shell, *, owner: bool) -> None:
    """Print an address for psql, as the application's role or as the owner.

    The embedded server then stays up, so that the address can be used, until
    `wijkeconomie db stop`.
    """
    with shell.runtime(pin=True) as runtime:
        addresses = runtime.addresses
    click.echo(client_address(addresses.owner if owner else addresses.application))


@database_commands.command("status")
@pass_shell
def print_status(shell: Shell) -> None:
    """Say whether the embedded server runs, and for how many processes."""
    if not shell.settings.is_embedded:
        click.echo("The database is the server that DATABASE_URL names.")
        return
    status = EmbeddedPostgres(shell.settings.service_home).status()
    if status.process_id is None:
        click.echo("The embedded database is not running.")
    else:
        click.echo(f"Process {status.process_id} serves {status.leases} processes.")


@database_commands.command("stop")
@pass_shell
def stop_server(shell: Shell) -> None:
    """Stop the embedded server, whoever uses it."""
    stopped = EmbeddedPostgres(shell.settings.service_home).stop(force=True)
    click.echo("Stopped." if stopped else "The embedded database was not running.")


database_commands.add_command(check_migrations)
