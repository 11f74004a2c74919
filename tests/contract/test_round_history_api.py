"""What was done to a round, corrections with decisions, its poster and calendar, by REST."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.contract.test_api_contract import (
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_deadline_api import MORE_TIME, opened
from tests.contract.test_round_api import conforms, document, settled
from tests.contract.test_sharing_api import product_of

__all__ = ["coordinator", "document", "member", "treasurer"]

CHANGES = "/rounds/{round_code}/changes"
DROPOUTS = "/rounds/{round_code}/dropouts"
PREVIEW = "/rounds/{round_code}/corrections/preview"
CORRECTIONS = "/rounds/{round_code}/corrections"


def test_a_round_tells_what_was_done_and_who_fell_out(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    oil = {"name": "Olie", "unit": "fles", "price_excl_cents": 900, "vat_basis_points": 900}
    few = oil | {"minimum_quantity": 6}
    coordinator.send("PUT", "/suppliers/LEV1/products/OLIE", few)
    code = opened(coordinator, products=["OLIE", "AK-AARD"])
    lines = [{"product_code": each, "quantity": 2} for each in ("OLIE", "AK-AARD")]
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": lines})
    coordinator.send("POST", f"/rounds/{code}/prolong", MORE_TIME, key="more-time-1")
    closed = coordinator.send("POST", f"/rounds/{code}/close", {}, key="close-0001")
    assert closed.status_code == 200

    answer = coordinator.send("GET", f"/rounds/{code}/changes")
    changes = conforms(document, "get", CHANGES, answer, 200)["items"]
    assert [each["action"] for each in changes[-3:]] == ["open", "prolonged", "closed"]
    assert changes[-2]["before"]["delivery_on"] == "2026-01-14"
    assert problem(member.send("GET", f"/rounds/{code}/changes"), 403) == "permission-denied"
    answer = member.send("GET", f"/rounds/{code}/dropouts")
    fell_out = conforms(document, "get", DROPOUTS, answer, 200)["items"]
    assert fell_out == [
        {"member_code": "M101", "product_code": "OLIE", "quantity": 2, "dropout": "minimum"}
    ]
    assert treasurer.get(f"/rounds/{code}/dropouts")["items"] == fell_out


def test_a_correction_decides_by_hand_and_books_what_was_seen(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = settled(coordinator, member, treasurer)
    three = {
        "product_code": "AK-AARD",
        "member_code": "M101",
        "quantity": 3,
        "reason": "een bleef liggen",
    }
    body = {
        "reason": "verkeerd geteld",
        "shares": [three],
        "stock": [{"product_code": "AK-AARD", "quantity": 1}],
    }
    answer = treasurer.send("POST", f"/rounds/{code}/corrections/preview", body, key="look-0001")
    preview = conforms(document, "post", PREVIEW, answer, 200)
    assert preview["cooperative_gross_cents"] > 0
    other = body | {"seen": "0" * 64}
    refused = treasurer.send("POST", f"/rounds/{code}/corrections", other, key="correct-1")
    assert problem(refused, 409) == "figures-changed"
    booked = body | {"seen": preview["seen"]}
    answer = treasurer.send("POST", f"/rounds/{code}/corrections", booked, key="correct-2")
    versions = conforms(document, "post", CORRECTIONS, answer, 201)["items"]
    assert [each["version"] for each in versions] == [1, 2]
    sharing = coordinator.get(f"/rounds/{code}/sharing")
    [line] = product_of(sharing, "AK-AARD")["members"]
    assert (line["quantity"], line["reason"]) == (3, "een bleef liggen")

    silent = {"reason": "nog eens", "shares": [three | {"reason": "", "quantity": 2}]}
    refused = treasurer.send("POST", f"/rounds/{code}/corrections", silent, key="correct-3")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "reason"
    weighed = {"product_code": "AK-AARD", "member_code": "M101", "grams": 900}
    wrong = {"reason": "gewogen", "weights": [weighed]}
    refused = treasurer.send("POST", f"/rounds/{code}/corrections/preview", wrong, key="look-0002")
    assert refused.get_json()["context"]["field"] == "grams"


def test_a_shared_round_has_a_poster_and_a_calendar(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, service: Flask
) -> None:
    code = opened(coordinator)
    unshared = coordinator.send("GET", f"/rounds/{code}/poster.pdf")
    assert problem(unshared, 404) == "not-found"
    coordinator.send("PUT", f"/rounds/{code}/link")
    poster = coordinator.send("GET", f"/rounds/{code}/poster.pdf")
    assert poster.data.startswith(b"%PDF")
    refused = member.send("GET", f"/rounds/{code}/poster.pdf")
    assert problem(refused, 403) == "permission-denied"
    calendar = member.send("GET", f"/rounds/{code}/calendar.ics")
    assert calendar.mimetype == "text/calendar"
    assert f"/rounds/{code}" in calendar.get_data(as_text=True).replace("\r\n ", "")
    answer = member.send("GET", "/calendar-link")
    assert conforms(document, "get", "/calendar-link", answer, 200) == {"has_link": False}
    member.send("PUT", "/calendar-link")
    assert member.get("/calendar-link") == {"has_link": True}


def test_who_has_a_limit_of_his_own_is_listed(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    own = {"own_limit_cents": 10000, "reason": "betaalt elke maand"}
    treasurer.send("PUT", "/members/M101/credit", own)
    answer = coordinator.send("GET", "/credit-limits")
    [found] = conforms(document, "get", "/credit-limits", answer, 200)["items"]
    assert (found["member_code"], found["limit_cents"]) == ("M101", 10000)
    assert problem(member.send("GET", "/credit-limits"), 403) == "permission-denied"


def test_a_preview_tells_why_and_which_entry_would_be_booked(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    juice = {"name": "Sap", "unit": "fles", "price_excl_cents": 1750, "vat_basis_points": 900}
    crate = juice | {"price_units": 24, "pack_size": 24}
    coordinator.send("PUT", "/suppliers/LEV1/products/SAP", crate)
    code = opened(coordinator, products=["SAP"], freight_excl_cents=0)
    lines = {"lines": [{"product_code": "SAP", "quantity": 5}]}
    member.send("PUT", f"/rounds/{code}/pledges/M101", lines)
    for name in ("close", "order"):
        step(coordinator, code, name)
    coordinator.send("PUT", f"/rounds/{code}/deliveries/SAP", {"delivered": 5})
    step(coordinator, code, "receive")

    path = "/rounds/{round_code}/settlement-preview/details"
    answer = treasurer.send("GET", f"/rounds/{code}/settlement-preview/details")
    details = conforms(document, "get", path, answer, 200)
    # 1750 x 5 / 24 is 364.58: 3.65, and 9 % VAT 33 cents.
    [share] = details["shares"]
    assert (share["member_code"], share["net_cents"], share["gross_cents"]) == ("M101", 365, 398)
    [rounding] = details["roundings"]
    assert (rounding["units"], rounding["total_cents"]) == (5, 365)
    assert sum(line["amount_cents"] for line in details["entry"]) == 0
    assert ("M101", 398) in [(each["party"], each["amount_cents"]) for each in details["entry"]]
