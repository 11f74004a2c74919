"""Funds, rounds and the books are held in one order, so that nobody waits for who waits for him.

Each test brings two pieces of work to where one holds what the other wants; they go on from there
together, or after a while alone when the order of locks has kept the other one from getting there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from tests.conftest import Clock
from tests.factories.grants import Carers
from tests.factories.vouchers import Neighbourhood, a_neighbourhood
from tests.integration.test_payout_runs import OURS
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.payments import ordering
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.ordering import MakeRun, make_run
from wijkeconomie.vouchers import expiring, grant_money, issuing, withdrawing
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.withdrawing import WithdrawVoucher, withdraw_voucher

ALONE_AFTER_S = 0.5
EXPIRES = date(2026, 1, 9)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work)
    place.fund("G1", 1000)
    place.issue("V1", 300, fund="G1", until=EXPIRES)
    place.issue("V2", 200, fund="G1")
    return place


@pytest.fixture
def carers(place: Neighbourhood) -> Carers:
    """A decided round, with a grant by bank and one as a voucher."""
    with place.books.open() as uow:
        ids = tuple(place.members.values())
        for member_id in ids:
            uow.session.connection().exec_driver_sql(
                f"update member set iban = '{OURS}' where cooperative_id = {uow.tenant}"
                f" and id = {member_id}"
            )
    carers = Carers(place)
    carers.set_up()
    carers.apply("L001", "A", GrantPayout.BANK)
    carers.apply("L002", "B", GrantPayout.VOUCHER)
    carers.decide()
    return carers


class Meeting:
    """Where two threads meet once, each after or before a function that it calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._barrier = Barrier(2)

    def _wait(self) -> None:
        with suppress(BrokenBarrierError):
            self._barrier.wait(ALONE_AFTER_S)

    def after(self, module: object, name: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def act(*args: Any, **named: Any) -> Any:
            result = original(*args, **named)
            self._wait()
            return result

        self._patch.setattr(module, name, act)

    def before(self, module: object, name: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def act(*args: Any, **named: Any) -> Any:
            self._wait()
            return original(*args, **named)

        self._patch.setattr(module, name, act)


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    return Meeting(monkeypatch)


def both(*work: Callable[[], object]) -> list[DomainError]:
    """Do two things at once; what was refused. Anything but a refusal is raised."""

    def act(each: Callable[[], object]) -> DomainError | None:
        try:
            each()
        except DomainError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(len(work)) as pool:
        return [each for each in pool.map(act, work) if each is not None]


def order_grants(place: Neighbourhood) -> str:
    with place.books.open() as uow:
        return make_run(
            uow,
            MakeRun(
                idempotency_key="run",
                kind=PayeeKind.GRANT,
                debtor_iban=OURS,
                execute_on=date(2026, 1, 10),
                round_code="M26",
            ),
        )


def withdraw(place: Neighbourhood, code: str) -> int:
    with place.books.open() as uow:
        command = WithdrawVoucher(idempotency_key=code, voucher_code=code, reason="verkeerd lid")
        return withdraw_voucher(uow, command)


def test_vouchers_expire_while_others_are_issued_from_the_same_fund(
    place: Neighbourhood, meeting: Meeting
) -> None:
    meeting.after(expiring, "lock_books")
    meeting.before(issuing, "open_voucher_accounts")

    refused = both(
        lambda: place.expire(date(2026, 1, 10)), lambda: place.issue("V3", 500, fund="G1")
    )

    assert refused == []
    assert place.balance("16521:G1") == -(1000 - 200 - 500)


def test_a_voucher_is_withdrawn_while_others_expire(place: Neighbourhood, meeting: Meeting) -> None:
    meeting.after(expiring, "lock_books")
    meeting.before(withdrawing, "lock_books")

    refused = both(lambda: place.expire(date(2026, 1, 10)), lambda: withdraw(place, "V2"))

    assert refused == []
    assert place.balance("16521:G1") == -1000


def test_grants_are_ordered_while_their_round_is_accounted_for(
    carers: Carers, meeting: Meeting
) -> None:
    meeting.after(ordering, "lock_books")
    meeting.before(grant_money, "lock_books")

    refused = both(lambda: order_grants(carers.place), carers.account)

    # Who accounts for it first is told that nothing was paid yet.
    assert {each.code for each in refused} <= {"grant-state"}
    assert carers.place.balance("16521:M26") in {-70_000, 0}


def test_grants_are_paid_while_vouchers_expire(carers: Carers, meeting: Meeting) -> None:
    meeting.after(grant_money, "_pay_euros")
    meeting.after(expiring, "hold_funds")

    refused = both(carers.pay, lambda: carers.place.expire(date(2026, 1, 10)))

    assert refused == []
    assert carers.place.balance("16521:M26") == -70_000
    assert carers.place.balance("16521:G1") == -800
