"""``wijkeconomie login``: logins of the operator, and help for who forgot a password."""

from __future__ import annotations

import click

from wijkeconomie.cooperatives.logins import (
    create_login,
    hash_password,
    login_by_email,
    password_hasher,
    set_password,
)
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.shell import Shell, pass_shell

password_option = click.option(
    "--password",
    prompt="New password",
    hide_input=True,
    confirmation_prompt=True,
    help="Asked for when left out, so that it stays out of the shell's history.",
)


@click.group("login", help="Logins of the operator, and forgotten passwords.")
def login_commands() -> None:
    """Group of the commands below."""


@login_commands.command("create-platform")
@click.argument("email")
@click.option("--name", default="Beheerder", show_default=True, help="Name to show.")
@password_option
@pass_shell
def create_platform_login(shell: Shell, email: str, name: str, password: str) -> None:
    """Create the login of an operator, who may enter every cooperative."""
    with shell.runtime() as runtime:
        hasher = password_hasher(runtime.settings.security_password_hashing)
        with runtime.units_of_work.begin(identity=system_identity("cli")) as uow:
            create_login(
                uow,
                email=email,
                display_name=name,
                password_hash=hash_password(password, hasher),
                is_platform=True,
            )
    click.echo(f"{email} can sign in.")


@login_commands.command("reset-password")
@click.argument("email")
@password_option
@pass_shell
def reset_password(shell: Shell, email: str, password: str) -> None:
    """Give a login a new password and end its sessions."""
    with shell.runtime() as runtime:
        hasher = password_hasher(runtime.settings.security_password_hashing)
        with runtime.units_of_work.begin(identity=system_identity("cli")) as uow:
            login = login_by_email(uow, email)
            set_password(uow, login.login_id, hash_password(password, hasher))
    click.echo(f"{email} has a new password.")
