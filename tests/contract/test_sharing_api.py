"""Receiving and sharing by REST: damage, decisions by hand, weights, replacements, extras."""

from __future__ import annotations

from typing import Any

from tests.contract.test_api_contract import (
    PLAN,
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_round_api import an_invoice, conforms, document

__all__ = ["coordinator", "document", "member", "treasurer"]

SHARING = "/rounds/{round_code}/sharing"
ONE = f"{SHARING}/{{product_code}}"
SHARE = f"{ONE}/{{member_code}}"
CHEESE = {
    "name": "Kaas aan het stuk",
    "unit": "stuk",
    "price_excl_cents": 500,
    "vat_basis_points": 900,
    "grams_per_unit": 500,
}


def ordered(coordinator: ApiClient, member: ApiClient, **plan: Any) -> str:
    """A round in which M101 ordered 5 kg of potatoes, M102 5 and 2 leeks; it is ordered."""
    code = str(coordinator.send("POST", "/rounds", PLAN | plan, key="plan-0001").get_json()["code"])
    step(coordinator, code, "open")
    potatoes = {"product_code": "AK-AARD", "quantity": 5}
    leeks = {"product_code": "AK-PREI", "quantity": 2}
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [potatoes]})
    coordinator.send("PUT", f"/rounds/{code}/pledges/M102", {"lines": [potatoes, leeks]})
    step(coordinator, code, "close")
    step(coordinator, code, "order")
    return code


def came(coordinator: ApiClient, code: str, product: str, delivered: int, **more: Any) -> Any:
    body = {"delivered": delivered} | more
    return coordinator.send("PUT", f"/rounds/{code}/deliveries/{product}", body)


def product_of(sharing: Any, code: str) -> Any:
    return next(each for each in sharing["products"] if each["product_code"] == code)


def test_damage_is_received_with_and_without_credit_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = ordered(coordinator, member)
    path = "/rounds/{round_code}/deliveries/{product_code}"
    answer = came(coordinator, code, "AK-AARD", 10, damaged=2, uncredited=2)
    listed = conforms(document, "put", path, answer, 200)["items"]
    assert [(each["damaged"], each["uncredited"]) for each in listed[:1]] == [(2, 2)]
    came(coordinator, code, "AK-PREI", 2, damaged=1)
    # All 10 kg are charged to who got the 8; of the leeks one. 11.90 + 2.35 + 12.50 freight.
    preview = treasurer.get(f"/rounds/{code}/settlement-preview")
    assert preview["supplier_gross_cents"] == 2675 + 241

    for wrong, field in (
        ({"delivered": 2, "damaged": 3}, "damaged"),
        ({"delivered": 2, "damaged": 1, "uncredited": 5}, "uncredited"),
        ({"delivered": 3}, "reason"),
        ({"delivered": 2, "grams": 900}, "grams"),
    ):
        answer = coordinator.send("PUT", f"/rounds/{code}/deliveries/AK-PREI", wrong)
        assert answer.status_code in {409, 422}
        assert answer.get_json()["context"]["field"] == field
    missing = treasurer.send("GET", f"/rounds/{code}/invoice")
    assert problem(missing, 404) == "not-found"
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2675, 241))
    answer = treasurer.send("GET", f"/rounds/{code}/invoice")
    found = conforms(document, "get", "/rounds/{round_code}/invoice", answer, 200)
    assert (found["net_cents"], found["vat_cents"]) == (2675, 241)


def test_what_is_decided_by_hand_stands_beside_the_rule_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member, surplus_rule="ask")
    came(coordinator, code, "AK-AARD", 6)
    came(coordinator, code, "AK-PREI", 3, reason="een te veel")
    base = f"/rounds/{code}/sharing"
    sharing = conforms(document, "get", SHARING, coordinator.send("GET", base), 200)
    assert (sharing["shortage_rule"], sharing["surplus_rule"]) == ("pro_rata", "ask")
    assert [each["quantity"] for each in product_of(sharing, "AK-AARD")["members"]] == [3, 3]
    assert product_of(sharing, "AK-PREI")["open_units"] == 1

    by_hand = {"quantity": 4, "reason": "ziek kind"}
    for _again in range(2):
        answer = coordinator.send("PUT", f"{base}/AK-AARD/M101", by_hand)
        sharing = conforms(document, "put", SHARE, answer, 200)
    first, second = product_of(sharing, "AK-AARD")["members"]
    assert (first["computed"], first["quantity"], first["is_by_hand"]) == (3, 4, True)
    assert (first["reason"], second["quantity"], second["is_by_hand"]) == ("ziek kind", 2, False)
    came(coordinator, code, "AK-AARD", 7)
    again = product_of(coordinator.get(base), "AK-AARD")["members"]
    assert [each["quantity"] for each in again] == [4, 3]
    assert coordinator.send("DELETE", f"{base}/AK-AARD/M101").status_code == 204
    assert not product_of(coordinator.get(base), "AK-AARD")["members"][0]["is_by_hand"]

    answer = coordinator.send("PUT", f"{base}/AK-PREI", {"stock": 1})
    leeks = product_of(conforms(document, "put", ONE, answer, 200), "AK-PREI")
    assert (leeks["stock"], leeks["open_units"], leeks["shortage_rule"]) == (1, 0, None)
    answer = coordinator.send("PUT", f"{base}/AK-AARD", {"shortage_rule": "first_pledged"})
    potatoes = product_of(answer.get_json(), "AK-AARD")
    assert potatoes["shortage_rule"] == "first_pledged"
    assert [each["quantity"] for each in potatoes["members"]] == [5, 2]
    answer = coordinator.send("PUT", base, {"surplus_rule": "stock"})
    rules = conforms(document, "put", SHARING, answer, 200)
    assert (rules["shortage_rule"], rules["surplus_rule"]) == ("pro_rata", "stock")


def test_a_replacement_and_an_extra_are_entered_once_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member, products=["AK-AARD", "AK-PREI"])
    came(coordinator, code, "AK-AARD", 10)
    came(coordinator, code, "AK-PREI", 0)
    instead = {"replaces": "AK-PREI", "product_code": "AK-APPL", "delivered": 2}
    for _again in range(2):
        answer = coordinator.send("POST", f"/rounds/{code}/replacements", instead, key="other-01")
        sharing = conforms(document, "post", "/rounds/{round_code}/replacements", answer, 201)
        apples = product_of(sharing, "AK-APPL")
        assert (apples["replaces"], apples["usable"]) == ("AK-PREI", 2)
        [line] = apples["members"]
        assert (line["member_code"], line["origin"], line["quantity"]) == ("M102", "replacement", 2)

    came(coordinator, code, "AK-AARD", 12, reason="twee te veel")
    extra = {
        "member_code": "M103",
        "product_code": "AK-AARD",
        "quantity": 2,
        "reason": "neemt ze mee",
    }
    for _again in range(2):
        answer = coordinator.send("POST", f"/rounds/{code}/extras", extra, key="extra-001")
        sharing = conforms(document, "post", "/rounds/{round_code}/extras", answer, 201)
        given = product_of(sharing, "AK-AARD")["members"][-1]
        assert (given["member_code"], given["origin"], given["quantity"]) == ("M103", "extra", 2)

    itself = instead | {"product_code": "AK-PREI"}
    refused = coordinator.send("POST", f"/rounds/{code}/replacements", itself, key="other-02")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "product_code"
    had = extra | {"member_code": "M101"}
    refused = coordinator.send("POST", f"/rounds/{code}/extras", had, key="extra-002")
    assert refused.get_json()["context"]["field"] == "member_code"
    unknown = instead | {"product_code": "NIETS"}
    refused = coordinator.send("POST", f"/rounds/{code}/replacements", unknown, key="other-03")
    assert problem(refused, 404) == "not-found"


def test_goods_are_weighed_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/KAAS", CHEESE)
    assert saved.get_json()["grams_per_unit"] == 500
    plan = PLAN | {"products": ["KAAS"], "freight_excl_cents": 0}
    code = coordinator.send("POST", "/rounds", plan, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    for who, client in (("M101", member), ("M102", coordinator)):
        line = {"lines": [{"product_code": "KAAS", "quantity": 1}]}
        client.send("PUT", f"/rounds/{code}/pledges/{who}", line)
    step(coordinator, code, "close")
    step(coordinator, code, "order")
    answer = came(coordinator, code, "KAAS", 2, grams=1200)
    assert answer.get_json()["items"][0]["delivered_grams"] == 1200

    base = f"/rounds/{code}/sharing/KAAS"
    answer = coordinator.send("PUT", f"{base}/M101/weight", {"grams": 700})
    sharing = conforms(document, "put", f"{SHARE}/weight", answer, 200)
    assert product_of(sharing, "KAAS")["lacks_weight"] is True
    answer = coordinator.send("PUT", f"{base}/M102/weight", {"grams": 500})
    assert product_of(answer.get_json(), "KAAS")["lacks_weight"] is False
    preview = treasurer.get(f"/rounds/{code}/settlement-preview")
    # 1,200 g at 10.00 a kilo: 7.00 and 5.00, with 9 % VAT 7.63 and 5.45.
    assert [each["gross_cents"] for each in preview["members"]] == [763, 545]
    assert coordinator.send("DELETE", f"{base}/M102/weight").status_code == 204
    assert product_of(coordinator.get(f"/rounds/{code}/sharing"), "KAAS")["lacks_weight"] is True
    refused = coordinator.send("PUT", f"{base}/M101/weight", {"grams": 0})
    assert "grams" in refused.get_json()["errors"]["json"]
