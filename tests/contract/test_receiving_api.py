"""Counting, the invoice and settling as shown, by REST."""

from __future__ import annotations

from typing import Any

from tests.contract.test_api_contract import (
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_round_api import an_invoice, conforms, document
from tests.contract.test_sharing_api import came, ordered

__all__ = ["coordinator", "document", "member", "treasurer"]

DELIVERIES = "/rounds/{round_code}/deliveries"


def test_two_who_count_at_once_do_not_overwrite_each_other_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member)
    answer = coordinator.send("GET", f"/rounds/{code}/deliveries")
    listed = conforms(document, "get", DELIVERIES, answer, 200)["items"]
    assert {each["version"] for each in listed} == {0}
    assert came(coordinator, code, "AK-AARD", 8, version=0).status_code == 200

    late = came(coordinator, code, "AK-AARD", 10, version=0)

    assert problem(late, 412) == "stale-version"
    told = late.get_json()["context"]
    assert (told["delivered"], told["damaged"], told["version"]) == (8, 0, 1)
    assert came(coordinator, code, "AK-AARD", 10, version=1).status_code == 200
    # Who names no version takes the count as it comes.
    assert came(coordinator, code, "AK-AARD", 9).status_code == 200


def test_the_rest_is_confirmed_when_it_is_all_that_is_left_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member)
    came(coordinator, code, "AK-AARD", 9)
    path = f"/rounds/{code}/deliveries/rest"
    both = {"product_codes": ["AK-AARD", "AK-PREI"]}
    refused = coordinator.send("POST", path, both, key="rest-0001")
    assert problem(refused, 412) == "stale-version"
    assert refused.get_json()["context"]["waiting"] == 1

    rest = {"product_codes": ["AK-PREI"]}
    for _again in range(2):
        answer = coordinator.send("POST", path, rest, key="rest-0002")
        listed = conforms(document, "post", f"{DELIVERIES}/rest", answer, 200)["items"]
        assert {each["product_code"]: each["delivered"] for each in listed} == {
            "AK-AARD": 9,
            "AK-PREI": 2,
        }


def test_other_amounts_than_were_shown_are_not_settled_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = ordered(coordinator, member)
    came(coordinator, code, "AK-AARD", 10)
    came(coordinator, code, "AK-PREI", 2)
    step(coordinator, code, "receive")
    # 10 kg at 1.19, 2 at 2.35 and 12.50 freight: 29.10, 9 % VAT 2.62.
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2910, 262))
    answer = treasurer.send("GET", f"/rounds/{code}/settlement-preview")
    seen = conforms(document, "get", "/rounds/{round_code}/settlement-preview", answer, 200)["seen"]
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2911, 262))
    path = f"/rounds/{code}/settle"
    body = {"seen": seen, "accepted_difference_cents": 1}
    changed = treasurer.send("POST", path, body, key="settle-01")
    assert problem(changed, 409) == "figures-changed"

    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2910, 262))
    assert treasurer.send("POST", path, {"seen": seen}, key="settle-02").status_code == 200
    answer = treasurer.send("GET", f"/rounds/{code}/settlements")
    [version] = conforms(document, "get", "/rounds/{round_code}/settlements", answer, 200)["items"]
    assert (version["supplier_payable_cents"], version["members_payable_cents"]) == (3172, 3172)


def test_an_invoice_is_taken_back_by_rest(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = ordered(coordinator, member)
    path = f"/rounds/{code}/invoice"
    body = {"reason": "van de ronde van vorige week"}
    none = treasurer.send("POST", f"{path}/withdrawal", body, key="back-0001")
    assert problem(none, 404) == "not-found"
    treasurer.send("PUT", path, an_invoice(2910, 262))
    empty = treasurer.send("POST", f"{path}/withdrawal", {"reason": " "}, key="back-0002")
    assert problem(empty, 422) == "invalid-input"
    assert empty.get_json()["context"]["field"] == "reason"
    for _again in range(2):
        answer = treasurer.send("POST", f"{path}/withdrawal", body, key="back-0003")
        assert answer.status_code == 204
    assert problem(treasurer.send("GET", path), 404) == "not-found"
