"""Runs migrations over the connection that the caller hands over, or over one of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from wijkeconomie import tables

config = context.config


def run(connection: Connection) -> None:
    """Migrate over a connection that stays the caller's."""
    context.configure(
        connection=connection, target_metadata=tables.METADATA, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := config.attributes.get("connection")) is not None:
    run(given)
else:
    engine = create_engine(config.attributes["url"])
    with engine.connect() as own:
        run(own)
    engine.dispose()
