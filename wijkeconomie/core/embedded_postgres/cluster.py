"""Making, starting and stopping the server itself. Callers hold the lock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from wijkeconomie.core.embedded_postgres.binaries import Binaries, find_binaries
from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError
from wijkeconomie.core.embedded_postgres.places import (
    ENVIRONMENT,
    PORT,
    SOCKET_NAME,
    Places,
    find_socket_folder,
    has_name,
    make_socket_folder,
    remove_socket_folder,
)
from wijkeconomie.core.embedded_postgres.processes import (
    READY,
    STOPPING,
    SUPERUSER,
    answers,
    held_by_server,
    is_present,
    postmaster,
    server_family,
    server_state,
)

START_SECONDS = 300
"""Long: after a crash the server first repeats what it had written down."""
START_ATTEMPTS = 2
"""The first may be killed from outside; a second tells that from a server that cannot run."""
STOP_SECONDS = 60
STRAY_SECONDS = 30
FORCE_SECONDS = 10
LOG_BYTES = 10_000_000
LOG_LINES_SHOWN = 10
DRAFT_PREFIX = "data.new-"
PAUSE_SECONDS = 0.01
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Rows and statements hold people's data, and the log is not the place for that.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def ensure_running(places: Places, lock: int, *, fsync: bool, settings: Mapping[str, str]) -> Path:
    """Make the data folder if it is new, start the server unless it runs, and wait for it.

    ``lock`` is the descriptor of the lock that the caller holds. Returns the socket's folder.

    Raises:
        EmbeddedPostgresError: with the last lines of the log.
    """
    if _serves(places) or _comes_up(places):
        folder = find_socket_folder(places)
        if folder is not None:
            return folder
    binaries = find_binaries(places.user)
    _require_data(places, binaries, lock, fsync=fsync)
    folder = make_socket_folder(places)
    offset = 0
    for _attempt in range(START_ATTEMPTS):
        offset = _start(places, binaries, folder, fsync=fsync, settings=settings)
        if _comes_up(places):
            return folder
    raise EmbeddedPostgresError(
        f"the embedded PostgreSQL did not start; it said:\n{_log_tail(places, offset)}\n"
        f"(the whole log is {places.log})"
    )


def _serves(places: Places) -> bool:
    if server_state(places) != READY or postmaster(places) is None:
        return False
    folder = find_socket_folder(places)
    return folder is not None and answers(folder)


def _cannot_serve(places: Places) -> bool:
    """Whether a living server must go before another can come."""
    folder = find_socket_folder(places)
    lost_socket = folder is None or not (folder / SOCKET_NAME).exists()
    state = server_state(places)
    return state == STOPPING or (state == READY and lost_socket)


def _comes_up(places: Places) -> bool:
    """Wait for the server that was started, by us or by one who was killed meanwhile.

    False when no process of it is left. One that is stopping, or whose socket vanished, is
    stopped; what a killed server left behind is ended.
    """
    deadline = time.monotonic() + START_SECONDS
    lost_since = time.monotonic()
    while is_present(places):
        if _serves(places):
            return True
        now = time.monotonic()
        is_lost = postmaster(places) is None
        if not is_lost and _cannot_serve(places):
            stop(places)
        elif is_lost and now > lost_since + STRAY_SECONDS:
            _end_family(places)
        if not is_lost:
            lost_since = now
        if now > deadline:
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL is not ready after {START_SECONDS} seconds:\n"
                f"{_log_tail(places)}"
            )
        time.sleep(PAUSE_SECONDS)
    return False


def _require_data(places: Places, binaries: Binaries, lock: int, *, fsync: bool) -> None:
    try:
        found = (places.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        _make_data(places, binaries, lock, fsync=fsync)
        return
    if found != binaries.major:
        raise EmbeddedPostgresError(
            f"the data in {places.data} was made by PostgreSQL {found} and this program brings "
            f"PostgreSQL {binaries.version}: export it with the program that made it "
            "(`wijkeconomie export city`), move the folder away, and import it again"
        )


def _make_data(places: Places, binaries: Binaries, lock: int, *, fsync: bool) -> None:
    """Initialise beside the final place and rename, so that a kill leaves nothing half made.

    The programs inherit the lock: when we are killed, nobody else begins before they ended.
    """
    if places.data.exists() and any(places.data.iterdir()):
        raise EmbeddedPostgresError(
            f"{places.data} is not empty and not a database: move it away, or put its backup back"
        )
    server_user = os.geteuid() if places.user.user_id is None else places.user.user_id
    if not has_name(server_user):
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot run as user {server_user}, who has no name: add a line to "
            "/etc/passwd, or set DATABASE_URL to a PostgreSQL server"
        )
    for left_over in places.base.glob(f"{DRAFT_PREFIX}*"):
        shutil.rmtree(left_over)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=places.base))
    places.user.take(draft)
    argument = places.data_argument if places.user.user_id is not None else str(draft)
    command = [
        binaries.program("initdb"),
        *("-D", argument, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"),
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
        *(() if fsync else ("--no-sync",)),
    ]
    answer = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", cwd=draft,
        env=ENVIRONMENT, stdin=subprocess.DEVNULL, pass_fds=(lock,), **places.user.arguments(),
    )  # fmt: skip
    if answer.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        words = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        raise EmbeddedPostgresError(
            f"cannot make a database in {places.base}; initdb said:\n"
            + "\n".join(words[-LOG_LINES_SHOWN:])
        )
    draft.rename(places.data)
    if fsync:
        _write_through(places.base)


def _write_through(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start(
    places: Places, binaries: Binaries, socket_folder: Path, *, fsync: bool,
    settings: Mapping[str, str],
) -> int:  # fmt: skip
    """Start the server, detached; returns where in the log it begins."""
    near = socket_folder.parent == places.base
    options = SETTINGS | {"unix_socket_directories": "../socket" if near else str(socket_folder)}
    options |= {} if fsync else UNSAFE_SETTINGS
    options |= settings
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with held_by_server(places) as running, places.log.open("ab") as log:
        begin = log.tell()  # before the server shares the file, and moves its end
        if running is None:
            return begin  # cannot be, since callers saw none; waiting for it is right
        for file in (places.data / "postmaster.pid", socket_folder / f"{SOCKET_NAME}.lock"):
            _remove_if_number_was_reused(file)
        # The shell leaves at once, so the server is nobody's child; in a session of its own,
        # Ctrl-C and the end of its starter are none of its business.
        command = [binaries.program("postgres"), "-D", places.data_argument, *arguments]
        subprocess.run(
            ["/bin/sh", "-c", '"$0" "$@" &', *command],
            check=True,
            cwd=places.data,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(running,),
            **places.user.arguments(),
        )
        return begin


def _remove_if_number_was_reused(file: Path) -> None:
    """PostgreSQL refuses to start while the number in ``file`` lives, whoever that is.

    Only called while no process of the server lives, so it is a stranger's number by now. Other
    left-overs are PostgreSQL's own to judge.
    """
    try:
        number = int(file.read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    if psutil.pid_exists(abs(number)):
        file.unlink()


def stop(places: Places, *, force: bool = False) -> None:
    """End the server in order: open sessions are broken off, what was committed is written.

    With ``force`` it ends at once, and its next start repeats what it had written down.

    Raises:
        EmbeddedPostgresError: it did not end within a minute.
    """
    deadline = time.monotonic() + (FORCE_SECONDS if force else STOP_SECONDS)
    signalled: psutil.Process | None = None
    while is_present(places):
        process = postmaster(places)
        if process is not None and process != signalled:
            _send(process, signal.SIGQUIT if force else signal.SIGINT)
            signalled = process
        if time.monotonic() > deadline:
            if not force:
                raise EmbeddedPostgresError(
                    f"the embedded PostgreSQL does not end; `kill -QUIT {process and process.pid}`"
                    f" ends it hard and loses nothing committed:\n{_log_tail(places)}"
                )
            _end_family(places)
        time.sleep(PAUSE_SECONDS)
    remove_socket_folder(places)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL (process {process.pid}) belongs to another user"
        ) from error


def _end_family(places: Places) -> None:
    """Kill every process of the server; committed data is in its write-ahead log."""
    for process in server_family(places):
        _send(process, signal.SIGKILL)


def bound_log(places: Places) -> None:
    """Keep the log below about twice ``LOG_BYTES``, also below a running server.

    It appends, so it goes on at the beginning when its file is emptied.
    """
    if places.log.exists() and places.log.stat().st_size > LOG_BYTES:
        old = places.log.with_suffix(".log.old")
        old.unlink(missing_ok=True)
        shutil.copyfile(places.log, old)
        os.truncate(places.log, 0)


def _log_tail(places: Places, offset: int = 0) -> str:
    try:
        with places.log.open("rb") as log:
            log.seek(offset)
            lines = log.read(LOG_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-LOG_LINES_SHOWN:]) or "(nothing)"
