"""What one running process holds, built once by the composition root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from wijkeconomie.core.database import (
    DatabaseAddresses,
    application_engine,
    database,
    require_current_schema,
    upgrade,
)
from wijkeconomie.core.settings import Settings
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, database and units of work; everything an entry point needs."""

    settings: Settings
    addresses: DatabaseAddresses
    engine: Engine
    units_of_work: UnitOfWorkFactory


@contextmanager
def open_runtime(settings: Settings, *, pin: bool = False) -> Iterator[Runtime]:
    """Reach the database and hold it until the block ends.

    The embedded database is brought to the current schema by itself, since nobody else will
    do it; a configured server is only checked (``wijkeconomie db upgrade`` changes it).

    Raises:
        SchemaNotCurrentError: a configured server has another schema.
    """
    with database(settings, pin=pin) as addresses:
        engine = application_engine(addresses, pool_size=settings.database_pool_size)
        try:
            if settings.is_embedded:
                upgrade(addresses)
            require_current_schema(engine)
            yield Runtime(settings, addresses, engine, UnitOfWorkFactory(session_factory(engine)))
        finally:
            engine.dispose()


def current_runtime() -> Runtime:
    """The runtime of the application that handles this request."""
    return cast(Runtime, current_app.extensions["wijkeconomie"])
