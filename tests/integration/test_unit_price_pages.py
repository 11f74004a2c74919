"""Pages that say what a price is for: the form, the plan, the order, the settlement."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories.people import sign_up
from tests.integration.test_receiving_pages import PLAN
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.money.amounts import NO_BREAK_SPACE

SUPPLIER = "/c/MRS/suppliers/LEV1"
JUICE = {
    "code": "SAP",
    "name": "Appelsap",
    "unit": "fles",
    "price": "17,50",
    "price_units": "24",
    "supplier_unit": "krat",
    "pack_size": "24",
    "vat": "900",
    "is_offered": "yes",
}


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    roles = (Role.MEMBER, Role.COORDINATOR)
    return signed_in(site, sign_up(city, "MRS", "Bram", *roles, member="M102"))


@pytest.fixture
def member(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))


def read(client: FlaskClient, address: str) -> str:
    page = client.get(address).get_data(as_text=True).replace(NO_BREAK_SPACE, " ")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def planned(coordinator: FlaskClient) -> str:
    """An open round in which only juice is offered."""
    form = f"{SUPPLIER}?product=SAP"
    assert post(coordinator, SUPPLIER, form, **JUICE)[0] == 303
    page = coordinator.get("/c/MRS/rounds/new?supplier=LEV1").get_data(as_text=True)
    label = re.search(r'value="(\d+)"[^>]*> <span>Appelsap', page)
    assert label is not None, page
    address = "/c/MRS/rounds/new?supplier=LEV1"
    status, place = post(coordinator, address, address, products=label[1], **PLAN)
    assert status == 303
    found = re.search(r'/c/MRS/rounds/[^"/]+', place)
    assert found is not None
    post(coordinator, f"{found[0]}/manage/open")
    return found[0]


def test_the_form_keeps_what_the_price_is_for(coordinator: FlaskClient) -> None:
    assert post(coordinator, SUPPLIER, SUPPLIER, **JUICE)[0] == 303
    assert "€ 17,50 per 24 flessen (ongeveer € 0,73 per fles)" in read(coordinator, SUPPLIER)
    page = coordinator.get(f"{SUPPLIER}?product=SAP").get_data(as_text=True)
    assert re.search(r'name="price_units"[^>]*value="24"', page)
    assert re.search(r'name="supplier_unit"[^>]*value="krat"', page)


def test_a_price_for_weighed_goods_is_not_for_several_units(coordinator: FlaskClient) -> None:
    status, page = post(coordinator, SUPPLIER, SUPPLIER, **(JUICE | {"grams_per_unit": "700"}))
    assert status == 422
    assert "Er klopt iets niet in dit formulier" in page


def test_members_read_what_a_price_is_for_and_about_how_much_one_costs(
    coordinator: FlaskClient, member: FlaskClient
) -> None:
    address = planned(coordinator)
    seen = read(member, address)
    # 17.50 with 9 % VAT is 19.08 (1.575 rounds up to 1.58).
    assert "€ 19,08 per 24 flessen, met 9 % btw" in seen
    assert "ongeveer € 0,80 per fles" in seen
    field = re.search(r'name="(quantity-\d+)"', member.get(address).get_data(as_text=True))
    assert field is not None
    assert post(member, f"{address}/order", address, **{field[1]: "5"})[0] == 303
    # 5 bottles are 364.58… cents: 3.65 at most, and 0.33 VAT.
    assert "€ 3,98" in read(member, address)
    assert "€ 17,50 per 24 flessen" in read(coordinator, f"{address}/manage")


def test_who_settles_sees_the_rounding_on_a_line_of_its_own(
    site: Flask, city: Runtime, coordinator: FlaskClient, member: FlaskClient
) -> None:
    address = planned(coordinator)
    field = re.search(r'name="(quantity-\d+)"', member.get(address).get_data(as_text=True))
    assert field is not None
    post(member, f"{address}/order", address, **{field[1]: "65"})
    post(coordinator, f"{address}/manage/close")
    post(coordinator, f"{address}/manage/order", below_minimum_reason="proef")
    assert "2 kratten + 17 flessen" in read(coordinator, f"{address}/manage")
    key = field[1].rpartition("-")[2]
    receive = f"{address}/manage/receive"
    counted, _ = post(coordinator, f"{receive}/{key}", receive, **{f"delivered-{key}": "65"})
    finished, _ = post(coordinator, receive, action="finish")
    assert (counted, finished) == (303, 303)
    treasurer = signed_in(site, sign_up(city, "MRS", "Truus", Role.MEMBER, Role.TREASURER))
    told = read(treasurer, f"{address}/manage/settle")
    assert (
        "Appelsap: 65 flessen is precies 4739,58… cent bij € 17,50 per 24 flessen; de leverancier"
        " rekent € 47,40." in told
    )
