"""Sharing one server between processes: a lease is a file, the locks are the kernel's.

Each process that uses the server has a file named after itself (number and moment of birth).
Who leaves last stops the server. A process that is killed leaves its file behind, and so does
one that ends by a signal without running its ``finally`` blocks, as Python does on SIGTERM: the
next one to come or go finds that it is dead and sweeps it, so no signal handler is needed. When
the very last one is killed, the server runs on until somebody comes again or ``stop`` is
called: nothing is lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from wijkeconomie.core.embedded_postgres import cluster
from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError, explained
from wijkeconomie.core.embedded_postgres.places import PORT, Places, prepare_places, state_folder
from wijkeconomie.core.embedded_postgres.processes import birth_mark, is_present, postmaster

LEASE_NAME = re.compile(r"(?P<number>\d+)-(?P<born>\d+)-\w+")
ADVICE = (
    "make room there, or set WIJKECONOMIE_HOME to a folder that you may write "
    "(or DATABASE_URL to a PostgreSQL server)"
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the running server listens. Whoever can enter the folder is let in by any name."""

    socket_folder: Path
    port: int = PORT

    def url(self, user: str, database: str) -> str:
        """The address of a database in SQLAlchemy's form."""
        return f"postgresql+psycopg://{self._place(user, database)}"

    def client_url(self, user: str, database: str) -> str:
        """The same in the form that psql and other clients of libpq take."""
        return f"postgresql://{self._place(user, database)}"

    def _place(self, user: str, database: str) -> str:
        # With the port, or PGPORT of the caller's shell would count.
        names = f"{quote(user, safe='')}@:{self.port}/{quote(database, safe='')}"
        return f"{names}?host={quote(str(self.socket_folder))}"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """Whether the server runs, as which process, and how many leases are held on it."""

    process_id: int | None
    leases: int


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The embedded server whose things are below ``home``.

    ``fsync=False`` is for tests that may lose their data. It and ``settings`` (names and values
    of PostgreSQL's configuration) count for who starts the server; who joins takes it as it is.
    """

    home: Path
    fsync: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def lease(self) -> Iterator[ServerAddress]:
        """Hold the server for the block; it is started when nobody else had.

        Guarantees that the server answers when the block begins and is not stopped by others
        who leave. A forked child that runs into the end of the block gives nothing back.

        Raises:
            EmbeddedPostgresError: it cannot run; the message says what to do.
        """
        home, holder = self.home.resolve(), os.getpid()
        with _locked(home) as (places, lock), explained("run the embedded database", ADVICE):
            cluster.bound_log(places)
            file = _new_lease(places, holder)
            try:
                socket_folder = cluster.ensure_running(
                    places, lock, fsync=self.fsync, settings=self.settings
                )
            except BaseException:
                with contextlib.suppress(EmbeddedPostgresError):
                    _give_back(places, file)
                raise
        try:
            yield ServerAddress(socket_folder)
        finally:
            if os.getpid() == holder and file.exists():
                with _locked(home) as (places, _), explained("leave the database", ADVICE):
                    _give_back(places, file)

    def pin(self) -> None:
        """Keep the server running until :meth:`stop`, whoever leaves.

        For addresses that are handed to other programs. The pin is the server's own lease: it
        ends with it. Call it inside a lease.

        Raises:
            EmbeddedPostgresError: the home folder cannot be written.
        """
        with _locked(self.home.resolve()) as (places, _), explained("pin the database", ADVICE):
            process = postmaster(places)
            if process is not None:
                _new_lease(places, process.pid)

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server, whoever uses it; false when it was not running.

        Open sessions are broken off, nothing committed is lost. ``force`` is for a server that
        does not end: it is killed, and its next start takes longer.

        Raises:
            EmbeddedPostgresError: it did not end, or belongs to another user.
        """
        home = self.home.resolve()
        if not _was_used(home):
            return False
        with _locked(home) as (places, _), explained("stop the embedded database", ADVICE):
            was_running = is_present(places)
            cluster.stop(places, force=force)
            _living_leases(places)
        return was_running

    def status(self) -> ServerStatus:
        """What runs now; starts nothing.

        Raises:
            EmbeddedPostgresError: the home folder cannot be read.
        """
        home = self.home.resolve()
        if not _was_used(home):
            return ServerStatus(None, 0)
        with _locked(home) as (places, _), explained("look at the database", ADVICE):
            process = postmaster(places)
            return ServerStatus(process.pid if process else None, len(_living_leases(places)))


def _was_used(home: Path) -> bool:
    with explained(f"look into {home}", ADVICE):
        return state_folder(home).exists()


@contextmanager
def _locked(home: Path) -> Iterator[tuple[Places, int]]:
    """The folders of the server, while nobody else changes them, starts it or stops it."""
    state = state_folder(home)
    with explained(f"use {home} as home folder", ADVICE):
        home.mkdir(parents=True, exist_ok=True)
        state.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the kernel, also when we are killed
        with explained(f"use {home} as home folder", ADVICE):
            places = prepare_places(home)
        yield places, lock
        fcntl.flock(lock, fcntl.LOCK_UN)  # also for children that other threads forked meanwhile
    finally:
        os.close(lock)  # after an error, programs that are still making the data keep the lock


def _new_lease(places: Places, process_id: int) -> Path:
    name = f"{process_id}-{birth_mark(process_id)}-{uuid.uuid4().hex[:8]}"
    file = places.leases / name
    file.touch()
    return file


def _give_back(places: Places, file: Path) -> None:
    file.unlink(missing_ok=True)
    if not _living_leases(places):
        cluster.stop(places)


def _living_leases(places: Places) -> list[Path]:
    """The leases of living processes; those of dead ones are removed."""
    living = []
    for file in places.leases.iterdir():
        name = LEASE_NAME.fullmatch(file.name)
        if name and birth_mark(int(name["number"])) == name["born"]:
            living.append(file)
        else:
            file.unlink(missing_ok=True)
    return living
