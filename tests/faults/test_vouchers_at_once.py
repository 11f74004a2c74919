"""Many tills at once: nobody takes what is not there, and every request is answered once."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Barrier, Event
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text

from tests.factories.vouchers import TODAY, Neighbourhood, a_neighbourhood
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.periods import close_period
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.vouchers.answers import Answer, Asked, Redeem
from wijkeconomie.vouchers.queue import RedemptionQueue
from wijkeconomie.vouchers.redeeming import redeem
from wijkeconomie.vouchers.refusals import UnknownVoucherError
from wijkeconomie.vouchers.transferring import PassOn, pass_on

CLIENTS = 8
TILL = system_identity("till-test")


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory) -> Neighbourhood:
    return a_neighbourhood(units_of_work)


def command(voucher: str, amount: int, key: str | None = None, **changes: object) -> Redeem:
    terms = {
        "idempotency_key": key or uuid.uuid4().hex,
        "merchant_code": "W1",
        "amount_minor": amount,
        "voucher_code": voucher,
        "on": TODAY,
    }
    return Redeem(**(terms | changes))  # type: ignore[arg-type]


Result = TypeVar("Result")


def at_once(work: list[Callable[[], Result]]) -> list[Result]:
    """All of it, begun at the same moment."""
    together = Barrier(len(work))

    def act(each: Callable[[], Result]) -> Result:
        together.wait()
        return each()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(act, work))


def alone(place: Neighbourhood, asked: Redeem) -> Answer:
    """As another process would: in a transaction of its own."""
    with place.books.open() as uow:
        return redeem(uow, asked)


@pytest.fixture(params=["alone", "queued"])
def pay(
    request: pytest.FixtureRequest, place: Neighbourhood, units_of_work: UnitOfWorkFactory
) -> Callable[[Redeem], Answer]:
    if request.param == "alone":
        return lambda asked: alone(place, asked)
    queue = RedemptionQueue(units_of_work)
    return lambda asked: queue.redeem(place.books.cooperative_id, Asked(TILL, asked))


def test_eight_tills_take_what_is_there_and_no_more(
    place: Neighbourhood, pay: Callable[[Redeem], Answer]
) -> None:
    place.issue("FUND", 5000)

    def shop(seed: int) -> list[Answer]:
        chance = random.Random(seed)  # noqa: S311 amounts, not secrets
        return [pay(command("FUND", chance.randint(1, 200))) for _ in range(25)]

    rounds = at_once([lambda seed=seed: shop(seed) for seed in range(CLIENTS)])  # type: ignore[misc]

    answers = [answer for own in rounds for answer in own]
    paid = sum(answer.amount_minor for answer in answers if answer.is_accepted)
    left = place.held("FUND")
    assert paid + left == 5000
    assert left >= 0
    for answer in answers:
        assert answer.balance_after_minor >= 0
        if not answer.is_accepted:
            assert answer.amount_minor > answer.balance_after_minor
    # Each balance that a till was told came about once.
    told = Counter(answer.balance_after_minor for answer in answers if answer.is_accepted)
    assert set(told.values()) == {1}
    assert place.books.verify().fault is None


def test_one_request_sent_eight_times_is_booked_once(
    place: Neighbourhood, pay: Callable[[Redeem], Answer]
) -> None:
    place.issue("V1", 1000)
    asked = command("V1", 300, key="the-same-key")

    answers = at_once([lambda: pay(asked)] * CLIENTS)

    assert len({answer.code for answer in answers}) == 1
    assert sorted(answer.is_replay for answer in answers) == [False] + [True] * (CLIENTS - 1)
    assert place.held("V1") == 700


def test_a_refusal_of_one_leaves_the_others(
    place: Neighbourhood, pay: Callable[[Redeem], Answer]
) -> None:
    place.issue("V1", 1000)

    def attempt(asked: Redeem) -> Answer | DomainError:
        try:
            return pay(asked)
        except DomainError as refusal:
            return refusal

    asked = [command("V1", 100), command("NONE", 100), command("V1", 5000), command("V1", 200)]
    found = at_once([lambda each=each: attempt(each) for each in asked])  # type: ignore[misc]

    assert isinstance(found[1], UnknownVoucherError)
    assert [getattr(found[i], "refusal", "?") for i in (0, 2, 3)] == [
        None,
        "insufficient_balance",
        None,
    ]
    assert place.held("V1") == 700


def test_a_closed_month_of_one_till_does_not_stop_the_queue(
    place: Neighbourhood, units_of_work: UnitOfWorkFactory
) -> None:
    place.issue("V1", 1000)
    with place.books.open() as uow:
        close_period(uow, date(2026, 2, 1))
    queue = RedemptionQueue(units_of_work)

    def attempt(asked: Redeem) -> Answer | Exception:
        try:
            return queue.redeem(place.books.cooperative_id, Asked(TILL, asked))
        except ClosedPeriodError as refusal:
            return refusal

    asked = [command("V1", 10, on=TODAY + timedelta(days=30 * (n % 2))) for n in range(CLIENTS)]
    found = at_once([lambda each=each: attempt(each) for each in asked])  # type: ignore[misc]

    assert [isinstance(each, ClosedPeriodError) for each in found] == [
        bool(n % 2) for n in range(CLIENTS)
    ]
    assert place.held("V1") == 1000 - 10 * CLIENTS // 2


def test_a_till_that_is_cut_off_leaves_its_place_to_the_next(
    place: Neighbourhood, units_of_work: UnitOfWorkFactory
) -> None:
    place.issue("V1", 1000)
    reached, is_cut_off = Event(), Event()

    def cut_off() -> datetime:
        if not is_cut_off.is_set():
            reached.set()
            is_cut_off.wait(20)
            raise SystemExit  # as when the process is told to end while it serves
        return units_of_work.clock()

    queue = RedemptionQueue(replace(units_of_work, clock=cut_off))

    def attempt(asked: Redeem) -> Answer | BaseException:
        try:
            return queue.redeem(place.books.cooperative_id, Asked(TILL, asked))
        except BaseException as error:  # noqa: BLE001 told apart by who asked
            return error

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(attempt, command("V1", 100))
        reached.wait(20)
        others = [pool.submit(attempt, command("V1", 100)) for _ in range(3)]
        is_cut_off.set()
        found = [each.result(20) for each in others]

    assert isinstance(first.result(), SystemExit)
    assert [isinstance(each, Answer) for each in found] == [True] * 3
    assert place.held("V1") == 1000 - 3 * 100


@pytest.mark.parametrize("statistics", ["none", "of one row"])
@pytest.mark.parametrize("scans", ["on", "off"])
def test_a_redemption_reads_as_much_after_many_as_after_few(
    place: Neighbourhood, owner: Engine, statistics: str, scans: str
) -> None:
    place.issue("FUND", 10_000)
    with place.books.open() as uow:
        redeem(uow, command("FUND", 1))
    if statistics == "of one row":
        # For one row every index looks as good.
        with owner.begin() as connection:
            connection.execute(text("analyze voucher_redemption"))
    read: list[int] = []
    with place.books.open() as uow:
        uow.session.execute(text(f"set local enable_seqscan = {scans}"))
        for number in range(120):
            redeem(uow, command("FUND", 1))
            if number % 40 == 39:
                read.append(int(uow.session.scalars(_ROWS_READ).one()))

    # Plans that a session made when there was nothing must not go through all of it later.
    assert read[2] - read[1] <= (read[1] - read[0]) * 1.2


_ROWS_READ = text(
    "select pg_stat_get_xact_tuples_returned('voucher_redemption'::regclass)"
    " + sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index"
    " where indrelid = 'voucher_redemption'::regclass"
)


def test_paying_passing_on_and_expiring_at_once_lose_nothing(place: Neighbourhood) -> None:
    for number in range(6):
        place.issue(f"V{number}", 1000, until=TODAY + timedelta(days=number))
    later = TODAY + timedelta(days=3)

    def shop() -> None:
        for number in range(6):
            place.redeem(f"V{number}", 150, on=TODAY)

    def hand_over() -> None:
        for _ in range(5):
            with place.books.open() as uow:
                pass_on(
                    uow,
                    PassOn(
                        idempotency_key=uuid.uuid4().hex,
                        holder_id=place.members["L001"],
                        to_member_code="L002",
                        amount_minor=70,
                    ),
                )

    def expire() -> None:
        for _ in range(3):
            place.expire(later)

    at_once([shop, hand_over, expire, shop, hand_over])

    assert place.circulation()["EUR"].is_whole
    assert place.circulation()["EUR"].issued == 6000
    assert place.books.verify().fault is None
