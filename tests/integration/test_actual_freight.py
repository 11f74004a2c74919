"""Freight that turned out otherwise is shared by members, and they read why."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.rounds import Market, a_market
from tests.integration.test_members_side import a_round, page_of, pledge, within
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.audit import history
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.actual_freight import RecordFreight, record_freight
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.rounds import CloseRound, OrderRound, close_round, order_round
from wijkeconomie.purchasing.settling import preview_settlement


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def enter(market: Market, round_id: int, cents: int, reason: str = "twee ritten") -> None:
    with market.books.open() as uow:
        command = RecordFreight(round_id=round_id, freight_excl_cents=cents, reason=reason)
        record_freight(uow, command)


def ordered(market: Market) -> int:
    round_id = market.open_round(freight=1000)
    market.pledge(round_id, "L001", AARD=10)
    market.pledge(round_id, "L002", AARD=10)
    market.order(round_id)
    return round_id


def test_members_share_the_freight_that_was_and_the_cooperative_bears_nothing(
    market: Market,
) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    enter(market, round_id, 1500)
    market.invoice(round_id)
    with market.books.open() as uow:
        preview = preview_settlement(uow, round_id)
    # 20 kg at 1.19 and 15.00 freight, with 9 % VAT.
    assert preview.result.net_cents == 20 * 119 + 1500
    assert preview.difference_cents == 0
    market.settle(round_id)
    assert market.owed("L001") + market.owed("L002") == 3880 + 349
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
        order = supplier_order(uow, found.code)
        [changed] = [
            each
            for each in history(uow.session, uow.tenant, f"round/{round_id}")
            if each.action == "freight-recorded"
        ]
    assert (found.freight_excl_cents, found.agreed_freight_excl_cents) == (1500, 1000)
    # The order says what was ordered.
    assert order.freight_excl_cents == 1000
    assert (changed.before, changed.after) == (
        {"freight_excl_cents": 1000},
        {"freight_excl_cents": 1500},
    )
    assert changed.reason == "twee ritten"


def test_another_freight_takes_a_reason_and_the_planned_one_takes_it_away(market: Market) -> None:
    round_id = ordered(market)
    for cents, reason, field in ((1500, " ", "reason"), (-1, "x", "freight_excl_cents")):
        with pytest.raises(InvalidInputError) as refused:
            enter(market, round_id, cents, reason)
        assert refused.value.context["field"] == field
    enter(market, round_id, 1500)
    enter(market, round_id, 1700, "drie ritten")
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
    told = (found.freight_excl_cents, found.agreed_freight_excl_cents, found.freight_reason)
    assert told == (1700, 1000, "drie ritten")
    enter(market, round_id, 1000, "")
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
    told = (found.freight_excl_cents, found.agreed_freight_excl_cents, found.freight_reason)
    assert told == (1000, None, None)


def test_freight_is_entered_between_order_and_settling_only(market: Market) -> None:
    opened = market.open_round(freight=1000)
    settled = market.settled_round()
    for round_id in (opened, settled):
        with pytest.raises(RoundStateError):
            enter(market, round_id, 1500)
    with market.books.open() as uow, pytest.raises(DBAPIError) as refused:
        uow.session.execute(
            text(
                "update purchase_round set freight_excl_cents = 1 where cooperative_id = :own"
                " and id = :id"
            ),
            {"own": uow.tenant, "id": settled},
        )
    assert getattr(refused.value.orig, "sqlstate", None) == "WE064"


def test_the_database_takes_no_other_freight_without_what_was_agreed(market: Market) -> None:
    round_id = ordered(market)

    with market.books.open() as uow, pytest.raises(DBAPIError) as refused:
        uow.session.execute(
            text(
                "update purchase_round set freight_excl_cents = 1 where cooperative_id = :own"
                " and id = :id"
            ),
            {"own": uow.tenant, "id": round_id},
        )

    assert getattr(refused.value.orig, "sqlstate", None) == "WE064"


def test_members_do_not_enter_freight(market: Market, units_of_work: UnitOfWorkFactory) -> None:
    round_id = ordered(market)
    member = Identity(actor="login:1", roles=frozenset({Role.MEMBER}))
    with market.books.open() as uow:
        tenant = uow.tenant
    with (
        pytest.raises(PermissionDeniedError),
        units_of_work.begin(identity=member, cooperative_id=tenant) as uow,
    ):
        record_freight(uow, RecordFreight(round_id=round_id, freight_excl_cents=1, reason="x"))


def test_members_read_on_the_page_why_freight_is_another_amount(site: Flask, city: Runtime) -> None:
    round_id = a_round(city)
    pledge(city, round_id, "M101", AK_AARD=3)
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=round_id))
        order_round(uow, OrderRound(round_id=round_id))
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    page = "/c/MRS/rounds/MRS-X1/manage/freight"
    assert "gepland met € 0,00 vracht" in page_of(treasurer, page)
    status, text_ = post(treasurer, page, page, freight="12,50", reason="")
    assert (status, "Leden lezen dit" in text_) == (422, True)
    assert post(treasurer, page, page, freight="12,50", reason="twee ritten")[0] == 303
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    told = "De vracht werd € 12,50 in plaats van € 0,00, zonder btw: twee ritten."
    assert told in page_of(member, "/c/MRS/rounds/MRS-X1")
