"""What the clock does for rounds: they open and close by their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.due_queries import (
    members_without_pledge,
    rounds_due_to_close,
    rounds_due_to_open,
    rounds_due_to_remind,
)
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.rounds import close_if_due, open_if_due


def _due_to_open(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [(str(id_), at) for id_, at in rounds_due_to_open(session, cooperative_id, now)]


def _due_to_close(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [(str(id_), at) for id_, at in rounds_due_to_close(session, cooperative_id, now)]


def _open(uow: UnitOfWork, period: str) -> str:
    return "opened" if open_if_due(uow, int(period)) else "left"


def _close(uow: UnitOfWork, period: str) -> str:
    return "closed" if close_if_due(uow, int(period)) else "left"


def _due_to_remind(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [(str(id_), at) for id_, at in rounds_due_to_remind(session, cooperative_id, now)]


def _remind(uow: UnitOfWork, period: str) -> str:
    today = local_date(uow.now, LOCAL_TIME)
    members = members_without_pledge(uow.session, uow.tenant, int(period), today)
    tell_members(uow, "reminder", int(period), members)
    return str(len(members))


ROUND_JOBS = (
    ScheduledJob("rounds.open", _due_to_open, _open),
    ScheduledJob("rounds.remind", _due_to_remind, _remind),
    ScheduledJob("rounds.close", _due_to_close, _close),
)
