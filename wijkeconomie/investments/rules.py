"""Decisions about campaigns, assets, results and leaving members. Pure.

Amounts are whole cents; every division is by ``money.allocation``, so parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.periods import Period, clamp_day

DECIDED_AFTER = timedelta(days=3)
"""A campaign is decided so long after its last day: money paid on that day has then arrived."""

EXEMPT_OFFER_CENTS = 5_000_000_00
"""Offers below this in twelve months need no approved prospectus (docs/investments.md)."""

OFFER_WARNING_CENTS = EXEMPT_OFFER_CENTS // 5 * 4
MONTHS_OF_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """What deciding about the money of a campaign takes."""

    unit_price_cents: int
    target_units: int
    stage_units: int
    raised_units: int
    drawn_cents: int
    is_closed: bool


def drawable_cents(campaign: CampaignFigures) -> int:
    """How much more may be spent: whole stages, and all that came in once the campaign closed."""
    units = campaign.raised_units
    if not campaign.is_closed and units < campaign.target_units:
        units -= units % campaign.stage_units
    return units * campaign.unit_price_cents - campaign.drawn_cents


def can_do_without(campaign: CampaignFigures, units: int) -> bool:
    """Whether the first stage and what was spent are paid also without so many units."""
    rest = replace(campaign, raised_units=campaign.raised_units - units)
    return is_enough(rest.raised_units, rest.stage_units) and drawable_cents(rest) >= 0


def is_enough(paid_units: int, stage_units: int) -> bool:
    """Whether the first stage has been paid, so that the participations count."""
    return paid_units >= stage_units


def needs_prospectus(offers: Iterable[tuple[date, int]], on: date, cents: int) -> bool:
    """Whether a new offer takes the cooperative past the exempt amount.

    Args:
        offers: day of opening and target in cents of every earlier campaign.
        on: the day on which the new one opens.
    """
    return offered_cents(offers, on) + cents > EXEMPT_OFFER_CENTS


def offered_cents(offers: Iterable[tuple[date, int]], on: date) -> int:
    """What was offered within a year of ``on``, before or after it."""
    year = timedelta(days=365)
    return sum(cents for opened, cents in offers if abs(opened - on) < year)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month when it is shorter."""
    number = day.month - 1 + months
    return clamp_day(day.year + number // MONTHS_OF_A_YEAR, number % MONTHS_OF_A_YEAR + 1, day.day)


def depreciation_plan(
    cost_cents: int, residual_cents: int, life_months: int, in_use_from: date
) -> list[tuple[date, int]]:
    """What an asset loses in each month of its life, straight-line; together all but the residual.

    Months differ by one cent at most; the months with the extra cent come first.
    """
    parts = allocate(cost_cents - residual_cents, [1] * life_months)
    return [
        (months_later(in_use_from, number).replace(day=1), part)
        for number, part in enumerate(parts)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalFigures:
    """What an asset that leaves cost, lost and brought, in cents."""

    cost_cents: int
    depreciated_cents: int
    proceeds_cents: int
    """With the VAT in it."""
    vat_cents: int

    @property
    def book_value_cents(self) -> int:
        """What it stands for in the books."""
        return self.cost_cents - self.depreciated_cents

    @property
    def result_cents(self) -> int:
        """What it brings above that, without VAT; negative for a loss."""
        return self.proceeds_cents - self.vat_cents - self.book_value_cents


def first_open_day(day: date, closed_months: Collection[date]) -> date:
    """The day itself, or the first one after its month of a month that is not closed.

    Args:
        closed_months: their first days.
    """
    while day.replace(day=1) in closed_months:
        day = Period.month_of(day).end
    return day


def last_day(month: date) -> date:
    """The last day of the month that ``month`` lies in."""
    return Period.month_of(month).end - timedelta(days=1)


def share_result(
    cents: int, units: Sequence[int], left_cents: Sequence[int] | None = None
) -> list[int]:
    """A year's surplus or loss over holders, by their units.

    Args:
        cents: negative for a loss.
        units: of each holder, in order of member number, which is the order of ties.
        left_cents: what is left of each holder's capital: nobody bears more of a loss.

    Raises:
        AllocationError: nobody holds units, or the loss is more than all capital.
    """
    return allocate(cents, units, caps=left_cents if cents < 0 else None)


@dataclass(frozen=True, slots=True, order=True)
class Leaver:
    """A holder who left: since when his money may be released, who, and how much it is."""

    due_on: date
    member: str
    cents: int


def releases(
    waiting: Iterable[Leaver],
    released: Iterable[tuple[date, int]],
    *,
    per_year_cents: int | None,
    today: date,
) -> list[Leaver]:
    """Whose money is released now, who waited longest first.

    With ``per_year_cents`` a calendar year releases no more than that, except to one who is the
    first of the year: else an amount above it would wait for ever.

    Args:
        released: day and amount of what was released before.
    """
    used = sum(cents for day, cents in released if day.year == today.year)
    found: list[Leaver] = []
    for leaver in sorted(waiting):
        if leaver.due_on > today:
            continue
        is_over = per_year_cents is not None and used and used + leaver.cents > per_year_cents
        if is_over:
            break  # who left later does not go before
        found.append(leaver)
        used += leaver.cents
    return found
