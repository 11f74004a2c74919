"""Making, starting and stopping the server itself. Callers hold the lock."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg

from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError
from wijkeconomie.core.embedded_postgres.places import ENVIRONMENT, Places, as_server_user

SUPERUSER = "wijkeconomie_owner"
START_SECONDS = 60
STOP_SECONDS = 60
LOG_BYTES = 10_000_000
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


def connection_string(places: Places, user: str = SUPERUSER, database: str = "postgres") -> str:
    """The address of a database in libpq's own form."""
    return f"postgresql://{user}@/{database}?host={places.socket_folder}"


def postmaster(places: Places) -> psutil.Process | None:
    """The running server of this data folder, told apart from a stranger with its old number."""
    try:
        first = (places.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
        process = psutil.Process(int(first))
        ours = str(places.data) in process.cmdline()
    except (OSError, IndexError, ValueError, psutil.Error):
        return None
    return process if ours and process.status() != psutil.STATUS_ZOMBIE else None


def ensure_running(places: Places, *, fsync: bool, settings: Mapping[str, str]) -> None:
    """Make the data folder if it is new, and start the server unless it runs.

    Raises:
        EmbeddedPostgresError: with the last lines of the log.
    """
    _require_data(places)
    deadline = time.monotonic() + START_SECONDS
    while True:
        process = postmaster(places)
        if process is None:
            _start(places, fsync=fsync, settings=settings)
        if _answers(places, deadline):
            return
        # A server that was killed may leave its memory in use for a moment: try again.
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL did not start:\n{_log_tail(places)}"
            )
        time.sleep(0.2)


def _require_data(places: Places) -> None:
    version = places.data / "PG_VERSION"
    if not version.exists():
        _make_data(places)
    wanted = subprocess.run(
        [places.program("postgres"), "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env=ENVIRONMENT,
        **as_server_user(),
    ).stdout.split()[-1]
    found = version.read_text(encoding="utf-8").strip()
    if found != wanted.partition(".")[0]:
        raise EmbeddedPostgresError(
            f"the data in {places.data} was made by PostgreSQL {found} and the program brings "
            f"{wanted}: export it with the older program (wijkeconomie export city), move "
            "the folder away, and import it again"
        )


def _make_data(places: Places) -> None:
    """Initialise beside the final place and rename, so that a kill leaves nothing half made."""
    draft = places.base / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(places.data, ignore_errors=True)
    command = [
        places.program("initdb"),
        *("-D", str(draft), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"),
        *("--locale=C.UTF-8", "--no-instructions"),
    ]
    try:
        subprocess.run(
            command, check=True, capture_output=True, cwd=places.base, env=ENVIRONMENT,
            **as_server_user(),
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", b"") or str(error).encode()
        raise EmbeddedPostgresError(
            f"cannot make a database in {places.base}: {words.decode(errors='replace').strip()}"
        ) from error
    draft.rename(places.data)


def _start(places: Places, *, fsync: bool, settings: Mapping[str, str]) -> None:
    (places.data / "postmaster.pid").unlink(missing_ok=True)  # of a server that is gone
    options = dict(SETTINGS) | {"unix_socket_directories": str(places.socket_folder)}
    if not fsync:
        options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    options |= settings
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    if places.log.exists() and places.log.stat().st_size > LOG_BYTES:
        places.log.replace(places.log.with_suffix(".log.old"))
    with places.log.open("ab") as log:
        subprocess.Popen(
            [places.program("postgres"), "-D", str(places.data), *arguments],
            cwd=places.base,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C and the end of its starter are none of its business
            **as_server_user(),
        )


def _answers(places: Places, deadline: float) -> bool:
    """Wait until the server answers; false when it ended instead."""
    started = time.monotonic()
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(connection_string(places), connect_timeout=5).close()
            return True
        if time.monotonic() - started > 1 and postmaster(places) is None:
            return False
        time.sleep(0.02)
    return False


def stop(places: Places) -> None:
    """End the server in order: open sessions are broken off, what was committed is written."""
    process = postmaster(places)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGINT)
    try:
        _wait_for_end(process)
    except psutil.TimeoutExpired as error:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL (process {process.pid}) does not end"
        ) from error


def _wait_for_end(process: psutil.Process) -> None:
    with contextlib.suppress(ChildProcessError, psutil.NoSuchProcess):
        if process.ppid() == os.getpid():
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                if os.waitpid(process.pid, os.WNOHANG)[0]:
                    return
                time.sleep(0.01)
            raise psutil.TimeoutExpired(STOP_SECONDS, process.pid)
        process.wait(timeout=STOP_SECONDS)


def _log_tail(places: Places) -> str:
    try:
        lines = places.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-10:])


def data_folder_exists(home: Path) -> bool:
    """Whether an embedded server has ever been made below ``home``."""
    return (home / "postgres").exists()
