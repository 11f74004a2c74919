"""Two hundred members at the deadline, each in two tabs: no order lost, none half, none twice."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.refusals import InvalidInputError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadlines import meet_deadline
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DeadlinePassedError,
    RoundNotOpenError,
)

MEMBERS = 200
THREADS = 12


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock, members=MEMBERS)


def rush(market: Market, round_id: int, *, ends_after: int | None) -> Counter[str]:
    """Every member orders in two tabs, with the products the other way round in the second.

    ``ends_after``: the deadline passes after so many answers, and the worker closes the round.
    """
    with market.books.open() as uow:
        products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
    seen: Counter[str] = Counter()
    enough = threading.Event()
    gate = threading.Event()

    def order(member: str, quantities: tuple[tuple[str, int], ...]) -> None:
        gate.wait()
        lines = tuple(PledgeLine(products[code], count, 0) for code, count in quantities)
        command = SavePledges(round_id=round_id, member_id=market.members[member], lines=lines)
        try:
            with market.books.open() as uow:
                save_pledges(uow, command)
            seen["saved"] += 1
        except (DeadlinePassedError, RoundNotOpenError, StaleVersionError) as refusal:
            seen[refusal.code] += 1
        if ends_after is not None and sum(seen.values()) >= ends_after:
            enough.set()

    def close() -> None:
        enough.wait()
        market.clock.advance(timedelta(days=2))
        with market.books.open() as uow:
            assert meet_deadline(uow, round_id) == "closed"

    with ThreadPoolExecutor(THREADS + 1) as threads:
        waiting = [threads.submit(close)] if ends_after is not None else []
        for member in market.members:
            waiting.append(threads.submit(order, member, (("AARD", 3), ("ZEEP", 1))))
            waiting.append(threads.submit(order, member, (("ZEEP", 2), ("AARD", 5))))
        gate.set()
        for each in waiting:
            each.result()
    return seen


def found(market: Market, round_id: int) -> dict[str, dict[str, int]]:
    with market.books.open() as uow:
        pledges = queries.pledges(uow.session, uow.tenant, round_id)
        made = uow.session.scalar(
            text(
                "select count(*) from audit_record where cooperative_id = :id"
                " and action = 'made' and subject like 'pledge/%'"
            ),
            {"id": uow.tenant},
        )
    assert made == len(pledges)
    orders: dict[str, dict[str, int]] = {}
    for each in pledges:
        orders.setdefault(each.member_code, {})[each.product_code] = each.quantity
    return orders


ONE_OF_THE_TABS = ({"AARD": 3, "ZEEP": 1}, {"AARD": 5, "ZEEP": 2})


def test_of_two_tabs_one_is_saved_whole_and_the_other_is_told(market: Market) -> None:
    round_id = market.open_round()

    seen = rush(market, round_id, ends_after=None)

    assert seen == {"saved": MEMBERS, "stale-version": MEMBERS}
    orders = found(market, round_id)
    assert len(orders) == MEMBERS
    assert all(order in ONE_OF_THE_TABS for order in orders.values())


def test_what_was_answered_before_the_round_closed_is_in_it_and_nothing_else(
    market: Market,
) -> None:
    round_id = market.open_round()

    seen = rush(market, round_id, ends_after=60)

    orders = found(market, round_id)
    assert len(orders) == seen["saved"]
    assert sum(seen.values()) == 2 * MEMBERS
    assert seen["deadline-passed"] + seen["round-not-open"] > 0
    assert all(order in ONE_OF_THE_TABS for order in orders.values())
    with market.books.open() as uow:
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
    assert sum(each.pledged for each in offered) == sum(
        sum(order.values()) for order in orders.values()
    )


def test_nobody_passes_his_limit_in_two_tabs(market: Market) -> None:
    """One round's order fits in each account; the tabs are of two rounds."""
    rounds = (market.open_round(), market.open_round())
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = 400 where id = :id"
            ),
            {"id": uow.tenant},
        )
        products = {
            each: queries.product_ids_by_code(uow.session, uow.tenant, each) for each in rounds
        }
    seen: Counter[str] = Counter()

    def order(member: int, round_id: int) -> None:
        # 3 kg at 1.19 with 9 % VAT is 3.89.
        lines = (PledgeLine(products[round_id]["AARD"], 3, 0),)
        try:
            with market.books.open() as uow:
                save_pledges(uow, SavePledges(round_id=round_id, member_id=member, lines=lines))
            seen["saved"] += 1
        except CreditLimitError:
            seen["refused"] += 1

    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [
            threads.submit(order, member, round_id)
            for member in market.members.values()
            for round_id in rounds
        ]
        for each in waiting:
            each.result()

    assert seen == {"saved": MEMBERS, "refused": MEMBERS}


def test_a_product_is_named_once_in_an_order(market: Market) -> None:
    round_id = market.open_round()
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["AARD"]
        lines = (PledgeLine(product, 1), PledgeLine(product, 2))
        member = next(iter(market.members.values()))
        with pytest.raises(InvalidInputError):
            save_pledges(uow, SavePledges(round_id=round_id, member_id=member, lines=lines))
