"""Settling without charging by REST: one asks, a second person decides."""

from __future__ import annotations

from typing import Any

from tests.contract.test_api_contract import ApiClient, coordinator, member, problem, treasurer
from tests.contract.test_handing_api import received
from tests.contract.test_round_api import an_invoice, conforms, document

__all__ = ["coordinator", "document", "member", "treasurer"]

UNCHARGED = "/rounds/{round_code}/uncharged"


def test_a_second_person_settles_a_round_without_charging_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = received(coordinator, member)
    base = f"/rounds/{code}/uncharged"
    ask = {"reason": "buurtfeest", "typed_code": code}
    early = coordinator.send("POST", base, ask, key="ask-00001")
    assert problem(early, 409) == "invoice-missing"
    # 10 kg at 1.19, 2 at 2.35 and 12.50 freight: 29.10, 9 % VAT 2.62.
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2910, 262))
    for _again in range(2):
        answer = coordinator.send("POST", base, ask, key="ask-00002")
        asked = conforms(document, "post", UNCHARGED, answer, 201)["asked"]
        assert (asked["amount_cents"], asked["is_own"]) == (3172, True)
    yes = {"is_approved": True, "typed_code": code}
    own = coordinator.send("POST", f"{base}/decision", yes, key="decide-01")
    assert problem(own, 409) == "second-person-needed"
    answer = treasurer.send("GET", "/uncharged-requests")
    [waiting] = conforms(document, "get", "/uncharged-requests", answer, 200)["items"]
    assert (waiting["round_code"], waiting["amount_cents"]) == (code, 3172)
    untyped = treasurer.send("POST", f"{base}/decision", {"is_approved": True}, key="decide-02")
    assert problem(untyped, 409) == "confirmation-needed"
    assert untyped.get_json()["context"]["field"] == "typed_code"

    for _again in range(2):
        answer = treasurer.send("POST", f"{base}/decision", yes, key="decide-03")
        done = conforms(document, "post", f"{UNCHARGED}/decision", answer, 200)
        assert done == {"state": "settled", "asked": None}
    [settled] = treasurer.get(f"/rounds/{code}/settlements")["items"]
    assert (settled["is_uncharged"], settled["members_gross_cents"]) == (True, 0)


def test_a_request_is_turned_down_and_members_do_not_ask(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = received(coordinator, member)
    base = f"/rounds/{code}/uncharged"
    treasurer.send("PUT", f"/rounds/{code}/invoice", an_invoice(2910, 262))
    ask = {"reason": "buurtfeest", "typed_code": code}
    assert problem(member.send("POST", base, ask, key="ask-00001"), 403) == "permission-denied"
    no_reason = coordinator.send("POST", base, ask | {"reason": ""}, key="ask-00002")
    assert "reason" in no_reason.get_json()["errors"]["json"]
    coordinator.send("POST", base, ask, key="ask-00003")
    twice = treasurer.send("POST", base, ask, key="ask-00004")
    assert problem(twice, 409) == "uncharged-asked"
    no = {"is_approved": False}
    answer = treasurer.send("POST", f"{base}/decision", no, key="decide-01")
    assert answer.get_json() == {"state": "received", "asked": None}
    found = conforms(document, "get", UNCHARGED, treasurer.send("GET", base), 200)
    assert found["asked"] is None
    nothing = treasurer.send("POST", f"{base}/decision", no, key="decide-02")
    assert problem(nothing, 404) == "not-found"
