"""Addresses, folders and names of the embedded server, without running one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from wijkeconomie.core.embedded_postgres import EmbeddedPostgres, ServerAddress
from wijkeconomie.core.embedded_postgres.places import (
    Places,
    ServerUser,
    find_socket_folder,
    make_socket_folder,
    prepare_places,
    remove_socket_folder,
    state_folder,
)
from wijkeconomie.core.embedded_postgres.processes import birth_mark, postmaster, server_state

ADDRESS = ServerAddress(Path("/tmp/private"))  # noqa: S108  # nothing is made there


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """The folders of a server whose path is too deep for a socket."""
    home = tmp_path / ("deep-" * 20)
    state_folder(home).mkdir(parents=True)
    (state_folder(home) / "lock").touch()
    return prepare_places(home)


def test_an_address_for_sqlalchemy_names_user_database_folder_and_port() -> None:
    url = make_url(ADDRESS.url("an owner", "books/2026"))
    assert (url.username, url.database, url.port) == ("an owner", "books/2026", 5432)
    assert url.query["host"] == str(ADDRESS.socket_folder)
    assert url.drivername == "postgresql+psycopg"


def test_an_address_for_psql_differs_in_the_driver_only() -> None:
    url = ADDRESS.url("owner", "books")
    assert ADDRESS.client_url("owner", "books") == url.replace("+psycopg", "")


def test_a_home_never_used_has_no_server_and_stays_untouched(tmp_path: Path) -> None:
    embedded = EmbeddedPostgres(tmp_path / "home")
    status = embedded.status()
    assert (status.process_id, status.leases) == (None, 0)
    assert embedded.stop() is False
    assert not embedded.home.exists()


def test_the_short_socket_folder_is_remembered(places: Places) -> None:
    folder = make_socket_folder(places)
    try:
        assert make_socket_folder(places) == folder == find_socket_folder(places)
    finally:
        remove_socket_folder(places)
    assert not folder.exists()
    assert make_socket_folder(places) == folder
    remove_socket_folder(places)


def test_a_socket_folder_that_others_can_enter_is_never_used(places: Places) -> None:
    planted = make_socket_folder(places)
    planted.chmod(0o777)

    assert find_socket_folder(places) is None
    replacement = make_socket_folder(places)
    assert replacement != planted
    remove_socket_folder(places)
    planted.rmdir()


def test_a_socket_folder_that_is_a_link_is_never_used(places: Places, tmp_path: Path) -> None:
    planted = make_socket_folder(places)
    planted.rmdir()
    planted.symlink_to(tmp_path)

    assert make_socket_folder(places) != planted
    remove_socket_folder(places)
    planted.unlink()


def test_preparing_leaves_the_folders_of_others_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    before = tmp_path.stat()
    home = tmp_path / "home"
    state_folder(home).mkdir(parents=True)
    (state_folder(home) / "lock").touch()

    prepare_places(home)
    after = tmp_path.stat()
    assert (before.st_mode, before.st_uid) == (after.st_mode, after.st_uid)


def test_root_serves_in_somebodys_home_as_that_person(tmp_path: Path) -> None:
    person = 1 if os.geteuid() == 0 else os.geteuid()  # "daemon" has a name on every machine
    home = tmp_path / "home"
    state_folder(home).mkdir(parents=True)
    (state_folder(home) / "lock").touch()
    os.chown(home, person, -1)

    places = prepare_places(home)
    made = [places.state, places.base, places.leases, places.running, places.log]
    assert {path.stat().st_uid for path in made} == {person}


def test_a_living_process_keeps_its_mark_and_a_dead_one_has_none() -> None:
    mark = birth_mark(os.getpid())
    assert mark is not None
    assert mark == birth_mark(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert birth_mark(child.pid) is None  # ended, and its parent has not looked yet
    child.wait()
    assert birth_mark(child.pid) is None


def test_processes_born_apart_have_marks_apart() -> None:
    with subprocess.Popen(["/bin/sleep", "5"]) as child:
        assert birth_mark(child.pid) != birth_mark(os.getpid())
        child.kill()


@pytest.mark.parametrize("content", ["", "nonsense", "{us}\n/data\n", "-5\n", "99999999"])
def test_a_process_file_that_names_no_server_of_this_folder_is_not_believed(
    tmp_path: Path, content: str
) -> None:
    places = Places(tmp_path, ServerUser())
    places.data.mkdir(parents=True)
    (places.data / "postmaster.pid").write_text(content.format(us=os.getpid()))
    assert postmaster(places) is None
    assert server_state(places) == ""
