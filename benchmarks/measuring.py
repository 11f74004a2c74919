"""Timing two ways of doing one thing, turn by turn, so that a busy machine slows down both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

RUNS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``ratio`` is reference / ours: 1 is as fast as raw SQL, less is slower."""

    name: str
    unit: str
    ours: float
    reference: float
    ratio: float
    goal: float

    @property
    def is_reached(self) -> bool:
        """Whether the goal is met."""
        return self.ratio >= self.goal

    def as_dict(self) -> dict[str, str | float]:
        """What ``var/bench.json`` holds."""
        return asdict(self)


def compare(
    name: str,
    *,
    goal: float,
    ours: Callable[[int], object],
    reference: Callable[[int], object],
    runs: int = RUNS,
    before: Callable[[int], object] | None = None,
) -> Row:
    """The medians of ``runs`` interleaved turns; each is told its number, to make fresh keys.

    Args:
        before: what prepares a turn of both, outside of the measured time.
    """
    if before is not None:
        before(-1)
    ours(-1)
    reference(-1)
    times: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        if before is not None:
            before(run)
        for work, found in zip((ours, reference), times, strict=True):
            began = time.perf_counter()
            work(run)
            found.append((time.perf_counter() - began) * 1000)
    mine, theirs = (statistics.median(each) for each in times)
    return Row(name, "ms", mine, theirs, theirs / mine, goal)
