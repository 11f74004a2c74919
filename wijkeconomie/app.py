"""Composition root: the only module that knows every part."""

from __future__ import annotations

import click
from flask import Flask

from wijkeconomie.cli.allocate import allocate_command
from wijkeconomie.cli.database import database_commands
from wijkeconomie.cli.serve import serve
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.settings import secret_key
from wijkeconomie.core.shell import Shell
from wijkeconomie.ledger.commands import ledger_commands
from wijkeconomie.network.commands import export_commands, import_commands
from wijkeconomie.purchasing.jobs import JOBS
from wijkeconomie.reports.commands import statement_command


def create_app(runtime: Runtime) -> Flask:
    """Build a web service on ``runtime``; two calls give two that share nothing."""
    app = Flask("wijkeconomie", template_folder="web/templates", static_folder="web/static")
    app.secret_key = secret_key(runtime.settings)
    app.extensions["wijkeconomie"] = runtime
    return app


@click.group(help="Wijkeconomie: group purchases, shared costs and the books of a neighbourhood.")
@click.version_option(package_name="wijkeconomie")
@click.pass_context
def command_line(context: click.Context) -> None:
    """The console script; each command opens what it needs."""
    context.obj = Shell(create_app=create_app, jobs=JOBS)


for _command in (
    allocate_command,
    database_commands,
    export_commands,
    import_commands,
    ledger_commands,
    serve,
    statement_command,
):
    command_line.add_command(_command)
