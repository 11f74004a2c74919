"""The hand-out and pick-up times by REST, as the document says."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.contract.test_api_contract import (
    ApiClient,
    a_token,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_round_api import conforms, document
from tests.contract.test_sharing_api import came, ordered
from tests.factories.people import sign_up
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime

__all__ = ["coordinator", "document", "member", "treasurer"]

HAND_OUT = "/rounds/{round_code}/hand-out"
SLOTS = "/rounds/{round_code}/pickup-slots"
PICKUP = "/rounds/{round_code}/pickups/{member_code}"
SLOT = {
    "starts_at": "2026-01-14T17:00:00+01:00",
    "ends_at": "2026-01-14T18:00:00+01:00",
    "place": "buurthuis",
    "capacity": 1,
}


def received(coordinator: ApiClient, member: ApiClient) -> str:
    code = ordered(coordinator, member)
    came(coordinator, code, "AK-AARD", 10)
    came(coordinator, code, "AK-PREI", 2)
    step(coordinator, code, "receive")
    return code


def test_goods_are_ticked_off_and_what_was_left_is_sold_on_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = received(coordinator, member)
    base = f"/rounds/{code}/hand-out"
    listed = conforms(document, "get", HAND_OUT, coordinator.send("GET", base), 200)
    assert [each["member_code"] for each in listed["members"]] == ["M101", "M102"]
    amounts = {each["product_code"]: each["quantity"] for each in listed["products"]}
    assert amounts == {"AK-AARD": 10, "AK-PREI": 2}

    lines = [{"member_code": "M102", "product_code": each} for each in amounts]
    for _again in range(2):
        answer = coordinator.send("POST", f"{base}/checks", {"lines": lines}, key="check-001")
        listed = conforms(document, "post", f"{HAND_OUT}/checks", answer, 200)
        assert [each["is_done"] for each in listed["members"]] == [False, True]
    undone = {"lines": lines[1:], "is_undone": True}
    listed = coordinator.send("POST", f"{base}/checks", undone, key="check-002").get_json()
    assert [each["outcome"] for each in listed["members"][1]["lines"]] == ["collected", None]

    left = {"member_code": "M101", "product_code": "AK-AARD", "note": "niet gekomen"}
    kept = left | {"outcome": "kept"}
    answer = coordinator.send("POST", f"{base}/uncollected", kept, key="left-0001")
    listed = conforms(document, "post", f"{HAND_OUT}/uncollected", answer, 200)
    assert listed["members"][0]["lines"][0]["outcome"] == "kept"
    sold = left | {"outcome": "sold_on", "to_member_code": "M102"}
    for _again in range(2):
        answer = coordinator.send("POST", f"{base}/uncollected", sold, key="left-0002")
        line = answer.get_json()["members"][0]["lines"][0]
        assert (line["outcome"], line["quantity"]) == ("sold_on", 0)
    assert answer.get_json()["members"][1]["lines"][0]["quantity"] == 10

    to_himself = left | {"outcome": "sold_on", "to_member_code": "M101"}
    refused = coordinator.send("POST", f"{base}/uncollected", to_himself, key="left-0003")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "to_member_code"
    back = {"lines": [lines[0] | {"member_code": "M101"}], "is_undone": True}
    refused = coordinator.send("POST", f"{base}/checks", back, key="check-003")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "lines"
    nobody = {"lines": [lines[0] | {"member_code": "M103"}]}
    refused = coordinator.send("POST", f"{base}/checks", nobody, key="check-004")
    assert problem(refused, 404) == "not-found"


def test_the_list_is_downloaded_on_paper_and_for_a_spreadsheet(
    coordinator: ApiClient, member: ApiClient
) -> None:
    code = received(coordinator, member)
    assert "M101" in coordinator.send("GET", f"/rounds/{code}/hand-out.csv").get_data(as_text=True)
    assert coordinator.send("GET", f"/rounds/{code}/hand-out.pdf").data.startswith(b"%PDF")
    refused = member.send("GET", f"/rounds/{code}/hand-out.csv")
    assert problem(refused, 403) == "permission-denied"


def test_a_member_chooses_when_to_collect_by_rest(
    document: dict[str, Any],
    coordinator: ApiClient,
    member: ApiClient,
    service: Flask,
    city: Runtime,
) -> None:
    code = ordered(coordinator, member)
    for _again in range(2):
        answer = coordinator.send("POST", f"/rounds/{code}/pickup-slots", SLOT, key="slot-0001")
        [first] = conforms(document, "post", SLOTS, answer, 201)["items"]
    later = SLOT | {"ends_at": "2026-01-14T19:00:00+01:00", "capacity": None}
    coordinator.send("POST", f"/rounds/{code}/pickup-slots", later, key="slot-0002")

    own = f"/rounds/{code}/pickups/M101"
    answer = member.send("PUT", own, {"slot_id": first["id"]})
    assert conforms(document, "put", PICKUP, answer, 200) == {
        "slot_id": first["id"],
        "lines": None,
    }
    slots = conforms(
        document, "get", SLOTS, member.send("GET", f"/rounds/{code}/pickup-slots"), 200
    )
    assert sorted(each["taken"] for each in slots["items"]) == [0, 1]
    full = coordinator.send("PUT", f"/rounds/{code}/pickups/M102", {"slot_id": first["id"]})
    assert problem(full, 409) == "slot-full"
    gone = coordinator.send("DELETE", f"/rounds/{code}/pickup-slots/{first['id']}")
    assert problem(gone, 422) == "invalid-input"
    assert gone.get_json()["context"]["field"] == "slot_id"
    other = sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103")
    stranger = ApiClient(service.test_client(), a_token(city, other))
    assert problem(stranger.send("GET", own), 403) == "permission-denied"
    nothing = stranger.send("PUT", f"/rounds/{code}/pickups/M103", {"slot_id": first["id"]})
    assert problem(nothing, 404) == "not-found"

    came(coordinator, code, "AK-AARD", 10)
    came(coordinator, code, "AK-PREI", 2)
    step(coordinator, code, "receive")
    found = conforms(document, "get", PICKUP, member.send("GET", own), 200)
    assert [(each["product_code"], each["quantity"]) for each in found["lines"]] == [("AK-AARD", 5)]
    assert member.send("PUT", own, {"slot_id": None}).get_json()["slot_id"] is None
    path = f"/rounds/{code}/pickup-slots/{first['id']}"
    assert coordinator.send("DELETE", path).status_code == 204
    assert problem(coordinator.send("DELETE", path), 404) == "not-found"
    ends_first = SLOT | {"ends_at": "2026-01-14T16:00:00+01:00"}
    wrong = coordinator.send("POST", f"/rounds/{code}/pickup-slots", ends_first, key="slot-0003")
    assert wrong.get_json()["context"]["field"] == "ends_at"
