"""Decisions about care budgets. Pure: plain values in, plain values out.

Amounts are whole cents, time is whole minutes, months are their first day.

Source: Wlz, Wmo 2015 and Jeugdwet (the SVB pays from a drawing right), Zvw (the insurer pays).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.periods import Period
from wijkeconomie.money.weights import Weight, scale_weights

MINUTES_AN_HOUR = 60


def care_cents(minutes: int, hourly_rate_cents: int) -> int:
    """What so many minutes cost, half a cent up.

    >>> care_cents(2205, 6350)
    233363
    """
    return (2 * minutes * hourly_rate_cents + MINUTES_AN_HOUR) // (2 * MINUTES_AN_HOUR)


class Objection(enum.StrEnum):
    """Why a declaration is refused, in the order in which it is looked at."""

    NOT_APPROVED = "agreement_not_approved"
    OUTSIDE_PERIOD = "outside_period"
    AMOUNT_DIFFERS = "amount_differs"
    OVER_FENCE = "over_fence"
    OVER_BUDGET = "insufficient_budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a declaration is judged by; ``ends_on`` is the last day.

    ``left_cents`` is what is left of the budget, ``fence_left_cents`` of the agreement's own
    part of it, where there is one. ``None`` is not known here: then the database decides alone.
    """

    is_approved: bool
    starts_on: date
    ends_on: date
    hourly_rate_cents: int
    left_cents: int | None
    fence_left_cents: int | None = None


def objection(
    month: date, minutes: int, claimed_cents: int | None, terms: Terms
) -> Objection | None:
    """What is against a declaration, or ``None``: then the budget bears it.

    Args:
        month: counts when a day of it lies in the agreement.
        claimed_cents: what the declaration itself says it comes to, if it does.
    """
    if not terms.is_approved:
        return Objection.NOT_APPROVED
    if not _reaches(month, terms.starts_on, terms.ends_on):
        return Objection.OUTSIDE_PERIOD
    cents = care_cents(minutes, terms.hourly_rate_cents)
    if claimed_cents is not None and claimed_cents != cents:
        return Objection.AMOUNT_DIFFERS
    if terms.fence_left_cents is not None and cents > terms.fence_left_cents:
        return Objection.OVER_FENCE
    if terms.left_cents is not None and cents > terms.left_cents:
        return Objection.OVER_BUDGET
    return None


def _reaches(month: date, starts_on: date, ends_on: date) -> bool:
    return starts_on.replace(day=1) <= month <= ends_on.replace(day=1)


@dataclass(frozen=True, slots=True)
class SharedMinutes:
    """What each holder bears of a carer's time, and by what: whole weights and their sum."""

    minutes: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def weight_sum(self) -> int:
        """The sum of the weights."""
        return sum(self.weights)


def share_minutes(minutes: int, weights: Sequence[Weight]) -> SharedMinutes:
    """Share whole minutes by weight, largest remainder; the parts come to all of them.

    Raises:
        AllocationError: no weight is above zero, or one is below it.
        ValueError: a weight is not a number.
    """
    whole, _scale = scale_weights(weights)
    return SharedMinutes(tuple(allocate(minutes, whole)), tuple(whole))


@dataclass(frozen=True, slots=True)
class MonthOfBudget:
    """A month of a budget: what was or will probably be used, and what is left at its end."""

    month: date
    cents: int
    left_cents: int
    is_expected: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a budget burns.

    ``average_cents`` is a month's use so far, half a cent up, and ``None`` before the first.
    ``empty_in`` is the month in which it would run out.
    """

    months: tuple[MonthOfBudget, ...]
    average_cents: int | None
    empty_in: date | None

    @property
    def left_cents(self) -> int:
        """What would be left at the end, below zero when it is short."""
        return self.months[-1].left_cents


def forecast(budget_cents: int, period: Period, used: Mapping[date, int]) -> Forecast:
    """Carry the average month on from the last month that was declared for.

    Months without care before that one count too. Nothing is carried on while nothing was used.

    Args:
        used: cents by month; months outside the period are left out.
    """
    months = [month.start for month in period.months()]
    declared = [month for month in months if used.get(month)]
    seen = months.index(declared[-1]) + 1 if declared else 0
    total = sum(used.get(month, 0) for month in months[:seen])
    average = (2 * total + seen) // (2 * seen) if seen else None
    left, found, empty_in = budget_cents, [], None
    for position, month in enumerate(months):
        is_expected = position >= seen
        cents = (average or 0) if is_expected else used.get(month, 0)
        left -= cents
        if left < 0 and empty_in is None:
            empty_in = month
        found.append(MonthOfBudget(month, cents, left, is_expected))
    return Forecast(tuple(found), average, empty_in)
