"""The embedded server survives what happens to its users: real processes, real signals."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest

from wijkeconomie.core.embedded_postgres import (
    EmbeddedPostgres,
    ServerAddress,
)

HOLDER = """
import signal
import sys
from pathlib import Path
from wijkeconomie.core.embedded_postgres import EmbeddedPostgres
# A shell that runs the tests in the background has children ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedPostgres(Path(sys.argv[1]), fsync=False).lease() as server:
    print(server.client_url("wijkeconomie_owner", "postgres"), flush=True)
    sys.stdin.readline()
"""
PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """Another process that leases the server until it is told to leave."""

    process: subprocess.Popen[str]

    def address(self) -> str:
        """Wait until it has its lease."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> int:
        """Let it leave in order; its exit code."""
        self.process.communicate("\n", timeout=PATIENCE_SECONDS)
        return self.process.returncode

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it without its knowing."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose server is gone afterwards, whatever the test did."""
    folder = tmp_path / "home"
    yield folder
    EmbeddedPostgres(folder).stop(force=True)


@pytest.fixture
def start() -> Iterator[Callable[[Path], Holder]]:
    """Starts holders; those still there at the end are killed."""
    holders: list[Holder] = []

    def start_one(home: Path) -> Holder:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        holders.append(Holder(process))
        return holders[-1]

    yield start_one
    for holder in holders:
        holder.process.kill()
        holder.process.communicate()


def processes_below(folder: Path) -> list[int]:
    """Every process of PostgreSQL that works somewhere below ``folder``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() in {"initdb", "postgres"} and process.cwd().startswith(str(folder)):
                found.append(process.pid)
    return found


def postmasters(home: Path) -> list[int]:
    """The servers of this home, found by looking at every process of the machine."""
    data = home.resolve() / "postgres" / "cluster" / "data"
    found = set()
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and Path(process.cwd()) == data:
                parent = process.parent()
                if parent is None or parent.name() != "postgres":
                    found.add(process.pid)
        except (psutil.Error, OSError):
            continue
    return sorted(found)


def owner_url(server: ServerAddress) -> str:
    return server.client_url("wijkeconomie_owner", "postgres")


@contextmanager
def session(address: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def write_rows(address: str, count: int = 1000) -> None:
    with session(address) as connection:
        connection.execute("create table if not exists kept (number bigint primary key)")
        connection.execute("insert into kept select generate_series(1, %s)", [count])


def count_rows(address: str) -> int:
    with session(address) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def has_vanished(process_id: int) -> bool:
    return not psutil.pid_exists(process_id)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.002)


@pytest.mark.parametrize("count", [2, 4])
def test_processes_that_come_at_once_share_one_server(
    home: Path, start: Callable[[Path], Holder], count: int
) -> None:
    holders = [start(home) for _ in range(count)]
    addresses = {holder.address() for holder in holders}

    assert len(addresses) == 1
    assert len(postmasters(home)) == 1
    status = EmbeddedPostgres(home).status()
    assert (status.process_id, status.leases) == (postmasters(home)[0], count)
    assert [holder.leave() for holder in holders] == [0] * count
    assert postmasters(home) == []


def test_the_server_outlives_its_starter_and_ends_with_the_last_to_leave(
    home: Path, start: Callable[[Path], Holder]
) -> None:
    first = start(home)
    first.address()
    second = start(home)
    address = second.address()
    server = postmasters(home)

    first.leave()
    write_rows(address)
    assert postmasters(home) == server
    second.leave()
    assert postmasters(home) == []
    assert not list((home / "postgres" / "leases").iterdir())
    assert not (home / "postgres" / "cluster" / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killing_the_starter_leaves_the_queries_of_others_running(
    home: Path, start: Callable[[Path], Holder], number: int
) -> None:
    starter = start(home)
    starter.address()
    other = start(home)
    with session(other.address()) as connection:
        starter.kill(number)
        row = connection.execute("select 42 from pg_sleep(0.2)").fetchone()

    assert row == (42,)
    assert other.leave() == 0
    assert postmasters(home) == []  # the dead starter's lease counted for nothing


def test_an_interrupt_of_the_terminal_does_not_reach_the_server(
    home: Path, start: Callable[[Path], Holder]
) -> None:
    starter = start(home)
    other = start(home)
    starter.address()
    with session(other.address()) as connection:
        os.killpg(starter.process.pid, signal.SIGINT)
        starter.process.wait(PATIENCE_SECONDS)
        row = connection.execute("select 42").fetchone()

    assert row == (42,)


def test_a_server_whose_last_user_was_killed_serves_the_next(
    home: Path, start: Callable[[Path], Holder]
) -> None:
    lonely = start(home)
    write_rows(lonely.address())
    server = postmasters(home)
    lonely.kill()
    assert postmasters(home) == server

    with EmbeddedPostgres(home).lease() as address:
        assert postmasters(home) == server
        assert count_rows(owner_url(address)) == 1000
    assert postmasters(home) == []


@pytest.mark.parametrize("after_seconds", [0.0, 0.15, 0.3])
def test_a_kill_while_the_data_is_made_leaves_the_next_start_whole(
    home: Path, start: Callable[[Path], Holder], after_seconds: float
) -> None:
    base = home / "postgres" / "cluster"
    starter = start(home)
    wait_for(lambda: any(base.glob("data.new-*")))
    time.sleep(after_seconds)
    starter.kill()

    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
        assert len(postmasters(home)) == 1
        assert not list(base.glob("data.new-*"))
    assert postmasters(home) == []


def test_nobody_begins_before_the_programs_of_a_killed_starter_ended(
    home: Path, start: Callable[[Path], Holder]
) -> None:
    base = home / "postgres" / "cluster"
    starter = start(home)
    wait_for(lambda: bool(processes_below(base)))
    starter.kill()

    with (home / "postgres" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert processes_below(base) == []


@pytest.mark.parametrize("after_seconds", [0.0, 0.004, 0.015])
def test_a_kill_while_the_server_starts_leaves_one_server_and_all_rows(
    home: Path, start: Callable[[Path], Holder], after_seconds: float
) -> None:
    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
    log = home / "postgres" / "server.log"
    length = log.stat().st_size

    starter = start(home)
    wait_for(lambda: bool(postmasters(home)) or log.stat().st_size > length)
    time.sleep(after_seconds)
    starter.kill()
    with EmbeddedPostgres(home).lease() as server:
        assert count_rows(owner_url(server)) == 1000
        assert len(postmasters(home)) == 1
    assert postmasters(home) == []


def test_a_killed_server_is_recovered_with_what_was_committed(home: Path) -> None:
    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
        (process_id,) = postmasters(home)
        os.kill(process_id, signal.SIGKILL)

        with EmbeddedPostgres(home).lease() as again:
            assert again == server
            assert count_rows(owner_url(again)) == 1000
            assert postmasters(home) != [process_id]
        assert len(postmasters(home)) == 1  # the first lease still counts
    assert postmasters(home) == []


def test_a_server_that_is_killed_while_it_starts_is_started_again(
    home: Path, start: Callable[[Path], Holder]
) -> None:
    with EmbeddedPostgres(home, fsync=False).lease() as server:
        write_rows(owner_url(server))
    holder = start(home)
    wait_for(lambda: bool(postmasters(home)))
    for process_id in postmasters(home):
        os.kill(process_id, signal.SIGKILL)
    holder.address()

    with EmbeddedPostgres(home).lease() as server:
        assert count_rows(owner_url(server)) == 1000
    assert holder.leave() == 0


def test_a_server_that_recovers_from_a_killed_session_is_waited_for(home: Path) -> None:
    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
        server_process = postmasters(home)
        for _ in range(3):
            connection = psycopg.connect(owner_url(server))
            number = connection.info.backend_pid
            os.kill(number, signal.SIGKILL)
            wait_for(partial(has_vanished, number))  # now the server knows, and repairs itself
            with EmbeddedPostgres(home).lease() as again:
                assert count_rows(owner_url(again)) == 1000
            connection.close()
        assert postmasters(home) == server_process


def test_a_server_that_somebody_else_is_stopping_is_started_again(home: Path) -> None:
    with EmbeddedPostgres(home).lease() as server, session(owner_url(server)):
        write_rows(owner_url(server))
        (process_id,) = postmasters(home)
        os.kill(process_id, signal.SIGTERM)  # waits for the open session, for ever

        with EmbeddedPostgres(home).lease() as again:
            assert count_rows(owner_url(again)) == 1000


def test_the_number_of_a_dead_server_may_belong_to_a_stranger(home: Path) -> None:
    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
    data = home / "postgres" / "cluster" / "data"
    owner = data.stat()
    stranger = subprocess.Popen(
        ["/bin/sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None
    )
    server.socket_folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(server.socket_folder, owner.st_uid, owner.st_gid)
    try:
        for file in (data / "postmaster.pid", server.socket_folder / ".s.PGSQL.5432.lock"):
            file.write_text(f"{stranger.pid}\n/elsewhere\n1\n5432\n\n\n\nready\n")
            os.chown(file, owner.st_uid, owner.st_gid)

        with EmbeddedPostgres(home).lease() as server:
            assert count_rows(owner_url(server)) == 1000
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_lease_of_a_reused_number_does_not_keep_the_server(home: Path) -> None:
    with EmbeddedPostgres(home).lease():
        (home / "postgres" / "leases" / f"{os.getpid()}-1-0123abcd").touch()
        (home / "postgres" / "leases" / "not a lease").touch()
    assert postmasters(home) == []


def test_a_deep_home_gets_a_private_short_socket_folder_that_is_made_anew(
    tmp_path: Path, start: Callable[[Path], Holder]
) -> None:
    home = tmp_path / ("diep " * 20) / "'thuis', 100%"
    embedded = EmbeddedPostgres(home)
    with embedded.lease() as server:
        folder = server.socket_folder
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 103
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        write_rows(owner_url(server))

        for file in folder.iterdir():  # as a cleaner of temporary folders does
            file.unlink()
        folder.rmdir()
        other = start(home)
        other.address()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert count_rows(owner_url(server)) == 1000  # the old address is right again
        other.leave()
    assert not folder.exists()


def test_a_closed_folder_above_is_neither_in_the_way_nor_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    with EmbeddedPostgres(home).lease() as server:
        write_rows(owner_url(server))
        data = home / "postgres" / "cluster" / "data"
        server_user = psutil.Process(postmasters(home)[0]).uids().effective
        assert server_user == data.stat().st_uid != 0

    for folder in (closed, home / "postgres", home / "postgres" / "cluster", data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with EmbeddedPostgres(home).lease() as server:
        assert count_rows(owner_url(server)) == 1000


def test_stopping_hard_loses_nothing_committed(home: Path) -> None:
    embedded = EmbeddedPostgres(home)
    with embedded.lease() as server:
        write_rows(owner_url(server))
        assert embedded.stop(force=True)
        assert postmasters(home) == []
        with embedded.lease() as again:
            assert count_rows(owner_url(again)) == 1000
