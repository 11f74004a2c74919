"""The rest of rounds, suppliers and members by REST, each answer as the document says it is."""

from __future__ import annotations

import io
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from tests.contract.test_api_contract import (
    PLAN,
    ROOT,
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)

__all__ = ["coordinator", "member", "treasurer"]

FLOUR = {"name": "Meel", "unit": "zak", "price_excl_cents": 300, "vat_basis_points": 900}
LIST = (
    "Artikelnummer;Omschrijving;Eenheid;Prijs;Btw\n"
    "MEEL;Meel fijn;zak;3,90;9\n"
    "NIEUW;Gist;pak;1,00;9\n"
)


@pytest.fixture
def document(service: Flask) -> dict[str, Any]:
    found: dict[str, Any] = service.test_client().get("/api/v1/openapi.json").get_json()
    return found


def conforms(document: dict[str, Any], method: str, path: str, answer: Any, status: int) -> Any:
    """The answer's body, held to the schema that the document has for it."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    operation = document["paths"][f"/api/v1/cooperatives/{{cooperative_code}}{path}"][method]
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    whole = schema | {"components": document["components"]}
    jsonschema_rs.Draft202012Validator(whole).validate(answer.get_json())
    return answer.get_json()


def settled(coordinator: ApiClient, member: ApiClient, treasurer: ApiClient) -> str:
    """A round in which M101 got 4 kg of potatoes at 1.19, with 12.50 freight."""
    code = str(coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"])
    step(coordinator, code, "open")
    order = {"lines": [{"product_code": "AK-AARD", "quantity": 5}]}
    member.send("PUT", f"/rounds/{code}/pledges/M101", order)
    step(coordinator, code, "close")
    step(coordinator, code, "order")
    coordinator.send("PUT", f"/rounds/{code}/deliveries/AK-AARD", {"delivered": 4})
    step(coordinator, code, "receive")
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(1726, 155))
    step(treasurer, code, "settle")
    return code


def an_invoice(net: int, vat: int, code: str = "F-1") -> dict[str, Any]:
    return {"code": code, "invoiced_on": "2026-01-05", "net_cents": net, "vat_cents": vat}


def test_a_settled_round_is_corrected_once_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = settled(coordinator, member, treasurer)
    body = {
        "reason": "een zak was nat",
        "lines": [{"product_code": "AK-AARD", "delivered": 4, "damaged": 1}],
        "invoice": an_invoice(1607, 145, "F-1-C"),
    }

    answer = treasurer.send("POST", f"/rounds/{code}/corrections/preview", body, key="look-0001")
    path = "/rounds/{round_code}/corrections/preview"
    preview = conforms(document, "post", path, answer, 200)
    [amount] = preview["members"]
    assert (amount["before_cents"], amount["gross_cents"]) == (1881, 1752)
    [standing] = treasurer.get(f"/rounds/{code}/settlements")["items"]
    assert (standing["version"], standing["reversal_number"]) == (1, None)

    for _again in range(2):
        answer = treasurer.send("POST", f"/rounds/{code}/corrections", body, key="correct-1")
        found = conforms(document, "post", "/rounds/{round_code}/corrections", answer, 201)
        assert [each["version"] for each in found["items"]] == [1, 2]
    assert found["items"][0]["reversal_number"] is not None
    [share] = member.get(f"/rounds/{code}/shares")["items"]
    assert share["gross_cents"] == 1752
    refused = member.send("POST", f"/rounds/{code}/corrections", body, key="correct-2")
    assert problem(refused, 403) == "permission-denied"


def test_the_order_is_downloaded_as_the_supplier_gets_it(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = settled(coordinator, member, treasurer)

    listed = coordinator.send("GET", f"/rounds/{code}/order.csv")
    letter = coordinator.send("GET", f"/rounds/{code}/order.pdf")

    assert "AK-AARD" in listed.get_data(as_text=True)
    assert letter.data.startswith(b"%PDF")
    assert problem(member.send("GET", f"/rounds/{code}/order.csv"), 403) == "permission-denied"


def test_a_member_sees_progress_and_what_he_had_last_time(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    settled(coordinator, member, treasurer)
    later = PLAN | {"closes_at": "2026-01-10T20:00:00+01:00"}
    code = coordinator.send("POST", "/rounds", later, key="plan-0002").get_json()["code"]
    step(coordinator, code, "open")

    answer = member.send("GET", f"/rounds/{code}/pledges/M101/last-order")
    path = "/rounds/{round_code}/pledges/{member_code}/last-order"
    last = conforms(document, "get", path, answer, 200)
    [line] = last["lines"]
    assert (line["product_code"], line["quantity"], line["has_now"]) == ("AK-AARD", 5, 0)
    kept = {name: line[name] for name in ("product_code", "quantity", "tolerance", "version")}
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [kept]})

    answer = member.send("GET", f"/rounds/{code}/progress")
    progress = conforms(document, "get", "/rounds/{round_code}/progress", answer, 200)
    assert (progress["pledgers"], progress["pledged_net_cents"]) == (1, 595)
    assert progress["joined"] == [{"day": "2026-01-05", "members": 1}]
    other = member.send("GET", f"/rounds/{code}/pledges/M102/last-order")
    assert problem(other, 403) == "permission-denied"


def test_a_round_is_shared_and_a_calendar_linked_by_rest(
    document: dict[str, Any], service: Flask, coordinator: ApiClient, member: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    path = "/rounds/{round_code}/link"
    answer = coordinator.send("GET", f"/rounds/{code}/link")
    assert conforms(document, "get", path, answer, 200) == {"address": None}
    first = conforms(document, "put", path, coordinator.send("PUT", f"/rounds/{code}/link"), 200)
    assert coordinator.send("PUT", f"/rounds/{code}/link").get_json() == first
    local = "/c/" + first["address"].partition("/c/")[2]
    assert service.test_client().get(local).status_code == 200
    assert coordinator.send("DELETE", f"/rounds/{code}/link").status_code == 204
    assert service.test_client().get(local).status_code == 404
    refused = member.send("PUT", f"/rounds/{code}/link")
    assert problem(refused, 403) == "permission-denied"

    answer = member.send("PUT", "/calendar-link")
    made = conforms(document, "put", "/calendar-link", answer, 200)
    local = "/c/" + made["address"].partition("/c/")[2]
    assert service.test_client().get(local).mimetype == "text/calendar"
    assert member.send("DELETE", "/calendar-link").status_code == 204
    assert service.test_client().get(local).status_code == 404


def test_credit_is_read_and_set_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    terms = {"is_enforced": True, "default_cents": 2500}
    answer = treasurer.send("PUT", "/credit-terms", terms)
    assert conforms(document, "put", "/credit-terms", answer, 200) == terms
    own = {"own_limit_cents": 10000, "reason": "betaalt elke maand"}
    path = "/members/{member_code}/credit"
    answer = treasurer.send("PUT", "/members/M101/credit", own)
    assert conforms(document, "put", path, answer, 200)["limit_cents"] == 10000
    found = member.get("/members/M101/credit")
    assert found["room_cents"] == found["free_cents"] + 10000
    back = own | {"own_limit_cents": None}
    answer = treasurer.send("PUT", "/members/M101/credit", back)
    assert conforms(document, "put", path, answer, 200)["limit_cents"] == 2500
    refused = coordinator.send("PUT", "/members/M101/credit", own)
    assert problem(refused, 403) == "permission-denied"
    refused = member.send("GET", "/members/M102/credit")
    assert problem(refused, 403) == "permission-denied"
    wrong = treasurer.send("PUT", "/members/M101/credit", own | {"own_limit_cents": -1})
    assert problem(wrong, 422) in {"unprocessable-entity", "unprocessable-content"}


def test_a_draft_is_changed_by_rest_until_it_opens(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    path = f"/rounds/{code}/draft"
    told = "/rounds/{round_code}/draft"
    body = {
        "freight_excl_cents": 900,
        "surplus_rule": "ask",
        "products": [{"code": "AK-AARD", "price_excl_cents": 125}],
    }
    for _again in range(2):
        changed = conforms(document, "put", told, coordinator.send("PUT", path, body), 200)
        assert (changed["freight_excl_cents"], changed["surplus_rule"]) == (900, "ask")
        assert changed["theme"] == PLAN["theme"]
    [offered] = coordinator.get(f"/rounds/{code}/products")["items"]
    assert (offered["code"], offered["price_excl_cents"]) == ("AK-AARD", 125)
    wrong = coordinator.send("PUT", path, {"closes_at": "2025-01-01T00:00:00Z"})
    assert problem(wrong, 422) == "invalid-input"
    assert problem(member.send("PUT", path, body), 403) == "permission-denied"
    step(coordinator, code, "open")
    assert problem(coordinator.send("PUT", path, body), 409) == "round-state"


def test_a_cancelled_round_is_made_again_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    line = {"product_code": "AK-AARD", "quantity": 5}
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [line]})
    path, body = (
        f"/rounds/{code}/renewal",
        {name: PLAN[name] for name in ("closes_at", "delivery_on")},
    )
    assert problem(coordinator.send("POST", path, body, key="again-01"), 409) == "round-state"
    step(coordinator, code, "cancel", reason="verkeerde datum")
    for _again in range(2):
        answer = coordinator.send("POST", path, body, key="again-02")
        made = conforms(document, "post", "/rounds/{round_code}/renewal", answer, 201)
    assert (made["state"], made["pledgers"]) == ("open", 1)
    assert problem(coordinator.send("POST", path, body, key="again-03"), 409) == "round-state"
    assert problem(member.send("POST", path, body, key="again-04"), 403) == "permission-denied"


def test_a_supplier_and_its_price_list_come_in_by_rest(
    document: dict[str, Any], service: Flask, coordinator: ApiClient
) -> None:
    supplier = {"name": "Molen De Hoop", "minimum_net_cents": 5000, "email": "molen@example.org"}
    answer = coordinator.send("PUT", "/suppliers/MOLEN", supplier)
    saved = conforms(document, "put", "/suppliers/{supplier_code}", answer, 200)
    assert saved["minimum_net_cents"] == 5000
    coordinator.send("PUT", "/suppliers/MOLEN/products/MEEL", FLOUR)

    kept = upload(coordinator, service)
    again = upload(coordinator, service)
    assert (again["id"], kept["columns"]["price"]) == (kept["id"], 3)
    base = f"/suppliers/MOLEN/price-lists/{kept['id']}"
    path = "/suppliers/{supplier_code}/price-lists/{price_list_id}/preview"
    answer = coordinator.send("POST", f"{base}/preview", {}, key="preview-1")
    preview = conforms(document, "post", path, answer, 200)
    assert ([each["code"] for each in preview["new"]], preview["count"]) == (["NIEUW"], 2)
    [changed] = preview["changed"]
    assert (changed["before"]["price_excl_cents"], changed["after"]["price_excl_cents"]) == (
        300,
        390,
    )
    stale = coordinator.send("POST", f"{base}/take-over", {"seen": "2"}, key="take-over-1")
    assert problem(stale, 412) == "stale-version"
    for _again in range(2):
        body = {"seen": preview["seen"]}
        taken = coordinator.send("POST", f"{base}/take-over", body, key="take-over-2")
        assert taken.status_code == 204
    products = coordinator.get("/suppliers/MOLEN/products")["items"]
    assert {each["code"]: each["price_excl_cents"] for each in products} == {
        "MEEL": 390,
        "NIEUW": 100,
    }


def test_what_a_request_leaves_out_of_a_supplier_or_product_stays(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    path = "/suppliers/{supplier_code}"
    before = conforms(document, "get", path, coordinator.send("GET", "/suppliers/LEV1"), 200)
    assert before["kvk"]
    assert before["category"]
    assert problem(member.send("GET", "/suppliers/LEV1"), 403) == "permission-denied"

    answer = coordinator.send("PUT", "/suppliers/LEV1", {"name": before["name"]})
    assert conforms(document, "put", path, answer, 200) == before
    answer = coordinator.send("PUT", "/suppliers/LEV1", {"name": before["name"], "kvk": None})
    assert answer.get_json() == before | {"kvk": None}

    coordinator.send("PUT", "/suppliers/LEV1/products/MEEL", FLOUR | {"category": "meel"})
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/MEEL", FLOUR).get_json()
    assert saved["category"] == "meel"
    gone = FLOUR | {"category": ""}
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/MEEL", gone).get_json()
    assert saved["category"] is None


def upload(client: ApiClient, service: Flask) -> Any:
    answer = service.test_client().post(
        f"{ROOT}/suppliers/MOLEN/price-lists",
        data={"file": (io.BytesIO(LIST.encode()), "lijst.csv")},
        headers=client._headers | {"Idempotency-Key": "list-0001"},
    )
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_round_is_cancelled_once_and_takes_no_pledge_after_it(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    body = {"reason": "de boer is ziek"}
    for _again in range(2):
        answer = coordinator.send("POST", f"/rounds/{code}/cancel", body, key="cancel-01")
        assert answer.get_json()["cancel_reason"] == "de boer is ziek"
    other = coordinator.send("POST", f"/rounds/{code}/cancel", body, key="cancel-02")
    assert problem(other, 409) == "round-state"
    line = {"lines": [{"product_code": "AK-AARD", "quantity": 5}]}
    late = member.send("PUT", f"/rounds/{code}/pledges/M101", line)
    assert problem(late, 409) == "round-not-open"


def test_every_post_takes_a_key_and_every_error_is_a_problem(document: dict[str, Any]) -> None:
    checked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in {"get", "post", "put", "delete"}:
                continue
            checked += 1
            names = {each.get("name") for each in operation.get("parameters", ())}
            assert method != "post" or "Idempotency-Key" in names, path
    problem_ = document["components"]["schemas"]["Problem"]
    assert {"type", "title", "status"} <= set(problem_["required"])
    assert checked >= 40
