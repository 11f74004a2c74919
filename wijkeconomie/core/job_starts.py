"""Work under way: what a worker is doing at this moment, for who looks on.

Nothing is decided by this table: what is due and what was done is told by the marks of
:mod:`wijkeconomie.core.jobs`, so a start that is lost or left over changes no outcome. A start is
committed before the work begins. The work takes it away in its own transaction, so while it lasts
the row stands there locked, and what died with its worker stands there free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable
from wijkeconomie.core.unit_of_work import UnitOfWork

BEGINNING_TAKES = timedelta(seconds=30)
"""Between the start and the lock on it lies a moment; a free start this old is left over."""


class JobStart(TenantTable, Base):
    """A piece of work that was begun; ``waiting`` counts what comes after it."""

    __tablename__ = "job_start"

    job: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    waiting: Mapped[int]


@dataclass(frozen=True, slots=True)
class Started:
    """A piece of work that was begun and is not done."""

    job: str
    period: str
    started_at: datetime
    waiting: int
    is_interrupted: bool
    """Its worker died; the next one does it from the beginning."""


# Losing a start in a power cut loses nothing, so nobody waits for the disk.
_NOTE = text(
    """
insert into job_start (cooperative_id, job, period, started_at, waiting)
select :cooperative_id, :job, :period, :now, :waiting
from (select set_config('synchronous_commit', 'off', true)) as hurry
on conflict (cooperative_id, job, period) do update
  set started_at = excluded.started_at, waiting = excluded.waiting
"""
)
_ALL = text(
    "select job, period, started_at, waiting from job_start"
    " where cooperative_id = :cooperative_id order by started_at, job, period"
)
_FREE = text(
    "select job, period from job_start where cooperative_id = :cooperative_id"
    " for key share skip locked"
)


def note_start(uow: UnitOfWork, job: str, period: str, *, waiting: int) -> None:
    """Tell what is begun now; the unit must end before the work begins."""
    uow.session.execute(
        _NOTE,
        {
            "cooperative_id": uow.tenant,
            "job": job,
            "period": period,
            "now": uow.now,
            "waiting": waiting,
        },
    )


def started_work(uow: UnitOfWork) -> list[Started]:
    """What was begun in the unit's cooperative and not ended, the longest under way first."""
    values = {"cooperative_id": uow.tenant}
    rows = uow.session.execute(_ALL, values).all()
    if not rows:
        return []
    free = {(row.job, row.period) for row in uow.session.execute(_FREE, values)}
    return [
        Started(
            row.job,
            row.period,
            row.started_at,
            row.waiting,
            (row.job, row.period) in free and uow.now - row.started_at > BEGINNING_TAKES,
        )
        for row in rows
    ]
