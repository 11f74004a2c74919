"""Periods of whole days, half-open, and where their edges lie on the clock of the world."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOCAL_TIME = ZoneInfo("Europe/Amsterdam")
"""Days are days of the Netherlands, wherever the server stands."""

_WRITTEN = re.compile(r"([0-9]{4})(?:-(?:Q([1-4])|([0-9]{2})))?")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from ``start`` up to but not including ``end``; at least one."""

    start: date
    end: date

    def __post_init__(self) -> None:
        # A datetime is a date in Python, but a period knows no hours.
        if isinstance(self.start, datetime) or isinstance(self.end, datetime):
            raise TypeError("a period runs between dates, not moments")
        if self.end <= self.start:
            raise ValueError(f"a period ends after it starts: {self.start} to {self.end}")

    @classmethod
    def month(cls, year: int, month: int) -> Period:
        return cls(date(year, month, 1), _first_of_month(year, month + 1))

    @classmethod
    def quarter(cls, year: int, quarter: int) -> Period:
        if not 1 <= quarter <= 4:
            raise ValueError(f"a quarter is 1 to 4, not {quarter}")
        first = 3 * quarter - 2
        return cls(date(year, first, 1), _first_of_month(year, first + 3))

    @classmethod
    def year(cls, year: int) -> Period:
        return cls(date(year, 1, 1), date(year + 1, 1, 1))

    @classmethod
    def month_of(cls, day: date) -> Period:
        return cls.month(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2026-01`` (a month), ``2026-Q1`` (a quarter) or ``2026`` (a year).

        Raises:
            ValueError: any other text, or a month that does not exist.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:40]!r} is not a period: write 2026-01, 2026-Q1 or 2026")
        year = int(match[1])
        if match[2]:
            return cls.quarter(year, int(match[2]))
        return cls.month(year, int(match[3])) if match[3] else cls.year(year)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __len__(self) -> int:
        return (self.end - self.start).days

    def __iter__(self) -> Iterator[date]:
        """Yield every day."""
        return (self.start + timedelta(days=number) for number in range(len(self)))

    def months(self) -> Iterator[Period]:
        """Yield every calendar month that has a day in this period, as a whole month."""
        month = Period.month_of(self.start)
        while month.start < self.end:
            yield month
            month = Period.month_of(month.end)

    def intersection(self, other: Period) -> Period | None:
        """Return the days in both, or ``None`` when there are none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def overlap_days(self, other: Period) -> int:
        """Count the days in both."""
        return max((min(self.end, other.end) - max(self.start, other.start)).days, 0)

    def instants(self, timezone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the half-open range of UTC instants of these days in a timezone."""
        return midnight_utc(self.start, timezone), midnight_utc(self.end, timezone)


def clamp_day(year: int, month: int, day: int) -> date:
    """Return that day of the month, or the month's last one when it is shorter.

    A payment on the 31st falls on 28, 29, 30 or 31.

    Raises:
        ValueError: a day outside 1 to 31, or no such month.
    """
    if not 1 <= day <= 31:
        raise ValueError(f"a day of the month is 1 to 31, not {day}")
    return date(year, month, min(day, monthrange(year, month)[1]))


def midnight_utc(day: date, timezone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, as aware UTC.

    Where the clock changes at midnight itself: of two midnights the first; of none the
    moment of the change.
    """
    return datetime.combine(day, time.min, tzinfo=timezone).astimezone(UTC)


def local_date(instant: datetime, timezone: ZoneInfo) -> date:
    """Return the calendar day of an instant in a timezone.

    Raises:
        ValueError: the instant does not know its own timezone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant carries its timezone")
    return instant.astimezone(timezone).date()


def _first_of_month(year: int, month: int) -> date:
    """Return the first day of a month; month 13 is January of the next year."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
