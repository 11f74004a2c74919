"""The API of investing together: the whole road, retries, and what others may not see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import (
    ApiClient,
    a_token,
    member,
    problem,
    treasurer,
)
from tests.factories.people import sign_up
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime

__all__ = ["member", "treasurer"]

CAMPAIGN = {
    "code": "ZON",
    "name": "Zonnedak",
    "instrument": "equity",
    "unit_price_cents": 25000,
    "target_units": 4,
    "opens_on": "2026-06-01",
    "closes_on": "2026-06-30",
}


@pytest.fixture(autouse=True)
def june(clock: Clock) -> None:
    clock.set(datetime(2026, 6, 10, 12, tzinfo=UTC))


def make(client: ApiClient, path: str, body: Any, key: str) -> Any:
    answer = client.send("POST", path, body, key=key)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_project_goes_the_whole_road_by_rest(member: ApiClient, treasurer: ApiClient) -> None:
    assert make(treasurer, "/projects", CAMPAIGN, "campagne-1")["stage_units"] == 4
    taken = make(member, "/projects/ZON/participations", {"units": 4}, "deelname-1")
    assert (taken["code"], taken["state"], taken["cents"]) == ("ZON-0001", "subscribed", 100_000)
    again = make(member, "/projects/ZON/participations", {"units": 4}, "deelname-1")
    assert again == taken
    paid = {"paid_on": "2026-06-10"}
    for _ in range(2):
        answer = make(treasurer, "/participations/ZON-0001/payment", paid, "betaling-1")
        assert answer["state"] == "issued"
    invoice = {
        "supplier_code": "LEV1",
        "document": "F-1",
        "description": "Panelen",
        "net_cents": 90_000,
        "vat_cents": 18_900,
        "drawn_on": "2026-06-10",
    }
    for _ in range(2):
        stands = make(treasurer, "/projects/ZON/invoices", invoice, "factuur-01")
        assert (stands["drawn_cents"], stands["drawable_cents"]) == (90_000, 10_000)
    asset = {"code": "DAK", "name": "Dak", "in_use_from": "2026-06-01", "life_months": 120}
    make(treasurer, "/projects/ZON/assets", asset, "in-gebruik")
    [in_use] = member.get("/projects/ZON/assets")["items"]
    assert in_use["value_cents"] == 90_000
    result = {"year": 2026, "cents": 999, "accounting_date": "2026-06-10"}
    make(treasurer, "/projects/ZON/results", result, "resultaat")
    assert member.get("/projects/ZON/results")["items"] == [
        {"year": 2026, "cents": 999, "units": 4, "own_cents": 999}
    ]
    payout = {"cents": 900, "paid_on": "2026-06-10"}
    for _ in range(2):
        owed = make(treasurer, "/members/M101/payouts", payout, "uitbetaald")
        assert owed == {"member_code": "M101", "owed_cents": 99}
    [held] = treasurer.get("/register?on=2026-06-10")["items"]
    assert held["member_code"] == "M101"
    assert treasurer.get("/register?on=2026-06-09")["items"] == []
    assert treasurer.get("/ledger/verification")["is_in_order"] is True


def test_a_member_sees_and_changes_his_own_only(
    service: Flask, city: Runtime, member: ApiClient, treasurer: ApiClient
) -> None:
    make(treasurer, "/projects", CAMPAIGN, "campagne-1")
    make(member, "/projects/ZON/participations", {"units": 1}, "deelname-1")
    person = sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103")
    other = ApiClient(service.test_client(), a_token(city, person))

    assert other.get("/projects/ZON")["taken_units"] == 1
    assert other.get("/projects/ZON/participations")["items"] == []
    for method, path, body in (
        ("GET", "/participations/ZON-0001", None),
        ("DELETE", "/participations/ZON-0001", None),
        ("GET", "/register", None),
        ("POST", "/projects", CAMPAIGN | {"code": "Z2"}),
        ("POST", "/projects/ZON/participations", {"units": 1, "member_code": "M101"}),
        ("POST", "/participations/ZON-0001/payment", {"paid_on": "2026-06-10"}),
    ):
        answer = other.send(method, path, body, key="van-een-ander")
        assert problem(answer, 403) == "permission-denied", path
    assert member.send("DELETE", "/participations/ZON-0001").get_json()["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/projects/NIET/participations", {"units": 1}, 404, "not-found"),
        ("/projects/ZON/participations", {"units": 5}, 409, "campaign-full"),
        ("/projects/ZON/participations", {"units": 0}, 422, "unprocessable"),
        ("/projects/ZON/participations", {"units": 1.5}, 422, "unprocessable"),
        ("/projects/ZON/participations", {"units": 1, "x": 1}, 422, "unprocessable"),
    ],
)
def test_what_is_refused_is_a_problem_with_its_kind(
    member: ApiClient, treasurer: ApiClient, path: str, body: Any, status: int, kind: str
) -> None:
    make(treasurer, "/projects", CAMPAIGN, "campagne-1")

    answer = member.send("POST", path, body, key="een-sleutel")

    assert problem(answer, status).startswith(kind)
