"""What the clock does for statements: members hear that the one of last month is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date, midnight_utc

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


def _month_to_tell(
    _session: Session, _cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """The last month that ended; of older ones nobody is told any more.

    So neither an import of years nor a clock that stood still writes more than one letter.
    """
    today = local_date(now - SETTLING_TAKES, LOCAL_TIME)
    month = Period.month_of(today.replace(day=1) - timedelta(days=1))
    return [(f"{month.start:%Y-%m}", midnight_utc(month.end + SETTLING_TAKES, LOCAL_TIME))]


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


STATEMENT_JOBS = (ScheduledJob("statements.send", _month_to_tell, _tell),)
