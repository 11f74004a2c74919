"""Scheduled work: the database says what is due, and remembers what was done.

A piece of work and its mark are one transaction, and the mark is unique (cooperative, job,
period). So whatever is killed when, whoever runs beside whom: a period is done once.
"""

from __future__ import annotations

import enum
import json
import logging
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy import CheckConstraint, Index, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.job_starts import Started, note_start, started_work
from wijkeconomie.core.models import Base, TenantTable
from wijkeconomie.core.pauses import pause_after
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

OUR_FAULT = "internal-error"


class JobStatus(enum.StrEnum):
    """How the last attempt ended."""

    DONE = "done"
    FAILED = "failed"


class JobRun(TenantTable, Base):
    """The mark of a piece of work.

    Of work that failed, ``error`` is the code of the refusal, ``context`` the values of its
    sentence and ``detail`` what it says to a programmer. What is our own fault has the code
    :data:`OUR_FAULT` and, as ``reference``, a word that stands in the log beside the traceback.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("status in ('done', 'failed')", name="status_known"),
        Index("ix_job_run_cooperative_id_finished_at", "cooperative_id", "finished_at"),
    )

    job: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error: Mapped[str | None]
    detail: Mapped[str | None]
    context: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A piece of work whose time has come."""

    due_at: datetime
    job: str
    period: str


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A kind of work.

    ``find`` tells which periods are due now and since when; ``do`` carries one out within the
    transaction of its mark and returns a word or two about what came of it.
    """

    name: str
    find: Callable[[Session, int, datetime], Sequence[tuple[str, datetime]]]
    do: Callable[[UnitOfWork, str], str]


@dataclass(slots=True)
class Tally:
    """How many pieces of work were done, and how many failed."""

    done: int = 0
    failed: int = 0


# Written out once: putting statements together for each of a thousand cooperatives takes longer
# than asking them.
_MARKS = text(
    "select job, period, status, next_attempt_at from job_run"
    " where cooperative_id = :cooperative_id and (job, period) in"
    " (select * from unnest(cast(:jobs as text[]), cast(:periods as text[])))"
)
# The start goes with the work, so it stands there, locked, until the work is done.
_CLAIM = text(
    """
with begun as (delete from job_start
  where cooperative_id = :cooperative_id and job = :job and period = :period)
insert into job_run (cooperative_id, job, period, status, attempts, due_at, finished_at)
values (:cooperative_id, :job, :period, 'done', 1, :due_at, :now)
on conflict (cooperative_id, job, period) do update
  set status = 'done', attempts = job_run.attempts + 1, finished_at = excluded.finished_at,
    next_attempt_at = null, error = null, detail = null, context = null
  where job_run.status = 'failed'
returning attempts
"""
)
_NOTE_OUTCOME = text(
    "update job_run set outcome = :outcome"
    " where cooperative_id = :cooperative_id and job = :job and period = :period"
)


def due_work(
    uow: UnitOfWork, jobs: Sequence[ScheduledJob], *, with_waiting: bool = False
) -> list[Due]:
    """What is due in the unit's cooperative and was not done, oldest first.

    Work that failed is left out while it waits its pause out, unless ``with_waiting``.
    """
    found = sorted(
        Due(due_at, job.name, period)
        for job in jobs
        for period, due_at in job.find(uow.session, uow.tenant, uow.now)
    )
    if not found:
        return []
    marks = uow.session.execute(
        _MARKS,
        {
            "cooperative_id": uow.tenant,
            "jobs": [due.job for due in found],
            "periods": [due.period for due in found],
        },
    )
    left_out = {
        (mark.job, mark.period)
        for mark in marks
        if mark.status == JobStatus.DONE
        or (not with_waiting and (mark.next_attempt_at or uow.now) > uow.now)
    }
    return [due for due in found if (due.job, due.period) not in left_out]


def run_due(
    units_of_work: UnitOfWorkFactory,
    jobs: Sequence[ScheduledJob],
    *,
    hands: int = 1,
    on_done: Callable[[int, Due, JobRun | None], None] | None = None,
) -> Tally:
    """Do everything that is due, each cooperative's oldest first.

    What fails is noted with its pause and stops nothing else. Work that becomes due by what was
    done (a month whose recurring cost was just made) is done in the same call.

    Args:
        hands: so many cooperatives are served side by side; within one, work goes in its order.
            While one waits for the database another reckons.
        on_done: hears of each piece of work, one at a time, from whichever hand did it.
    """
    telling = Lock()

    def tell(cooperative_id: int, due: Due, failure: JobRun | None) -> None:
        if on_done is not None:
            with telling:
                on_done(cooperative_id, due, failure)

    tally = Tally()
    with ThreadPoolExecutor(hands, thread_name_prefix="hand") as pool:
        serve = partial(_serve, units_of_work, jobs, tell)
        for served in pool.map(serve, _cooperatives(units_of_work)):
            tally.done += served.done
            tally.failed += served.failed
    return tally


def _cooperatives(units_of_work: UnitOfWorkFactory) -> Sequence[int]:
    with units_of_work.begin(identity=system_identity("job")) as uow:
        return uow.session.scalars(text("select id from cooperative order by id")).all()


def _serve(
    units_of_work: UnitOfWorkFactory,
    jobs: Sequence[ScheduledJob],
    tell: Callable[[int, Due, JobRun | None], None],
    cooperative_id: int,
) -> Tally:
    """Do all that is due in one cooperative, each piece of work once."""
    by_name = {job.name: job for job in jobs}
    tally = Tally()
    tried: set[tuple[str, str]] = set()
    while (due := _begin_next(units_of_work, cooperative_id, jobs, tried)) is not None:
        tried.add((due.job, due.period))
        tell(
            cooperative_id,
            due,
            _attempt(units_of_work, cooperative_id, by_name[due.job], due, tally),
        )
    return tally


def _begin_next(
    units_of_work: UnitOfWorkFactory,
    cooperative_id: int,
    jobs: Sequence[ScheduledJob],
    tried: set[tuple[str, str]],
) -> Due | None:
    """The oldest that is due and was not tried, with its start told to who looks on."""
    try:
        with units_of_work.begin(
            identity=system_identity("job"), cooperative_id=cooperative_id
        ) as uow:
            fresh = [due for due in due_work(uow, jobs) if (due.job, due.period) not in tried]
            if not fresh:
                return None
            note_start(uow, fresh[0].job, fresh[0].period, waiting=len(fresh) - 1)
            return fresh[0]
    except Exception:
        log.exception("cannot tell what is due", extra={"cooperative_id": cooperative_id})
        return None


def _attempt(
    units_of_work: UnitOfWorkFactory,
    cooperative_id: int,
    job: ScheduledJob,
    due: Due,
    tally: Tally,
) -> JobRun | None:
    """Do one piece of work; the failure as it was noted, if it failed."""
    identity = system_identity(f"job:{job.name}")
    try:
        with units_of_work.begin(identity=identity, cooperative_id=cooperative_id) as uow:
            if not _claim(uow, due):
                return None
            outcome = job.do(uow, due.period)
            uow.session.execute(_NOTE_OUTCOME, {"outcome": outcome} | _mark(uow, due))
    except Exception as error:  # one failure must not stop the rest
        tally.failed += 1
        failure = _failure(error)
        context = {
            "cooperative_id": cooperative_id,
            "job": due.job,
            "period": due.period,
            "error": failure.error,
            "reference": failure.context.get("reference"),
        }
        log.warning("job failed", exc_info=failure.error == OUR_FAULT, extra=context)
        with units_of_work.begin(identity=identity, cooperative_id=cooperative_id) as uow:
            return _note_failure(uow, due, failure)
    tally.done += 1
    return None


def _claim(uow: UnitOfWork, due: Due) -> bool:
    """Set the mark; false when it stands, once whoever sets it too has finished."""
    claimed = uow.session.scalar(_CLAIM, {"due_at": due.due_at, "now": uow.now} | _mark(uow, due))
    return claimed is not None


def _mark(uow: UnitOfWork, due: Due) -> dict[str, object]:
    return {"cooperative_id": uow.tenant, "job": due.job, "period": due.period}


@dataclass(frozen=True, slots=True)
class _Failure:
    """What is kept of an error: enough to say it in the words of who reads it."""

    error: str
    detail: str
    context: dict[str, Any]


def _failure(error: Exception) -> _Failure:
    if isinstance(error, DomainError):
        return _Failure(error.code, error.detail, error.context)
    return _Failure(OUR_FAULT, type(error).__name__, {"reference": uuid.uuid4().hex[:8]})


_NOTE_FAILURE = text(
    """
with begun as (delete from job_start
  where cooperative_id = :cooperative_id and job = :job and period = :period)
insert into job_run as known (cooperative_id, job, period, status, attempts, due_at, finished_at,
  next_attempt_at, error, detail, context)
values (:cooperative_id, :job, :period, 'failed', 1, :due_at, :now, :now, :error, :detail,
  cast(:context as jsonb))
on conflict (cooperative_id, job, period) do update
  set attempts = known.attempts + 1, finished_at = excluded.finished_at,
    error = excluded.error, detail = excluded.detail, context = excluded.context
  where known.status = 'failed'
"""
)


def _note_failure(uow: UnitOfWork, due: Due, failure: _Failure) -> JobRun:
    """Note a failure with its pause, unless another worker did the work in the meantime."""
    values = _mark(uow, due) | {
        "due_at": due.due_at,
        "now": uow.now,
        "error": failure.error,
        "detail": failure.detail,
        "context": json.dumps(failure.context),
    }
    uow.session.execute(_NOTE_FAILURE, values)
    known = uow.session.get_one(JobRun, (uow.tenant, due.job, due.period))
    if known.status == JobStatus.FAILED:
        known.next_attempt_at = uow.now + pause_after(known.attempts)
    return known


def failing_work(uow: UnitOfWork, jobs: Sequence[ScheduledJob]) -> list[JobRun]:
    """What failed last time and is still to do, the oldest first.

    What was done by hand since, or was called off, is not due any more: it is no failure.
    """
    failed = uow.session.scalars(
        select(JobRun)
        .where(JobRun.cooperative_id == uow.tenant, JobRun.status == JobStatus.FAILED)
        .order_by(JobRun.due_at, JobRun.job, JobRun.period)
    ).all()
    due = _still_due(uow, jobs, {run.job for run in failed})
    return [run for run in failed if (run.job, run.period) in due]


def work_under_way(uow: UnitOfWork, jobs: Sequence[ScheduledJob]) -> list[Started]:
    """What a worker is doing now, or died over, the longest under way first."""
    started = started_work(uow)
    due = _still_due(uow, jobs, {each.job for each in started})
    return [each for each in started if (each.job, each.period) in due]


def _still_due(
    uow: UnitOfWork, jobs: Sequence[ScheduledJob], names: set[str]
) -> set[tuple[str, str]]:
    asked = [job for job in jobs if job.name in names]
    return {(due.job, due.period) for due in due_work(uow, asked, with_waiting=True)}


def latest_runs(session: Session, cooperative_id: int, *, limit: int = 50) -> Sequence[JobRun]:
    """What was done or failed last, newest first."""
    return session.scalars(
        select(JobRun)
        .where(JobRun.cooperative_id == cooperative_id)
        .order_by(JobRun.finished_at.desc(), JobRun.job, JobRun.period)
        .limit(limit)
    ).all()


def done_since(session: Session, cooperative_id: int, moment: datetime) -> int:
    """How many pieces of work were done since a moment."""
    return (
        session.scalar(
            select(func.count())
            .select_from(JobRun)
            .where(
                JobRun.cooperative_id == cooperative_id,
                JobRun.status == JobStatus.DONE,
                JobRun.finished_at >= moment,
            )
        )
        or 0
    )
