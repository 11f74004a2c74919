"""What every operation on a round refuses: other people, other cooperatives, wrong bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from marshmallow import Schema

from tests.contract.test_api_contract import (
    PLAN,
    ApiClient,
    coordinator,
    member,
    problem,
    treasurer,
)
from tests.contract.test_deadline_api import MORE_TIME, opened
from tests.contract.test_handing_api import SLOT
from tests.contract.test_repeating_api import BREAK, WEEKLY
from tests.contract.test_round_api import an_invoice
from wijkeconomie.purchasing import (
    correcting_wire,
    deadline_api,
    draft_api,
    freight_api,
    handing_api,
    link_api,
    order_letter_api,
    pickup_api,
    preview_api,
    repeating_api,
    replacing_api,
    round_history_api,
    sharing_api,
    uncharged_api,
)

__all__ = ["coordinator", "member", "treasurer"]

ROUND = "/rounds/<round_code>"
LINE = {"member_code": "M102", "product_code": "AK-AARD"}
ASK = {"reason": "buurtfeest", "typed_code": "NWG-R01"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", f"{ROUND}/<step>"): {},
    ("PUT", f"{ROUND}/pledges/<member_code>"): {"lines": []},
    ("PUT", f"{ROUND}/deliveries/<product_code>"): {"delivered": 1},
    ("POST", f"{ROUND}/deliveries/rest"): {"product_codes": ["AK-AARD"]},
    ("PUT", f"{ROUND}/invoice"): an_invoice(1, 0),
    ("POST", f"{ROUND}/invoice/withdrawal"): {"reason": "x"},
    ("POST", f"{ROUND}/corrections"): {"reason": "teller"},
    ("POST", f"{ROUND}/corrections/preview"): {"reason": "teller"},
    ("PUT", f"{ROUND}/deadline"): {},
    ("PUT", f"{ROUND}/draft"): {},
    ("PUT", f"{ROUND}/freight"): {"freight_excl_cents": 1, "reason": "x"},
    ("POST", f"{ROUND}/renewal"): {
        "closes_at": "2026-01-09T20:00:00+01:00",
        "delivery_on": "2026-01-14",
    },
    ("POST", f"{ROUND}/prolong"): MORE_TIME,
    ("PUT", f"{ROUND}/sharing"): {},
    ("PUT", f"{ROUND}/sharing/<product_code>"): {"stock": 1},
    ("PUT", f"{ROUND}/sharing/<product_code>/<member_code>"): {"quantity": 1, "reason": "x"},
    ("PUT", f"{ROUND}/sharing/<product_code>/<member_code>/weight"): {"grams": 1},
    ("POST", f"{ROUND}/replacements"): {
        "replaces": "AK-AARD",
        "product_code": "AK-PREI",
        "delivered": 1,
    },
    ("POST", f"{ROUND}/extras"): LINE | {"quantity": 1, "reason": "x"},
    ("POST", f"{ROUND}/hand-out/checks"): {"lines": [LINE]},
    ("POST", f"{ROUND}/hand-out/uncollected"): LINE | {"outcome": "kept", "note": "x"},
    ("POST", f"{ROUND}/pickup-slots"): SLOT,
    ("PUT", f"{ROUND}/pickups/<member_code>"): {"slot_id": None},
    ("POST", f"{ROUND}/uncharged"): ASK,
    ("POST", f"{ROUND}/uncharged/decision"): {"is_approved": False},
    ("PUT", "/round-policy"): {"nag_after_days": 7, "settle_after_days": None},
    ("PUT", "/repeating-rounds/<code>"): WEEKLY,
    ("POST", "/delivery-breaks"): BREAK,
}
WITHOUT_BODY = {
    ("PUT", f"{ROUND}/link"),
    ("POST", f"{ROUND}/order-mails"),
    ("PUT", "/calendar-link"),
}
MEMBERS_MAY = {
    ("GET", ROUND),
    ("GET", f"{ROUND}/products"),
    ("GET", f"{ROUND}/ladders"),
    ("GET", f"{ROUND}/progress"),
    ("GET", f"{ROUND}/shares"),
    ("GET", f"{ROUND}/dropouts"),
    ("GET", f"{ROUND}/pickup-slots"),
    ("GET", f"{ROUND}/calendar.ics"),
}
ENDED = {"code": "GROENTE", "step": "cancel", "extension": "csv", "slot_id": "1"}


def operations(service: Flask) -> Iterator[tuple[str, str]]:
    """Method and path of every operation on a round, without the way to the cooperative."""
    start = "/api/v1/cooperatives/<cooperative_code>"
    for rule in service.url_map.iter_rules():
        view = getattr(service.view_functions[rule.endpoint], "view_class", None)
        if view is None or not view.__module__.startswith("wijkeconomie.purchasing."):
            continue
        path = re.sub(r"<[^:<>]+:", "<", str(rule).removeprefix(start))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path


def on_rounds(service: Flask) -> list[tuple[str, str]]:
    found = [each for each in operations(service) if "<round_code>" in each[1]]
    assert len(found) >= 40
    return found


def ask(client: ApiClient, operation: tuple[str, str], body: Any, **names: str) -> Any:
    values = ENDED | {"product_code": "AK-AARD"} | names
    path = re.sub(r"<(\w+)>", lambda match: values[match[1]], operation[1])
    key = f"{operation[0]}-{path}"[:255] if operation[0] == "POST" else None
    return client.send(operation[0], path, body, key=key)


def test_every_operation_that_changes_a_round_has_a_body_here(service: Flask) -> None:
    changing = {each for each in on_rounds(service) if each[0] in {"POST", "PUT"}}
    known = set(BODIES) | WITHOUT_BODY
    assert {each for each in known if "<round_code>" in each[1]} == changing


def test_a_round_of_another_cooperative_is_not_there(
    service: Flask, coordinator: ApiClient
) -> None:
    for operation in on_rounds(service):
        answer = ask(
            coordinator,
            operation,
            BODIES.get(operation),
            round_code="NWG-R01",
            member_code="M102",
        )
        assert problem(answer, 404) == "not-found", operation


def test_members_do_what_members_may_and_nothing_more(service: Flask, member: ApiClient) -> None:
    others = [each for each in BODIES if "<round_code>" not in each[1]]
    others += [("GET", each) for each in ("/round-policy", "/repeating-rounds")]
    others += [("GET", each) for each in ("/delivery-breaks", "/uncharged-requests")]
    for operation in [*on_rounds(service), *others]:
        # Nobody ordered this: whether there is such an order is not told either.
        answer = ask(
            member,
            operation,
            BODIES.get(operation),
            round_code="MRS-R01",
            member_code="M103",
            product_code="AK-TAS",
        )
        if operation in MEMBERS_MAY:
            assert answer.status_code == 200, operation
        else:
            assert problem(answer, 403) == "permission-denied", operation


def test_a_body_with_a_field_that_nobody_knows_is_refused_by_its_name(
    service: Flask, coordinator: ApiClient
) -> None:
    for operation, body in BODIES.items():
        wrong = body | {"delivrd": 1}
        answer = ask(coordinator, operation, wrong, round_code="MRS-R01", member_code="M102")
        assert answer.status_code == 422, operation
        assert list(answer.get_json()["errors"]["json"]) == ["delivrd"], operation


def test_a_refused_line_is_named_by_its_field_and_its_product(
    coordinator: ApiClient, member: ApiClient
) -> None:
    oil = {"name": "Olie", "unit": "fles", "price_excl_cents": 900, "vat_basis_points": 900}
    lower = {"ladder": [{"from_quantity": 24, "price_excl_cents": 800}]}
    assert coordinator.send("PUT", "/suppliers/LEV1/products/OLIE", oil | lower).status_code == 200
    code = opened(coordinator, products=["AK-AARD", "OLIE"])
    first = {"product_code": "AK-AARD", "quantity": 1}
    for line, field, product in (
        ({"product_code": "OLIE", "quantity": 1, "max_price_excl_cents": 700}, None, "OLIE"),
        ({"product_code": "OLIE", "quantity": 1, "tolerance": 5}, "tolerance", "OLIE"),
        ({"product_code": "AK-AARD", "quantity": 2}, "lines", None),
    ):
        body = {"lines": [first, line]}
        refused = member.send("PUT", f"/rounds/{code}/pledges/M101", body)
        assert refused.status_code in {409, 422}
        told = refused.get_json()["context"]
        assert told["field"] == (field or "max_price_excl_cents")
        assert told.get("product_code") == product
    nothing = coordinator.send("POST", "/rounds", PLAN | {"products": []}, key="plan-0009")
    assert nothing.get_json()["context"]["field"] == "products"


def test_every_field_tells_what_it_is() -> None:
    modules = (
        *(correcting_wire, deadline_api, draft_api, freight_api, handing_api, link_api),
        order_letter_api,
        *(
            pickup_api,
            preview_api,
            repeating_api,
            replacing_api,
            round_history_api,
            sharing_api,
            uncharged_api,
        ),
    )
    silent = [
        f"{kind.__name__}.{name}"
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Schema)
        if kind.__module__ == module.__name__
        for name, field in kind().fields.items()
        if not field.metadata.get("description")
    ]
    assert silent == []
