"""Counting a delivery at the van: one product at a time, by more than one person."""

from __future__ import annotations

import re
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.rounds import Market, a_market
from tests.integration.test_receiving_pages import PLAN
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.refusals import StaleVersionError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    ReceiveTheRest,
    finish_receiving,
    receive_line,
    receive_the_rest,
)
from wijkeconomie.purchasing.refusals import LinesNotReceivedError
from wijkeconomie.purchasing.rounds import CloseRound, OrderRound, close_round, order_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product

GOODS = (("AK-PREI", "Prei"), ("AK-UIEN", "Uien"))


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


@pytest.fixture
def round_id(market: Market) -> int:
    """3 kg of potatoes and 2 bottles of soap were ordered."""
    key = market.open_round()
    market.pledge(key, "L001", AARD=3, ZEEP=2)
    market.order(key)
    return key


def numbers(market: Market, round_id: int) -> dict[str, int]:
    with market.books.open() as uow:
        return queries.product_ids_by_code(uow.session, uow.tenant, round_id)


def counted(market: Market, round_id: int) -> dict[str, int | None]:
    with market.books.open() as uow:
        lines = settlement_queries.deliveries(uow.session, uow.tenant, round_id)
    return {line.product_code: line.delivered for line in lines}


def count(market: Market, round_id: int, code: str, came: int, version: int | None) -> None:
    with market.books.open() as uow:
        line = ReceiveLine(
            round_id=round_id,
            round_product_id=queries.product_ids_by_code(uow.session, uow.tenant, round_id)[code],
            delivered=came,
            version=version,
        )
        receive_line(uow, line)


# --- by its use cases


def test_a_count_that_others_changed_is_refused_with_what_they_counted(
    market: Market, round_id: int
) -> None:
    count(market, round_id, "AARD", 2, version=0)

    with pytest.raises(StaleVersionError) as refused:
        count(market, round_id, "AARD", 3, version=0)

    assert refused.value.context["delivered"] == 2
    assert counted(market, round_id) == {"AARD": 2, "ZEEP": None}
    count(market, round_id, "AARD", 2, version=0)  # they agree: nothing to refuse
    count(market, round_id, "AARD", 3, version=1)
    assert counted(market, round_id) == {"AARD": 3, "ZEEP": None}


def test_of_two_who_count_one_product_at_once_one_is_told(market: Market, round_id: int) -> None:
    refusals: list[StaleVersionError] = []
    together = threading.Barrier(2)

    def one(came: int) -> None:
        together.wait()
        try:
            count(market, round_id, "AARD", came, version=0)
        except StaleVersionError as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=one, args=(came,)) for came in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [refusal.context["delivered"] for refusal in refusals] == [
        counted(market, round_id)["AARD"]
    ]


def test_what_is_left_is_confirmed_as_it_was_shown_or_not_at_all(
    market: Market, round_id: int
) -> None:
    key = numbers(market, round_id)
    both = ReceiveTheRest(round_id=round_id, round_product_ids=(key["AARD"], key["ZEEP"]))
    count(market, round_id, "ZEEP", 1, version=0)

    with pytest.raises(StaleVersionError) as refused, market.books.open() as uow:
        receive_the_rest(uow, both)
    assert refused.value.context == {"waiting": 1}
    assert counted(market, round_id) == {"AARD": None, "ZEEP": 1}

    with market.books.open() as uow:
        rest = ReceiveTheRest(round_id=round_id, round_product_ids=(key["AARD"],))
        assert receive_the_rest(uow, rest) == 1
    assert counted(market, round_id) == {"AARD": 3, "ZEEP": 1}


def test_what_nobody_counted_keeps_a_delivery_from_being_complete(
    market: Market, round_id: int
) -> None:
    count(market, round_id, "AARD", 3, version=0)
    with pytest.raises(LinesNotReceivedError) as refused, market.books.open() as uow:
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    assert refused.value.context["products"] == "Zeep"


# --- on the page


@pytest.fixture
def address(site: Flask, city: Runtime, coordinator: FlaskClient) -> str:
    """The page of a round of five products that was ordered."""
    identity = system_identity("test")
    with city.units_of_work.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        for code, name in GOODS:
            save_product(
                uow,
                SaveProduct(
                    supplier_code="LEV1",
                    code=code,
                    name=name,
                    unit="kg",
                    price_excl_cents=200,
                    vat_basis_points=900,
                ),
            )
    plan = "/c/MRS/rounds/new?supplier=LEV1"
    page = coordinator.get(plan).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    products = re.findall(r'name="products" value="(\d+)"', page)
    answer = coordinator.post(plan, data=PLAN | {"products": products, "csrf_token": token[1]})
    planned = re.search(r'/c/MRS/rounds/([^"/]+)', answer.headers["Location"])
    assert planned is not None
    post(coordinator, f"{planned[0]}/manage/open")
    with city.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        key = queries.round_by_code(uow.session, tenant, planned[1]).id
        offered = queries.offered_products(uow.session, tenant, key)
        lines = tuple(
            PledgeLine(product.id, min(4, product.max_per_member or 4)) for product in offered
        )
        member = member_by_code(uow.session, tenant, "M101").id
        save_pledges(uow, SavePledges(round_id=key, member_id=member, lines=lines))
        close_round(uow, CloseRound(round_id=key))
        order_round(uow, OrderRound(round_id=key, below_minimum_reason="proef"))
    return f"{planned[0]}/manage/receive"


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    roles = (Role.MEMBER, Role.COORDINATOR)
    return signed_in(site, sign_up(city, "MRS", "Bram", *roles, member="M102"))


def read(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True).replace("\xa0", " ")


def cards(client: FlaskClient, address: str) -> dict[str, tuple[str, str]]:
    """The number and version of each product on the page, by name."""
    found = re.findall(
        r'id="line-(\d+)">.*?<h2>([^<]+)</h2>.*?name="version-\1" value="(\d+)"',
        read(client, address),
        re.DOTALL,
    )
    return {name: (key, version) for key, name, version in found}


def send(client: FlaskClient, address: str, key: str, **values: str) -> tuple[int, str]:
    fields = {f"{name}-{key}": value for name, value in values.items()}
    status, told = post(client, f"{address}/{key}", address, **fields)
    return status, told.replace("\xa0", " ")


def test_saving_one_product_leaves_the_others_uncounted(
    coordinator: FlaskClient, address: str
) -> None:
    shown = cards(coordinator, address)
    assert len(shown) == 5
    key, version = shown["Uien"]

    status, place = send(coordinator, address, key, delivered="3", version=version)

    assert status == 303
    first = next(iter(shown.values()))[0]
    assert f'#line-{first}"' in place
    page = read(coordinator, address)
    assert "1 van 5 producten geteld" in page
    assert page.count("nog niet geteld") == 4
    status, told = post(coordinator, address, action="finish")
    assert status == 422
    assert "Prei" in told
    assert "Uien. Typ 0" not in told


def test_the_others_are_confirmed_by_a_button_that_counts_them(
    coordinator: FlaskClient, address: str
) -> None:
    key, version = cards(coordinator, address)["Prei"]
    send(coordinator, address, key, delivered="2", version=version)
    page = read(coordinator, address)
    assert "De overige 4 kloppen" in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {
        "csrf_token": token[1],
        "action": "rest",
        "line": re.findall(r'name="line" value="(\d+)"', page),
    }

    assert coordinator.post(address, data=form).status_code == 303

    assert "5 van 5 producten geteld" in read(coordinator, address)
    # The page that lay open on another phone says that others were counted since.
    again = coordinator.post(address, data=form)
    assert again.status_code == 422
    assert "Iemand anders telde" in again.get_data(as_text=True)
    assert post(coordinator, address, action="finish")[0] == 303


def test_two_phones_at_the_van_do_not_overwrite_each_other(
    site: Flask, city: Runtime, coordinator: FlaskClient, address: str
) -> None:
    roles = (Role.MEMBER, Role.COORDINATOR)
    other = signed_in(site, sign_up(city, "MRS", "Daan", *roles, member="M104"))
    key, version = cards(coordinator, address)["Uien"]
    assert send(other, address, key, delivered="3", damaged="1", version=version)[0] == 303

    status, told = send(coordinator, address, key, delivered="4", version=version)

    assert status == 422
    assert "Iemand anders telde Uien intussen: er kwamen er 3, waarvan 1 kapot" in told
    assert 'value="4"' not in told.partition(f'id="line-{key}"')[2].partition("</li>")[0]
    key, version = cards(coordinator, address)["Uien"]
    assert send(coordinator, address, key, delivered="4", version=version)[0] == 303


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"delivered": "5"}, "reason", "zeg waarom"),
        ({"delivered": "3", "damaged": "4"}, "damaged", "kapot zijn dan er kwam"),
        ({"delivered": ""}, "delivered", "heel getal"),
        ({"delivered": "drie"}, "delivered", "heel getal"),
    ],
)
def test_what_is_wrong_is_said_at_its_own_field(
    coordinator: FlaskClient, address: str, values: dict[str, str], field: str, words: str
) -> None:
    key, version = cards(coordinator, address)["Prei"]

    status, told = send(coordinator, address, key, version=version, **values)

    assert status == 422
    said = re.findall(r'<a href="#field-([^"]+)">([^<]+)</a>', told)
    assert [name for name, _words in said] == [f"{field}-{key}"]
    assert words in said[0][1]
    assert cards(coordinator, address)["Prei"] == (key, "0")


def test_a_card_of_a_delivery_that_was_shared_meanwhile_asks_for_the_whole_page(
    coordinator: FlaskClient, address: str
) -> None:
    """What is shown of a form that was sent by script is its card alone, with what is wrong."""
    key, version = cards(coordinator, address)["Prei"]
    token = re.search(r'name="csrf_token" value="([^"]+)"', read(coordinator, address))
    assert token is not None
    form = {"csrf_token": token[1], f"delivered-{key}": "5", f"version-{key}": version}
    by_script = {"HX-Request": "true"}
    wrong = coordinator.post(f"{address}/{key}", data=form, headers=by_script)
    assert (wrong.status_code, "HX-Refresh" in wrong.headers) == (422, False)
    card = wrong.get_data(as_text=True).partition(f'id="line-{key}"')[2].partition("</li>\n")[0]
    assert 'role="alert"' in card
    cancel = address.replace("receive", "cancel")
    assert post(coordinator, cancel, reason="leverancier ziek")[0] == 303

    late = coordinator.post(f"{address}/{key}", data=form, headers=by_script)

    assert late.headers["HX-Refresh"] == "true"
