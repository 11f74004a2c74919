"""Runs migrations over the connection that the caller hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from wijkeconomie import tables

config = context.config


def run() -> None:
    connection = config.attributes.get("connection")
    if connection is None:
        connection = create_engine(config.attributes["url"]).connect()
    context.configure(
        connection=connection, target_metadata=tables.METADATA, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


run()
