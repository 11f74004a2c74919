"""Forms of suppliers and products: what a form does not show is not wiped by saving it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories.people import sign_up
from tests.integration.test_members_side import within
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing.suppliers import (
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

SUPPLIERS = "/c/MRS/suppliers"
SUPPLIER = f"{SUPPLIERS}/LEV1"
JAM = SaveProduct(
    supplier_code="LEV1",
    code="JAM",
    name="Jam",
    unit="pot",
    price_excl_cents=250,
    vat_basis_points=1250,
    category="zoet",
)


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR))


def filled_in(client: FlaskClient, address: str) -> dict[str, str]:
    """What a browser would send of the form with the code, as the page shows it."""
    page = client.get(address).get_data(as_text=True)
    [form] = [
        each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'name="code"' in each
    ]
    inputs = re.findall(r"<input [^>]*>", form)
    sent = {}
    for each in inputs:
        name = re.search(r'name="([^"]+)"', each)
        value = re.search(r'value="([^"]*)"', each)
        if name and not ('type="checkbox"' in each and " checked" not in each):
            sent[name[1]] = value[1] if value else ""
    for name, options in re.findall(
        r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        assert chosen is not None, f"nothing is chosen of {name}"
        sent[name] = chosen[1]
    sent.pop("csrf_token")
    return sent


def stored(city: Runtime, table: str, code: str) -> dict[str, object]:
    with within(city) as uow:
        found = uow.session.execute(
            text(f"select * from {table} where code = :code"), {"code": code}
        )
        return dict(found.mappings().one())


def test_saving_a_product_as_its_form_shows_it_changes_nothing(
    city: Runtime, coordinator: FlaskClient
) -> None:
    with within(city) as uow:
        save_product(uow, JAM)
    before = stored(city, "product", "JAM")
    address = f"{SUPPLIER}?product=JAM"

    status, page = post(coordinator, address, address, **filled_in(coordinator, address))
    assert status == 303, re.findall(r"field-error.*", page)

    assert stored(city, "product", "JAM") == before


def test_the_category_of_a_product_is_changed_and_emptied_by_its_own_form(
    city: Runtime, coordinator: FlaskClient
) -> None:
    with within(city) as uow:
        save_product(uow, JAM)
    address = f"{SUPPLIER}?product=JAM"
    form = filled_in(coordinator, address)

    post(coordinator, address, address, **(form | {"category": "ontbijt"}))
    assert stored(city, "product", "JAM")["category"] == "ontbijt"
    # In the empty form nobody sees what is left open.
    post(coordinator, SUPPLIER, SUPPLIER, **(form | {"category": ""}))
    assert stored(city, "product", "JAM")["category"] == "ontbijt"
    post(coordinator, address, address, **(form | {"category": ""}))
    assert stored(city, "product", "JAM")["category"] is None


def test_a_product_is_exempt_only_when_that_was_chosen(
    city: Runtime, coordinator: FlaskClient
) -> None:
    form = {"code": "ZEEP", "name": "Zeep", "unit": "stuk", "price": "2,00"}

    for wrong in ({}, {"vat": "veel"}, {"vat": "10001"}):
        status, page = post(coordinator, SUPPLIER, SUPPLIER, **form, **wrong)
        assert (status, "Kies een van deze" in page) == (422, True)
    assert post(coordinator, SUPPLIER, SUPPLIER, **form, vat="")[0] == 303

    assert stored(city, "product", "ZEEP")["vat_basis_points"] is None


def test_what_is_not_told_of_a_supplier_or_a_product_stays(city: Runtime) -> None:
    with within(city) as uow:
        save_product(uow, JAM)
        save_supplier(
            uow,
            SaveSupplier(
                code="MOLEN",
                name="Molen",
                category="meel",
                kvk="12345678",
                email="molen@example.org",
                payment_days=30,
                minimum_net_cents=5000,
            ),
        )
    with within(city) as uow:
        save_supplier(uow, SaveSupplier(code="MOLEN", name="Molen De Hoop"))
        save_product(
            uow,
            SaveProduct(
                supplier_code="LEV1",
                code="JAM",
                name="Jam",
                unit="pot",
                price_excl_cents=260,
                vat_basis_points=1250,
            ),
        )

    mill = stored(city, "supplier", "MOLEN")
    assert mill["name"] == "Molen De Hoop"
    told = (mill["category"], mill["kvk"], mill["email"], mill["payment_days"])
    assert told == ("meel", "12345678", "molen@example.org", 30)
    assert mill["minimum_net_cents"] == 5000
    assert stored(city, "product", "JAM")["category"] == "zoet"


def test_a_supplier_is_changed_by_a_form_that_shows_all_that_is_known(
    city: Runtime, coordinator: FlaskClient
) -> None:
    before = stored(city, "supplier", "LEV1")
    assert before["kvk"]
    assert before["category"]
    address = f"{SUPPLIERS}?supplier=LEV1"
    form = filled_in(coordinator, address)

    assert post(coordinator, address, address, **form)[0] == 303
    assert stored(city, "supplier", "LEV1") == before

    post(coordinator, address, address, **(form | {"kvk": "", "minimum": "75,00"}))
    after = stored(city, "supplier", "LEV1")
    assert (after["kvk"], after["minimum_net_cents"]) == (None, 7500)
    # A code that is typed in the empty form: what is left open there says nothing.
    post(coordinator, SUPPLIERS, SUPPLIERS, code="LEV1", name="Akker")
    assert stored(city, "supplier", "LEV1") == after | {"name": "Akker"}
    post(coordinator, address, address, **(form | {"minimum": ""}))
    assert stored(city, "supplier", "LEV1")["minimum_net_cents"] is None


@pytest.mark.parametrize(
    ("field", "written", "words"),
    [
        ("code", "BOER & ZN", "letters, cijfers, punten en streepjes"),
        ("iban", "NL00RABO0123456789", "geen rekeningnummer"),
        ("kvk", "1234", "heeft 8 cijfers"),
    ],
)
def test_what_no_account_or_folder_can_have_is_told_at_its_field(
    coordinator: FlaskClient, field: str, written: str, words: str
) -> None:
    form = {"code": "BOER", "name": "Boer & Zn"} | {field: written}

    status, told = post(coordinator, "/c/MRS/suppliers", **form)

    assert status == 422
    assert words in told
