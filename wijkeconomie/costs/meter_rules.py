"""What a meter tells of usage, exactly, and what it can hardly tell. Pure: readings in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from wijkeconomie.money.weights import weight_text

PLAUSIBLE_FACTOR = 4
"""Usage of more than so many times the usual one must be confirmed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter showed at the start of a day."""

    read_on: date
    value: Fraction
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, up to which value, and whether that had to be estimated."""

    used: Fraction
    closing: Fraction
    is_estimate: bool


def is_read(readings: Sequence[Reading], last: date) -> bool:
    """Whether usage up to the start of ``last`` lies between readings, of which there are two."""
    return len(readings) > 1 and readings[-1].read_on >= last


def usage(
    readings: Sequence[Reading], first: date, last: date, settled: Reading | None = None
) -> Usage:
    """Usage from the start of ``first`` up to the start of ``last``.

    A value on a day without a reading is put on the straight line between the readings around
    it; where there is none behind (or before), the line of the nearest two goes on.

    Args:
        readings: at least two, in order of their days.
        settled: the value up to which usage was shared before, with its day, not after
            ``first``. There this month begins, so that what was estimated too low is caught up,
            and what was estimated too high is not shared a second time.
    """
    start, start_is_estimate = _value_at(readings, first)
    end, end_is_estimate = _value_at(readings, last)
    if settled is not None and settled.read_on == first:
        start, start_is_estimate = settled.value, settled.is_estimate
    elif settled is not None and settled.value > start:
        start, start_is_estimate = settled.value, True
    closing = max(start, end)
    return Usage(closing - start, closing, start_is_estimate or end_is_estimate)


def _value_at(readings: Sequence[Reading], day: date) -> tuple[Fraction, bool]:
    for reading in readings:
        if reading.read_on == day:
            return reading.value, reading.is_estimate
    pairs = list(pairwise(readings))
    around = next((pair for pair in pairs if pair[0].read_on < day < pair[1].read_on), None)
    if around is None:
        around = pairs[0] if day < readings[0].read_on else pairs[-1]
    low, high = around
    slope = (high.value - low.value) / (high.read_on - low.read_on).days
    return max(low.value + max(slope, Fraction(0)) * (day - low.read_on).days, Fraction(0)), True


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reading can hardly be right; ``value`` is the earlier or later one it contradicts."""

    kind: Literal["lower", "higher", "unusual"]
    value: str | None
    can_be_confirmed: bool


def pace(first: Reading, last: Reading) -> Fraction:
    """What was used a day between two readings."""
    return (last.value - first.value) / (last.read_on - first.read_on).days


def doubt(
    new: Reading, known: Sequence[Reading], *, others: Sequence[Fraction] = ()
) -> Doubt | None:
    """Why a new reading can hardly be right, if so.

    It is not lower than one before it nor higher than one after it: nobody can confirm that,
    unless the other one was an estimate. Usage a day up to it, and from it on, is at most four
    times the usual one, or somebody confirms it. Usual is what the meter counted before, or
    after; where it counted nothing yet, the most of ``others``.

    Args:
        known: readings of other days, in order of these.
        others: usage a day of the other meters of the key.
    """
    before = [reading for reading in known if reading.read_on < new.read_on]
    after = [reading for reading in known if reading.read_on > new.read_on]
    if lower := [reading for reading in before if reading.value > new.value]:
        can_be_confirmed = not new.is_estimate and all(each.is_estimate for each in lower)
        return Doubt("lower", weight_text(lower[-1].value), can_be_confirmed)
    if higher := [reading for reading in after if reading.value < new.value]:
        can_be_confirmed = not new.is_estimate and all(each.is_estimate for each in higher)
        return Doubt("higher", weight_text(higher[0].value), can_be_confirmed)
    usual = _usual(before, after, others)
    around = ((before[-1:], [new]), ([new], after[:1]))
    paces = [pace(*low, *high) for low, high in around if low and high]
    if usual and any(each > PLAUSIBLE_FACTOR * usual for each in paces):
        return Doubt("unusual", None, can_be_confirmed=True)
    return None


def _usual(
    before: Sequence[Reading], after: Sequence[Reading], others: Sequence[Fraction]
) -> Fraction:
    """The usual usage a day; 0 where nothing tells it."""
    for series in (before, after):
        if len(series) > 1:
            return pace(series[0], series[-1])
    return max(others, default=Fraction(0))
