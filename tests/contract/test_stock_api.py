"""The stock by REST, each answer as the document says it is."""

from __future__ import annotations

from typing import Any

from tests.contract.test_api_contract import ApiClient, coordinator, member, problem, treasurer
from tests.contract.test_round_api import conforms, document

__all__ = ["coordinator", "document", "member", "treasurer"]

PRODUCT = "/stock/{product_code}"


def test_stock_is_counted_sold_turned_back_and_written_off(
    coordinator: ApiClient, document: dict[str, Any]
) -> None:
    found = {"counted": 3, "reason": "gevonden"}
    sold = {"member_code": "M101", "units": 2, "price_each_cents": 150}
    conforms(
        document,
        "post",
        f"{PRODUCT}/counts",
        coordinator.send("POST", "/stock/AK-AARD/counts", found, key="count-0001"),
        201,
    )
    for _again in range(2):
        answer = coordinator.send("POST", "/stock/AK-AARD/sales", sold, key="sale-0001")
        line = conforms(document, "post", f"{PRODUCT}/sales", answer, 201)
    assert line["units"] == 1
    assert [each["kind"] for each in line["movements"]] == ["sale", "count"]
    assert line["movements"][0]["gross_cents"] == 300

    number = line["movements"][0]["number"]
    path = f"/stock/AK-AARD/sales/{number}/reversal"
    back = coordinator.send("POST", path, {"reason": "verkeerd"}, key="back-0001")
    line = conforms(document, "post", f"{PRODUCT}/sales/{{number}}/reversal", back, 201)
    assert line["units"] == 3
    lost = {"units": 1, "reason": "bedorven"}
    answer = coordinator.send("POST", "/stock/AK-AARD/write-offs", lost, key="lost-0001")
    assert conforms(document, "post", f"{PRODUCT}/write-offs", answer, 201)["units"] == 2

    listed = conforms(document, "get", "/stock", coordinator.send("GET", "/stock"), 200)
    in_stock = {each["product_code"]: each["units"] for each in listed["items"]}
    assert in_stock["AK-AARD"] == 2
    assert listed["value_cents"] == sum(each["value_cents"] for each in listed["items"])
    one = coordinator.send("GET", "/stock/AK-AARD")
    assert conforms(document, "get", PRODUCT, one, 200)["value_cents"] == 0


def test_what_is_not_there_is_a_problem(coordinator: ApiClient, member: ApiClient) -> None:
    sold = {"member_code": "M101", "units": 2, "price_each_cents": 150}
    answer = coordinator.send("POST", "/stock/AK-AARD/sales", sold, key="sale-0002")
    assert problem(answer, 409) == "stock-gone"
    problem(coordinator.send("GET", "/stock/NIETS"), 404)
    problem(member.send("GET", "/stock"), 403)
