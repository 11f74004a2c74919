"""Campaigns held to a naive model: lists and sums, over histories nobody would think of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.factories.books import open_books_of_a_new_cooperative
from tests.factories.investments import PAID, PRICE, Roof, open_roof
from tests.factories.settled_rounds import some_members
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.campaigns import close_campaign
from wijkeconomie.investments.leaving import PayMember, pay_member, release_units
from wijkeconomie.investments.participating import Subscribe, subscribe, withdraw
from wijkeconomie.investments.refusals import (
    CampaignFullError,
    CampaignNotOpenError,
    DrawingAboveRaisedError,
    LossAboveCapitalError,
    NothingOwedError,
    NoUnitsError,
    ParticipationStateError,
)

MEMBERS = ("L001", "L002", "L003")
MEMBER = st.sampled_from(MEMBERS)
TARGET = 12


@dataclass
class Part:
    """A participation as the model knows it."""

    code: str
    member: str
    units: int
    state: str = "subscribed"


class CampaignModel(RuleBasedStateMachine):
    """Participations are a list, money is sums over it."""

    units_of_work: UnitOfWorkFactory

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.state = "gathering"
        self.is_closed = False
        self.drawn = 0
        self.lost: dict[str, int] = dict.fromkeys(MEMBERS, 0)
        self.owed: dict[str, int] = dict.fromkeys(MEMBERS, 0)
        self.years = 0
        self.invoices = 0

    @initialize(stage=st.integers(1, TARGET))
    def open_campaign(self, stage: int) -> None:
        self.stage = stage
        books = open_books_of_a_new_cooperative(self.units_of_work)
        self.roof = Roof(books, some_members(books, len(MEMBERS)))
        open_roof(books, target_units=TARGET, stage_units=stage)

    def units(self, *states: str, member: str | None = None) -> int:
        return sum(
            part.units
            for part in self.parts
            if part.state in states and member in {None, part.member}
        )

    def capital(self, member: str) -> int:
        return self.units("issued", member=member) * PRICE - self.lost[member]

    @rule(member=MEMBER, units=st.integers(1, 8))
    def take(self, member: str, units: int) -> None:
        left = TARGET - self.units("subscribed", "paid", "issued", "released")
        if self.is_closed:
            with pytest.raises(CampaignNotOpenError):
                self.roof.take(member, units)
        elif units > left:
            with pytest.raises(CampaignFullError) as refused:
                self.roof.take(member, units)
            assert refused.value.context["left"] == left
        else:
            self.parts.append(Part(self.roof.take(member, units), member, units))

    @precondition(lambda self: self.parts)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        part = data.draw(st.sampled_from(self.parts))
        if part.state != "subscribed":
            with pytest.raises(ParticipationStateError):
                self.roof.pay(part.code)
            return
        self.roof.pay(part.code, PAID)
        part.state = "issued" if self.state == "granted" else "paid"
        if self.state == "gathering" and self.units("paid") >= self.stage:
            self.state = "granted"
            for each in self.parts:
                each.state = "issued" if each.state == "paid" else each.state

    @precondition(lambda self: self.parts)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        part = data.draw(st.sampled_from(self.parts))
        with self.roof.books.open() as uow:
            if part.state != "subscribed":
                with pytest.raises(ParticipationStateError):
                    withdraw(uow, part.code)
                return
            withdraw(uow, part.code)
        part.state = "withdrawn"

    @rule()
    def decide(self) -> None:
        with self.roof.books.open() as uow:
            close_campaign(uow, "ZON")
        if self.is_closed:
            return
        self.is_closed = True
        if self.state == "gathering":
            self.state = "failed"
        for part in self.parts:
            if part.state == "subscribed":
                part.state = "withdrawn"
            elif part.state == "paid":
                part.state = "refunded"
                self.owed[part.member] += part.units * PRICE

    @rule(cents=st.integers(1, 4 * PRICE))
    def draw(self, cents: int) -> None:
        units = self.units("issued", "released")
        whole = units if self.is_closed or units == TARGET else units // self.stage * self.stage
        self.invoices += 1
        if self.drawn + cents > whole * PRICE:
            with pytest.raises(DrawingAboveRaisedError):
                self.roof.draw(cents, document=f"F-{self.invoices}")
        else:
            self.roof.draw(cents, document=f"F-{self.invoices}")
            self.drawn += cents

    @rule(cents=st.integers(-2 * PRICE, 2 * PRICE))
    def share(self, cents: int) -> None:
        holders = [member for member in MEMBERS if self.units("issued", member=member)]
        year = 2027 + self.years
        if not holders:
            with pytest.raises(NoUnitsError):
                self.roof.share(cents, year)
            return
        if -cents > sum(self.capital(member) for member in holders):
            with pytest.raises(LossAboveCapitalError):
                self.roof.share(cents, year)
            return
        shares = self.roof.share(cents, year)
        self.years += 1
        assert sorted(shares) == holders
        assert sum(shares.values()) == cents
        for member, share in shares.items():
            if cents > 0:
                self.owed[member] += share
            else:
                self.lost[member] -= share

    @rule(member=MEMBER)
    def release(self, member: str) -> None:
        with self.roof.books.open() as uow:
            if not self.units("issued", member=member):
                with pytest.raises(NoUnitsError):
                    release_units(uow, "ZON", member)
                return
            assert release_units(uow, "ZON", member) == self.capital(member)
        self.owed[member] += self.capital(member)
        self.lost[member] = 0
        for part in self.parts:
            if part.member == member and part.state == "issued":
                part.state = "released"

    @rule(member=MEMBER, cents=st.integers(1, 2 * PRICE))
    def pay_out(self, member: str, cents: int) -> None:
        command = PayMember(
            idempotency_key=uuid.uuid4().hex,
            member_code=member,
            cents=cents,
            paid_on=date(2027, 1, 4),
        )
        with self.roof.books.open() as uow:
            if cents > self.owed[member]:
                with pytest.raises(NothingOwedError):
                    pay_member(uow, command)
                return
            self.owed[member] -= cents
            assert pay_member(uow, command) == self.owed[member]
        with self.roof.books.open() as uow:
            assert pay_member(uow, command) == self.owed[member], "a retry pays nothing again"

    @invariant()
    def units_money_and_shares_tie(self) -> None:
        if not hasattr(self, "roof"):
            return
        assert self.roof.count("state") == self.state
        assert self.roof.count("taken_units") == self.units(
            "subscribed", "paid", "issued", "released"
        )
        assert self.roof.count("raised_units") == self.units("issued", "released")
        assert self.roof.count("drawn_cents") == self.drawn
        deposits = {f"ZON/{m}": -self.units("paid", member=m) * PRICE for m in MEMBERS}
        assert self.roof.balances("participation_deposits") == _without_zeros(deposits)
        capital = {f"ZON/{m}": -self.capital(m) for m in MEMBERS}
        assert self.roof.balances("members_capital") == _without_zeros(capital)
        owed = {m: -cents for m, cents in self.owed.items()}
        assert self.roof.balances("owed_to_members") == _without_zeros(owed)
        assert self.roof.balances("installations") == _without_zeros({"ZON": self.drawn})


def _without_zeros(balances: dict[str, int]) -> dict[str, int]:
    return {party: cents for party, cents in balances.items() if cents}


def test_units_money_and_shares_tie_whatever_happens(units_of_work: UnitOfWorkFactory) -> None:
    model = type("Model", (CampaignModel,), {"units_of_work": units_of_work})
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_repeated_subscription_is_answered_and_takes_nothing_again(
    units_of_work: UnitOfWorkFactory,
) -> None:
    books = open_books_of_a_new_cooperative(units_of_work)
    roof = Roof(books, some_members(books, 1))
    open_roof(books)
    command = Subscribe(
        idempotency_key="een-keer-klikken",
        project_code="ZON",
        member_id=roof.members["L001"],
        units=3,
    )

    codes = []
    for _ in range(3):
        with books.open() as uow:
            codes.append(subscribe(uow, command))

    assert len(set(codes)) == 1
    assert roof.count("taken_units") == 3
    with books.open() as uow:
        assert (
            uow.session.scalar(
                text("select count(*) from participation where cooperative_id = :id"),
                {"id": uow.tenant},
            )
            == 1
        )
