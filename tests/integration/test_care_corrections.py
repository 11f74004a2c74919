"""Hours on a month list are corrected by a new version, which the holder approves again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import INSURER, CareHome, a_care_home
from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.correcting import CorrectHours, correct_hours
from wijkeconomie.budgets.declaring import Declared, approve, reject, turn_back, withdraw
from wijkeconomie.budgets.holding import MoveCareMoney, owed_carers, pay_carer
from wijkeconomie.budgets.keeping import DecideAgreement, decide_agreement, end_agreement
from wijkeconomie.budgets.list_document import render_list_csv
from wijkeconomie.budgets.lists import MonthList, make_list, month_list, waiting_lists
from wijkeconomie.budgets.models import Payer
from wijkeconomie.budgets.refusals import (
    DeclarationStateError,
    NothingToListError,
    OverBudgetError,
    OverFenceError,
)
from wijkeconomie.budgets.rules import care_cents
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.refusals import BalanceLimitError

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture(autouse=True)
def march(clock: Clock) -> None:
    clock.set(datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
def home(units_of_work: UnitOfWorkFactory) -> CareHome:
    return a_care_home(units_of_work)


def a_budget(home: CareHome, cents: int = 10_000, **more: Any) -> tuple[int, int]:
    budget = home.budget(cents)
    return budget, home.agreement(budget, home.carer(), rate=4000, **more)


def listed(home: CareHome, agreement: int, minutes: int = 60) -> int:
    """Hours of January that were approved and went to the insurer."""
    made = home.declare(agreement, minutes)
    with home.open() as uow:
        approve(uow, made.id, note="map 1")
    with home.open() as uow:
        make_list(uow, JANUARY, Payer.INSURER, INSURER)
    return made.id


def correct(home: CareHome, declaration: int, minutes: int, reason: str = "vergist") -> Declared:
    with home.open() as uow:
        command = CorrectHours(declaration_id=declaration, minutes=minutes, reason=reason)
        return correct_hours(uow, command)


def figures(home: CareHome, budget: int) -> tuple[int, int]:
    with home.open() as uow:
        open_care_records(uow, "test")
        view = queries.budget_view(uow.session, uow.tenant, budget)
        used = queries.used_by_month(uow.session, uow.tenant, budget)
    assert sum(used.values()) == view.used_cents
    return view.used_cents, view.waiting_cents


def state(home: CareHome, declaration: int) -> str:
    with home.open() as uow:
        open_care_records(uow, "test")
        return queries.declaration_view(uow.session, uow.tenant, declaration).state


def owed(home: CareHome) -> int:
    with home.open() as uow:
        [carer] = owed_carers(uow.session, uow.tenant)
    assert home.books.verify().fault is None
    return carer.owed_cents


def listed_in(home: CareHome, month: date) -> MonthList:
    with home.open() as uow:
        made = make_list(uow, month, Payer.INSURER, INSURER)
    with home.open() as uow:
        return month_list(uow, made)


@pytest.mark.parametrize(("minutes", "reserved"), [(90, 2000), (30, 0), (0, 0)])
def test_what_was_listed_stands_until_the_holder_approves(
    home: CareHome, minutes: int, reserved: int
) -> None:
    budget, agreement = a_budget(home)
    first = listed(home, agreement)

    made = correct(home, first, minutes)

    assert figures(home, budget) == (4000 + reserved, reserved)
    assert (state(home, first), state(home, made.id), owed(home)) == ("approved", "submitted", 4000)
    with home.open() as uow:
        approve(uow, made.id, note="map 2")
    assert (state(home, first), state(home, made.id)) == ("corrected", "approved")
    assert figures(home, budget) == (made.cents, 0)
    assert owed(home) == made.cents == care_cents(minutes, 4000)


@pytest.mark.parametrize("act", ["reject", "withdraw"])
def test_a_correction_that_is_not_approved_changes_nothing(home: CareHome, act: str) -> None:
    budget, agreement = a_budget(home)
    first = listed(home, agreement)
    made = correct(home, first, 120)

    with home.open() as uow:
        if act == "reject":
            reject(uow, made.id, reason="klopt niet")
        else:
            withdraw(uow, made.id)

    assert figures(home, budget) == (4000, 0)
    assert state(home, first) == "approved"
    assert correct(home, first, 30).cents == 2000


def test_the_next_list_tells_the_difference(home: CareHome) -> None:
    _budget, agreement = a_budget(home, 40_000)
    first = listed(home, agreement)
    later = home.declare(agreement, 180, month=FEBRUARY)
    made = correct(home, first, 15)
    for each in (later, made):
        with home.open() as uow:
            approve(uow, each.id, note="map 2")
    with home.open() as uow:
        open_care_records(uow, "test")
        waiting = waiting_lists(uow.session, uow.tenant)
    assert [(each.month, each.cents) for each in waiting] == [(JANUARY, -3000), (FEBRUARY, 12_000)]

    wanted = listed_in(home, FEBRUARY)

    assert [(line.month, line.minutes, line.cents) for line in wanted.lines] == [
        (FEBRUARY, 180, 12_000),
        (JANUARY, -45, -3000),
    ]
    assert wanted.total_cents == 9000
    rows = render_list_csv(wanted).decode().splitlines()
    assert rows[2].endswith(",2026-01,1")
    assert "-45" in rows[2]
    assert "-30.00" in rows[2]
    with home.open() as uow, pytest.raises(NothingToListError):
        make_list(uow, JANUARY, Payer.INSURER, INSURER)


def test_a_correction_on_a_list_is_corrected_again_and_one_that_is_not_waits(
    home: CareHome,
) -> None:
    budget, agreement = a_budget(home)
    first = listed(home, agreement)
    second = correct(home, first, 120)
    with home.open() as uow:
        approve(uow, second.id, note="map 2")
    with pytest.raises(DeclarationStateError):
        correct(home, second.id, 60)
    with home.open() as uow, pytest.raises(DeclarationStateError):
        turn_back(uow, second.id, reason="dubbel")
    assert listed_in(home, FEBRUARY).total_cents == 4000

    third = correct(home, second.id, 90)
    with home.open() as uow:
        approve(uow, third.id, note="map 3")

    assert listed_in(home, FEBRUARY).total_cents == -2000
    assert figures(home, budget) == (6000, 0)
    assert [state(home, each) for each in (first, second.id, third.id)] == [
        "corrected",
        "corrected",
        "approved",
    ]


def test_never_above_the_budget_or_the_fence(home: CareHome) -> None:
    budget, agreement = a_budget(home, limit_cents=8000)
    first = listed(home, agreement)
    with pytest.raises(OverFenceError):
        correct(home, first, 121)
    assert correct(home, first, 120).cents == 8000
    other = home.agreement(budget, home.carer("Tweede"), rate=4000)
    with pytest.raises(OverBudgetError):
        home.declare(other, 31)
    assert home.declare(other, 30).cents == 2000
    assert figures(home, budget) == (10_000, 6000)


def test_what_cannot_be_corrected_is_refused(home: CareHome) -> None:
    _budget, agreement = a_budget(home, 40_000)
    waits = home.declare(agreement, 60)
    for declaration in (waits.id, 999_999):
        with pytest.raises(Exception, match=r"is submitted|there is no declaration"):
            correct(home, declaration, 30)
    with home.open() as uow:
        approve(uow, waits.id, note="map 1")
    with pytest.raises(DeclarationStateError):
        correct(home, waits.id, 30)
    listed_in(home, JANUARY)
    first = waits.id
    for minutes, reason in ((60, "x"), (-1, "x"), (44_641, "x"), (30, " ")):
        with pytest.raises(InvalidInputError):
            correct(home, first, minutes, reason)
    correct(home, first, 30)
    with pytest.raises(DeclarationStateError):
        correct(home, first, 45)


def test_hours_of_an_agreement_that_has_ended_are_corrected_still(home: CareHome) -> None:
    budget, agreement = a_budget(home)
    first = listed(home, agreement)
    with home.open() as uow:
        end_agreement(uow, agreement, ends_on=date(2026, 1, 31))
        decide_agreement(
            uow,
            DecideAgreement(
                agreement_id=agreement,
                is_approved=False,
                decided_on=date(2026, 2, 1),
                decided_by="verzekeraar",
            ),
        )

    made = correct(home, first, 15)
    with home.open() as uow:
        approve(uow, made.id, note="map 2")

    assert figures(home, budget) == (1000, 0)


def test_a_carer_who_was_paid_too_much_owes_it_until_his_next_hours(home: CareHome) -> None:
    _budget, agreement = a_budget(home)
    first = listed(home, agreement)
    with home.open() as uow:
        [carer] = owed_carers(uow.session, uow.tenant)

    def pay(cents: int, key: str) -> None:
        with home.open() as uow:
            pay_carer(
                uow,
                MoveCareMoney(idempotency_key=key, alias=carer.alias, cents=cents, on=JANUARY),
            )

    pay(4000, "betaling-1")
    made = correct(home, first, 30)
    with home.open() as uow:
        approve(uow, made.id, note="map 2")
    assert owed(home) == -2000
    with pytest.raises(BalanceLimitError):
        pay(1, "betaling-2")
    more = home.declare(agreement, 60, month=FEBRUARY)
    with home.open() as uow:
        approve(uow, more.id, note="map 3")
    assert owed(home) == 2000
    with pytest.raises(BalanceLimitError):
        pay(2001, "betaling-3")
    pay(2000, "betaling-4")
    assert owed(home) == 0


@pytest.mark.parametrize(
    "change",
    [
        "update care_declaration set state = 'corrected' where id = :first",
        "update care_declaration set corrects_id = null where id = :made",
        "update care_declaration set replaced_cents = 0 where id = :made",
        "update care_declaration set state = 'turned_back' where id = :made",
    ],
)
def test_the_database_keeps_corrections_by_itself(home: CareHome, change: str) -> None:
    _budget, agreement = a_budget(home)
    first = listed(home, agreement)
    made = correct(home, first, 30)
    if "turned_back" in change:
        with home.open() as uow:
            approve(uow, made.id, note="map 2")

    with home.open() as uow:
        open_care_records(uow, "test")
        with pytest.raises(DBAPIError), uow.session.begin_nested():
            uow.session.execute(text(change), {"first": first, "made": made.id})


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(["approve", "reject", "list"])),
        min_size=1,
        max_size=6,
    )
)
def test_lists_add_up_to_what_stands(
    units_of_work: UnitOfWorkFactory, steps: list[tuple[int, str]]
) -> None:
    """However often hours are corrected: all lists together tell what the budget bears."""
    home = a_care_home(units_of_work)
    budget, agreement = a_budget(home)
    stands = listed(home, agreement)
    minutes, told, is_listed = 60, 4000, True
    for wanted, act in steps:
        if act == "list":
            if is_listed:
                continue
            told += listed_in(home, FEBRUARY).total_cents
            is_listed = True
        elif is_listed and wanted != minutes:
            if care_cents(wanted, 4000) > 10_000:
                with pytest.raises(OverBudgetError):
                    correct(home, stands, wanted)
                continue
            made = correct(home, stands, wanted)
            with home.open() as uow:
                if act == "approve":
                    approve(uow, made.id, note="map 2")
                    stands, minutes, is_listed = made.id, wanted, False
                else:
                    reject(uow, made.id, reason="nee")
    if not is_listed:
        told += listed_in(home, FEBRUARY).total_cents
    assert figures(home, budget) == (care_cents(minutes, 4000), 0)
    assert told == care_cents(minutes, 4000) == owed(home)
