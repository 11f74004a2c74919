"""Install the browser that the browser tests drive, where that is possible.

Run by ``make test``. Tests that need a browser are skipped when there is none, and this says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "install one (Debian: apt-get install chromium) or name it in BROWSER_PATH"


def find_browser() -> str | None:
    """The browser to drive: as ``BROWSER_PATH`` says, else the first that is installed."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install_browser() -> bool:
    """Install Debian's browser when we may; whether that worked."""
    installer = shutil.which("apt-get")
    if installer is None or os.geteuid() != 0:
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
        done = subprocess.run(
            [installer, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(done.stderr.strip()[-500:], file=sys.stderr)  # noqa: T201 a script says so
    return find_browser() is not None


def main() -> None:
    """Say what will be tested."""
    if find_browser() is None:
        print("No browser found: trying to install chromium ...")  # noqa: T201
        if not install_browser():
            print(f"The browser tests will be SKIPPED: {ADVICE}.")  # noqa: T201


if __name__ == "__main__":
    main()
