"""The settlement page: what it says of an invoice, and that it books what it showed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.integration.test_receiving_pages import (
    coordinator,
    count,
    round_address,
    seen_on,
)
from tests.integration.test_web_pages import post

__all__ = ["coordinator", "round_address"]


@pytest.fixture
def settle(coordinator: FlaskClient, round_address: str) -> str:
    """The page of a round of which all came."""
    count(coordinator, round_address, "5")
    return f"{round_address}/manage/settle"


def enter(client: FlaskClient, settle: str, **values: str) -> tuple[int, str]:
    form = {"invoice_code": "F1", "invoiced_on": "2026-01-05", "net": "5,95", "vat": "0,54"}
    return post(client, settle.replace("settle", "invoice"), settle, **form | values)


def read(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True).replace("\xa0", " ").replace("&nbsp;", " ")


@pytest.mark.parametrize(
    ("net", "vat", "words"),
    [
        ("5,95", "0,54", "De factuur is precies wat er kwam"),
        ("6,95", "0,54", "De factuur is € 1,00 hoger dan wat er kwam (€ 6,49)."),
        ("4,95", "0,54", "De factuur is € 1,00 lager dan wat er kwam (€ 6,49)."),
        ("5,94", "0,55", "maar het bedrag zonder btw en de btw zijn anders"),
    ],
)
def test_the_page_says_how_an_invoice_differs(
    coordinator: FlaskClient, settle: str, net: str, vat: str, words: str
) -> None:
    assert enter(coordinator, settle, net=net, vat=vat)[0] == 303
    page = read(coordinator, settle)
    assert words in page
    assert ("houdt het verschil van € 1,00" in page) == (net == "4,95")
    assert ("betaalt het verschil van € 1,00" in page) == (net == "6,95")


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"invoice_code": " "}, "invoice_code", "Vul dit in"),
        ({"invoiced_on": "2026-01-06"}, "invoiced_on", "moet nog komen"),
        ({"net": "-1,00"}, "net", "niet lager dan nul"),
        ({"vat": "-1,00"}, "vat", "niet lager dan nul"),
        ({"deposit": "-1,00"}, "deposit", "niet lager dan nul"),
    ],
)
def test_what_is_wrong_with_an_invoice_is_said_at_its_field(
    coordinator: FlaskClient, settle: str, wrong: dict[str, str], field: str, words: str
) -> None:
    status, told = enter(coordinator, settle, **wrong)
    assert status == 422
    [(name, said)] = re.findall(r'<a href="#field-([^"]+)">([^<]+)</a>', told)
    assert (name, words in said) == (field, True), said


def test_an_invoice_is_taken_back_on_the_page(coordinator: FlaskClient, settle: str) -> None:
    enter(coordinator, settle)
    place = settle.replace("settle", "invoice/withdraw")
    status, told = post(coordinator, place, settle, withdraw_reason="")
    assert status == 422
    assert "#field-withdraw_reason" in told

    status, _ = post(coordinator, place, settle, withdraw_reason="van vorige week")

    assert status == 303
    page = read(coordinator, settle)
    assert "Er is nog geen factuur" in page
    manage = read(coordinator, settle.replace("/settle", ""))
    assert "Factuur teruggenomen: van vorige week" in manage
    # From a page that lay open it is done once.
    assert post(coordinator, place, settle, withdraw_reason="nog eens")[0] == 303


def test_a_page_that_lay_open_books_nothing_else_than_it_showed(
    coordinator: FlaskClient, settle: str
) -> None:
    enter(coordinator, settle)
    form = {"accounting_date": "2026-01-05", "seen": seen_on(coordinator, settle)}
    enter(coordinator, settle, net="6,05")
    difference = {"accept_difference": "yes", "difference_cents": "10"}

    status, told = post(coordinator, settle, **form, **difference)

    assert status == 422
    assert "Dit zijn niet de bedragen die je zag" in told
    assert seen_on(coordinator, settle) in told
    status, _ = post(coordinator, settle, **form | {"seen": ""}, **difference)
    assert status == 422
    again = form | {"seen": seen_on(coordinator, settle)} | difference
    assert post(coordinator, settle, **again)[0] == 303


def test_the_day_that_is_proposed_is_that_of_the_neighbourhood(
    coordinator: FlaskClient, settle: str, clock: Clock
) -> None:
    clock.set(datetime(2026, 1, 6, 23, 30, tzinfo=UTC))
    page = read(coordinator, settle)
    assert re.search(r'name="invoiced_on" value="2026-01-07"', page)
