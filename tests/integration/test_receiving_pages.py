"""The pages of sharing and handing out, by their forms: also what they refuse, and in words."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.rounds import CloseRound, OrderRound, close_round, order_round

PLAN = {
    "supplier": "LEV1",
    "theme": "aardappelen",
    "opens_at": "2026-01-05T12:00",
    "closes_at": "2026-01-09T20:00",
    "delivery_on": "2026-01-14",
    "freight": "0,00",
    "freight_key": "value",
    "shortage_rule": "pro_rata",
    "surplus_rule": "ask",
}


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    roles = (Role.MEMBER, Role.COORDINATOR)
    return signed_in(site, sign_up(city, "MRS", "Bram", *roles, member="M102"))


@pytest.fixture
def round_address(site: Flask, city: Runtime, coordinator: FlaskClient) -> str:
    """A round that was ordered, with 5 kg for M101."""
    page = coordinator.get("/c/MRS/rounds/new?supplier=LEV1").get_data(as_text=True)
    choice = re.search(r'name="products" value="(\d+)"', page)
    assert choice is not None, page
    status, place = post(
        coordinator,
        "/c/MRS/rounds/new?supplier=LEV1",
        products=choice[1],
        **PLAN,
    )
    assert status == 303
    planned = re.search(r'/c/MRS/rounds/[^"/]+', place)
    assert planned is not None
    address = planned[0]
    post(coordinator, f"{address}/manage/open")
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    wanted = re.search(r'name="(quantity-\d+)"', member.get(address).get_data(as_text=True))
    assert wanted is not None
    post(member, f"{address}/order", address, **{wanted[1]: "5"})
    identity = system_identity("test")
    with city.units_of_work.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        round_id = queries.round_by_code(uow.session, tenant, address.rpartition("/")[2]).id
        close_round(uow, CloseRound(round_id=round_id))
        order_round(uow, OrderRound(round_id=round_id, below_minimum_reason="proef"))
    return address


def field(client: FlaskClient, address: str, name: str) -> str:
    page = client.get(address).get_data(as_text=True)
    found = re.search(rf'name="({name}-\d+)"', page)
    assert found is not None, page
    return found[1]


def seen_on(client: FlaskClient, address: str) -> str:
    """The mark of the figures that a page shows."""
    page = client.get(address).get_data(as_text=True)
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def count(client: FlaskClient, address: str, came: str, *, is_finished: bool = True) -> None:
    receive = f"{address}/manage/receive"
    name = field(client, receive, "delivered")
    key = name.rpartition("-")[2]
    status, _ = post(
        client,
        f"{receive}/{key}",
        receive,
        **{name: came, f"damaged-{key}": "0", f"reason-{key}": "geteld"},
    )
    assert status == 303
    if is_finished:
        assert post(client, receive, action="finish")[0] == 303


def test_what_is_left_is_decided_on_the_page_before_it_is_booked(
    coordinator: FlaskClient, round_address: str
) -> None:
    count(coordinator, round_address, "7")
    share = f"{round_address}/manage/share"
    page = coordinator.get(share).get_data(as_text=True).replace("\xa0", " ")
    assert "Over 2 kg moet je nog beslissen" in page
    post(
        coordinator,
        f"{round_address}/manage/invoice",
        f"{round_address}/manage/settle",
        invoice_code="F1",
        invoiced_on="2026-01-05",
        net="8,33",
        vat="0,75",
    )
    settle = f"{round_address}/manage/settle"
    seen = seen_on(coordinator, settle)
    status, told = post(coordinator, settle, accounting_date="2026-01-05", seen=seen)
    assert status == 422
    assert "Beslis eerst wie" in told

    stock = field(coordinator, share, "stock")
    key = stock.rpartition("-")[2]
    status, _ = post(
        coordinator, f"{share}/{key}", share, **{stock: "2", f"rule-{key}": "first_pledged"}
    )
    assert status == 303
    assert "moet je nog beslissen" not in coordinator.get(share).get_data(as_text=True)


def test_an_extra_goes_to_a_member_and_is_refused_in_words(
    coordinator: FlaskClient, round_address: str
) -> None:
    count(coordinator, round_address, "7")
    share = f"{round_address}/manage/share"
    key = field(coordinator, share, "rule").rpartition("-")[2]
    form = {"extra_product": key, "quantity": "2", "extra_reason": "vroeg erom"}
    extra = f"{round_address}/manage/extra"
    for member, words in (("M101", "Dit lid bestelde het"), ("X9", "Dit kennen we niet")):
        status, told = post(coordinator, extra, share, member=member, **form)
        assert status == 422
        assert words in told
    status, _ = post(coordinator, extra, share, member="M103", **form)
    assert status == 303
    assert "vroeg erom" in coordinator.get(share).get_data(as_text=True)


def test_something_else_that_came_is_counted_with_the_rest(
    coordinator: FlaskClient, round_address: str
) -> None:
    count(coordinator, round_address, "3", is_finished=False)
    share = f"{round_address}/manage/share"
    page = coordinator.get(share).get_data(as_text=True)
    key = field(coordinator, share, "rule").rpartition("-")[2]
    options = re.findall(r'<option value="([^"]+)"', page.partition('id="field-product"')[2])
    status, _ = post(
        coordinator,
        f"{round_address}/manage/replacement",
        share,
        replaced=key,
        product=options[1],
        delivered="2",
    )
    assert status == 303
    assert "kwam in plaats van iets anders" in coordinator.get(share).get_data(as_text=True)
    receive = coordinator.get(f"{round_address}/manage/receive").get_data(as_text=True)
    assert receive.count('name="delivered-') == 2


def test_the_hand_out_is_ticked_off_and_not_collected_takes_a_note(
    coordinator: FlaskClient, round_address: str
) -> None:
    page = f"{round_address}/hand-out"
    count(coordinator, round_address, "5")
    shown = coordinator.get(page).get_data(as_text=True)
    found = re.search(r'name="pledge" value="(\d+)"', shown)
    assert found is not None
    status, told = post(
        coordinator, f"{page}/not-collected", page, pledge=found[1], outcome="kept", note=""
    )
    assert status == 422
    assert "Vul dit in" in told
    form = {"pledge": found[1], "member": "M101"}
    for action, words in (("check", "1 van de 1 leden"), ("undo", "0 van de 1 leden")):
        status, _ = post(coordinator, f"{page}/check", page, action=action, **form)
        assert status == 303
        assert words in coordinator.get(page).get_data(as_text=True)
    status, _ = post(
        coordinator,
        f"{page}/not-collected",
        page,
        pledge=found[1],
        outcome="sold_on",
        note="kwam niet",
        buyer="M103",
    )
    assert status == 303
    assert "M103" in coordinator.get(f"{page}?by=product").get_data(as_text=True)


def test_a_time_without_a_place_or_end_is_said_beside_the_field(
    coordinator: FlaskClient, round_address: str
) -> None:
    page = f"{round_address}/hand-out"
    slot = {"starts_at": "2026-01-14T17:00", "ends_at": "2026-01-14T16:00", "place": "Buurthuis"}
    status, told = post(coordinator, f"{page}/slots", page, **slot)
    assert status == 422
    assert "eindigt nadat hij begint" in told
    status, _ = post(coordinator, f"{page}/slots", page, **slot | {"ends_at": "2026-01-14T18:00"})
    assert status == 303
    gone = re.search(r'name="remove" value="(\d+)"', coordinator.get(page).get_data(as_text=True))
    assert gone is not None
    status, _ = post(coordinator, f"{page}/slots", page, remove=gone[1])
    assert status == 303
    assert 'name="remove"' not in coordinator.get(page).get_data(as_text=True)


def test_members_do_not_see_what_others_collect(
    site: Flask, city: Runtime, round_address: str
) -> None:
    member = signed_in(site, sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"))
    for place in ("hand-out", "hand-out.csv", "manage/share"):
        assert member.get(f"{round_address}/{place}").status_code == 403
    told = member.get(f"{round_address}/pickup").get_data(as_text=True)
    assert "Je bestelde niets in deze ronde" in told


def test_a_settled_round_is_corrected_by_hand_after_its_differences_were_seen(
    site: Flask, city: Runtime, coordinator: FlaskClient, round_address: str
) -> None:
    manage = f"{round_address}/manage"
    count(coordinator, round_address, "5")
    preview = coordinator.get(f"{manage}/settle").get_data(as_text=True)
    amounts = dict(re.findall(r'name="(net|vat)"[^>]*value="([^"]+)"', preview))
    invoice = {"invoice_code": "F1", "invoiced_on": "2026-01-05", **amounts}
    assert post(coordinator, f"{manage}/invoice", f"{manage}/settle", **invoice)[0] == 303
    settle = {"accounting_date": "2026-01-05", "seen": seen_on(coordinator, f"{manage}/settle")}
    assert post(coordinator, f"{manage}/settle", **settle)[0] == 303
    share = field(coordinator, f"{manage}/correct", "share")
    product = field(coordinator, f"{manage}/correct", "delivered").rpartition("-")[2]
    form = {f"delivered-{product}": "5", share: "4", f"stock-{product}": "1", **invoice}
    address = f"{manage}/correct"

    status, page = post(coordinator, address, action="preview", reason="bedorven", **form)
    assert status == 200
    assert "Verschil" in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    # Other figures than were seen are not booked.
    other = form | {share: "3", f"stock-{product}": "2"}
    typed = {"action": "book", "reason": "bedorven", "seen": seen[1]}
    assert post(coordinator, address, **typed, **other)[0] == 422
    assert post(coordinator, address, **typed, **form)[0] == 303

    member = signed_in(site, sign_up(city, "MRS", "Bo", Role.MEMBER, member="M101"))
    page = member.get(round_address).get_data(as_text=True)
    assert "kreeg 4 kg" in page.replace("\xa0", " ").replace("&nbsp;", " ")
    assert "met de hand: bedorven" in page
