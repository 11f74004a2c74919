"""The clock: decides when to look; what is due is for the database to say.

Each job is a function that looks for due work, claims it in transactions of its own and can
be run twice without harm. So a crash, a second process or a week of downtime changes nothing
but the time at which something happens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, Engine, text

from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import utc_now

log = logging.getLogger(__name__)

LEADER_LOCK = 7303


@dataclass(frozen=True, slots=True)
class Job:
    """Work to look for time and again; ``run`` returns how many pieces it did."""

    name: str
    run: Callable[[Runtime], int]


@contextmanager
def running_clock(runtime: Runtime, jobs: Sequence[Job]) -> Iterator[None]:
    """Run the jobs in the background for the block, in the one process that leads.

    The first look is at once: after an outage nobody waits longer than needed.
    """
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=runtime.settings.service_time_zone,
    )
    leader = Leader(runtime.engine)
    for job in jobs:
        scheduler.add_job(
            run_if_leading,
            "interval",
            (leader, job, runtime),
            seconds=runtime.settings.worker_look_every_s,
            next_run_time=utc_now(),
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
        leader.resign()


class Leader:
    """An advisory lock on a connection of its own: one process at a time leads.

    The lock ends with the connection, so a leader that dies is followed by another one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def leads(self) -> bool:
        """Whether this process leads now; it tries to when nobody does."""
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
        return bool(
            self._connection.scalar(
                # Held already or free: both are true for the session that asks.
                text("select pg_try_advisory_lock(:lock)"),
                {"lock": LEADER_LOCK},
            )
        )

    def resign(self) -> None:
        """Let another process lead."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def run_if_leading(leader: Leader, job: Job, runtime: Runtime) -> None:
    """Run one job; a failure is logged and the next look tries again."""
    try:
        if leader.leads() and (done := job.run(runtime)):
            log.info("job done", extra={"job": job.name, "pieces": done})
    except Exception:
        leader.resign()
        log.exception("job failed", extra={"job": job.name})
