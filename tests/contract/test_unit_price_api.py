"""Prices for several units, by REST."""

from __future__ import annotations

from tests.contract.test_api_contract import PLAN, ApiClient, coordinator, member, step

__all__ = ["coordinator", "member"]

JUICE = {
    "name": "Appelsap",
    "unit": "fles",
    "price_excl_cents": 1750,
    "price_units": 24,
    "supplier_unit": "krat",
    "pack_size": 24,
    "vat_basis_points": 900,
}


def test_a_price_is_for_as_many_units_as_was_said(
    coordinator: ApiClient, member: ApiClient
) -> None:
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/SAP", JUICE).get_json()
    assert (saved["price_units"], saved["supplier_unit"]) == (24, "krat")
    [price] = coordinator.get("/suppliers/LEV1/products/SAP/prices")["items"]
    assert (price["price_excl_cents"], price["price_units"]) == (1750, 24)
    plan = PLAN | {"products": ["SAP"]}
    code = coordinator.send("POST", "/rounds", plan, key="plan-sap1").get_json()["code"]
    step(coordinator, code, "open")
    line = {"product_code": "SAP", "quantity": 5}
    assert member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [line]}).status_code == 200
    [product] = member.get(f"/rounds/{code}/products")["items"]
    assert (product["price_excl_cents"], product["price_units"]) == (1750, 24)
    found = member.get(f"/rounds/{code}")
    assert found["pledged_net_cents"] == 365


def test_a_price_for_no_unit_is_refused(coordinator: ApiClient) -> None:
    wrong = JUICE | {"price_units": 0}
    answer = coordinator.send("PUT", "/suppliers/LEV1/products/SAP", wrong)
    assert answer.status_code == 422
