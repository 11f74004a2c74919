"""The first to pledge goes first, by each increment: at closing and when too little comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import ShortageRule
from wijkeconomie.purchasing.rounds import CloseRound, close_round
from wijkeconomie.purchasing.settling import preview_settlement
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def pledge_each_hour(market: Market, round_id: int, *orders: tuple[str, int]) -> None:
    for member, quantity in orders:
        market.clock.advance(timedelta(hours=1))
        market.pledge(round_id, member, AARD=quantity)


def shares(market: Market, round_id: int) -> dict[str, int]:
    with market.books.open() as uow:
        found = preview_settlement(uow, round_id).result.shares
    codes = {member_id: code for code, member_id in market.members.items()}
    return {codes[share.member]: share.delivered for share in found}


def test_what_is_added_later_has_its_turn_from_then(market: Market) -> None:
    round_id = market.open_round(shortage_rule=ShortageRule.FIRST_PLEDGED)
    pledge_each_hour(market, round_id, ("L001", 3), ("L002", 4), ("L003", 2), ("L001", 8))
    market.order(round_id)
    market.receive(round_id, AARD=11)
    # L001 asked for five of his eight after everyone else.
    assert shares(market, round_id) == {"L001": 5, "L002": 4, "L003": 2}


def test_who_lowers_and_raises_again_keeps_only_what_he_kept(market: Market) -> None:
    round_id = market.open_round(shortage_rule=ShortageRule.FIRST_PLEDGED)
    pledge_each_hour(market, round_id, ("L001", 6), ("L002", 4), ("L001", 2), ("L001", 6))
    market.order(round_id)
    market.receive(round_id, AARD=7)
    assert shares(market, round_id) == {"L001": 3, "L002": 4}


def test_packs_that_stay_unfilled_are_taken_from_the_newest_units(market: Market) -> None:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="AARD",
                name="Aardappelen",
                unit="kg",
                price_excl_cents=119,
                vat_basis_points=900,
                pack_size=5,
                terms=SaleTerms(sells_loose=False),
            ),
        )
    round_id = market.open_round(shortage_rule=ShortageRule.FIRST_PLEDGED)
    pledge_each_hour(market, round_id, ("L001", 3), ("L002", 2), ("L003", 3), ("L001", 5))
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=round_id))
        kept = {
            each.member_code: each.allotted_quantity or each.quantity
            for each in queries.pledges(uow.session, uow.tenant, round_id)
            if each.withdrawn_at is None
        }
    assert kept == {"L001": 5, "L002": 2, "L003": 3}
    second = market.open_round(shortage_rule=ShortageRule.FIRST_PLEDGED)
    pledge_each_hour(market, second, ("L001", 2), ("L002", 3), ("L001", 4))
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=second))
        allotted = {
            each.member_code: each.allotted_quantity or each.quantity
            for each in queries.pledges(uow.session, uow.tenant, second)
        }
    assert allotted == {"L001": 2, "L002": 3}


@pytest.mark.parametrize("quantities", ["{5}", "{0}", "{1,1}", "{NULL}"])
def test_the_database_refuses_increments_that_do_not_fit(market: Market, quantities: str) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=5)
    with pytest.raises(IntegrityError, match="later_claims_fit"), market.books.open() as uow:
        uow.session.execute(
            text(
                "update pledge set later_at = '{2026-01-05T12:00:00Z}',"
                " later_quantities = cast(:quantities as bigint[]) where round_id = :id"
            ),
            {"quantities": quantities, "id": round_id},
        )
