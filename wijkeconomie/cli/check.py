"""``wijkeconomie db check``: whether migrations and models agree."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from alembic import command
from alembic.util import CommandError

from wijkeconomie.core.database import (
    OWNER_ROLE,
    DatabaseAddresses,
    alembic_config,
    upgrade,
)
from wijkeconomie.core.embedded_postgres import EmbeddedPostgres
from wijkeconomie.core.shell import REFUSED, fail


@click.command("check")
def check_migrations() -> None:
    """Compare the models with what the migrations make, on a throw-away server."""
    with (
        tempfile.TemporaryDirectory(prefix="wijkeconomie-check-") as folder,
        EmbeddedPostgres(Path(folder), fsync=False).lease() as server,
    ):
        address = server.url(OWNER_ROLE, "postgres")
        upgrade(DatabaseAddresses(application=address, owner=address))
        try:
            command.check(alembic_config(address))
        except CommandError as error:
            fail(f"migrations and models differ: {error}", code=REFUSED)
