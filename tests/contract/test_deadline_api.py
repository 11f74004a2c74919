"""Closing times by REST: terms, a miss and what a coordinator then does, more time, the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import Clock
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
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing.jobs import ROUND_JOBS

__all__ = ["coordinator", "document", "member", "treasurer"]

DEADLINE = "/rounds/{round_code}/deadline"
AFTER = datetime(2026, 1, 9, 19, 30, tzinfo=UTC)
MORE_TIME = {"closes_at": "2026-01-12T20:00:00+01:00", "delivery_on": "2026-01-17"}


def opened(coordinator: ApiClient, **plan: Any) -> str:
    """A round that is open until 9 January at 20:00."""
    code = str(coordinator.send("POST", "/rounds", PLAN | plan, key="plan-0001").get_json()["code"])
    step(coordinator, code, "open")
    return code


def test_a_coordinator_is_asked_after_a_miss_and_gives_more_time_once(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, city: Runtime, clock: Clock
) -> None:
    code = opened(coordinator)
    nothing = conforms(
        document, "get", DEADLINE, coordinator.send("GET", f"/rounds/{code}/deadline"), 200
    )
    assert (nothing["terms"], nothing["misses"]) == (None, [])
    answer = coordinator.send("PUT", f"/rounds/{code}/deadline", {"target_net_cents": 5000})
    agreed = conforms(document, "put", DEADLINE, answer, 200)
    assert agreed["terms"]["on_miss"] == "ask"
    assert agreed["terms"]["target_net_cents"] == 5000
    line = {"lines": [{"product_code": "AK-AARD", "quantity": 5}]}
    member.send("PUT", f"/rounds/{code}/pledges/M101", line)

    clock.set(AFTER)
    run_due(city.units_of_work, ROUND_JOBS)
    asked = coordinator.get(f"/rounds/{code}/deadline")
    assert asked["asked_at"] is not None
    assert asked["reached_net_cents"] == 595
    assert asked["misses"] == [{"kind": "target", "wanted_cents": 5000, "product": None}]
    late = member.send("PUT", f"/rounds/{code}/pledges/M101", line)
    assert problem(late, 409) == "deadline-passed"

    for _again in range(2):
        answer = coordinator.send("POST", f"/rounds/{code}/prolong", MORE_TIME, key="more-time-1")
        prolonged = conforms(document, "post", "/rounds/{round_code}/prolong", answer, 200)
        assert prolonged["delivery_on"] == "2026-01-17"
    now = coordinator.get(f"/rounds/{code}/deadline")
    assert (now["asked_at"], now["prolonged"], now["misses"]) == (None, 0, [])
    assert member.send("PUT", f"/rounds/{code}/pledges/M101", line).status_code == 200


def test_members_fill_packs_after_the_closing_time_by_rest(
    coordinator: ApiClient, member: ApiClient, city: Runtime, clock: Clock
) -> None:
    cheese = {"name": "Kaas", "unit": "stuk", "price_excl_cents": 500, "vat_basis_points": 900}
    packs = cheese | {"pack_size": 10, "sells_loose": False}
    assert coordinator.send("PUT", "/suppliers/LEV1/products/KAAS", packs).status_code == 200
    code = opened(coordinator, products=["KAAS"])
    coordinator.send("PUT", f"/rounds/{code}/deadline", {"topup_hours": 24})
    seven = {"product_code": "KAAS", "quantity": 7}
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [seven]})

    clock.set(AFTER)
    run_due(city.units_of_work, ROUND_JOBS)
    found = coordinator.get(f"/rounds/{code}/deadline")
    assert found["topup_since"] is not None
    assert datetime.fromisoformat(found["closes_at"]) == AFTER + timedelta(hours=24)
    less = {"lines": [seven | {"quantity": 6}]}
    refused = member.send("PUT", f"/rounds/{code}/pledges/M101", less)
    assert problem(refused, 409) == "topup-only-fills"
    more = {"lines": [seven | {"quantity": 10}]}
    assert member.send("PUT", f"/rounds/{code}/pledges/M101", more).status_code == 200


def test_what_happens_with_unsettled_rounds_is_agreed_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    answer = coordinator.send("GET", "/round-policy")
    first = conforms(document, "get", "/round-policy", answer, 200)
    assert first == {"nag_after_days": 7, "settle_after_days": None}
    policy = {"nag_after_days": 3, "settle_after_days": 14}
    answer = treasurer.send("PUT", "/round-policy", policy)
    assert conforms(document, "put", "/round-policy", answer, 200) == policy
    assert problem(member.send("PUT", "/round-policy", policy), 403) == "permission-denied"
    wrong = treasurer.send("PUT", "/round-policy", policy | {"settle_after_days": 91})
    assert problem(wrong, 422) == "invalid-input"
    assert wrong.get_json()["context"]["field"] == "settle_after_days"
