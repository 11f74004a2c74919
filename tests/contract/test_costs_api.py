"""Shared costs by REST: the whole road of a month, and who may go it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, a_token, member, problem, treasurer
from tests.factories.people import sign_up
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.costs.proof_checking import verify_proof

__all__ = ["member", "treasurer"]

KEY = {"code": "delen", "name": "Iedereen gelijk", "valid_from": "2026-04-01", "basis": "equal"}
COST = {
    "code": "VERF-1",
    "description": "verf voor het buurthuis",
    "key_code": "delen",
    "net_cents": 10_000,
    "vat_cents": 2100,
    "vat_basis_points": 2100,
    "incurred_on": "2026-04-10",
}


@pytest.fixture(autouse=True)
def april(clock: Clock) -> None:
    clock.set(datetime(2026, 4, 12, 12, tzinfo=UTC))


def send(client: ApiClient, method: str, path: str, body: Any = None) -> Any:
    key = f"{method}{path}".replace("/", "-")[:200]
    answer = client.send(method, path, body, key=key)
    assert answer.status_code < 300, answer.get_data(as_text=True)
    return answer.get_json() if answer.data else None


def test_a_cost_goes_the_whole_road(
    treasurer: ApiClient, member: ApiClient, clock: Clock, tmp_path: Path
) -> None:
    send(treasurer, "POST", "/allocation-keys", KEY)
    cost = send(treasurer, "POST", "/costs", COST)
    assert (cost["gross_cents"], cost["settled_version"]) == (12_100, 0)
    assert send(treasurer, "POST", "/costs", COST) == cost
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    seen = treasurer.get("/cost-months/2026-04")
    assert [each["code"] for each in seen["costs"]] == ["VERF-1"]
    assert sum(each["cents"] for each in seen["members"]) == 12_100
    send(treasurer, "PUT", "/cost-months/2026-04/draft")
    assert treasurer.get("/cost-months/2026-04")["has_draft"]

    body = {"seen": seen["seen"], "is_shown_later": True}
    settled = send(treasurer, "POST", "/cost-months/2026-04/settle", body)

    [run] = settled["runs"]
    assert (run["state"], run["total_cents"], settled["costs"]) == ("posted", 12_100, [])
    own = "/my-cost-shares?language=en"
    assert [each for each in member.get(own)["items"] if each["cost_code"] == "VERF-1"] == []
    send(treasurer, "PUT", f"/settlement-runs/{run['id']}/publish")
    [mine] = [each for each in member.get(own)["items"] if each["cost_code"] == "VERF-1"]
    shares = treasurer.get("/costs/VERF-1/shares")["items"]
    assert sum(share["share_cents"] for share in shares) == 12_100
    assert mine["payable_cents"] in {12_100 // len(shares), 12_100 // len(shares) + 1}
    assert "1/" in mine["why"]
    assert treasurer.get("/costs/VERF-1/shares?member_code=m101")["items"] == [
        share for share in shares if share["member_code"] == "M101"
    ]
    proof = member.get("/costs/VERF-1/proof")
    assert mine["proof_party"] in json.dumps(proof)
    verify_proof(json.dumps(proof).encode())


def test_a_correction_books_what_was_seen(treasurer: ApiClient, clock: Clock) -> None:
    settle_one(treasurer, clock)
    correction = {"reason": "verkeerd bedrag", "net_cents": 20_000, "vat_cents": 4200}
    preview = send(treasurer, "POST", "/costs/VERF-1/correction-preview", correction)
    assert sum(each["difference_cents"] for each in preview["members"]) == 12_100
    other = correction | {"seen": preview["seen"], "net_cents": 20_001}
    refused = treasurer.send("POST", "/costs/VERF-1/correct", other, key="niet-gezien")
    assert problem(refused, 409) == "draft-outdated"

    done = send(treasurer, "POST", "/costs/VERF-1/correct", correction | {"seen": preview["seen"]})

    assert (done["gross_cents"], done["settled_version"]) == (24_200, 2)
    first = treasurer.get("/costs/VERF-1/proof?version=1")
    verify_proof(json.dumps(first).encode())


def settle_one(treasurer: ApiClient, clock: Clock) -> None:
    send(treasurer, "POST", "/allocation-keys", KEY)
    send(treasurer, "POST", "/costs", COST)
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    seen = treasurer.get("/cost-months/2026-04")["seen"]
    send(treasurer, "POST", "/cost-months/2026-04/settle", {"seen": seen})


def test_costs_come_back_change_and_stop(treasurer: ApiClient) -> None:
    send(treasurer, "POST", "/allocation-keys", KEY)
    rent = {
        "code": "HUUR",
        "description": "huur",
        "key_code": "delen",
        "net_cents": 50_000,
        "vat_cents": 0,
        "starts_on": "2026-05-31",
        "day_of_month": 31,
    }
    [listed] = named(send(treasurer, "POST", "/recurring-costs", rent), "HUUR")
    assert (listed["next_on"], listed["gross_cents"]) == ("2026-05-31", 50_000)
    change = {"from_month": "2026-05", "key_code": "delen", "net_cents": 60_000, "vat_cents": 0}
    [listed] = named(send(treasurer, "PUT", "/recurring-costs/HUUR/terms", change), "HUUR")
    assert listed["gross_cents"] == 60_000
    stopped = send(treasurer, "POST", "/recurring-costs/HUUR/stop", {"reason": "opgezegd"})
    assert named(stopped, "HUUR") == []
    send(treasurer, "POST", "/costs", COST)
    assert send(treasurer, "POST", "/costs/VERF-1/stop", {"reason": "dubbel"})["is_stopped"]
    assert treasurer.get("/costs?month=2026-04-01")["items"][0]["is_stopped"]


def named(listed: Any, code: str) -> list[Any]:
    return [each for each in listed["items"] if each["code"] == code]


def test_keys_have_versions_decisions_and_meters(treasurer: ApiClient) -> None:
    gas: dict[str, Any] = {"code": "gas", "name": "Gas", "valid_from": "2026-05-01"}
    gas |= {"basis": "meter"}
    gas |= {"requires_decision": True, "members": [{"member_code": "M101", "is_excluded": True}]}
    send(treasurer, "POST", "/allocation-keys", gas)
    [version] = treasurer.get("/allocation-keys/gas")["versions"]
    assert (version["number"], version["is_waiting"]) == (1, True)
    decision = {"decision": "vergadering 1 april"}
    decided = send(treasurer, "PUT", "/allocation-keys/gas/versions/1/decision", decision)
    assert not decided["versions"][0]["is_waiting"]
    new = {"code": "G-102", "key_code": "gas", "member_code": "M102", "unit": "m3"}
    [meter] = send(treasurer, "POST", "/meters", new)["items"]
    path = f"/meters/{meter['id']}"
    reading = {"read_on": "2026-04-01", "value": "1200.5"}
    assert send(treasurer, "POST", f"{path}/readings", reading)["value"] == "1200.5"
    lower = {"read_on": "2026-04-10", "value": "1100"}
    refused = treasurer.send("POST", f"{path}/readings", lower, key="lager-dan-eerst")
    assert problem(refused, 409) == "implausible-reading"
    following = {"member_code": "M104", "code": "G-104", "value": "1210"}
    end = {"ended_on": "2026-04-11", "value": "1210", "following": following}
    items = send(treasurer, "POST", f"{path}/end", end)["items"]
    assert {each["code"]: each["member_code"] for each in items} == {
        "G-102": "M102",
        "G-104": "M104",
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/costs", None),
        ("GET", "/costs/MRS-K012/shares", None),
        ("GET", "/cost-months/2026-04", None),
        ("GET", "/settlement-runs", None),
        ("GET", "/allocation-keys", None),
        ("GET", "/meters", None),
        ("GET", "/recurring-costs", None),
        ("POST", "/costs", COST),
        ("POST", "/allocation-keys", KEY),
        ("POST", "/cost-months/2026-04/settle", {"seen": "00"}),
        ("POST", "/costs/MRS-K012/correction-preview", {"reason": "x"}),
        ("POST", "/costs/MRS-K012/stop", {"reason": "x"}),
    ],
)
def test_who_keeps_no_books_is_refused(
    member: ApiClient, method: str, path: str, body: Any
) -> None:
    answer = member.send(method, path, body, key="mag-dit-niet")

    assert problem(answer, 403) == "permission-denied"


def test_what_cannot_be_is_told_by_its_field(treasurer: ApiClient) -> None:
    send(treasurer, "POST", "/allocation-keys", KEY)
    for wrong in ({"code": "A/1"}, {"net_cents": "12"}, {"rente": 1}):
        answer = treasurer.send("POST", "/costs", COST | wrong, key=f"fout-{min(wrong)}-1")
        assert min(wrong) in json.dumps(answer.get_json()["errors"])
    unknown = treasurer.send(
        "POST", "/costs", COST | {"supplier_code": "NIEMAND"}, key="fout-leverancier"
    )
    assert unknown.status_code == 422
    answer = treasurer.send(
        "POST", "/cost-months/2026-04/settle", {"seen": "geen hex"}, key="fout-gezien-1"
    )
    assert "seen" in json.dumps(answer.get_json()["errors"])


def test_an_accountant_reads_and_writes_nothing(service: Flask, city: Runtime) -> None:
    person = sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT)
    accountant = ApiClient(service.test_client(), a_token(city, person))

    assert accountant.get("/settlement-runs")["items"]
    refused = accountant.send("POST", "/costs", COST, key="accountant-niet")
    assert problem(refused, 403) == "permission-denied"
