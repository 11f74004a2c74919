"""Vouchers held to a naive model: a purse a voucher, over histories nobody would think of.

The law of conservation is checked after every step, for every unit: what was issued is what is
outstanding, was redeemed or has expired.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

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

from tests.conftest import Clock
from tests.factories.vouchers import TODAY, Neighbourhood, a_neighbourhood
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.money.vat import contained_vat
from wijkeconomie.vouchers.answers import Redeem
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.redeeming import redeem
from wijkeconomie.vouchers.refunding import GRACE_DAYS, Refund, refund
from wijkeconomie.vouchers.refusals import (
    FundExhaustedError,
    NothingToPayOutError,
    RefundTooLargeError,
    VoucherBalanceError,
    VoucherUsedError,
)
from wijkeconomie.vouchers.transferring import PassOn, pass_on
from wijkeconomie.vouchers.withdrawing import WithdrawVoucher, withdraw_voucher

MEMBERS = ("L001", "L002", "L003")
FEE = {"W1": 150, "W2": 0}
AMOUNTS = st.integers(1, 700)
FACES = st.integers(300, 2500)
SCHEMES = {"wijkmunt": "EUR", "groente": "EUR", "uren": "UUR"}
GRANTED = 4000


@dataclass
class ModelVoucher:
    """What a voucher is to the model."""

    code: str
    unit: str
    scheme: str
    holder: str
    expires: date
    held: int
    is_gift: bool
    face: int
    """What was issued; 0 of what was passed on."""


@dataclass
class Payment:
    """An accepted payment: what each voucher paid, and what came back."""

    code: str
    merchant: str
    unit: str
    parts: list[tuple[ModelVoucher, int]]
    refunded: int = 0

    @property
    def amount(self) -> int:
        return sum(part for _, part in self.parts)


class VoucherModel(RuleBasedStateMachine):
    """Vouchers are purses in a list; the fund, the merchants and the sums are numbers."""

    units_of_work: UnitOfWorkFactory
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.vouchers: list[ModelVoucher] = []
        self.payments: list[Payment] = []
        self.answers: dict[str, tuple[Redeem, object]] = {}
        self.issued = {"EUR": 0, "UUR": 0}
        self.expired = {"EUR": 0, "UUR": 0}
        self.given = 0
        self.owed = {"W1": 0, "W2": 0}
        self.today = TODAY
        self.steps = 0

    @initialize()
    def open_place(self) -> None:
        self.place: Neighbourhood = a_neighbourhood(self.units_of_work)
        self.place.single_purpose()
        self.place.scheme("uren", unit="UUR")
        self.place.fund("G1", GRANTED)
        self.place.fund("U1", 10**9, unit="UUR")
        self.set_clock()
        for scheme in SCHEMES:
            for member in MEMBERS[:2]:
                self.issue(member=member, scheme=scheme, face=1500, days=4, is_gift=False)

    def set_clock(self) -> None:
        self.clock.set(datetime.combine(self.today, time(12), LOCAL_TIME))

    def next_code(self, prefix: str) -> str:
        self.steps += 1
        return f"{prefix}{self.steps}"

    def wallet(self, member: str, unit: str) -> list[ModelVoucher]:
        own = [
            v
            for v in self.vouchers
            if v.holder == member and v.unit == unit and v.expires >= self.today and v.held
        ]
        return sorted(own, key=lambda v: (v.expires, self.vouchers.index(v)))

    def spend(self, member: str, unit: str, amount: int) -> list[tuple[ModelVoucher, int]] | None:
        own = self.wallet(member, unit)
        if sum(v.held for v in own) < amount:
            return None
        parts = []
        for voucher in own:
            part = min(voucher.held, amount)
            if part:
                parts.append((voucher, part))
                amount -= part
        return parts

    @rule(
        member=st.sampled_from(MEMBERS),
        scheme=st.sampled_from(sorted(SCHEMES)),
        face=FACES,
        days=st.integers(0, 12),
        is_gift=st.booleans(),
    )
    def issue(self, member: str, scheme: str, face: int, days: int, *, is_gift: bool) -> None:
        unit = SCHEMES[scheme]
        is_gift = is_gift or unit != "EUR"
        fund = ("G1" if unit == "EUR" else "U1") if is_gift else None
        code = self.next_code("V")
        until = self.today + timedelta(days=days)

        def act() -> None:
            self.place.issue(
                code, face, member=member, scheme=scheme, fund=fund, on=self.today, until=until
            )

        if fund == "G1" and self.given + face > GRANTED:
            with pytest.raises(FundExhaustedError):
                act()
            return
        act()
        self.given += face if fund == "G1" else 0
        self.issued[unit] += face
        self.vouchers.append(ModelVoucher(code, unit, scheme, member, until, face, is_gift, face))

    @precondition(lambda self: self.vouchers)
    @rule(which=st.integers(0, 99), amount=AMOUNTS, merchant=st.sampled_from(["W1", "W2"]))
    def redeem_voucher(self, which: int, amount: int, merchant: str) -> None:
        voucher = self.vouchers[which % len(self.vouchers)]
        key = self.next_code("key-")
        answer = self.place.redeem(voucher.code, amount, merchant=merchant, on=self.today, key=key)
        if voucher.expires < self.today:
            assert answer.refusal == "expired"
        elif voucher.held < amount:
            assert answer.refusal == "insufficient_balance"
        else:
            assert answer.is_accepted
            voucher.held -= amount
            self.payments.append(Payment(answer.code, merchant, voucher.unit, [(voucher, amount)]))
            self.owed[merchant] += amount if voucher.unit == "EUR" else 0
        assert answer.balance_after_minor == voucher.held
        command = Redeem(
            idempotency_key=key,
            merchant_code=merchant,
            amount_minor=amount,
            voucher_code=voucher.code,
            on=self.today,
        )
        self.answers[key] = (command, answer)

    @precondition(lambda self: self.answers)
    @rule(which=st.integers(0, 99))
    def ask_again(self, which: int) -> None:
        command, answer = list(self.answers.values())[which % len(self.answers)]
        with self.place.books.open() as uow:
            again = redeem(uow, command)
        assert again.is_replay
        assert replace(again, is_replay=False) == answer

    @rule(
        member=st.sampled_from(MEMBERS),
        unit=st.sampled_from(["EUR", "UUR"]),
        amount=AMOUNTS,
        merchant=st.sampled_from(["W1", "W2"]),
    )
    def pay_from_wallet(self, member: str, unit: str, amount: int, merchant: str) -> None:
        parts = self.spend(member, unit, amount)
        with self.place.books.open() as uow:
            answer = redeem(
                uow,
                Redeem(
                    idempotency_key=self.next_code("key-"),
                    merchant_code=merchant,
                    amount_minor=amount,
                    holder_id=self.place.members[member],
                    unit=unit,
                    on=self.today,
                ),
            )
        if parts is None:
            assert not answer.is_accepted
            return
        assert answer.is_accepted
        for voucher, part in parts:
            voucher.held -= part
        self.payments.append(Payment(answer.code, merchant, unit, parts))
        self.owed[merchant] += amount if unit == "EUR" else 0

    @rule(
        giver=st.sampled_from(MEMBERS),
        taker=st.sampled_from(MEMBERS),
        unit=st.sampled_from(["EUR", "UUR"]),
        amount=AMOUNTS,
    )
    def transfer(self, giver: str, taker: str, unit: str, amount: int) -> None:
        if giver == taker:
            return
        parts = self.spend(giver, unit, amount)
        command = PassOn(
            idempotency_key=self.next_code("pass-"),
            holder_id=self.place.members[giver],
            to_member_code=taker,
            amount_minor=amount,
            unit=unit,
        )
        if parts is None:
            with pytest.raises(VoucherBalanceError), self.place.books.open() as uow:
                pass_on(uow, command)
            return
        with self.place.books.open() as uow:
            codes = pass_on(uow, command)
        with self.place.books.open() as uow:
            assert pass_on(uow, command) == codes
        for code, (voucher, part) in zip(codes, parts, strict=True):
            voucher.held -= part
            self.vouchers.append(replace(voucher, code=code, holder=taker, held=part, face=0))

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 99), amount=AMOUNTS)
    def give_back(self, which: int, amount: int) -> None:
        payment = self.payments[which % len(self.payments)]
        command = Refund(
            idempotency_key=self.next_code("refund-"),
            redemption_code=payment.code,
            reason="verkeerd",
            amount_minor=amount,
        )
        if amount > payment.amount - payment.refunded:
            with pytest.raises(RefundTooLargeError), self.place.books.open() as uow:
                refund(uow, command)
            return
        with self.place.books.open() as uow:
            refund(uow, command)
        self._put_back(payment, amount)
        self.owed[payment.merchant] -= amount if payment.unit == "EUR" else 0

    def _put_back(self, payment: Payment, amount: int) -> None:
        """Mirror of the spending: the books tell which voucher got what, the sum is ours."""
        payment.refunded += amount
        came_back = 0
        for voucher, _ in payment.parts:
            now = self.place.held(voucher.code, voucher.unit)
            if now != voucher.held:
                came_back += now - voucher.held
                voucher.held = now
                if voucher.expires < self.today:
                    voucher.expires = self.today + timedelta(days=GRACE_DAYS)
        assert came_back == amount

    @rule(days=st.integers(0, 5))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.set_clock()

    @rule()
    def expire(self) -> None:
        late = [v for v in self.vouchers if v.expires < self.today and v.held]
        found = self.place.expire(self.today)
        sums: dict[str, int] = {}
        for voucher in late:
            sums[voucher.unit] = sums.get(voucher.unit, 0) + voucher.held
            self.expired[voucher.unit] += voucher.held
            if voucher.is_gift and voucher.unit == "EUR":
                # The tax of a single-purpose voucher was paid at issue and does not come back.
                rate = 900 if voucher.scheme == "groente" else None
                self.given -= voucher.held - contained_vat(voucher.held, rate)
            voucher.held = 0
        assert found == sums

    @precondition(lambda self: self.vouchers)
    @rule(which=st.integers(0, 99))
    def withdraw(self, which: int) -> None:
        voucher = self.vouchers[which % len(self.vouchers)]
        command = WithdrawVoucher(
            idempotency_key=self.next_code("withdraw-"), voucher_code=voucher.code, reason="fout"
        )
        if voucher.face == 0 or voucher.held != voucher.face:
            with pytest.raises(VoucherUsedError), self.place.books.open() as uow:
                withdraw_voucher(uow, command)
            return
        with self.place.books.open() as uow:
            withdraw_voucher(uow, command)
        self.issued[voucher.unit] -= voucher.face
        self.given -= voucher.face if voucher.is_gift and voucher.unit == "EUR" else 0
        voucher.held = 0

    @rule(merchant=st.sampled_from(["W1", "W2"]))
    def pay_merchant(self, merchant: str) -> None:
        command = PayOut(idempotency_key=self.next_code("payout-"), merchant_code=merchant)
        if self.owed[merchant] <= 0:
            with pytest.raises(NothingToPayOutError), self.place.books.open() as uow:
                pay_out(uow, command)
            return
        with self.place.books.open() as uow:
            pay_out(uow, command)
        self.owed[merchant] = 0

    @invariant()
    def nothing_is_lost_and_nothing_comes_from_nowhere(self) -> None:
        if not hasattr(self, "place"):
            return
        found = self.place.circulation()
        for unit in ("EUR", "UUR"):
            held = sum(v.held for v in self.vouchers if v.unit == unit)
            paid = sum(p.amount - p.refunded for p in self.payments if p.unit == unit)
            assert self.issued[unit] == held + paid + self.expired[unit]
            if unit in found:
                assert found[unit].is_whole
                assert found[unit].issued == self.issued[unit]
                assert found[unit].outstanding == held
                assert found[unit].redeemed == paid
                assert found[unit].expired == self.expired[unit]

    @invariant()
    def merchants_are_owed_what_was_paid_to_them(self) -> None:
        if hasattr(self, "place"):
            for merchant, owed in self.owed.items():
                assert self.place.balance(f"16012:{merchant}") == -owed

    def teardown(self) -> None:
        if not hasattr(self, "place"):
            return
        assert self.place.books.verify().fault is None
        for voucher in self.vouchers:
            assert self.place.held(voucher.code, voucher.unit) == voucher.held
        with self.place.books.open() as uow:
            given = uow.session.scalar(
                text(
                    "select issued_minor - returned_minor from voucher_fund"
                    " where cooperative_id = :id and code = 'G1'"
                ),
                {"id": uow.tenant},
            )
        assert given == self.given
        assert self.place.balance("16521:G1") == self.given - GRANTED
        # When no single-purpose voucher holds anything, all of their tax has come back.
        if not any(v.held for v in self.vouchers if v.scheme == "groente"):
            assert self.place.balance("13306") == 0


def test_vouchers_are_what_a_list_of_purses_says(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    VoucherModel.units_of_work = units_of_work
    VoucherModel.clock = clock
    run_state_machine_as_test(
        VoucherModel,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
