"""A cancelled round is made again: orders come along where they say the same as before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.rounds import Market, a_market_with_mail
from tests.integration.test_members_side import a_round, page_of, pledge, within
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadline_queries import round_deadline
from wijkeconomie.purchasing.deadlines import DeadlineTerms, set_deadline
from wijkeconomie.purchasing.models import RoundState, ShortageRule
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.renewal_letters import renewal_mails
from wijkeconomie.purchasing.renewing import RenewRound, renew_round, renewed_as
from wijkeconomie.purchasing.rounds import CancelRound, cancel_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market_with_mail(units_of_work, clock)


def cancelled(market: Market) -> int:
    """A round in which L001 ordered both, L002 soap before him, and L003 nothing that stands."""
    round_id = market.open_round(freight=500, shortage_rule=ShortageRule.FIRST_PLEDGED)
    with market.books.open() as uow:
        set_deadline(uow, round_id, DeadlineTerms(target_net_cents=1000))
    market.pledge(round_id, "L002", ZEEP=2)
    market.clock.advance(timedelta(minutes=1))
    market.pledge(round_id, "L001", AARD=3, ZEEP=1)
    market.pledge(round_id, "L003", ZEEP=1)
    market.pledge(round_id, "L003", ZEEP=0)
    market.order(round_id)
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="verkeerde datum"))
    return round_id


def again(market: Market, round_id: int) -> int:
    with market.books.open() as uow:
        return renew_round(
            uow,
            RenewRound(
                round_id=round_id,
                closes_at=uow.now + timedelta(days=3),
                delivery_on=date(2026, 1, 15),
            ),
        )


def orders(market: Market, round_id: int) -> dict[tuple[str, str], int]:
    with market.books.open() as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id)
    return {(each.member_code, each.product_code): each.quantity for each in found}


def letters(market: Market) -> list[Letter]:
    render = renewal_mails("https://buurt.nl")["mail.round-renewed"]
    with market.books.open() as uow:
        told = uow.session.scalars(
            text(
                "select payload from outbox_message where cooperative_id = :id"
                " and kind = 'mail.round-renewed' order by id"
            ),
            {"id": uow.tenant},
        ).all()
        return [letter for payload in told for letter in render(uow, payload)]


def dearer_soap(market: Market) -> None:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="ZEEP",
                name="Zeep",
                unit="fles",
                price_excl_cents=250,
                vat_basis_points=2100,
                max_per_member=50,
            ),
        )


def test_orders_come_along_with_their_turn_and_the_terms_of_the_round(market: Market) -> None:
    before = cancelled(market)
    round_id = again(market, before)
    assert orders(market, round_id) == {
        ("L001", "AARD"): 3,
        ("L001", "ZEEP"): 1,
        ("L002", "ZEEP"): 2,
    }
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
        agreed = round_deadline(uow.session, uow.tenant, round_id)
        turns = sorted(
            queries.pledges(uow.session, uow.tenant, round_id), key=lambda each: each.pledged_at
        )
        assert renewed_as(uow.session, uow.tenant, before) == found.code
    assert (found.state, found.freight_excl_cents) == (RoundState.OPEN, 500)
    assert found.shortage_rule is ShortageRule.FIRST_PLEDGED
    assert agreed is not None
    assert agreed.target_net_cents == 1000
    assert [each.member_code for each in turns] == ["L002", "L001", "L001"]
    # Who has his order may change it as ever.
    market.pledge(round_id, "L002", ZEEP=4)
    assert orders(market, round_id)["L002", "ZEEP"] == 4


def test_where_the_price_is_another_one_members_are_asked_anew(market: Market) -> None:
    before = cancelled(market)
    dearer_soap(market)
    round_id = again(market, before)
    assert orders(market, round_id) == {("L001", "AARD"): 3}
    both, only_soap = letters(market)
    assert (both.to, both.subject) == ("l001@buurt.nl", "De ronde groente komt er toch")
    taken, _heading, anew = both.body.partition("opnieuw bestellen")
    assert "- 3 kg Aardappelen" in taken
    assert "Zeep" not in taken
    assert "- 1 fles Zeep" in anew
    assert "weer voor je besteld" not in only_soap.body
    assert "- 2 fles Zeep" in only_soap.body

    # Who orders it in the meantime is not asked for it any more.
    market.pledge(round_id, "L002", ZEEP=2)
    assert "weer voor je besteld" in letters(market)[1].body
    market.clock.advance(timedelta(days=3))
    assert letters(market) == []


def test_an_account_that_is_too_low_does_not_take_the_order_along(market: Market) -> None:
    before = cancelled(market)
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = 400 where id = :id"
            ),
            {"id": uow.tenant},
        )
    round_id = again(market, before)
    # 3 kg cost 3.89 with VAT and fit; a bottle of 2.55 more does not, and two do not either.
    assert len(orders(market, round_id)) == 1
    with market.books.open() as uow:
        for code, member_id in market.members.items():
            assert queries.reserved_cents(uow.session, uow.tenant, member_id) <= 400, code


def test_a_round_is_made_again_once_and_only_when_it_was_cancelled(market: Market) -> None:
    opened = market.open_round()
    with pytest.raises(RoundStateError):
        again(market, opened)
    before = cancelled(market)
    again(market, before)
    with pytest.raises(RoundStateError):
        again(market, before)
    with market.books.open() as uow:
        uow.session.execute(
            text("update product set is_offered = false where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    with pytest.raises(InvalidInputError):
        again(market, cancelled_without_offer(market, before))


def cancelled_without_offer(market: Market, before: int) -> int:
    """The round that was made again, cancelled too."""
    with market.books.open() as uow:
        found = uow.session.scalars(
            text(
                "select id from purchase_round where cooperative_id = :id and instead_of_id = :old"
            ),
            {"id": uow.tenant, "old": before},
        ).one()
        cancel_round(uow, CancelRound(round_id=found, reason="toch niet"))
    return int(found)


def test_a_coordinator_makes_a_cancelled_round_again_on_its_page(
    site: Flask, city: Runtime
) -> None:
    round_id = a_round(city)
    pledge(city, round_id, "M101", AK_AARD=3)
    bram = signed_in(site, sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR))
    page = "/c/MRS/rounds/MRS-X1/manage/again"
    assert bram.get(page).status_code == 303
    with within(city) as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="verkeerde datum"))
    assert "1 lid had besteld." in page_of(bram, page)
    wrong = {"closes_at": "2026-01-01T20:00", "delivery_on": "2026-01-14"}
    assert post(bram, page, page, **wrong)[0] == 422
    right = wrong | {"closes_at": "2026-01-12T20:00"}
    assert post(bram, page, page, **right)[0] == 303
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    with within(city) as uow:
        code = renewed_as(uow.session, uow.tenant, round_id)
    assert code is not None
    assert f"/c/MRS/rounds/{code}" in page_of(member, "/c/MRS/rounds/MRS-X1")
    # Asking again leads to the round that is there.
    assert code in bram.get(page).headers["Location"]
