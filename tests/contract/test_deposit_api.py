"""Deposits by REST and on their page: what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.contract.test_api_contract import (
    PLAN,
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_round_api import conforms, document
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime

__all__ = ["coordinator", "document", "member", "treasurer"]


def charged(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient, *, is_settled: bool = True
) -> str:
    """A round in which M101 got 4 kg, with 10 cents of deposit on each; its code."""
    potatoes = {"name": "Aardappelen", "unit": "kg", "price_excl_cents": 119}
    product = potatoes | {"vat_basis_points": 900, "deposit_cents": 10}
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/AK-AARD", product)
    assert saved.status_code in {200, 201}, saved.get_data(as_text=True)
    code = str(coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"])
    step(coordinator, code, "open")
    order = {"lines": [{"product_code": "AK-AARD", "quantity": 4}]}
    member.send("PUT", f"/rounds/{code}/pledges/M101", order)
    step(coordinator, code, "close")
    step(coordinator, code, "order")
    coordinator.send("PUT", f"/rounds/{code}/deliveries/AK-AARD", {"delivered": 4})
    step(coordinator, code, "receive")
    invoice = {"code": "F-2026-1", "invoiced_on": "2026-01-05", "net_cents": 1726}
    treasurer.send("PUT", f"/rounds/{code}/invoice", invoice | {"vat_cents": 155})
    if is_settled:
        step(treasurer, code, "settle")
    return code


def test_empties_come_back_by_rest(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient, document: dict[str, Any]
) -> None:
    charged(coordinator, member, treasurer)
    out = conforms(document, "get", "/deposits", coordinator.send("GET", "/deposits"), 200)
    assert [(each["code"], each["cents"]) for each in out["members"]] == [("M101", 40)]
    assert [(each["code"], each["cents"]) for each in out["suppliers"]] == [("LEV1", 40)]

    empties = {"member_code": "M101", "product_code": "AK-AARD", "units": 3}
    for _again in range(2):
        answer = coordinator.send("POST", "/deposits/returns", empties, key="empties-1")
        out = conforms(document, "post", "/deposits/returns", answer, 201)
    assert [each["cents"] for each in out["members"]] == [10]
    crate = {"supplier_code": "LEV1", "cents": 40}
    answer = coordinator.send("POST", "/deposits/returns", crate, key="empties-2")
    assert conforms(document, "post", "/deposits/returns", answer, 201)["suppliers"] == []

    answer = coordinator.send("POST", "/deposits/returns", empties, key="empties-3")
    assert problem(answer, 409) == "deposit-too-much"
    number = next(each["id"] for each in out["returns"] if not each["is_supplier"])
    path = f"/deposits/returns/{number}/reversal"
    answer = coordinator.send("POST", path, {"reason": "verkeerd"}, key="empties-4")
    out = conforms(document, "post", "/deposits/returns/{number}/reversal", answer, 201)
    assert [each["cents"] for each in out["members"]] == [40]
    assert problem(member.send("GET", "/deposits"), 403) == "permission-denied"
    unknown = crate | {"supplier_code": "NIETS"}
    answer = coordinator.send("POST", "/deposits/returns", unknown, key="empties-5")
    assert problem(answer, 404) == "not-found"


def test_the_preview_tells_deposits_beside_the_goods_and_with_them(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient, document: dict[str, Any]
) -> None:
    code = charged(coordinator, member, treasurer, is_settled=False)
    path = "/rounds/{round_code}/settlement-preview"
    answer = treasurer.send("GET", f"/rounds/{code}/settlement-preview")
    told = conforms(document, "get", path, answer, 200)
    assert told["deposits"] == {
        "supplier_cents": 40,
        "due_cents": 40,
        "members_cents": 40,
        "difference_cents": 0,
    }
    assert told["supplier_payable_cents"] == told["supplier_gross_cents"] + 40
    assert told["members_payable_cents"] == told["members_gross_cents"] + 40
    [fields] = told["members"]
    assert (fields["deposit_cents"], fields["payable_cents"] - fields["gross_cents"]) == (40, 40)

    step(treasurer, code, "settle")

    three = {"product_code": "AK-AARD", "delivered": 3, "reason": "geteld"}
    correction = {"reason": "het waren er drie", "lines": [three]}
    answer = treasurer.send(
        "POST", f"/rounds/{code}/corrections/preview", correction, key="correct-1"
    )
    told = conforms(document, "post", "/rounds/{round_code}/corrections/preview", answer, 200)
    [fields] = told["members"]
    assert (fields["deposit_before_cents"], fields["deposit_cents"]) == (40, 30)


def test_empties_come_back_on_the_page(
    coordinator: ApiClient,
    member: ApiClient,
    treasurer: ApiClient,
    service: Flask,
    city: Runtime,
) -> None:
    charged(coordinator, member, treasurer)
    roles = (Role.MEMBER, Role.COORDINATOR)
    visitor = signed_in(service, sign_up(city, "MRS", "Fenna", *roles, member="M103"))
    place = "/c/MRS/deposits"

    taken = {"action": "take", "party": "M101 Annelies", "product": "", "amount": "0,30"}
    assert post(visitor, place, **taken)[0] == 303

    page = visitor.get(place).get_data(as_text=True)
    assert "Nog bij leden" in page
    assert "M101" in page
    status, page = post(visitor, place, **taken)
    assert status == 422
    assert "statiegeld betaald" in page
    status, page = post(visitor, place, action="send", party="WIE", amount="1")
    assert status == 422
    assert "kennen we niet" in page
    status, page = post(visitor, place, action="take", party="M101")
    assert status == 422
    assert "hoeveel er terugkwam" in page
