"""What the clock does for care budgets: holders hear that hours wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from wijkeconomie.budgets.waiting import holders_to_remind
from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date, midnight_utc

MORNING = timedelta(hours=8)


def _mornings(
    session: Session, _cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    today = local_date(now, LOCAL_TIME)
    due_at = midnight_utc(today, LOCAL_TIME) + MORNING
    if now < due_at or not holders_to_remind(session, now):
        return []
    return [(today.isoformat(), due_at)]


def _remind(uow: UnitOfWork, period: str) -> str:
    # One message for all: who holds a budget stands nowhere outside its own tables.
    enqueue(
        uow, kind="mail.care-waiting", event_key=f"care/waiting/{period}", payload={"day": period}
    )
    return "told"


CARE_JOBS = (ScheduledJob("care.remind", _mornings, _remind),)
