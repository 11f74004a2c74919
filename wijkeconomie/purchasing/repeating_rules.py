"""When a repeating round delivers, opens and closes: rhythm, holidays, breaks, the clock.

Pure: the calendar of holidays and breaks comes in as functions of a day. Hours are hours of the
clock in a timezone; instants are aware UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

HolidayRule = Literal["skip", "before", "after", "as_usual"]
NameOfDay = Callable[[date], str | None]
SUNDAY = 6
FARTHEST_MOVE_DAYS = 6
"""A delivery is moved within its week; where no day is free it is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Which days a repeating round delivers on, and when it opens and closes before them."""

    first_on: date
    last_on: date | None
    every_weeks: int
    opens_days_before: int
    opens_time: time
    closes_days_before: int
    closes_time: time
    ahead_days: int
    on_holiday: HolidayRule


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of a delivery: its day and times, or why it is left out."""

    nominal_on: date
    delivery_on: date
    opens_at: datetime
    closes_at: datetime
    skipped: Literal["break", "holiday"] | None = None
    note: str | None = None


def nominal_days(rhythm: Rhythm, after: date | None = None) -> Iterator[date]:
    """The days that the rhythm names, oldest first; those later than ``after`` where given.

    >>> days = nominal_days(Rhythm(first_on=date(2026, 1, 8), last_on=None, every_weeks=2,
    ...     opens_days_before=6, opens_time=time(9), closes_days_before=2, closes_time=time(20),
    ...     ahead_days=1, on_holiday="skip"), after=date(2026, 1, 8))
    >>> next(days)
    datetime.date(2026, 1, 22)
    """
    step = timedelta(weeks=rhythm.every_weeks)
    day = rhythm.first_on
    if after is not None and after >= day:
        day += ((after - day) // step + 1) * step
    while rhythm.last_on is None or day <= rhythm.last_on:
        yield day
        day += step


def makes_at(rhythm: Rhythm, nominal_on: date, timezone: ZoneInfo) -> datetime:
    """From when the round of a delivery is made.

    Counted from the earliest day on which it may be, so that one that moves before a holiday is
    not made too late.
    """
    early = FARTHEST_MOVE_DAYS if rhythm.on_holiday == "before" else 0
    days = rhythm.opens_days_before + rhythm.ahead_days + early
    return _instant(nominal_on - timedelta(days=days), rhythm.opens_time, timezone)


def planned(
    rhythm: Rhythm,
    nominal_on: date,
    *,
    holiday_on: NameOfDay,
    break_on: NameOfDay,
    timezone: ZoneInfo,
) -> Planned:
    """What becomes of the delivery that the rhythm names on a day.

    A holiday skips it or moves it to the nearest day before or after that is no holiday, no
    Sunday and in no break, at most six days away; opening and closing move along. A break
    always skips it.
    """
    if (why := break_on(nominal_on)) is not None:
        return _at(rhythm, nominal_on, nominal_on, timezone, ("break", why))
    holiday = holiday_on(nominal_on)
    if holiday is None or rhythm.on_holiday == "as_usual":
        return _at(rhythm, nominal_on, nominal_on, timezone)
    if rhythm.on_holiday != "skip":
        step = timedelta(days=-1 if rhythm.on_holiday == "before" else 1)
        for number in range(1, FARTHEST_MOVE_DAYS + 1):
            day = nominal_on + number * step
            if day.weekday() != SUNDAY and holiday_on(day) is None and break_on(day) is None:
                return _at(rhythm, nominal_on, day, timezone, (None, holiday))
    return _at(rhythm, nominal_on, nominal_on, timezone, ("holiday", holiday))


def _at(
    rhythm: Rhythm,
    nominal_on: date,
    delivery_on: date,
    timezone: ZoneInfo,
    why: tuple[Literal["break", "holiday"] | None, str | None] = (None, None),
) -> Planned:
    opens_on = delivery_on - timedelta(days=rhythm.opens_days_before)
    closes_on = delivery_on - timedelta(days=rhythm.closes_days_before)
    return Planned(
        nominal_on,
        delivery_on,
        _instant(opens_on, rhythm.opens_time, timezone),
        _instant(closes_on, rhythm.closes_time, timezone),
        *why,
    )


def _instant(day: date, hour: time, timezone: ZoneInfo) -> datetime:
    """That hour of the clock on a day; the first of two, and one that is skipped an hour later."""
    return datetime.combine(day, hour, tzinfo=timezone).astimezone(UTC)
