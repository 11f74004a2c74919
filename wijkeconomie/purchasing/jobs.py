"""What the clock looks after: rounds that open or close by their times."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.clock import Job
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.purchasing.queries import rounds_due_to_close, rounds_due_to_open
from wijkeconomie.purchasing.rounds import close_if_due, open_if_due

log = logging.getLogger(__name__)

CLOCK = system_identity("job:rounds")


def open_due_rounds(units_of_work: UnitOfWorkFactory) -> int:
    """Open every draft whose time has come, each in a transaction of its own; how many."""
    return _each_due(units_of_work, rounds_due_to_open, open_if_due)


def close_due_rounds(units_of_work: UnitOfWorkFactory) -> int:
    """Close every round whose deadline has passed, each in a transaction of its own; how many."""
    return _each_due(units_of_work, rounds_due_to_close, close_if_due)


def _each_due(
    units_of_work: UnitOfWorkFactory,
    due: Callable[[Session, int, datetime], list[int]],
    take: Callable[[UnitOfWork, int], bool],
) -> int:
    """Take a step in each round that is due; one that fails does not stop the others."""
    with units_of_work.begin(identity=CLOCK) as uow:
        cooperatives = list(uow.session.scalars(text("select id from cooperative order by id")))
    done = 0
    for cooperative_id in cooperatives:
        with units_of_work.begin(identity=CLOCK, cooperative_id=cooperative_id) as uow:
            waiting = due(uow.session, cooperative_id, uow.now)
        for round_id in waiting:
            try:
                with units_of_work.begin(identity=CLOCK, cooperative_id=cooperative_id) as uow:
                    done += take(uow, round_id)
            except Exception:
                log.exception(
                    "round not moved on",
                    extra={"cooperative_id": cooperative_id, "round_id": round_id},
                )
    return done


JOBS = (
    Job("open-due-rounds", 60, open_due_rounds),
    Job("close-due-rounds", 30, close_due_rounds),
)
