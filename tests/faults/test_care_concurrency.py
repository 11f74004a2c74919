"""A care budget is never passed, however many declare at once; and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.care import CareHome, a_care_home
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.declaring import approve, reject
from wijkeconomie.budgets.refusals import OverBudgetError, OverFenceError
from wijkeconomie.budgets.sharing import ShareHours, share_hours
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory

CLIENTS = 8


@pytest.fixture
def home(units_of_work: UnitOfWorkFactory, clock: Clock) -> CareHome:
    clock.set(datetime(2026, 12, 31, 12, 0, tzinfo=UTC))
    return a_care_home(units_of_work)


def at_once(act: Callable[[int], object]) -> list[object]:
    """What each of eight clients is answered: a result, or the refusal."""
    start = Barrier(CLIENTS)

    def run(number: int) -> object:
        start.wait()
        try:
            return act(number)
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(run, range(CLIENTS)))


def sums(home: CareHome) -> list[tuple[int, int, int]]:
    with home.open() as uow:
        open_care_records(uow, "test")
        return [
            (row[0], row[1], row[2])
            for row in uow.session.execute(
                text(
                    "select b.used_cents, b.budget_cents, (select coalesce(sum(d.cents), 0)::bigint"
                    " from care_declaration d where d.cooperative_id = b.cooperative_id"
                    " and d.budget_id = b.id and d.state in ('submitted', 'approved'))"
                    " from care_budget b where b.cooperative_id = :id order by b.id"
                ),
                {"id": uow.tenant},
            )
        ]


def test_eight_who_declare_at_once_never_pass_a_budget(home: CareHome) -> None:
    agreement = home.agreement(home.budget(5 * 6000 + 5999), home.carer(), rate=6000)

    answers = at_once(lambda number: home.declare(agreement, 60, code=f"D-{number}"))

    assert sum(isinstance(answer, OverBudgetError) for answer in answers) == CLIENTS - 5
    assert sums(home) == [(30_000, 35_999, 30_000)]


def test_eight_who_declare_at_once_never_pass_a_fence(home: CareHome) -> None:
    budget = home.budget(1_000_000)
    agreement = home.agreement(budget, home.carer(), rate=6000, limit_cents=18_000)

    answers = at_once(lambda _number: home.declare(agreement, 60))

    assert sum(isinstance(answer, OverFenceError) for answer in answers) == CLIENTS - 3
    assert sums(home) == [(18_000, 1_000_000, 18_000)]


def test_sharing_in_opposite_order_never_locks_up(home: CareHome) -> None:
    carer = home.carer()
    agreements = [
        home.agreement(home.budget(10 * 3000, holder=f"L00{n}"), carer, rate=6000)
        for n in (1, 2, 3)
    ]

    def share(number: int) -> object:
        parts = agreements if number % 2 else agreements[::-1]
        for _time in range(3):
            with home.open() as uow:
                share_hours(
                    uow,
                    ShareHours(
                        month=date(2026, 2, 1),
                        minutes=90,
                        parts=[(part, 1) for part in parts],
                    ),
                )
        return None

    at_once(share)

    assert sums(home) == [(30_000, 30_000, 30_000)] * 3


def test_a_declaration_is_decided_once(home: CareHome) -> None:
    agreement = home.agreement(home.budget(alias=f"PGB-{home.books.code}"), home.carer())
    declared = home.declare(agreement, 60)

    def decide(number: int) -> str:
        with home.open() as uow:
            if number % 2:
                approve(uow, declared.id, note="map 1")
            else:
                reject(uow, declared.id, reason="niet gewerkt")
        return "done"

    answers = at_once(decide)

    assert answers.count("done") == 1
    with home.open() as uow:
        open_care_records(uow, "test")
        state = uow.session.scalar(
            text("select state from care_declaration where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    borne = 4250 if state == "approved" else 0
    assert sums(home)[0][0] == borne
    assert home.books.balance(f"17290:PGB-{home.books.code}") == borne
