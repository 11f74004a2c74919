"""What the clock does for rounds: they open and close by their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.queries import rounds_due_to_close, rounds_due_to_open
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


ROUND_JOBS = (
    ScheduledJob("rounds.open", _due_to_open, _open),
    ScheduledJob("rounds.close", _due_to_close, _close),
)
