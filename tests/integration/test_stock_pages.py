"""The pages of the stock, by their forms: also what they refuse, and in words."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

STOCK = "/c/MRS/stock"


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    roles = (Role.MEMBER, Role.COORDINATOR)
    return signed_in(site, sign_up(city, "MRS", "Bram", *roles, member="M102"))


@pytest.fixture
def address(coordinator: FlaskClient) -> str:
    """The page of a product; one is put in stock by counting it."""
    page = coordinator.get("/c/MRS/suppliers/LEV1").get_data(as_text=True)
    code = re.search(r"\bAK-[A-Z]+\b", page)
    assert code is not None, page
    place = f"{STOCK}/{code[0]}"
    assert post(coordinator, place, action="count", counted="3", reason="gevonden")[0] == 303
    return place


def test_what_was_found_lies_in_stock_and_is_sold(coordinator: FlaskClient, address: str) -> None:
    assert address.rpartition("/")[2] in coordinator.get(STOCK).get_data(as_text=True)

    form = {"action": "sell", "member": "M101 Annelies", "units": "2", "price": "1,50"}
    assert post(coordinator, address, **form)[0] == 303

    page = coordinator.get(address).get_data(as_text=True)
    assert "Verkocht aan" in page
    assert "€\xa03,00" in page.replace("&nbsp;", "\xa0")


def test_members_of_today_are_listed_by_name(
    coordinator: FlaskClient, address: str, city: Runtime
) -> None:
    listed = re.compile(r'<option value="(M\d+)">([^<]+) \(M\d+\)</option>')
    before = listed.findall(coordinator.get(address).text)
    names = [unescape(name) for _code, name in before]
    assert names == sorted(names, key=str.lower)
    assert {"M101", "M102"} <= {code for code, _name in before}

    with city.units_of_work.begin(identity=system_identity("test")) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=system_identity("test"), cooperative_id=tenant) as uow:
        uow.session.execute(text("update member set left_on = joined_on where code = 'M101'"))

    codes = {code for code, _name in listed.findall(coordinator.get(address).text)}
    assert codes == {code for code, _name in before} - {"M101"}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"action": "sell", "member": "M101", "units": "4", "price": "1"}, "Er liggen er 3"),
        ({"action": "sell", "member": "M101", "units": "0", "price": "1"}, "Minstens 1."),
        ({"action": "sell", "member": "M101", "units": "1"}, "Vul een prijs in."),
        ({"action": "sell", "member": "WIE", "units": "1", "price": "1"}, "kennen we niet"),
        ({"action": "lost", "units": "1", "reason": ""}, "Schrijf in een paar woorden"),
        ({"action": "lost", "units": "9", "reason": "weg"}, "Er liggen er 3"),
        ({"action": "count", "counted": "", "reason": "x"}, "heel getal"),
        ({"action": "count", "counted": "2", "expected": "9", "reason": "x"}, "Tel opnieuw"),
    ],
)
def test_what_is_refused_is_said_in_words(
    coordinator: FlaskClient, address: str, form: dict[str, str], words: str
) -> None:
    status, page = post(coordinator, address, **form)

    assert status == 422
    assert words in page


def test_a_form_that_is_sent_twice_sells_once(coordinator: FlaskClient, address: str) -> None:
    form = {"action": "sell", "member": "M101", "units": "1", "price": "1", "key": "een-sleutel"}
    assert post(coordinator, address, **form)[0] == 303
    assert post(coordinator, address, **form)[0] == 303

    assert coordinator.get(address).get_data(as_text=True).count("Verkocht aan") == 1


def test_a_sale_is_turned_back_on_the_page(coordinator: FlaskClient, address: str) -> None:
    post(coordinator, address, action="sell", member="M101", units="1", price="1")
    number = re.search(r'name="number" value="(\d+)"', coordinator.get(address).text)
    assert number is not None

    back = {"action": "back", "number": number[1], "reason": "vergissing"}
    assert post(coordinator, address, **back)[0] == 303
    status, page = post(coordinator, address, **back)

    assert status == 422
    assert "al teruggedraaid" in page


def test_members_do_not_see_the_stock(site: Flask, city: Runtime) -> None:
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))

    assert member.get(STOCK).status_code == 403
