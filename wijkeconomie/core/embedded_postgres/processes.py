"""Telling processes apart: which one this is, whether it lives, and which is our server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import psutil

from wijkeconomie.core.embedded_postgres.places import SOCKET_NAME, Places

READY = "ready"
STOPPING = "stopping"
SUPERUSER = "wijkeconomie_owner"
LOGIN = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
GREETING = struct.pack("!ii", 8 + len(LOGIN), 3 << 16) + LOGIN
FAREWELL = b"X" + struct.pack("!i", 4)
NOT_NOW = b"\0C57P03\0"  # the field of an error that holds SQLSTATE cannot_connect_now
ANSWER_SECONDS = 5
DEAD_STATES = {"Z", "X"}


def birth_mark(process_id: int) -> str | None:
    """What tells a living process from a later one with its number; nothing for a dead one.

    On Linux the clock ticks between the start of the machine and that of the process: unlike a
    time of day they stay the same when the clock is set.
    """
    if Path("/proc/self/stat").exists():
        try:
            words = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = words.rpartition(")")[2].split()  # a program's name may hold anything
        return None if fields[0] in DEAD_STATES else fields[19]
    try:
        process = psutil.Process(process_id)
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        return None if is_dead else str(int(process.create_time() * 1000))
    except (psutil.Error, ValueError):
        return None


def postmaster(places: Places) -> psutil.Process | None:
    """The running server of this data folder, told apart from a stranger with its old number."""
    try:
        first = (places.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
        process = psutil.Process(int(first))
    except (OSError, IndexError, ValueError, psutil.Error):
        return None
    return process if _works_in(process, places.data) else None


def server_state(places: Places) -> str:
    """What the server last wrote of itself: ``starting``, ``ready``, ``stopping`` or nothing."""
    try:
        lines = (places.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def answers(socket_folder: Path) -> bool:
    """Whether a server lets sessions in.

    One that was just killed still looks alive, and one that repairs itself after the loss of a
    session calls itself ready, so what a server writes of itself is not enough. Says the first
    word of PostgreSQL's protocol and looks at the first of the answer: a few milliseconds. A
    server whose sessions are all taken counts as answering too.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(socket_folder / SOCKET_NAME))
            connection.sendall(GREETING)
            answer = connection.recv(1024)
            connection.sendall(FAREWELL)
    except OSError:
        return False
    return answer != b"" and not (answer.startswith(b"E") and NOT_NOW in answer)


def server_family(places: Places) -> Iterator[psutil.Process]:
    """Every process of PostgreSQL in this data folder, also those whose server is gone."""
    for process in psutil.process_iter():
        if _works_in(process, places.data):
            yield process


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


@contextlib.contextmanager
def held_by_server(places: Places) -> Iterator[int | None]:
    """The lock that every process of the server inherits, as the kernel keeps it.

    Yields the locked file's descriptor to hand to a new server, or nothing when some process of
    a server still holds it, whether it is starting, serving, or left over from a killed one.
    """
    descriptor = os.open(places.running, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # no unlock: a server that was started keeps it


def is_present(places: Places) -> bool:
    """Whether any process of the server lives."""
    with held_by_server(places) as descriptor:
        return descriptor is None or postmaster(places) is not None
