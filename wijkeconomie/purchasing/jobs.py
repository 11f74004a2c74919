"""What the clock does for rounds: they repeat, open, close, and are settled by their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.deadlines import meet_deadline
from wijkeconomie.purchasing.due_queries import (
    members_without_pledge,
    round_at,
    rounds_due_to_close,
    rounds_due_to_open,
    rounds_due_to_remind,
)
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.repeating import make_delivery
from wijkeconomie.purchasing.repeating_queries import deliveries_to_make
from wijkeconomie.purchasing.rounds import open_if_due
from wijkeconomie.purchasing.unsettled import (
    rounds_to_settle,
    rounds_to_tell_of,
    settle_if_waiting,
    tell_of_waiting,
)


def _due_to_open(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [(str(id_), at) for id_, at in rounds_due_to_open(session, cooperative_id, now)]


def _due_to_close(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """A round that was prolonged is due again: each closing time is a piece of work of its own."""
    due = rounds_due_to_close(session, cooperative_id, now)
    return [(round_at(id_, at), at) for id_, at in due]


def _open(uow: UnitOfWork, period: str) -> str:
    return "opened" if open_if_due(uow, int(period)) else "left"


def _close(uow: UnitOfWork, period: str) -> str:
    return meet_deadline(uow, int(period.partition("/")[0]))


def _due_to_remind(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """A round that was prolonged is reminded of again: each closing time has its reminder."""
    due = rounds_due_to_remind(session, cooperative_id, now)
    return [(round_at(id_, closes_at), at) for id_, at, closes_at in due]


def _remind(uow: UnitOfWork, period: str) -> str:
    number, _slash, moment = period.partition("/")
    today = local_date(uow.now, LOCAL_TIME)
    members = members_without_pledge(uow.session, uow.tenant, int(number), today)
    closes_at = datetime.fromisoformat(moment)
    tell_members(uow, "reminder", int(number), members, version=int(closes_at.timestamp()))
    return str(len(members))


def _deliveries_to_make(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    due = deliveries_to_make(session, cooperative_id, now)
    return [(f"{code}/{day.isoformat()}", at) for code, day, at in due]


def _make(uow: UnitOfWork, period: str) -> str:
    code, _slash, day = period.rpartition("/")
    return make_delivery(uow, code, date.fromisoformat(day))


def _settle(uow: UnitOfWork, period: str) -> str:
    return "settled" if settle_if_waiting(uow, int(period)) else "left"


ROUND_JOBS = (
    ScheduledJob("rounds.repeat", _deliveries_to_make, _make),
    ScheduledJob("rounds.open", _due_to_open, _open),
    ScheduledJob("rounds.remind", _due_to_remind, _remind),
    ScheduledJob("rounds.close", _due_to_close, _close),
    ScheduledJob("rounds.settle", rounds_to_settle, _settle),
    ScheduledJob("rounds.nag", rounds_to_tell_of, tell_of_waiting),
)
