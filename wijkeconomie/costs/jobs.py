"""What the clock does for shared costs: recurring ones come back, and months are settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.models import AllocationKey, RecurringCost
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.recurring import held_recurring_cost, terms_on
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.money.periods import LOCAL_TIME, Period, clamp_day, local_date, midnight_utc


def occurrences(recurring: RecurringCost, until: date) -> Iterator[date]:
    """The days on which a recurring cost falls, up to and with ``until``."""
    month = recurring.starts_on.replace(day=1)
    last = min(until, recurring.ends_on) if recurring.ends_on else until
    while month <= last:
        day = clamp_day(month.year, month.month, recurring.day_of_month)
        if recurring.starts_on <= day <= last:
            yield day
        number = month.month - 1 + recurring.every_months
        month = date(month.year + number // 12, number % 12 + 1, 1)


def next_occurrence(recurring: RecurringCost, after: date) -> date | None:
    """The first day after ``after`` on which a recurring cost falls, if it still does."""
    if recurring.stopped_at is not None:
        return None
    year = max(after, recurring.starts_on).year + recurring.every_months // 12 + 2
    return next((day for day in occurrences(recurring, date(year, 12, 31)) if day > after), None)


_RECURRING = select(RecurringCost).where(
    RecurringCost.cooperative_id == bindparam("cooperative_id"),
    RecurringCost.stopped_at.is_(None),
    RecurringCost.starts_on <= bindparam("until"),
)
_MADE = text(
    "select recurring_id, incurred_on from shared_cost"
    " where cooperative_id = :id and recurring_id is not null"
)


def costs_to_come(
    session: Session, cooperative_id: int, until: date
) -> list[tuple[RecurringCost, date]]:
    """Recurring costs that fall up to and with ``until`` and were not made, with their days."""
    recurring = session.scalars(
        _RECURRING, {"cooperative_id": cooperative_id, "until": until}
    ).all()
    if not recurring:
        return []
    made = {
        (row.recurring_id, row.incurred_on)
        for row in session.execute(_MADE, {"id": cooperative_id})
    }
    return [
        (each, day)
        for each in recurring
        for day in occurrences(each, until)
        if (each.id, day) not in made
    ]


def _costs_to_make(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [
        (f"{each.code}/{day.isoformat()}", midnight_utc(day, LOCAL_TIME))
        for each, day in costs_to_come(session, cooperative_id, local_date(now, LOCAL_TIME))
    ]


_FIRST_WAITING = text(
    "select min(month) from shared_cost"
    " where cooperative_id = :id and settled_version = 0 and stopped_at is null"
)


def first_open_month(session: Session, cooperative_id: int, today: date) -> date | None:
    """The first day of the oldest month with costs that wait, or that should have been made."""
    waiting = session.scalar(_FIRST_WAITING, {"id": cooperative_id})
    to_make = costs_to_come(session, cooperative_id, today)
    months = [day.replace(day=1) for _recurring, day in to_make]
    return min(months if waiting is None else [waiting, *months], default=None)


def _make_cost(uow: UnitOfWork, period: str) -> str:
    code, _, written = period.rpartition("/")
    day = date.fromisoformat(written)
    recurring = held_recurring_cost(uow, code)
    has_ended = recurring.ends_on is not None and recurring.ends_on < day
    if recurring.stopped_at is not None or has_ended:
        return ""  # somebody was first
    terms = terms_on(uow, recurring, day) or recurring
    key = uow.session.get_one(AllocationKey, (uow.tenant, terms.key_id))
    name = f"{code}-{written}"
    record_cost(
        uow,
        RecordCost(
            code=name,
            month=day,
            incurred_on=day,
            description=recurring.description,
            key_code=key.code,
            net_cents=terms.net_cents,
            vat_cents=terms.vat_cents,
            vat_basis_points=terms.vat_basis_points,
            supplier_code=recurring.supplier_code,
            document=recurring.document,
            recurring_id=recurring.id,
            is_new_supplier=True,
        ),
    )
    return name


_MONTHS = text(
    """
select c.month, coalesce(max(r.number), 0) + 1 as number
from (select distinct month from shared_cost
  where cooperative_id = :id and settled_version = 0 and stopped_at is null
    and month < date_trunc('month', cast(:today as date))) c
left join settlement_run r on r.cooperative_id = :id and r.month = c.month and r.state <> 'draft'
group by c.month order by c.month
"""
)


def _months_to_settle(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """Months that have ended with costs waiting; a late cost makes a second run."""
    rows = session.execute(_MONTHS, {"id": cooperative_id, "today": local_date(now, LOCAL_TIME)})
    return [
        (
            f"{row.month:%Y-%m}/{row.number}",
            midnight_utc(Period.month_of(row.month).end, LOCAL_TIME),
        )
        for row in rows
    ]


def _settle(uow: UnitOfWork, period: str) -> str:
    month = Period.parse(period.partition("/")[0]).start
    settled = settle_month(uow, month, Publication.WITH_LETTER)
    return str(len(settled.costs)) if settled is not None else "0"


COST_JOBS = (
    ScheduledJob("costs.recur", _costs_to_make, _make_cost),
    ScheduledJob("costs.settle", _months_to_settle, _settle),
)
