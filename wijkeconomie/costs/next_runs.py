"""The settlement runs to come: on which day, of how much, and over how many members."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.costs.jobs import costs_to_come
from wijkeconomie.costs.recurring_queries import changed_terms, terms_then
from wijkeconomie.money.periods import Period


@dataclass(frozen=True, slots=True)
class NextRun:
    """A month that will be settled, with the recurring costs that it still gets."""

    month: date
    settled_on: date
    """The day after the month; one that has passed means: as soon as possible."""
    costs: int
    coming: int
    """How many of the costs are recurring ones that have yet to be made."""
    gross_cents: int
    members: int
    """Who shares at least one of the costs by its key as it is valid in the month."""


@dataclass(slots=True)
class _Sum:
    """What comes together in a month."""

    costs: int
    coming: int
    gross_cents: int
    keys: set[int]


_WAITING = text(
    """
select month, count(*) as costs, sum(gross_cents)::bigint as gross_cents,
  array_agg(distinct key_id) as keys
from shared_cost
where cooperative_id = :id and settled_version = 0 and stopped_at is null
group by month
"""
)
_MEMBERS = text(
    """
select count(*) from member m
where m.cooperative_id = :id and m.joined_on <= :last
  and (m.left_on is null or m.left_on >= :first)
  and exists (
    select from allocation_key k
    cross join lateral (
      select v.id from allocation_key_version v
      where v.cooperative_id = k.cooperative_id and v.key_id = k.id and v.valid_from <= :first
      order by v.valid_from desc limit 1) as v
    left join allocation_weight w on w.cooperative_id = k.cooperative_id
      and w.version_id = v.id and w.member_id = m.id
    where k.cooperative_id = :id and k.id = any(cast(:keys as bigint[]))
      and not coalesce(w.is_excluded, false)
      and (not k.is_small_group or w.member_id is not null))
"""
)


def next_runs(session: Session, cooperative_id: int, today: date) -> list[NextRun]:
    """Runs to come, the oldest month first: what waits, and what this month still brings."""
    months: dict[date, _Sum] = defaultdict(lambda: _Sum(0, 0, 0, set()))
    for row in session.execute(_WAITING, {"id": cooperative_id}):
        months[row.month] = _Sum(row.costs, 0, row.gross_cents, set(row.keys))
    last_day = Period.month_of(today).end - timedelta(days=1)
    changed = changed_terms(session, cooperative_id)
    for recurring, day in costs_to_come(session, cooperative_id, last_day):
        terms = terms_then(recurring, changed, day)
        found = months[day.replace(day=1)]
        found.costs += 1
        found.coming += 1
        found.gross_cents += terms.gross_cents
        found.keys.add(terms.key_id)
    return [
        NextRun(
            month,
            Period.month_of(month).end,
            found.costs,
            found.coming,
            found.gross_cents,
            _members(session, cooperative_id, Period.month_of(month), found.keys),
        )
        for month, found in sorted(months.items())
    ]


def _members(session: Session, cooperative_id: int, month: Period, keys: set[int]) -> int:
    values = {
        "id": cooperative_id,
        "first": month.start,
        "last": month.end - timedelta(days=1),
        "keys": sorted(keys),
    }
    return session.scalar(_MEMBERS, values) or 0
