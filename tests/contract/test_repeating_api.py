"""Rounds that repeat and days without deliveries by REST, as the document says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, coordinator, member, problem, treasurer
from tests.contract.test_round_api import conforms, document
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing.jobs import ROUND_JOBS

__all__ = ["coordinator", "document", "member", "treasurer"]

ONE = "/repeating-rounds/{code}"
WEEKLY = {
    "theme": "groente",
    "supplier_code": "LEV1",
    "category": "groente",
    "first_delivery_on": "2026-01-15",
    "opens_days_before": 6,
    "opens_time": "09:00",
    "closes_days_before": 2,
    "closes_time": "20:00",
    "shortage_rule": "manual",
    "surplus_rule": "ask",
    "terms": {"on_miss": "prolong", "prolong_days": 1},
}
BREAK = {"first_day": "2026-01-20", "last_day": "2026-01-25", "reason": "de boer is weg"}


def test_a_round_repeats_skips_a_break_and_is_ended_by_rest(
    document: dict[str, Any], coordinator: ApiClient, city: Runtime, clock: Clock
) -> None:
    answer = coordinator.send("PUT", "/repeating-rounds/GROENTE", WEEKLY)
    kept = conforms(document, "put", ONE, answer, 200)
    assert (kept["shortage_rule"], kept["terms"]["on_miss"]) == ("manual", "prolong")
    assert kept["surplus_rule"] == "ask"
    assert [each["delivery_on"] for each in kept["to_come"][:2]] == ["2026-01-15", "2026-01-22"]

    for _again in range(2):
        answer = coordinator.send("POST", "/delivery-breaks", BREAK, key="break-001")
        [standing] = conforms(document, "post", "/delivery-breaks", answer, 201)["items"]
        assert (standing["reason"], standing["supplier_code"]) == ("de boer is weg", None)
    found = conforms(
        document, "get", ONE, coordinator.send("GET", "/repeating-rounds/GROENTE"), 200
    )
    assert [each["skipped"] for each in found["to_come"][:3]] == [None, "break", None]
    assert found["to_come"][1]["note"] == "de boer is weg"
    assert coordinator.send("DELETE", f"/delivery-breaks/{standing['id']}").status_code == 204
    answer = coordinator.send("GET", "/delivery-breaks")
    assert conforms(document, "get", "/delivery-breaks", answer, 200)["items"] == []

    clock.set(datetime(2026, 1, 8, 9, 0, tzinfo=UTC))
    run_due(city.units_of_work, ROUND_JOBS)
    answer = coordinator.send("GET", "/repeating-rounds")
    [listed] = conforms(document, "get", "/repeating-rounds", answer, 200)["items"]
    [made] = listed["made"]
    assert made["delivery_on"] == "2026-01-15"
    round_ = coordinator.get(f"/rounds/{made['round_code']}")
    assert (round_["state"], round_["shortage_rule"]) == ("draft", "manual")

    for _again in range(2):
        answer = coordinator.send("POST", "/repeating-rounds/GROENTE/stop", {}, key="stop-0001")
        ended = conforms(document, "post", f"{ONE}/stop", answer, 200)
        assert (ended["stopped_at"] is None, ended["to_come"]) == (False, [])
    assert coordinator.get("/repeating-rounds")["items"] == []


def test_a_repeating_round_that_is_not_right_is_refused_with_its_field(
    coordinator: ApiClient, member: ApiClient
) -> None:
    path = "/repeating-rounds/GROENTE"
    for change, field in (
        ({"every_weeks": 14}, "every_weeks"),
        ({"closes_days_before": 7}, "closes_days_before"),
        ({"first_delivery_on": "2026-01-01"}, "first_delivery_on"),
        ({"last_delivery_on": "2026-01-14"}, "last_delivery_on"),
    ):
        refused = coordinator.send("PUT", path, WEEKLY | change)
        assert problem(refused, 422) == "invalid-input"
        assert refused.get_json()["context"]["field"] == field
    malformed = coordinator.send("PUT", path, WEEKLY | {"opens_time": "acht uur"})
    assert malformed.status_code == 422
    assert "opens_time" in malformed.get_json()["errors"]["json"]
    unknown = coordinator.send("PUT", path, WEEKLY | {"supplier_code": "NIETS"})
    assert problem(unknown, 404) == "not-found"
    assert problem(member.send("PUT", path, WEEKLY), 403) == "permission-denied"
    assert problem(member.send("GET", "/delivery-breaks"), 403) == "permission-denied"
    backwards = BREAK | {"last_day": "2026-01-19"}
    refused = coordinator.send("POST", "/delivery-breaks", backwards, key="break-002")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "last_day"
    assert problem(coordinator.send("DELETE", "/delivery-breaks/999999"), 404) == "not-found"
