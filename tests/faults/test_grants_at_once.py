"""Many carers at once: nobody is counted twice, no limit is passed, and a round is paid once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.grants import Carers
from tests.factories.vouchers import a_neighbourhood
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.grant_refusals import (
    GrantAppliedError,
    GrantBudgetFullError,
    GrantCarersFullError,
    GrantOtherRoundError,
    GrantStateError,
)
from wijkeconomie.vouchers.grant_rules import BudgetRule

CLIENTS = 8


@pytest.fixture
def carers(units_of_work: UnitOfWorkFactory, clock: Clock) -> Carers:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    return Carers(a_neighbourhood(units_of_work, members=CLIENTS))


def at_once(work: list[Callable[[], int]]) -> tuple[list[int], list[DomainError]]:
    """All of it, begun at the same moment: what came of it, and what was refused."""
    together = Barrier(len(work))

    def act(each: Callable[[], int]) -> int | DomainError:
        together.wait()
        try:
            return each()
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(len(work)) as pool:
        results = list(pool.map(act, work))
    done = [result for result in results if isinstance(result, int)]
    return done, [result for result in results if isinstance(result, DomainError)]


def applications(carers: Carers) -> int:
    with carers.place.books.open() as uow:
        return int(uow.session.scalars(text("select count(*) from grant_application")).one())


def test_no_more_carers_than_allowed_get_in_for_one_person(carers: Carers) -> None:
    carers.set_up(carer_limit=3)

    done, refused = at_once([partial(carers.apply, member, "A") for member in carers.place.members])

    assert len(done) == applications(carers) == 3
    assert {type(refusal) for refusal in refused} == {GrantCarersFullError}
    assert carers.decide() == 15_000


def test_one_carer_who_applies_on_many_phones_applied_once(carers: Carers) -> None:
    carers.set_up()

    done, refused = at_once([lambda: carers.apply("L001", "A")] * CLIENTS)

    assert len(done) == applications(carers) == 1
    assert {type(refusal) for refusal in refused} == {GrantAppliedError}


def test_a_request_that_is_repeated_at_once_is_answered_alike(carers: Carers) -> None:
    carers.set_up()

    done, refused = at_once([lambda: carers.apply("L001", "A", key="one request")] * CLIENTS)

    assert len(set(done)) == applications(carers) == 1
    assert refused == []


@pytest.mark.parametrize(
    ("applied", "refusal"),
    [
        ([("L001", "A"), ("L002", "A")], GrantOtherRoundError),
        ([("L001", "A"), ("L001", "B")], GrantAppliedError),
    ],
)
def test_of_two_rounds_at_the_same_moment_one_gets_the_person_and_the_carer(
    carers: Carers,
    clock: Clock,
    applied: list[tuple[str, str]],
    refusal: type[DomainError],
) -> None:
    for turn in range(4):
        rounds = [Carers(carers.place, f"{place}{turn}") for place in ("X", "Y")]
        for each in rounds:
            each.set_up(opens_on=date(2026 + turn, 1, 1), closes_on=date(2030, 1, 1))
        work: list[Callable[[], int]] = [
            partial(each.apply, member, person)
            for each, (member, person) in zip(rounds, applied, strict=True)
        ]
        clock.set(datetime(2026 + turn, 1, 10, 12, tzinfo=UTC))

        done, refused = at_once(work)

        assert len(done) == 1
        assert [type(each) for each in refused] == [refusal]


def test_a_budget_is_not_promised_twice(carers: Carers) -> None:
    carers.set_up(budget_cents=30_000, budget_rule=BudgetRule.FIRST_COME)

    done, refused = at_once(
        [
            partial(carers.apply, member, person)
            for member, person in zip(carers.place.members, "ABCDEFGH", strict=True)
        ]
    )

    assert len(done) == 2
    assert {type(refusal) for refusal in refused} == {GrantBudgetFullError}
    assert carers.decide() == 30_000


def test_a_round_is_paid_once(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    carers.apply("L002", "B", GrantPayout.VOUCHER)
    carers.decide()

    done, refused = at_once([partial(carers.pay, f"request {n}") for n in range(CLIENTS)])

    assert done == [30_000]
    assert {type(refusal) for refusal in refused} == {GrantStateError}
    assert carers.place.balance("16521:M26") == -70_000
    assert carers.place.books.verify().fault is None
