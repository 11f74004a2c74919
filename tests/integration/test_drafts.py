"""A draft may change in everything; once it is open, nothing of it does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.rounds import Market, a_market
from tests.integration.test_members_side import within
from tests.integration.test_supplier_pages import coordinator
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.audit import history
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.deadline_queries import round_deadline
from wijkeconomie.purchasing.deadlines import DeadlineTerms, set_deadline
from wijkeconomie.purchasing.drafts import (
    ChangeDraft,
    DraftProduct,
    change_draft,
    renew_in_drafts,
)
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.rounds import PlanRound, open_round, plan_round
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product

__all__ = ["coordinator"]


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def change(market: Market, round_id: int, **values: object) -> None:
    with market.books.open() as uow:
        change_draft(uow, ChangeDraft(round_id=round_id, **values))  # type: ignore[arg-type]


def prices(market: Market, round_id: int) -> dict[str, int]:
    with market.books.open() as uow:
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
    return {each.code: each.price_excl_cents for each in offered}


def product(market: Market, code: str) -> supplier_queries.ProductView:
    with market.books.open() as uow:
        found = supplier_queries.products_of_supplier(uow.session, uow.tenant, market.supplier_id)
    return next(each for each in found if each.code == code)


def sell_oil(market: Market, **changed: object) -> None:
    values: dict[str, object] = {
        "supplier_code": "S1",
        "code": "OLIE",
        "name": "Olijfolie",
        "unit": "fles",
        "price_excl_cents": 910,
        "vat_basis_points": 900,
        "terms": SaleTerms(ladder=((24, 840),)),
    }
    with market.books.open() as uow:
        save_product(uow, SaveProduct(**(values | changed)))  # type: ignore[arg-type]


def test_everything_of_a_draft_changes_and_what_is_not_said_stays(market: Market) -> None:
    round_id = market.plan(freight=500)
    with market.books.open() as uow:
        set_deadline(uow, round_id, DeadlineTerms())
        before = queries.round_by_id(uow.session, uow.tenant, round_id)
    change(market, round_id, theme="groente en fruit")
    later = before.closes_at + timedelta(days=3)
    change(
        market,
        round_id,
        closes_at=later,
        delivery_on=before.delivery_on + timedelta(days=3),
        freight_excl_cents=750,
        freight_key=FreightKey.EQUAL,
        shortage_rule=ShortageRule.MANUAL,
        surplus_rule=SurplusRule.ASK,
    )
    with market.books.open() as uow:
        after = queries.round_by_id(uow.session, uow.tenant, round_id)
        agreed = round_deadline(uow.session, uow.tenant, round_id)
        trail = history(uow.session, uow.tenant, f"round/{round_id}")[-1]
    assert (after.theme, after.opens_at, after.closes_at) == (
        "groente en fruit",
        before.opens_at,
        later,
    )
    assert (after.freight_excl_cents, after.freight_key) == (750, FreightKey.EQUAL)
    assert (after.shortage_rule, after.surplus_rule) == (ShortageRule.MANUAL, SurplusRule.ASK)
    assert agreed is not None
    assert agreed.planned_closes_at == later
    assert trail.action == "draft-changed"
    assert trail.before is not None
    assert (trail.before["freight_excl_cents"], trail.before["freight_key"]) == (500, "value")
    assert "theme" not in trail.before


def test_products_of_a_draft_are_put_in_taken_out_and_put_in_order(market: Market) -> None:
    round_id = market.plan()
    sell_oil(market)
    oil, soap = product(market, "OLIE").id, product(market, "ZEEP").id
    change(market, round_id, products=(DraftProduct(product_id=oil), DraftProduct(product_id=soap)))
    assert list(prices(market, round_id).items()) == [("OLIE", 910), ("ZEEP", 211)]
    with pytest.raises(InvalidInputError):
        change(market, round_id, products=())


def test_a_price_of_a_draft_is_for_this_round_or_for_future_ones_too(market: Market) -> None:
    round_id = market.plan()
    soap = product(market, "ZEEP").id
    only_soap = DraftProduct(product_id=soap, price_excl_cents=199)
    change(market, round_id, products=(only_soap,))
    assert prices(market, round_id) == {"ZEEP": 199}
    assert product(market, "ZEEP").price_excl_cents == 211

    dearer = DraftProduct(product_id=soap, price_excl_cents=225)
    change(market, round_id, products=(dearer,), prices_stay=True)
    assert prices(market, round_id) == {"ZEEP": 225}
    assert product(market, "ZEEP").price_excl_cents == 225
    with market.books.open() as uow:
        versions = supplier_queries.price_versions(uow.session, uow.tenant, soap)
    assert [each.price_excl_cents for each in versions] == [225, 211]
    assert prices(market, market.plan())["ZEEP"] == 225


def test_a_price_of_a_draft_stays_above_its_ladder(market: Market) -> None:
    sell_oil(market)
    round_id = market.plan()
    oil = product(market, "OLIE").id
    for wrong in (840, -1):
        with pytest.raises(InvalidInputError) as refused:
            change(
                market,
                round_id,
                products=(DraftProduct(product_id=oil, price_excl_cents=wrong),),
            )
        assert refused.value.context["field"] == f"price-{oil}"
    assert prices(market, round_id)["OLIE"] == 910


def test_an_open_round_is_not_changed(market: Market) -> None:
    round_id = market.open_round()
    with pytest.raises(RoundStateError):
        change(market, round_id, theme="iets anders")


def test_a_new_price_goes_to_drafts_where_that_is_asked_and_never_to_open_rounds(
    market: Market,
) -> None:
    sell_oil(market)
    opened, drafted = market.open_round(), market.plan()
    sell_oil(market, price_excl_cents=950)
    assert prices(market, drafted)["OLIE"] == 910
    oil = product(market, "OLIE").id
    with market.books.open() as uow:
        assert len(renew_in_drafts(uow, oil)) == 1
    assert (prices(market, drafted)["OLIE"], prices(market, opened)["OLIE"]) == (950, 910)

    # A price for other units is another copy, in the same place.
    sell_oil(market, price_excl_cents=10_000, price_units=12, terms=SaleTerms())
    before = list(prices(market, drafted))
    with market.books.open() as uow:
        renew_in_drafts(uow, oil)
    assert prices(market, drafted)["OLIE"] == 10_000
    assert list(prices(market, drafted)) == before


def test_a_coordinator_changes_a_draft_on_its_page(site: Flask, city: Runtime) -> None:
    bram = signed_in(site, sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR))
    place = "/c/MRS/rounds/new?supplier=LEV1"
    times = {
        "opens_at": "2026-01-05T14:00",
        "closes_at": "2026-01-09T20:00",
        "delivery_on": "2026-01-14",
        "freight": "0,00",
        "freight_key": "value",
        "shortage_rule": "pro_rata",
        "surplus_rule": "ask",
    }
    with within(city) as uow:
        known = supplier_queries.suppliers(uow.session, uow.tenant)
        [akker] = [each for each in known if each.code == "LEV1"]
        first, second, *_rest = supplier_queries.products_of_supplier(
            uow.session, uow.tenant, akker.id
        )
    status, where = post(
        bram, place, place, supplier="LEV1", theme="groente", products=str(first.id), **times
    )
    assert status == 303
    [code] = set(re.findall(r"/c/MRS/rounds/([^/\"]+)/manage", where))
    page = f"/c/MRS/rounds/{code}/manage/draft"
    assert "Verander de ronde" in bram.get(f"/c/MRS/rounds/{code}/manage").get_data(as_text=True)

    changed = times | {"freight": "7,50", f"price-{first.id}": "0,99", "products": str(first.id)}
    status, where = post(bram, page, page, theme="wortels", **changed)
    assert (status, f"/rounds/{code}/manage" in where) == (303, True)
    status, text = post(bram, page, page, theme="", **(changed | {"closes_at": "2026-01-01T10:00"}))
    assert (status, "Vul dit in" in text) == (422, True)
    status, _where = post(bram, page, page, theme="w", **(changed | {"products": str(second.id)}))
    assert status == 303

    with within(city) as uow:
        found = queries.round_by_code(uow.session, uow.tenant, code)
        offered = queries.offered_products(uow.session, uow.tenant, found.id)
        assert (found.theme, found.freight_excl_cents) == ("w", 750)
        assert [each.code for each in offered] == [second.code]
        open_round(uow, found.id)
    assert bram.get(page).status_code == 303
    status, where = post(bram, page, f"/c/MRS/rounds/{code}/manage", theme="x", **changed)
    assert status == 303
    with within(city) as uow:
        assert queries.round_by_code(uow.session, uow.tenant, code).theme == "w"


def test_the_product_form_asks_which_rounds_a_new_price_is_for(
    city: Runtime, coordinator: FlaskClient
) -> None:
    supplier = "/c/MRS/suppliers/LEV1"
    soap = {"code": "ZEEP", "name": "Zeep", "unit": "stuk", "vat": "900", "is_offered": "yes"}
    post(coordinator, supplier, supplier, price="2,00", **soap)
    with within(city) as uow:
        known = supplier_queries.suppliers(uow.session, uow.tenant)
        [akker] = [each for each in known if each.code == "LEV1"]
        round_id = plan_round(
            uow,
            PlanRound(
                code="MRS-D1",
                theme="zeep",
                supplier_id=akker.id,
                opens_at=uow.now,
                closes_at=uow.now + timedelta(days=2),
                delivery_on=uow.now.date() + timedelta(days=5),
            ),
        )

    def price() -> int:
        with within(city) as uow:
            offered = queries.offered_products(uow.session, uow.tenant, round_id)
        return {each.code: each.price_excl_cents for each in offered}["ZEEP"]

    post(coordinator, supplier, supplier, price="2,50", **soap)
    page = coordinator.get(supplier).get_data(as_text=True)
    assert "houden de prijs en voorwaarden die ze hebben: zeep (MRS-D1)" in page
    assert price() == 200
    post(coordinator, supplier, supplier, price="2,75", also_in_drafts="yes", **soap)
    page = coordinator.get(supplier).get_data(as_text=True)
    assert "houden de prijs en voorwaarden die ze hebben" not in page
    assert price() == 275
