"""A care home held to a naive model: a budget is a number that declarations take from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.care import CareHome, a_care_home
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.declaring import approve, reject, turn_back, withdraw
from wijkeconomie.budgets.keeping import fence_agreement, revise_budget
from wijkeconomie.budgets.refusals import DeclarationStateError, OverBudgetError, OverFenceError
from wijkeconomie.budgets.sharing import ShareHours, share_hours
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory

RATES = (2500, 3825, 6000)
GRANTED = 60_000
MONTHS = st.sampled_from([date(2026, month, 1) for month in (1, 5, 12)])
WEIGHING = {"submitted", "approved"}


def cost(minutes: int, rate: int) -> int:
    exact = Decimal(minutes) * rate / 60
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


class CareModel(RuleBasedStateMachine):
    """Three budgets: two of the insurer, one of the SVB; one agreement each, with one carer."""

    units_of_work: UnitOfWorkFactory
    home: CareHome

    @initialize()
    def open(self) -> None:
        self.home = a_care_home(self.units_of_work)
        carer = self.home.carer()
        self.budgets = [
            self.home.budget(GRANTED, holder=f"L00{n}", is_drawing_right=n == 3) for n in (1, 2, 3)
        ]
        self.agreements = [
            self.home.agreement(budget, carer, rate=rate)
            for budget, rate in zip(self.budgets, RATES, strict=True)
        ]
        self.granted = [GRANTED] * 3
        self.fences: list[int | None] = [None] * 3
        self.declared: dict[int, tuple[int, int, str]] = {}  # which budget, cents, state

    def used(self, which: int) -> int:
        return sum(
            cents
            for budget, cents, state in self.declared.values()
            if budget == which and state in WEIGHING
        )

    @contextmanager
    def refusal(self, wanted: list[tuple[int, int]]) -> Iterator[bool]:
        """Expect a refusal where a budget or a fence would be passed; tells whether none is."""
        short = [
            which
            for which, cents in wanted
            if self.used(which) + cents > min(self.granted[which], self._fence(which))
        ]
        if short:
            with pytest.raises((OverBudgetError, OverFenceError)):
                yield False
        else:
            yield True

    def _fence(self, which: int) -> int:
        fence = self.fences[which]
        return self.granted[which] if fence is None else fence

    @rule(which=st.integers(0, 2), minutes=st.integers(1, 600), month=MONTHS)
    def declare(self, which: int, minutes: int, month: date) -> None:
        cents = cost(minutes, RATES[which])
        with self.refusal([(which, cents)]):
            made = self.home.declare(self.agreements[which], minutes, month=month)
            self.declared[made.id] = (which, cents, "submitted")

    @rule(minutes=st.integers(3, 900), weights=st.lists(st.integers(1, 9), min_size=3, max_size=3))
    def share(self, minutes: int, weights: list[int]) -> None:
        exact = [Fraction(minutes * weight, sum(weights)) for weight in weights]
        parts = [int(part) for part in exact]
        order = sorted(range(3), key=lambda i: (parts[i] - exact[i], i))
        for index in order[: minutes - sum(parts)]:
            parts[index] += 1
        wanted = [(i, cost(part, RATES[i])) for i, part in enumerate(parts) if part]
        with self.refusal(wanted), self.home.open() as uow:
            made = share_hours(
                uow,
                ShareHours(
                    month=date(2026, 2, 1),
                    minutes=minutes,
                    parts=list(zip(self.agreements, weights, strict=True)),
                ),
            )
            for each, (which, cents) in zip(made, wanted, strict=True):
                self.declared[each.id] = (which, cents, "submitted")

    @rule(
        which=st.integers(0, 100),
        act=st.sampled_from(["approved", "rejected", "withdrawn", "turned_back"]),
    )
    def decide(self, which: int, act: str) -> None:
        if not self.declared:
            return
        found = sorted(self.declared)[which % len(self.declared)]
        budget, cents, state = self.declared[found]
        is_allowed = state == ("approved" if act == "turned_back" else "submitted")
        if not is_allowed:
            with pytest.raises(DeclarationStateError):
                self._decide(found, act)
            return
        self._decide(found, act)
        self.declared[found] = (budget, cents, act)

    def _decide(self, declaration: int, act: str) -> None:
        with self.home.open() as uow:
            if act == "approved":
                approve(uow, declaration, note="map 1")
            elif act == "rejected":
                reject(uow, declaration, reason="niet gewerkt")
            elif act == "withdrawn":
                withdraw(uow, declaration)
            else:
                turn_back(uow, declaration, reason="dubbel")

    @rule(which=st.integers(0, 2), cents=st.integers(0, 2 * GRANTED))
    def revise(self, which: int, cents: int) -> None:
        if cents < self.used(which):
            with pytest.raises(OverBudgetError):
                self._revise(which, cents)
            return
        self._revise(which, cents)
        self.granted[which] = cents

    def _revise(self, which: int, cents: int) -> None:
        with self.home.open() as uow:
            revise_budget(uow, self.budgets[which], budget_cents=cents, reason="herindicatie")

    @rule(which=st.integers(0, 2), cents=st.none() | st.integers(0, GRANTED))
    def fence(self, which: int, cents: int | None) -> None:
        is_short = cents is not None and cents < self.used(which)
        if is_short:
            with pytest.raises(OverFenceError):
                self._set_fence(which, cents)
            return
        self._set_fence(which, cents)
        self.fences[which] = cents

    def _set_fence(self, which: int, cents: int | None) -> None:
        with self.home.open() as uow:
            fence_agreement(uow, self.agreements[which], limit_cents=cents)

    @invariant()
    def budgets_and_books_are_what_the_model_says(self) -> None:
        if not hasattr(self, "declared"):
            return
        with self.home.open() as uow:
            open_care_records(uow, "test")
            found = uow.session.execute(
                text(
                    "select b.used_cents, a.used_cents, b.budget_cents, coalesce(h.balance, 0)"
                    " from care_budget b join care_agreement a on a.cooperative_id ="
                    " b.cooperative_id and a.budget_id = b.id"
                    " left join account on account.cooperative_id = b.cooperative_id"
                    " and account.key = 'care_budgets' and account.party = b.alias"
                    " left join account_balance h on h.cooperative_id = account.cooperative_id"
                    " and h.account_id = account.id"
                    " where b.cooperative_id = :id order by b.id"
                ),
                {"id": uow.tenant},
            ).all()
        for which, row in enumerate(found):
            approved = sum(
                cents
                for budget, cents, state in self.declared.values()
                if budget == which and state == "approved" and which < 2
            )
            used = self.used(which)
            assert tuple(row) == (used, used, self.granted[which], approved)
            assert used <= self.granted[which]


def test_care_budgets_behave_as_the_model(units_of_work: UnitOfWorkFactory, clock: Clock) -> None:
    clock.set(datetime(2026, 12, 31, 12, 0, tzinfo=UTC))
    CareModel.units_of_work = units_of_work

    run_state_machine_as_test(
        CareModel,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
