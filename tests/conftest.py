"""Fixtures that every kind of test shares: one server a run, one database a worker."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text

from tests.unit.network.city_folders import DEMO_CITY
from wijkeconomie.app import create_app
from wijkeconomie.core.database import (
    APPLICATION_ROLE,
    OWNER_ROLE,
    DatabaseAddresses,
    application_engine,
    upgrade,
)
from wijkeconomie.core.embedded_postgres import EmbeddedPostgres, ServerAddress
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.settings import Settings, load_settings
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.network.interchange.importing import import_city

TEMPLATE = "wijkeconomie_template"
CITY_TEMPLATE = "wijkeconomie_city"
SAMPLE_TEMPLATE = "wijkeconomie_sample_city"
SAMPLE_VARIABLE = "SAMPLE_CITY_FOLDER"
"""Where the large sample city lies, when not in ``shared/sample_city`` beside the checkout."""
START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

hypothesis.settings.register_profile("dev", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def set(self, moment: datetime) -> None:
        self.now = moment

    def advance(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture(scope="session")
def run_folder(testrun_uid: str) -> Iterator[Path]:
    """A folder that all workers of this run share; the last one out removes it."""
    folder = Path(tempfile.gettempdir()) / f"wijkeconomie-test-{testrun_uid}"
    folder.mkdir(exist_ok=True)
    yield folder
    if EmbeddedPostgres(folder).status().process_id is None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(run_folder: Path) -> Iterator[ServerAddress]:
    """One PostgreSQL for the run. What tests write there need not survive a power cut."""
    with EmbeddedPostgres(run_folder, fsync=False).lease() as address:
        yield address


@pytest.fixture(scope="session")
def template(server: ServerAddress, run_folder: Path) -> str:
    """The name of a database with the real migrations, made once a run."""
    _make_once(server, run_folder, TEMPLATE, upgrade)
    return TEMPLATE


@pytest.fixture(scope="session")
def city_template(server: ServerAddress, template: str, run_folder: Path) -> str:
    """The name of a database with the demo city in it, imported once a run."""

    def import_demo(addresses: DatabaseAddresses) -> None:
        engine = application_engine(addresses)
        import_city(UnitOfWorkFactory(session_factory(engine), Clock()), DEMO_CITY)
        engine.dispose()

    _make_once(server, run_folder, CITY_TEMPLATE, import_demo, copied_from=template)
    return CITY_TEMPLATE


@dataclass(frozen=True)
class ImportedCity:
    """A city folder and the database that it was imported into, for tests that only look."""

    folder: Path
    units_of_work: UnitOfWorkFactory


@pytest.fixture(scope="session")
def sample_city(server: ServerAddress, template: str, run_folder: Path) -> Iterator[ImportedCity]:
    """The large sample city, imported once a run; skips where its folder is not there."""
    beside = Path(__file__).parents[2] / "shared" / "sample_city"
    folder = Path(os.environ.get(SAMPLE_VARIABLE) or beside)
    if not (folder / "cooperatives.csv").is_file():
        pytest.skip(f"no sample city in {folder}; {SAMPLE_VARIABLE} tells where it is")

    def import_sample(addresses: DatabaseAddresses) -> None:
        engine = application_engine(addresses)
        outcome = import_city(UnitOfWorkFactory(session_factory(engine)), folder)
        engine.dispose()
        assert not outcome.has_refusals

    _make_once(server, run_folder, SAMPLE_TEMPLATE, import_sample, copied_from=template)
    engine = application_engine(
        DatabaseAddresses(
            application=server.url(APPLICATION_ROLE, SAMPLE_TEMPLATE),
            owner=server.url(OWNER_ROLE, SAMPLE_TEMPLATE),
        )
    )
    yield ImportedCity(folder, UnitOfWorkFactory(session_factory(engine)))
    engine.dispose()


def _make_once(
    server: ServerAddress,
    run_folder: Path,
    name: str,
    fill: Callable[[DatabaseAddresses], None],
    copied_from: str = "template1",
) -> None:
    with (run_folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _database_exists(server, name):
            return
        draft = f"{name}_draft"
        _administer(server, f"create database {draft} template {copied_from}")
        fill(
            DatabaseAddresses(
                application=server.url(APPLICATION_ROLE, draft),
                owner=server.url(OWNER_ROLE, draft),
            )
        )
        _administer(server, f"alter database {draft} rename to {name}")


def _administer(server: ServerAddress, statement: str) -> None:
    engine = create_engine(server.url(OWNER_ROLE, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _database_exists(server: ServerAddress, name: str) -> bool:
    engine = create_engine(server.url(OWNER_ROLE, "postgres"))
    with engine.connect() as connection:
        found = connection.scalar(
            text("select 1 from pg_database where datname = :name"), {"name": name}
        )
    engine.dispose()
    return found is not None


@contextmanager
def _copy_of_template(
    server: ServerAddress, template: str, name: str
) -> Iterator[DatabaseAddresses]:
    _administer(server, f"create database {name} template {template}")
    try:
        yield DatabaseAddresses(
            application=server.url(APPLICATION_ROLE, name), owner=server.url(OWNER_ROLE, name)
        )
    finally:
        _administer(server, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def addresses(server: ServerAddress, template: str, worker_id: str) -> Iterator[DatabaseAddresses]:
    """This worker's database. Tests make a cooperative of their own, so they need no cleaning."""
    with _copy_of_template(server, template, f"worker_{worker_id}") as found:
        yield found


@pytest.fixture
def fresh_addresses(
    server: ServerAddress, template: str, worker_id: str
) -> Iterator[DatabaseAddresses]:
    """A database for one test alone, for tests that count what is global."""
    with _copy_of_template(server, template, f"fresh_{worker_id}") as found:
        yield found


@pytest.fixture(scope="session")
def settings(run_folder: Path) -> Settings:
    """Settings for tests: cheap passwords, a home of this run, a fixed key."""
    return load_settings(
        {
            "WIJKECONOMIE_HOME": str(run_folder),
            "WIJKECONOMIE_SECURITY_PASSWORD_HASHING": "cheap",
            "WIJKECONOMIE_SECURITY_SECRET_KEY": "for tests only",
            "WIJKECONOMIE_SECURITY_LOGIN_ATTEMPTS": "10000 per minute",
        }
    )


@pytest.fixture
def clock() -> Clock:
    """The time that use cases see; it starts on Monday 5 January 2026, 13:00 in Utrecht."""
    return Clock()


@pytest.fixture(scope="session")
def engine(addresses: DatabaseAddresses) -> Iterator[Engine]:
    """The worker's database as the application's role."""
    engine = application_engine(addresses)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def owner(addresses: DatabaseAddresses) -> Iterator[Engine]:
    """The worker's database as its owner, for looking behind the application's back."""
    engine = create_engine(addresses.owner)
    yield engine
    engine.dispose()


@pytest.fixture
def units_of_work(engine: Engine, clock: Clock) -> UnitOfWorkFactory:
    """Units of work on the worker's database, at the time of the test's clock."""
    return UnitOfWorkFactory(session_factory(engine), clock)


@pytest.fixture
def runtime(
    settings: Settings,
    addresses: DatabaseAddresses,
    engine: Engine,
    units_of_work: UnitOfWorkFactory,
) -> Runtime:
    """What ``create_app`` is given."""
    return Runtime(settings, addresses, engine, units_of_work)


@pytest.fixture
def fresh_runtime(
    settings: Settings, fresh_addresses: DatabaseAddresses, clock: Clock
) -> Iterator[Runtime]:
    """The same on a database of this test alone."""
    with _runtime_on(fresh_addresses, settings, clock) as runtime:
        yield runtime


@pytest.fixture
def city(
    settings: Settings, server: ServerAddress, city_template: str, worker_id: str, clock: Clock
) -> Iterator[Runtime]:
    """The demo city, in a database of this test alone."""
    with (
        _copy_of_template(server, city_template, f"city_{worker_id}") as addresses,
        _runtime_on(addresses, settings, clock) as runtime,
    ):
        yield runtime


@contextmanager
def _runtime_on(
    addresses: DatabaseAddresses, settings: Settings, clock: Clock
) -> Iterator[Runtime]:
    engine = application_engine(addresses)
    units_of_work = UnitOfWorkFactory(session_factory(engine), clock)
    yield Runtime(replace(settings), addresses, engine, units_of_work)
    engine.dispose()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The whole web service, with testing switched on."""
    application = create_app(runtime)
    application.config["TESTING"] = True
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor without a session."""
    return app.test_client()


@pytest.fixture
def runner() -> CliRunner:
    """Runs commands of the console script in this process."""
    return CliRunner()
