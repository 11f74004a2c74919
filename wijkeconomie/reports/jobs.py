"""What the clock does for statements: members hear that the one of last month is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.jobs import first_open_month
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date, midnight_utc

STATEMENTS = "statements.send"
SETTLING_TAKES = timedelta(days=1)
"""Statements come a day after a month has ended, so that its costs are in them."""

_MEMBERS = text(
    """
select m.id from member m
where m.cooperative_id = :id and exists (
  select from account a
  join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
  join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
  where a.cooperative_id = :id and a.party = m.code and a.unit = 'EUR'
    and a.key in ('member_account', 'contribution_receivable')
    and e.accounting_date >= :first and e.accounting_date < :end)
order by m.code
"""
)


def members_with_lines(session: Session, cooperative_id: int, month: Period) -> list[int]:
    """Who has something on the statement of a month."""
    values = {"id": cooperative_id, "first": month.start, "end": month.end}
    return list(session.scalars(_MEMBERS, values))


# From the first month that was told, or else the last one: what was before is of an import.
_UNTOLD = text(
    """
select cast(month as date) from generate_series(
  greatest(
    cast(:last as date) - interval '1 year',
    coalesce((select to_date(min(period), 'YYYY-MM') from job_run
      where cooperative_id = :id and job = :job), cast(:last as date))),
  cast(:last as date), interval '1 month') as month
where not exists (select from job_run where cooperative_id = :id and job = :job
  and period = to_char(month, 'YYYY-MM') and status = 'done')
order by month
"""
)


def _months_to_tell(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """Months that ended and were not told, as far as all costs up to them have been settled.

    A statement without a cost of its month would be put right by a next one that nobody
    understands, so it waits. Months that a clock which stood still has missed are told too, the
    oldest first, up to a year back. An import of years writes no more than one letter.
    """
    today = local_date(now - SETTLING_TAKES, LOCAL_TIME)
    last = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    values = {"id": cooperative_id, "job": STATEMENTS, "last": last}
    untold = session.scalars(_UNTOLD, values).all()
    if not untold:
        return []
    open_month = first_open_month(session, cooperative_id, local_date(now, LOCAL_TIME))
    return [
        (
            f"{month:%Y-%m}",
            midnight_utc(Period.month_of(month).end + SETTLING_TAKES, LOCAL_TIME),
        )
        for month in untold
        if open_month is None or month < open_month
    ]


def _tell(uow: UnitOfWork, period: str) -> str:
    month = Period.parse(period)
    members = members_with_lines(uow.session, uow.tenant, month)
    if members:
        enqueue(
            uow,
            kind="mail.statements-ready",
            event_key=f"statements/{period}",
            payload={"month": period},
        )
    return str(len(members))


STATEMENT_JOBS = (ScheduledJob(STATEMENTS, _months_to_tell, _tell),)
