"""Memory: a city is imported in a process of its own, whose peak the system tells."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Row
from wijkeconomie.network import interchange

CITY = Path(interchange.__file__).parents[1] / "demo_city"
LIMIT_MB = 300


def import_rows() -> list[Row]:
    """The most memory that importing takes, in MB, against the limit."""
    with tempfile.TemporaryDirectory(prefix="wijkeconomie-bench-") as home:
        subprocess.run(
            [sys.executable, "-m", "wijkeconomie", "import", "city", str(CITY)],
            env=os.environ | {"WIJKECONOMIE_HOME": home},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    name = "memory of importing a city, at most 300"
    return [Row(name, "MB", peak_mb, LIMIT_MB, LIMIT_MB / peak_mb, 1.0)]
