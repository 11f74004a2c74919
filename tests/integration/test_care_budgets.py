"""Laws of care budgets: hours, approval, fences, shared hours, money and the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import CareHome, a_care_home
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.declaring import approve, reject, turn_back, withdraw
from wijkeconomie.budgets.holding import MoveCareMoney, pay_carer, receive_care_money
from wijkeconomie.budgets.keeping import (
    DecideAgreement,
    decide_agreement,
    end_agreement,
    fence_agreement,
    revise_budget,
)
from wijkeconomie.budgets.models import CareLaw
from wijkeconomie.budgets.refusals import (
    AgreementNotApprovedError,
    CareAmountDiffersError,
    CareCodeTakenError,
    DeclarationStateError,
    NotOurMoneyError,
    OutsideCarePeriodError,
    OverBudgetError,
    OverFenceError,
)
from wijkeconomie.budgets.sharing import ShareHours, share_hours
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.refusals import BalanceLimitError


@pytest.fixture
def home(units_of_work: UnitOfWorkFactory, clock: Clock) -> CareHome:
    clock.set(datetime(2026, 12, 31, 12, 0, tzinfo=UTC))
    return a_care_home(units_of_work, clock)


def used(home: CareHome, budget: int) -> int:
    with home.open() as uow:
        open_care_records(uow, "test")
        return int(
            uow.session.scalar(
                text("select used_cents from care_budget where cooperative_id = :c and id = :id"),
                {"c": uow.tenant, "id": budget},
            )
            or 0
        )


def state(home: CareHome, declaration: int) -> str:
    with home.open() as uow:
        open_care_records(uow, "test")
        return str(
            uow.session.scalar(
                text("select state from care_declaration where cooperative_id = :c and id = :id"),
                {"c": uow.tenant, "id": declaration},
            )
        )


def test_half_a_cent_goes_up(home: CareHome) -> None:
    agreement = home.agreement(home.budget(), home.carer(), rate=2550)

    assert home.declare(agreement, 735).cents == 31238  # 312.375


def test_a_declaration_weighs_at_once_and_a_rejected_one_no_more(home: CareHome) -> None:
    budget = home.budget(10_000)
    agreement = home.agreement(budget, home.carer(), rate=5000)
    first = home.declare(agreement, 120)
    with pytest.raises(OverBudgetError):
        home.declare(agreement, 1)

    with home.open() as uow:
        reject(uow, first.id, reason="te veel uren")

    assert (used(home, budget), state(home, first.id)) == (0, "rejected")
    assert home.declare(agreement, 120).cents == 10_000


def test_nothing_is_declared_on_an_agreement_that_waits_or_was_refused(home: CareHome) -> None:
    agreement = home.agreement(home.budget(), home.carer(), approved=False)
    with pytest.raises(AgreementNotApprovedError):
        home.declare(agreement, 60)
    with home.open() as uow:
        decide_agreement(
            uow,
            DecideAgreement(
                agreement_id=agreement,
                is_approved=False,
                decided_on=date(2026, 1, 2),
                decided_by="SVB",
            ),
        )
    with pytest.raises(AgreementNotApprovedError):
        home.declare(agreement, 60)


def test_a_month_outside_the_agreement_is_refused(home: CareHome) -> None:
    budget = home.budget(starts_on=date(2026, 2, 10), ends_on=date(2026, 11, 5))
    agreement = home.agreement(budget, home.carer())

    for month in (date(2026, 1, 1), date(2026, 12, 1)):
        with pytest.raises(OutsideCarePeriodError):
            home.declare(agreement, 60, month=month)
    home.declare(agreement, 60, month=date(2026, 2, 1))
    home.declare(agreement, 60, month=date(2026, 11, 1))
    with home.open() as uow:
        end_agreement(uow, agreement, ends_on=date(2026, 10, 31))
    with pytest.raises(OutsideCarePeriodError):
        home.declare(agreement, 60, month=date(2026, 11, 1))


@pytest.mark.parametrize("minutes", [0, -1, 31 * 24 * 60 + 1])
def test_impossible_minutes_are_refused(home: CareHome, minutes: int) -> None:
    agreement = home.agreement(home.budget(), home.carer())

    with pytest.raises(InvalidInputError):
        home.declare(agreement, minutes)


def test_a_month_to_come_is_refused(home: CareHome, clock: Clock) -> None:
    clock.set(datetime(2026, 3, 15, tzinfo=UTC))
    agreement = home.agreement(home.budget(), home.carer())

    with pytest.raises(InvalidInputError):
        home.declare(agreement, 60, month=date(2026, 4, 1))


def test_another_amount_and_a_used_number_are_refused(home: CareHome) -> None:
    agreement = home.agreement(home.budget(), home.carer(), rate=6000)
    with pytest.raises(CareAmountDiffersError):
        home.declare(agreement, 60, claimed_cents=6001)
    home.declare(agreement, 60, claimed_cents=6000, code="D-1")
    with pytest.raises(CareCodeTakenError):
        home.declare(agreement, 60, code="D-1")


def test_an_agreement_takes_no_more_than_its_fence(home: CareHome) -> None:
    budget = home.budget(100_000)
    fenced = home.agreement(budget, home.carer(), rate=6000, limit_cents=12_000)
    other = home.agreement(budget, home.carer("Ander"), rate=6000)
    home.declare(fenced, 120)
    with pytest.raises(OverFenceError):
        home.declare(fenced, 1)
    home.declare(other, 600)

    with pytest.raises(OverFenceError), home.open() as uow:
        fence_agreement(uow, fenced, limit_cents=11_999)
    with home.open() as uow:
        fence_agreement(uow, fenced, limit_cents=12_100)
    assert home.declare(fenced, 1).cents == 100
    assert used(home, budget) == 12_100 + 60_000


def test_a_budget_is_never_revised_below_its_use(home: CareHome) -> None:
    budget = home.budget(10_000)
    agreement = home.agreement(budget, home.carer(), rate=6000)
    home.declare(agreement, 60)

    with pytest.raises(OverBudgetError), home.open() as uow:
        revise_budget(uow, budget, budget_cents=5999, reason="herindicatie")
    with home.open() as uow:
        revise_budget(uow, budget, budget_cents=6000, reason="herindicatie")
    with pytest.raises(OverBudgetError):
        home.declare(agreement, 1)


def test_states_go_one_way(home: CareHome) -> None:
    agreement = home.agreement(home.budget(), home.carer())
    first, second = home.declare(agreement, 60), home.declare(agreement, 30)
    with home.open() as uow:
        approve(uow, first.id, note="map 1")
        withdraw(uow, second.id)

    changes: list[Callable[[UnitOfWork], None]] = [
        lambda uow: approve(uow, first.id, note="map 1"),
        lambda uow: reject(uow, first.id, reason="x"),
        lambda uow: withdraw(uow, first.id),
        lambda uow: approve(uow, second.id, note="map 1"),
        lambda uow: turn_back(uow, second.id, reason="x"),
    ]
    for change in changes:
        with pytest.raises(DeclarationStateError), home.open() as uow:
            change(uow)


def test_an_administrator_names_the_signed_paper(home: CareHome) -> None:
    declared = home.declare(home.agreement(home.budget(), home.carer()), 60)

    with pytest.raises(InvalidInputError), home.open() as uow:
        approve(uow, declared.id)


def test_what_the_svb_pays_never_comes_into_the_books(home: CareHome) -> None:
    for law in (CareLaw.WLZ, CareLaw.WMO, CareLaw.JEUGDWET):
        agreement = home.agreement(
            home.budget(law=law, is_drawing_right=law is CareLaw.WLZ), home.carer(law.value)
        )
        with home.open() as uow:
            approve(uow, home.declare(agreement, 60).id, note="map 1")

    with home.open() as uow:
        assert ledger.last_number(uow.session, uow.tenant) == 0
        assert not ledger.party_balances(uow.session, uow.tenant, "care_budgets")


def test_money_of_the_insurer_is_booked_by_alias_and_turned_back(home: CareHome) -> None:
    agreement = home.agreement(home.budget(alias="PGB-A"), home.carer(alias="Z-A"), rate=6000)
    declared = home.declare(agreement, 90)
    with home.open() as uow:
        approve(uow, declared.id, note="map 1")
    assert home.books.balance("17290:PGB-A") == 9000
    assert home.books.balance("16019:Z-A") == -9000
    command = MoveCareMoney(
        idempotency_key="eerste keer", alias="PGB-A", cents=9000, on=date(2026, 2, 2)
    )
    for _attempt in range(2):
        with home.open() as uow:
            receive_care_money(uow, command)
    assert home.books.balance("17290:PGB-A") == 0
    with pytest.raises(BalanceLimitError), home.open() as uow:
        pay_carer(uow, replace(command, idempotency_key="tweede keer", alias="Z-A", cents=9001))
    with home.open() as uow:
        turn_back(uow, declared.id, reason="dubbel")
    assert home.books.balance("16019:Z-A") == 0
    assert home.books.verify().fault is None


def test_money_of_a_drawing_right_cannot_be_received(home: CareHome) -> None:
    home.budget(law=CareLaw.WMO, alias="PGB-W")

    with pytest.raises(NotOurMoneyError), home.open() as uow:
        receive_care_money(
            uow,
            MoveCareMoney(
                idempotency_key="een sleutel", alias="PGB-W", cents=1, on=date(2026, 2, 2)
            ),
        )


def shared(home: CareHome, *budgets: int, rate: int = 6000) -> list[int]:
    carer = home.carer("Nachtwacht")
    return [home.agreement(budget, carer, rate=rate) for budget in budgets]


def test_shared_hours_come_to_all_minutes_and_explain_themselves(home: CareHome) -> None:
    parts = shared(home, *(home.budget(holder=f"L00{n}") for n in (1, 2, 3)))

    with home.open() as uow:
        made = share_hours(
            uow,
            ShareHours(
                month=date(2026, 3, 1),
                minutes=480,
                parts=[(parts[0], "1"), (parts[1], "1.5"), (parts[2], 0)],
            ),
        )
        rows = uow.session.execute(
            text(
                "select minutes, shared_minutes, shared_weight || '/' || shared_weight_sum"
                " from care_declaration where cooperative_id = :c order by id"
            ),
            {"c": uow.tenant},
        ).all()
    assert [tuple(row) for row in rows] == [(192, 480, "2/5"), (288, 480, "3/5")]
    assert [each.cents for each in made] == [19_200, 28_800]


def test_shared_hours_are_declared_for_all_or_for_nobody(home: CareHome) -> None:
    rich, poor = home.budget(), home.budget(100, holder="L002")
    parts = shared(home, rich, poor)

    with pytest.raises(OverBudgetError), home.open() as uow:
        share_hours(
            uow,
            ShareHours(month=date(2026, 3, 1), minutes=60, parts=[(part, 1) for part in parts]),
        )
    assert (used(home, rich), used(home, poor)) == (0, 0)


@pytest.mark.parametrize("weights", [("0", "0"), ("-1", "2"), ("veel", "1")])
def test_weights_that_share_nothing_are_refused(home: CareHome, weights: tuple[str, str]) -> None:
    parts = shared(home, home.budget(), home.budget(holder="L002"))

    with pytest.raises(InvalidInputError), home.open() as uow:
        share_hours(
            uow,
            ShareHours(
                month=date(2026, 3, 1), minutes=60, parts=list(zip(parts, weights, strict=True))
            ),
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update care_declaration set minutes = minutes + 1",
        "update care_declaration set state = 'submitted' where state = 'approved'",
        "update care_budget set used_cents = 0",
        "update care_budget set budget_cents = 1",
        "update care_trail set action = 'nothing'",
        "delete from care_declaration",
        "delete from care_trail",
    ],
)
def test_a_hand_in_the_database_cannot_bend_it(home: CareHome, statement: str) -> None:
    with home.open() as uow:
        approve(uow, home.declare(home.agreement(home.budget(), home.carer()), 60).id, note="map 1")

    with home.open() as uow:
        open_care_records(uow, "test")
        with pytest.raises(DBAPIError):
            uow.session.execute(text(statement))
