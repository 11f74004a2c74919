"""Where the embedded server keeps its things, and as whom it runs.

PostgreSQL refuses to run as root. Started by root, its processes run as the owner of the home
folder, or as ``nobody`` when that is root too; only the child processes step down, and nobody's
permissions on existing folders are ever changed. That user need not be able to reach the home
folder (it may lie below ``/root``): the server is started inside its data folder and knows it
as ``/proc/self/cwd``, which leads there without passing the closed folders above it.

    home/postgres/               0700, the caller's
        lock, running, leases/   who may change, who runs, who uses the server
        server.log               what the server says
        socket_folder            names a short folder elsewhere when this one lies too deep
        cluster/                 0700, the server's user's
            data/, socket/
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError

NOBODY = 65534
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103
"""Bytes of a socket's path: 107 on Linux, 103 on macOS."""
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")
"""Paths that libpq, its addresses and PostgreSQL's settings all take as they are."""
TEMPORARY_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108  # what is made there is private
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
OWN_FOLDER = Path("/proc/self/cwd")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """As whom the server's processes run; without ``user_id`` as whoever we are."""

    user_id: int | None = None
    group_id: int | None = None

    def arguments(self) -> dict[str, Any]:
        """What ``subprocess`` needs to step down in the child, and there only."""
        if self.user_id is None:
            return {}
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}

    def make_private(self, folder: Path) -> None:
        """Make ``folder`` if it is not there, for this user and nobody else."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self.take(folder)

    def take(self, path: Path) -> None:
        """Give something that we made to this user."""
        if self.user_id is not None and self.group_id is not None:
            os.chown(path, self.user_id, self.group_id, follow_symlinks=False)

    def owns_privately(self, folder: Path) -> bool:
        """Whether ``folder`` is a real folder of this user that nobody else can enter."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        owner = os.geteuid() if self.user_id is None else self.user_id
        closed = stat.S_IMODE(found.st_mode) & 0o077 == 0
        return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and closed


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of one embedded server."""

    state: Path
    user: ServerUser

    @property
    def base(self) -> Path:
        """The folder of the server's user."""
        return self.state / "cluster"

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.base / "data"

    @property
    def data_argument(self) -> str:
        """How the server itself, started inside its data folder, calls it."""
        if self.user.user_id is None or not OWN_FOLDER.exists():
            return str(self.data)
        return str(OWN_FOLDER)

    @property
    def leases(self) -> Path:
        """One file for each process that uses the server."""
        return self.state / "leases"

    @property
    def running(self) -> Path:
        """The file that every process of a running server holds locked."""
        return self.state / "running"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.state / "server.log"


def state_folder(home: Path) -> Path:
    """The folder of the embedded server below ``home``; it need not exist."""
    return home / "postgres"


def prepare_places(home: Path) -> Places:
    """Find or make the folders of the server whose home is ``home``; callers hold the lock."""
    places = Places(state_folder(home), _server_user(home))
    places.leases.mkdir(mode=0o700, exist_ok=True)
    places.user.make_private(places.base)
    for file in (places.running, places.log):
        file.touch(mode=0o600)
    if home.stat().st_uid != os.geteuid():  # root in somebody's home: leave it usable for him
        lock = places.state / "lock"
        for path in (places.state, lock, places.leases, places.running, places.log):
            places.user.take(path)
    return places


def _server_user(home: Path) -> ServerUser:
    if os.geteuid() != 0:
        return ServerUser()
    for place in (state_folder(home) / "cluster", home):
        if place.exists():
            found = place.stat()
            if found.st_uid != 0 and has_name(found.st_uid):
                return ServerUser(found.st_uid, found.st_gid)
    return ServerUser(NOBODY, NOBODY)


def has_name(user_id: int) -> bool:
    """Whether the machine knows this user by name, without which ``initdb`` refuses him."""
    try:
        pwd.getpwuid(user_id)
    except KeyError:
        return False
    return True


def find_socket_folder(places: Places) -> Path | None:
    """The folder in which the server's clients find its socket, when it is there and private."""
    folder = _near_socket_folder(places)
    if folder is None:
        folder = _recorded_socket_folder(places)
    return folder if folder is not None and places.user.owns_privately(folder) else None


def make_socket_folder(places: Places) -> Path:
    """The socket folder, made where its path is short enough for a socket.

    A recorded folder that vanished is made anew at the same place, so that addresses handed
    out before stay right; one that somebody else took meanwhile is never used.
    """
    if near := _near_socket_folder(places):
        places.user.make_private(near)
        return near
    recorded = _recorded_socket_folder(places)
    if recorded is not None:
        if not os.path.lexists(recorded):
            places.user.make_private(recorded)
        if places.user.owns_privately(recorded):
            return recorded
    folder = _short_folder(places.user)
    draft = places.state / "socket_folder.new"
    draft.write_text(str(folder), encoding="utf-8")
    draft.rename(places.state / "socket_folder")
    return folder


def remove_socket_folder(places: Places) -> None:
    """Leave nothing in a temporary folder while no server runs; the next one makes it anew."""
    recorded = _recorded_socket_folder(places)
    if recorded is not None and places.user.owns_privately(recorded):
        with contextlib.suppress(OSError):
            recorded.rmdir()


def _near_socket_folder(places: Places) -> Path | None:
    folder = places.base / "socket"
    return folder if _fits(folder) else None


def _fits(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    return len(path.encode()) <= SOCKET_PATH_LIMIT and PLAIN_PATH.fullmatch(path) is not None


def _recorded_socket_folder(places: Places) -> Path | None:
    try:
        return Path((places.state / "socket_folder").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _short_folder(user: ServerUser) -> Path:
    for parent in dict.fromkeys([tempfile.gettempdir(), *TEMPORARY_FOLDERS]):
        if not Path(parent).is_dir():
            continue
        folder = Path(tempfile.mkdtemp(prefix="wijkeconomie-", dir=parent))
        user.take(folder)
        if _fits(folder) and _reaches(user, folder):
            return folder
        folder.rmdir()
    raise EmbeddedPostgresError(
        "no temporary folder has a path short enough for a socket; set TMPDIR to one that has"
    )


def _reaches(user: ServerUser, folder: Path) -> bool:
    if user.user_id is None:
        return True
    command = ["/bin/sh", "-c", 'test -w "$0"', str(folder)]
    answer = subprocess.run(command, check=False, cwd="/", env=ENVIRONMENT, **user.arguments())
    return answer.returncode == 0
