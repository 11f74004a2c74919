"""REST resource of freight: entered between order and settling, with a reason."""

from __future__ import annotations

from typing import Any

from tests.contract.test_api_contract import ApiClient, coordinator, member, problem
from tests.contract.test_round_api import conforms, document
from tests.contract.test_sharing_api import ordered

__all__ = ["coordinator", "document", "member"]


def test_freight_as_it_turned_out_is_entered_by_rest(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member)
    path, body = f"/rounds/{code}/freight", {"freight_excl_cents": 1600, "reason": "twee ritten"}
    for _again in range(2):
        answer = coordinator.send("PUT", path, body)
        found = conforms(document, "put", "/rounds/{round_code}/freight", answer, 200)
    assert (found["freight_excl_cents"], found["agreed_freight_excl_cents"]) == (1600, 1250)
    assert found["freight_reason"] == "twee ritten"
    assert problem(coordinator.send("PUT", path, body | {"reason": ""}), 422) == "invalid-input"
    assert problem(member.send("PUT", path, body), 403) == "permission-denied"
