"""What the embedded server makes, refuses and writes down."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from wijkeconomie.core.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    ServerAddress,
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose server is gone afterwards, whatever the test did."""
    folder = tmp_path / "home"
    yield folder
    EmbeddedPostgres(folder).stop(force=True)


def connect(server: ServerAddress) -> psycopg.Connection:
    return psycopg.connect(server.client_url("wijkeconomie_owner", "postgres"), autocommit=True)


def test_the_data_is_made_as_the_application_expects(home: Path) -> None:
    settings = {"work_mem": "8MB"}
    with (
        EmbeddedPostgres(home, settings=settings).lease() as server,
        connect(server) as connection,
    ):
        found = connection.execute(
            "select current_setting('fsync'), current_setting('listen_addresses'),"
            " current_setting('TimeZone'), current_setting('work_mem'),"
            " pg_encoding_to_char(encoding), datcollate from pg_database"
            " where datname = current_database()"
        ).fetchone()
        rules = connection.execute(
            "select type, auth_method from pg_hba_file_rules where auth_method <> 'reject'"
        ).fetchall()
    assert found == ("on", "", "UTC", "8MB", "UTF8", "C.UTF-8")
    assert set(rules) == {("local", "trust")}


def test_data_of_another_version_is_refused_with_a_way_out(home: Path) -> None:
    with EmbeddedPostgres(home, fsync=False).lease():
        pass
    version = home / "postgres" / "cluster" / "data" / "PG_VERSION"
    version.write_text("16\n")

    with (
        pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 16 .* import it again"),
        EmbeddedPostgres(home).lease(),
    ):
        pass
    assert EmbeddedPostgres(home).status().leases == 0


def test_a_setting_that_the_server_refuses_is_said_at_once_with_its_log(home: Path) -> None:
    begun = time.monotonic()
    with (
        pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "work_mem"'),
        EmbeddedPostgres(home, fsync=False, settings={"work_mem": "veel"}).lease(),
    ):
        pass
    assert time.monotonic() - begun < 10
    with EmbeddedPostgres(home, fsync=False).lease() as server:
        connect(server).close()


def test_a_folder_that_is_no_database_is_never_overwritten(home: Path) -> None:
    data = home / "postgres" / "cluster" / "data"
    data.mkdir(parents=True)
    (data / "precious").write_text("kept")
    with (
        pytest.raises(EmbeddedPostgresError, match="not empty and not a database"),
        EmbeddedPostgres(home).lease(),
    ):
        pass
    assert (data / "precious").read_text() == "kept"


def test_a_home_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EmbeddedPostgresError, match="WIJKECONOMIE_HOME"),
        EmbeddedPostgres(tmp_path / "file" / "home").lease(),
    ):
        pass


def test_the_log_keeps_within_bounds_below_a_running_server(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = home / "postgres" / "server.log"
    with EmbeddedPostgres(home, fsync=False).lease() as server:
        monkeypatch.setattr("wijkeconomie.core.embedded_postgres.cluster.LOG_BYTES", 100)
        with EmbeddedPostgres(home).lease():
            assert log.stat().st_size <= 100
        with connect(server) as connection, pytest.raises(psycopg.Error):
            connection.execute("select 1 / 0")
        while "division by zero" not in log.read_text():
            time.sleep(0.002)
        assert b"\0" not in log.read_bytes()


def test_a_full_disk_is_said_with_the_words_of_initdb(home: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with (
            pytest.raises(EmbeddedPostgresError, match=r"(?s)cannot make a database in .*initdb"),
            EmbeddedPostgres(home, fsync=False).lease(),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with EmbeddedPostgres(home, fsync=False).lease() as server:
        connect(server).close()


def test_a_pinned_server_stays_until_it_is_stopped(home: Path) -> None:
    embedded = EmbeddedPostgres(home)
    with embedded.lease() as server:
        embedded.pin()
    connect(server).close()
    assert embedded.status().leases == 1

    assert embedded.stop()
    assert not embedded.stop()
    assert embedded.status().process_id is None
    assert embedded.status().leases == 0
