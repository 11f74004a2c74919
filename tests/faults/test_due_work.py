"""Scheduled work is done once: whoever is killed when, however many workers there are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.conftest import Clock
from tests.factories.shared_costs import House, a_house
from tests.faults.test_settlement_crash import wait_until_blocked, wait_until_gone
from wijkeconomie.core.job_starts import Started, started_work
from wijkeconomie.core.jobs import (
    ScheduledJob,
    due_work,
    failing_work,
    latest_runs,
    run_due,
    work_under_way,
)
from wijkeconomie.core.pauses import pause_after
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.jobs import COST_JOBS, next_occurrence, occurrences
from wijkeconomie.costs.keeping import (
    SaveRecurringCost,
    save_recurring_cost,
)
from wijkeconomie.costs.models import RecurringCost
from wijkeconomie.costs.recurring import stop_recurring_cost

PROGRAM = """
import sys
from datetime import datetime
from sqlalchemy import create_engine
import wijkeconomie.tables
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.costs.jobs import COST_JOBS

address, moment = sys.argv[1], datetime.fromisoformat(sys.argv[2])
run_due(UnitOfWorkFactory(session_factory(create_engine(address)), lambda: moment), COST_JOBS)
"""
# The first write of this table waits, and there the worker is killed.
STEPS = (
    "job_start",
    "job_run",
    "shared_cost",
    "settlement_run",
    "journal_entry",
    "posting",
    "cost_settlement",
    "cost_share_block",
    "audit_record",
    "outbox_message",
)


@pytest.fixture
def owner_of(fresh_runtime: Runtime) -> Iterator[Engine]:
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


def rent(house: House, code: str = "HUUR", **terms: object) -> None:
    """A recurring cost of EUR 100 on the last day of each month from January on."""
    with house.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code=code,
                description="huur",
                key_code="equal",
                net_cents=10000,
                vat_cents=0,
                starts_on=date(2026, 1, 1),
                day_of_month=31,
                **terms,  # type: ignore[arg-type]
            ),
        )


def settled_months(house: House) -> list[tuple[date, int]]:
    with house.books.open() as uow:
        rows = uow.session.execute(
            text(
                "select c.month, count(s.id) from shared_cost c left join cost_settlement s"
                " on s.cooperative_id = c.cooperative_id and s.cost_id = c.id"
                " where c.cooperative_id = :id group by c.month order by c.month"
            ),
            {"id": uow.tenant},
        )
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("table", STEPS)
def test_a_killed_worker_leaves_each_month_settled_exactly_once(
    fresh_runtime: Runtime, owner_of: Engine, clock: Clock, table: str
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 3, 10, tzinfo=UTC))

    with owner_of.connect() as holder:
        holder.execute(text(f"lock table {table} in share mode"))
        arguments = (fresh_runtime.addresses.application, clock.now.isoformat())
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env={**os.environ})
        wait_until_blocked(owner_of, table)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner_of)
    assert house.books.verify().fault is None
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert settled_months(house) == [(date(2026, 1, 1), 1), (date(2026, 2, 1), 1)]
    assert house.owed("L001") == 2 * 3334
    assert house.books.verify().fault is None


@pytest.mark.parametrize("hands", [1, 3])
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_start_at_once_do_no_harm(
    fresh_runtime: Runtime, clock: Clock, workers: int, hands: int
) -> None:
    houses = [a_house(fresh_runtime.units_of_work) for _ in range(3)]
    for house in houses:
        rent(house)
    clock.set(datetime(2026, 4, 1, tzinfo=UTC))

    with ThreadPoolExecutor(workers) as pool:
        tallies = list(
            pool.map(
                lambda _: run_due(fresh_runtime.units_of_work, COST_JOBS, hands=hands),
                range(workers),
            )
        )

    assert sum(tally.failed for tally in tallies) == 0
    assert sum(tally.done for tally in tallies) == 3 * (3 + 3)
    for house in houses:
        assert [count for _, count in settled_months(house)] == [1, 1, 1]
        assert house.books.verify().fault is None


def test_two_hands_serve_two_cooperatives_at_once_and_each_in_its_order(
    fresh_runtime: Runtime,
) -> None:
    houses = [a_house(fresh_runtime.units_of_work) for _ in range(2)]
    both = threading.Barrier(2, timeout=20)
    done: dict[int, list[str]] = defaultdict(list)

    def do(uow: UnitOfWork, period: str) -> str:
        if period == "first":
            both.wait()  # breaks unless the other cooperative's work is under way as well
        done[uow.tenant].append(period)
        return period

    job = ScheduledJob(
        "test.meet",
        lambda _session, _cooperative_id, now: [("second", now), ("first", now - timedelta(1))],
        do,
    )
    told: list[tuple[int, str]] = []
    tally = run_due(
        fresh_runtime.units_of_work,
        [job],
        hands=2,
        on_done=lambda cooperative_id, due, _failure: told.append((cooperative_id, due.period)),
    )

    ids = [house.books.cooperative_id for house in houses]
    assert (tally.done, tally.failed) == (4, 0)
    assert done == {cooperative_id: ["first", "second"] for cooperative_id in ids}
    assert sorted(told) == [
        (each, period) for each in sorted(ids) for period in ("first", "second")
    ]


def test_three_months_of_standing_still_are_caught_up_oldest_first(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 4, 29, tzinfo=UTC))

    run_due(fresh_runtime.units_of_work, COST_JOBS)
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert [count for _, count in settled_months(house)] == [1, 1, 1]
    with house.books.open() as uow:
        runs = [run for run in latest_runs(uow.session, uow.tenant) if run.job == "costs.settle"]
        dates = uow.session.scalars(
            text(
                "select accounting_date from journal_entry where cooperative_id = :id"
                " order by number"
            ),
            {"id": uow.tenant},
        ).all()
    assert sorted(run.period for run in runs) == ["2026-01/1", "2026-02/1", "2026-03/1"]
    assert dates == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]


def test_a_clock_that_is_put_back_settles_nothing_again(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    clock.set(datetime(2026, 2, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert [count for _, count in settled_months(house)] == [1, 1]


@pytest.mark.parametrize(
    ("month", "just_before", "just_after"),
    [
        # Winter time: the month ends at 23:00 UTC.
        (
            date(2026, 1, 1),
            datetime(2026, 1, 31, 22, 59, tzinfo=UTC),
            datetime(2026, 1, 31, 23, 0, tzinfo=UTC),
        ),
        # The clock went forward on 29 March: the month ends at 22:00 UTC.
        (
            date(2026, 3, 1),
            datetime(2026, 3, 31, 21, 59, tzinfo=UTC),
            datetime(2026, 3, 31, 22, 0, tzinfo=UTC),
        ),
        # It went back on 25 October: the month ends at 23:00 UTC again.
        (
            date(2026, 10, 1),
            datetime(2026, 10, 31, 22, 59, tzinfo=UTC),
            datetime(2026, 10, 31, 23, 0, tzinfo=UTC),
        ),
    ],
)
def test_a_month_is_due_when_it_has_ended_in_the_netherlands(
    fresh_runtime: Runtime,
    clock: Clock,
    month: date,
    just_before: datetime,
    just_after: datetime,
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.cost("A", 1000, month=month)
    clock.set(just_before)
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    early = house.books.verify().entries
    clock.set(just_after)
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert (early, house.books.verify().entries) == (0, 1)


@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)])
def test_both_nights_of_the_changing_clock_pass_once(
    fresh_runtime: Runtime, clock: Clock, night: date
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    with house.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code="NACHT",
                description="nacht",
                key_code="equal",
                net_cents=100,
                vat_cents=0,
                starts_on=night,
                ends_on=night,
                day_of_month=night.day,
            ),
        )
    clock.set(datetime.combine(night, datetime.min.time(), UTC) - timedelta(hours=3))
    for _ in range(60):
        run_due(fresh_runtime.units_of_work, COST_JOBS)
        clock.advance(timedelta(minutes=15))
    clock.advance(timedelta(days=8))
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert settled_months(house) == [(night.replace(day=1), 1)]


def test_one_cooperatives_failure_stops_no_other_and_is_tried_again_later(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    wrong, right = (a_house(fresh_runtime.units_of_work) for _ in range(2))
    wrong.key("late", since=date(2030, 1, 1))
    wrong.cost("A", 1000, key="late")
    right.cost("A", 1000)
    clock.set(datetime(2026, 2, 1, tzinfo=UTC))

    first = run_due(fresh_runtime.units_of_work, COST_JOBS)
    at_once = run_due(fresh_runtime.units_of_work, COST_JOBS)
    wrong.key("late", since=date(2026, 1, 1))
    clock.advance(pause_after(1))
    later = run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert (first.done, first.failed) == (1, 1)
    assert (at_once.done, at_once.failed) == (0, 0)
    assert (later.done, later.failed) == (1, 0)
    with wrong.books.open() as uow:
        [run] = latest_runs(uow.session, uow.tenant)
        assert (run.status, run.attempts, run.error) == ("done", 2, None)
        assert due_work(uow, COST_JOBS) == []


def test_a_failure_is_kept_in_words(fresh_runtime: Runtime, clock: Clock) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.key("late", since=date(2030, 1, 1))
    house.cost("A", 1000, key="late")
    clock.set(datetime(2026, 2, 1, tzinfo=UTC))
    for _ in range(3):
        run_due(fresh_runtime.units_of_work, COST_JOBS)
        clock.advance(timedelta(hours=13))

    with house.books.open() as uow:
        [run] = latest_runs(uow.session, uow.tenant)
    assert (run.status, run.attempts, run.error) == ("failed", 3, "key-not-valid")
    assert run.detail == "key late has no version for 2026-01"
    assert run.context is not None
    assert run.context["key"] == "late"


def test_a_bug_is_kept_with_a_reference_to_the_log(
    fresh_runtime: Runtime, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    house = a_house(fresh_runtime.units_of_work)

    def break_down(_uow: UnitOfWork, _period: str) -> str:
        raise ZeroDivisionError

    job = ScheduledJob("broken", lambda _s, _id, now: [("2026-01", now)], break_down)
    run_due(fresh_runtime.units_of_work, [job])

    with house.books.open() as uow:
        [run] = latest_runs(uow.session, uow.tenant)
    assert run.error == "internal-error"
    assert run.context is not None
    [record] = [record for record in caplog.records if record.message == "job failed"]
    assert record.exc_info is not None
    assert vars(record)["reference"] == run.context["reference"]


def test_what_was_put_right_by_hand_is_no_failure_any_more(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    house.key("late", since=date(2030, 1, 1))
    house.cost("A", 1000, key="late")
    clock.set(datetime(2026, 2, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    with house.books.open() as uow:
        failing = [(run.job, run.period) for run in failing_work(uow, COST_JOBS)]
    house.key("late", since=date(2026, 1, 1))
    house.settle()

    assert failing == [("costs.settle", "2026-01/1")]
    with house.books.open() as uow:
        assert failing_work(uow, COST_JOBS) == []
        [run] = latest_runs(uow.session, uow.tenant)
        assert run.status == "failed"


def test_what_is_being_done_is_seen_while_it_lasts(fresh_runtime: Runtime, clock: Clock) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 3, 10, tzinfo=UTC))
    seen: list[Started] = []

    def looked_on(job: ScheduledJob) -> ScheduledJob:
        def do(uow: UnitOfWork, period: str) -> str:
            outcome = job.do(uow, period)
            clock.advance(timedelta(minutes=2))
            with house.books.open() as other:
                seen.extend(work_under_way(other, COST_JOBS))
            return outcome

        return ScheduledJob(job.name, job.find, do)

    run_due(fresh_runtime.units_of_work, [looked_on(job) for job in COST_JOBS])

    assert [(each.job, each.period, each.waiting) for each in seen] == [
        ("costs.recur", "HUUR/2026-01-31", 1),
        ("costs.settle", "2026-01/1", 1),
        ("costs.recur", "HUUR/2026-02-28", 0),
        ("costs.settle", "2026-02/1", 0),
    ]
    assert not any(each.is_interrupted for each in seen)
    with house.books.open() as uow:
        assert started_work(uow) == []


def test_work_whose_worker_died_is_seen_as_broken_off(
    fresh_runtime: Runtime, owner_of: Engine, clock: Clock
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 2, 10, tzinfo=UTC))
    with owner_of.connect() as holder:
        holder.execute(text("lock table shared_cost in share mode"))
        arguments = (fresh_runtime.addresses.application, clock.now.isoformat())
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env={**os.environ})
        wait_until_blocked(owner_of, "shared_cost")
        clock.advance(timedelta(minutes=1))
        with house.books.open() as uow:
            [busy] = work_under_way(uow, COST_JOBS)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        holder.rollback()
    wait_until_gone(owner_of)

    assert not busy.is_interrupted
    with house.books.open() as uow:
        [left] = work_under_way(uow, COST_JOBS)
    assert (left.job, left.is_interrupted) == ("costs.recur", True)
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    with house.books.open() as uow:
        assert started_work(uow) == []
    assert settled_months(house) == [(date(2026, 1, 1), 1)]


def test_a_stopped_recurring_cost_comes_back_no_more(fresh_runtime: Runtime, clock: Clock) -> None:
    house = a_house(fresh_runtime.units_of_work)
    rent(house)
    clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    with house.books.open() as uow:
        stop_recurring_cost(uow, "HUUR", reason="verhuisd")
    clock.set(datetime(2026, 6, 1, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert len(settled_months(house)) == 2


@pytest.mark.parametrize(
    ("every", "ends", "days"),
    [
        (1, None, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (3, None, ["2026-01-31", "2026-04-30"]),
        (1, date(2026, 2, 27), ["2026-01-31"]),
        (12, None, ["2026-01-31"]),
    ],
)
def test_the_31st_falls_on_the_last_day_of_shorter_months(
    every: int, ends: date | None, days: list[str]
) -> None:
    recurring = RecurringCost(
        starts_on=date(2026, 1, 1), ends_on=ends, day_of_month=31, every_months=every
    )

    assert [day.isoformat() for day in occurrences(recurring, date(2026, 4, 30))] == days
    upcoming = next_occurrence(recurring, date(2026, 1, 1))
    assert upcoming == date(2026, 1, 31)
