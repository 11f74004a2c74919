"""Scheduled work and settlements from the command line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.shared_costs import House, a_house
from wijkeconomie.app import command_line
from wijkeconomie.core.job_starts import note_start
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.proof_queries import proof_of

Command = Callable[..., Result]


@pytest.fixture
def command(
    fresh_runtime: Runtime, runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Command]:
    """Runs a command of the console script on this test's database."""
    monkeypatch.setenv("DATABASE_URL", plain(fresh_runtime.addresses.application))
    monkeypatch.setenv("DATABASE_OWNER_URL", plain(fresh_runtime.addresses.owner))
    monkeypatch.setenv("WIJKECONOMIE_HOME", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda *arguments: runner.invoke(command_line, list(arguments))
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def house(fresh_runtime: Runtime) -> House:
    return a_house(fresh_runtime.units_of_work)


def plain(address: str) -> str:
    return address.replace("postgresql+psycopg://", "postgresql://")


def lines_of(result: Result, house: House) -> list[str]:
    """What a command said about a cooperative, without its code and the spaces before words."""
    return [
        " ".join(line.removeprefix(house.books.code).split())
        for line in result.output.splitlines()
        if line.startswith(house.books.code)
    ]


def costs_and_mark(house: House) -> tuple[int, int]:
    """How many settlements and marks of settling there are."""
    with house.books.open() as uow:
        found = uow.session.execute(
            text(
                "select (select count(*) from cost_settlement where cooperative_id = :id),"
                " (select count(*) from job_run where cooperative_id = :id"
                " and job = 'costs.settle')"
            ),
            {"id": uow.tenant},
        ).one()
    return found[0], found[1]


def test_what_is_due_at_a_moment_is_shown_and_nothing_is_done(
    house: House, command: Command
) -> None:
    house.cost("A", 1000)

    early = command("jobs", "due", "--at", "2026-01-31T23:59")
    due = command("jobs", "due", "--at", "2026-02-01T00:05")

    assert (early.exit_code, due.exit_code) == (0, 0)
    assert [line for line in lines_of(early, house) if "costs" in line] == []
    assert "2026-02-01 00:00 costs.settle 2026-01/1" in lines_of(due, house)
    assert costs_and_mark(house) == (0, 0)


def test_what_is_due_is_done_once_and_listed(house: House, command: Command) -> None:
    house.cost("A", 1000)

    done = command("jobs", "run-due", "--at", "2026-02-01T00:05")
    again = command("jobs", "run-due", "--at", "2026-02-01T00:05")
    listed = command("jobs", "list")

    assert (done.exit_code, again.exit_code, listed.exit_code) == (0, 0, 0)
    assert "costs.settle 2026-01/1: done" in lines_of(done, house)
    assert again.output == "0 done, 0 failed\n"
    assert "2026-02-01 00:05 costs.settle 2026-01/1: done (1)" in lines_of(listed, house)
    assert costs_and_mark(house) == (1, 1)


def test_what_failed_is_told_with_its_next_try_and_by_the_exit_code(
    house: House, command: Command
) -> None:
    house.key("late", since=date(2030, 1, 1))
    house.cost("A", 1000, key="late")
    why = "key late has no version for 2026-01 (key-not-valid)"

    failed = command("jobs", "run-due", "--at", "2026-02-01T00:05")
    listed = command("jobs", "list")
    house.key("late", since=date(2026, 1, 1))
    house.settle()
    put_right = command("jobs", "list")

    assert failed.exit_code == 1
    assert f"costs.settle 2026-01/1: FAILED: {why}" in lines_of(failed, house)
    assert (
        f"2026-02-01 00:05 costs.settle 2026-01/1: FAILED 1 times: {why}; again at 2026-02-01 00:06"
    ) in lines_of(listed, house)
    assert (
        f"2026-02-01 00:05 costs.settle 2026-01/1: not needed any more; failed before: {why}"
    ) in lines_of(put_right, house)


def test_what_is_being_done_is_listed_first(
    fresh_runtime: Runtime, house: House, command: Command, clock: Clock
) -> None:
    house.cost("A", 1000)
    clock.set(datetime(2026, 2, 3, tzinfo=UTC))
    with house.books.open() as uow:
        note_start(uow, "costs.settle", "2026-01/1", waiting=2)

    listed = command("jobs", "list")
    run_due(fresh_runtime.units_of_work, COST_JOBS)
    afterwards = command("jobs", "list")

    # Nobody holds it by now, and the real clock is far ahead of the one that noted it.
    assert lines_of(listed, house) == [
        "2026-02-03 01:00 costs.settle 2026-01/1: BROKEN OFF, is done again from the start"
    ]
    assert lines_of(afterwards, house) == [
        "2026-02-03 01:00 costs.settle 2026-01/1: done (1)",
    ]


def test_a_moment_that_is_none_is_refused(command: Command) -> None:
    answer = command("jobs", "run-due", "--at", "tomorrow")

    assert answer.exit_code == 2
    assert "write it as 2026-02-01T00:05" in answer.output


def test_production_does_no_work_of_another_moment(
    house: House, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.cost("A", 1000)
    monkeypatch.setenv("WIJKECONOMIE_SERVICE_PRODUCTION", "true")
    monkeypatch.setenv("WIJKECONOMIE_SECURITY_SECRET_KEY", "for this test only")
    monkeypatch.setenv("WIJKECONOMIE_SERVICE_EXTERNAL_URL", "https://buurt.example")

    refused = command("jobs", "run-due", "--at", "2030-01-01T00:05")
    looked = command("jobs", "due", "--at", "2026-02-01T00:05")

    assert refused.exit_code == 1
    assert "--at is for rehearsals on a copy" in refused.output
    assert costs_and_mark(house) == (0, 0)
    assert "2026-02-01 00:00 costs.settle 2026-01/1" in lines_of(looked, house)


def test_a_month_is_looked_at_settled_once_and_its_proof_checked(
    house: House, command: Command, tmp_path: Path
) -> None:
    house.cost("A", 1000)
    of_january = ("settle", "costs", "--cooperative", house.books.code, "--period", "2026-01")

    looked = command(*of_january, "--dry-run")
    before = costs_and_mark(house)
    settled = command(*of_january)
    again = command(*of_january)

    assert looked.exit_code == 0
    assert looked.output.splitlines()[0].split() == (
        ["A", "10.00", "kosten", "A,", "by", "equal", "over", "3", "members"]
    )
    assert looked.output.splitlines()[3].split() == ["L001", "3.34", "0.00", "3.34"]
    assert before == (0, 0)
    assert settled.output == "Settled 1 costs of 2026-01: A\n"
    assert again.output == "Nothing waits in 2026-01\n"
    assert costs_and_mark(house) == (1, 0)

    with house.books.open() as uow:
        proof = proof_of(uow, "A")
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_bytes(proof)
    wrong.write_bytes(proof.replace(b"334", b"335", 1))
    checked = command("verify-settlement", str(right))
    assert checked.exit_code == 0
    assert checked.output.startswith("Right: 10.00 euro of cost A")
    for file, code, words in ((wrong, 1, "WRONG: "), (tmp_path / "none.json", 2, "cannot read")):
        answer = command("verify-settlement", str(file))
        assert (answer.exit_code, answer.output[: len(words)]) == (code, words)


def test_a_month_that_cannot_be_settled_is_told_and_nothing_is_booked(
    house: House, command: Command
) -> None:
    house.key("late", since=date(2030, 1, 1))
    house.cost("A", 1000, key="late")
    of_january = ("settle", "costs", "--cooperative", house.books.code, "--period", "2026-01")

    looked = command(*of_january, "--dry-run")
    refused = command(*of_january)

    assert "CANNOT be settled: key late has no version for 2026-01" in looked.output
    assert refused.exit_code == 1
    assert refused.output == "key-not-valid: key late has no version for 2026-01\n"
    assert costs_and_mark(house) == (0, 0)


@pytest.mark.parametrize("period", ["2026-13", "2026", "januari"])
def test_a_period_that_is_no_month_is_refused(command: Command, period: str) -> None:
    answer = command("settle", "costs", "--cooperative", "C01", "--period", period)

    assert answer.exit_code == 2
