"""Sharing one server between processes: a lease is a file, the lock is the kernel's.

Each process that uses the server has a file named after itself (number and start time). Who
leaves last stops the server. A process that is killed leaves its file behind; the next one to
come or go finds that it is dead and sweeps it. When the very last one is killed, the server
runs on until somebody comes again: nothing is lost.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from wijkeconomie.core.embedded_postgres import cluster
from wijkeconomie.core.embedded_postgres.places import Places, lock_file, prepare_places


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the running server listens."""

    socket_folder: Path

    def url(self, user: str, database: str) -> str:
        """The address of a database in SQLAlchemy's form."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.socket_folder}"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """Whether the server runs, as which process, and how many processes hold a lease."""

    process_id: int | None
    leases: int


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The embedded server whose things are below ``home``.

    ``fsync=False`` is for tests that may lose their data.
    """

    home: Path
    fsync: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def lease(self) -> Iterator[ServerAddress]:
        """Hold the server for the block; it is started when nobody else had.

        Raises:
            EmbeddedPostgresError: it cannot run; the message says what to do.
        """
        with _locked(self.home) as places:
            cluster.ensure_running(places, fsync=self.fsync, settings=self.settings)
            file = _lease_file(places, psutil.Process())
            file.touch()
        try:
            yield ServerAddress(places.socket_folder)
        finally:
            if file.name.startswith(f"{os.getpid()}-"):  # not in a forked child
                with _locked(self.home):
                    file.unlink(missing_ok=True)
                    if not _living_leases(places):
                        cluster.stop(places)

    def pin(self) -> None:
        """Keep the server running until :meth:`stop`, whoever leaves.

        For addresses that are handed to other programs. The pin is the server's own lease: it
        ends with it. Call it inside a lease.
        """
        with _locked(self.home) as places:
            process = cluster.postmaster(places)
            if process is not None:
                _lease_file(places, process).touch()

    def stop(self) -> bool:
        """Stop the server, whoever uses it; false when it was not running."""
        if not cluster.data_folder_exists(self.home):
            return False
        with _locked(self.home) as places:
            was_running = cluster.postmaster(places) is not None
            cluster.stop(places)
            _living_leases(places)
        return was_running

    def status(self) -> ServerStatus:
        """What runs now; starts nothing."""
        if not cluster.data_folder_exists(self.home):
            return ServerStatus(None, 0)
        with _locked(self.home) as places:
            process = cluster.postmaster(places)
            return ServerStatus(process.pid if process else None, len(_living_leases(places)))


@contextmanager
def _locked(home: Path) -> Iterator[Places]:
    """The folders of the server, while nobody else changes them, starts it or stops it."""
    with lock_file(home).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the kernel, also when we are killed
        yield prepare_places(home)


def _lease_file(places: Places, process: psutil.Process) -> Path:
    started_ms = started_at_ms(process)
    return places.state / "leases" / f"{process.pid}-{started_ms}-{uuid.uuid4().hex[:8]}"


def started_at_ms(process: psutil.Process) -> int:
    """When a process started, which with its number names it for good."""
    return int(process.create_time() * 1000)


def _living_leases(places: Places) -> list[Path]:
    living = []
    for file in (places.state / "leases").iterdir():
        if _is_alive(file.name):
            living.append(file)
        else:
            file.unlink(missing_ok=True)
    return living


def _is_alive(name: str) -> bool:
    number, started_ms, _unique = name.split("-")
    try:
        process = psutil.Process(int(number))
        same = abs(started_at_ms(process) - int(started_ms)) < 1000
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
