"""The database: its addresses, its roles, its engine and its schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from wijkeconomie.core.embedded_postgres import EmbeddedPostgres
from wijkeconomie.core.settings import MIGRATIONS_FOLDER, Settings

APPLICATION_ROLE = "wijkeconomie_app"
OWNER_ROLE = "wijkeconomie_owner"
DATABASE_NAME = "wijkeconomie"


class SchemaNotCurrentError(Exception):
    """The schema is older or newer than this program; run ``wijkeconomie db upgrade``."""


@dataclass(frozen=True, slots=True)
class DatabaseAddresses:
    """Where the database is, as the application's role and as the schema's owner."""

    application: str
    owner: str

    @property
    def shares_login(self) -> bool:
        """Whether one login serves both; sessions then step down to the application's role."""
        return self.application == self.owner


@contextmanager
def database(settings: Settings, *, pin: bool = False) -> Iterator[DatabaseAddresses]:
    """The addresses of the configured server, or of the embedded one, kept up meanwhile.

    ``pin`` keeps the embedded one up afterwards too, until ``wijkeconomie db stop``.
    """
    if not settings.is_embedded:
        owner = settings.database_owner_url or settings.database_url
        yield DatabaseAddresses(settings.database_url, owner)
        return
    embedded = EmbeddedPostgres(settings.service_home)
    with embedded.lease() as server:
        if pin:
            embedded.pin()
        _create_if_missing(server.url(OWNER_ROLE, "postgres"))
        yield DatabaseAddresses(
            application=server.url(APPLICATION_ROLE, DATABASE_NAME),
            owner=server.url(OWNER_ROLE, DATABASE_NAME),
        )


def _create_if_missing(maintenance_url: str) -> None:
    engine = create_engine(maintenance_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # The lock keeps two first processes from creating the database at the same time.
        connection.execute(text("select pg_advisory_lock(7301)"))
        known = connection.scalar(
            text("select 1 from pg_database where datname = :name"), {"name": DATABASE_NAME}
        )
        if not known:
            connection.execute(text(f"create database {DATABASE_NAME}"))
    engine.dispose()


def application_engine(addresses: DatabaseAddresses, *, pool_size: int = 5) -> Engine:
    """An engine whose every session has the application's rights and no more."""
    engine = create_engine(
        addresses.application, pool_size=pool_size, max_overflow=10, pool_pre_ping=False
    )
    if addresses.shares_login:
        event.listen(engine, "connect", _step_down)
    return engine


def _step_down(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"set role {APPLICATION_ROLE}")
    cursor.close()
    connection.commit()


def alembic_config(owner_url: str) -> Config:
    """Alembic's configuration for our migrations, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    config.attributes["url"] = owner_url
    return config


def upgrade(addresses: DatabaseAddresses, revision: str = "head") -> None:
    """Bring the schema to ``revision``; several at once wait for one another."""
    engine = create_engine(addresses.owner)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(7302)"))
        connection.commit()
        config = alembic_config(addresses.owner)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def require_current_schema(engine: Engine) -> None:
    """Refuse to start on a schema of another version.

    Raises:
        SchemaNotCurrentError: names both revisions.
    """
    expected = ScriptDirectory(str(MIGRATIONS_FOLDER)).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != expected:
        raise SchemaNotCurrentError(
            f"the database is at revision {found or 'none'} and this program needs {expected}: "
            "run `wijkeconomie db upgrade`"
        )


def client_address(url: str) -> str:
    """The same address in the form that psql and other clients of libpq take."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
