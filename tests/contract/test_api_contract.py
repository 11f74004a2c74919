"""The API as its clients know it: shapes, refusals, retries, and the document that says so."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories.people import Person, sign_up
from wijkeconomie.cooperatives.tokens import Scope, create_token
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

ROOT = "/api/v1/cooperatives/MRS"
PLAN = {
    "theme": "groente",
    "supplier_code": "LEV1",
    "opens_at": "2026-01-05T13:00:00+01:00",
    "closes_at": "2026-01-09T20:00:00+01:00",
    "delivery_on": "2026-01-14",
    "freight_excl_cents": 1250,
}


class ApiClient:
    """A client with a token, which sends JSON."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return self._client.open(f"{ROOT}{path}", method=method, json=body, headers=headers)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()


def a_token(city: Runtime, person: Person, scope: Scope = "write") -> str:
    with city.units_of_work.begin(identity=system_identity("test")) as uow:
        return create_token(uow, person.login_id, name="test", scope=scope)


@pytest.fixture
def coordinator(service: Flask, city: Runtime) -> ApiClient:
    person = sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR, member="M102")
    return ApiClient(service.test_client(), a_token(city, person))


@pytest.fixture
def member(service: Flask, city: Runtime) -> ApiClient:
    person = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    return ApiClient(service.test_client(), a_token(city, person))


@pytest.fixture
def treasurer(service: Flask, city: Runtime) -> ApiClient:
    person = sign_up(city, "MRS", "Gerda", Role.TREASURER)
    return ApiClient(service.test_client(), a_token(city, person))


def step(client: ApiClient, code: str, name: str, **body: Any) -> Any:
    answer = client.send("POST", f"/rounds/{code}/{name}", body, key=f"{code}-{name}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_round_goes_the_whole_road_by_rest(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    assert step(coordinator, code, "open")["state"] == "open"
    order = {"lines": [{"product_code": "AK-AARD", "quantity": 5, "version": 0}]}
    answer = member.send("PUT", f"/rounds/{code}/pledges/M101", order)
    assert [line["quantity"] for line in answer.get_json()["items"]] == [5]
    step(coordinator, code, "close")
    step(coordinator, code, "order")
    came = {"delivered": 4, "damaged": 1}
    assert coordinator.send("PUT", f"/rounds/{code}/deliveries/AK-AARD", came).status_code == 200
    step(coordinator, code, "receive")
    preview = treasurer.get(f"/rounds/{code}/settlement-preview")
    # 3 usable at 1.19 and 12.50 freight: 16.07 net, 9 % VAT 1.45.
    assert preview["supplier_gross_cents"] == preview["members_gross_cents"] == 1752
    invoice = {
        "code": "F-1",
        "invoiced_on": "2026-01-05",
        "net_cents": 1607,
        "vat_cents": 145,
    }
    assert treasurer.send("PUT", f"/rounds/{code}/invoice", invoice).status_code == 200
    assert step(treasurer, code, "settle")["state"] == "settled"
    [share] = member.get(f"/rounds/{code}/shares")["items"]
    assert (share["delivered"], share["gross_cents"]) == (3, 1752)
    assert treasurer.get("/ledger/verification")["is_in_order"] is True
    statement = member.send("GET", "/statements?from=2026-01-01&to=2026-02-01&member=M101")
    assert statement.status_code == 200


OIL = {
    "name": "Olijfolie",
    "unit": "fles",
    "price_excl_cents": 910,
    "vat_basis_points": 900,
    "ladder": [
        {"from_quantity": 24, "price_excl_cents": 840},
        {"from_quantity": 48, "price_excl_cents": 790},
    ],
}


def test_a_ladder_is_climbed_by_rest(coordinator: ApiClient, member: ApiClient) -> None:
    saved = coordinator.send("PUT", "/suppliers/LEV1/products/OLIE", OIL)
    assert saved.status_code == 200, saved.get_data(as_text=True)
    assert saved.get_json()["ladder"] == OIL["ladder"]
    [price] = coordinator.get("/suppliers/LEV1/products/OLIE/prices")["items"]
    assert (price["version"], price["price_excl_cents"]) == (1, 910)

    plan = PLAN | {"products": ["OLIE"]}
    code = coordinator.send("POST", "/rounds", plan, key="plan-0002").get_json()["code"]
    step(coordinator, code, "open")
    line = {"product_code": "OLIE", "quantity": 20, "max_price_excl_cents": 840}
    answer = member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [line]})
    [pledge] = answer.get_json()["items"]
    assert (pledge["max_price_excl_cents"], pledge["allotted_quantity"]) == (840, None)
    [ladder] = member.get(f"/rounds/{code}/ladders")["items"]
    assert (ladder["position"], ladder["missing_to_next"], ladder["is_fixed"]) == (0, 4, False)
    assert [rung["wanted"] for rung in ladder["rungs"]] == [0, 20, 20]

    too_low = {"lines": [line | {"max_price_excl_cents": 700}]}
    refused = member.send("PUT", f"/rounds/{code}/pledges/M101", too_low)
    assert (refused.status_code, refused.get_json()["context"]["lowest_cents"]) == (409, 790)

    more = {"lines": [line | {"quantity": 24}]}
    assert member.send("PUT", f"/rounds/{code}/pledges/M101", more).status_code == 200
    step(coordinator, code, "close")
    [product] = member.get(f"/rounds/{code}/products")["items"]
    assert (product["price_excl_cents"], product["list_price_excl_cents"]) == (840, 910)


def test_members_do_not_change_products_by_rest(member: ApiClient) -> None:
    assert member.send("PUT", "/suppliers/LEV1/products/OLIE", OIL).status_code == 403


def test_a_ladder_that_rises_is_refused_by_rest(coordinator: ApiClient) -> None:
    rising = OIL | {"ladder": [{"from_quantity": 24, "price_excl_cents": 950}]}
    answer = coordinator.send("PUT", "/suppliers/LEV1/products/OLIE", rising)
    assert (answer.status_code, answer.get_json()["context"]["field"]) == (422, "price-1")


def test_a_retry_gets_the_first_answer_and_does_nothing_twice(coordinator: ApiClient) -> None:
    first = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()
    again = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()
    assert again["code"] == first["code"]
    other = coordinator.send("POST", "/rounds", PLAN | {"theme": "fruit"}, key="plan-0001")
    assert problem(other, 422) == "idempotency-key-reused"


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == status
    assert body["title"]
    return str(body["type"]).rpartition("/")[2]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/rounds/NO-SUCH", None, 404, "not-found"),
        ("GET", "/nowhere", None, 404, "not-found"),
        ("POST", "/rounds/MRS-R01/close", {}, 409, "round-state"),
        ("POST", "/rounds/MRS-R01/cancel", {"reason": "x"}, 409, "round-state"),
        ("PUT", "/rounds/MRS-R01/pledges/M102", {"lines": []}, 409, "round-not-open"),
        ("PUT", "/rounds/MRS-R01/pledges/M999", {"lines": []}, 404, "not-found"),
        ("GET", "/ledger/entries?from=2026-01-01&to=2026-02-01", None, 403, "permission-denied"),
        ("GET", "/statements?from=2026-01-01", None, 422, "unprocessable-entity"),
        ("POST", "/rounds", PLAN | {"nonsense": 1}, 422, "unprocessable-entity"),
        ("POST", "/rounds", PLAN | {"freight_excl_cents": 1.5}, 422, "unprocessable-entity"),
        (
            "POST",
            "/rounds",
            PLAN | {"opens_at": "2026-01-05T13:00:00"},
            422,
            "unprocessable-entity",
        ),
        ("POST", "/rounds", PLAN | {"closes_at": PLAN["opens_at"]}, 422, "invalid-input"),
        ("POST", "/rounds", PLAN | {"supplier_code": "X"}, 404, "not-found"),
        ("DELETE", "/rounds", None, 405, "method-not-allowed"),
    ],
)
def test_what_is_refused_is_a_problem_with_its_kind(
    coordinator: ApiClient, method: str, path: str, body: Any, status: int, kind: str
) -> None:
    answer = coordinator.send(method, path, body, key="some-key-01")
    assert problem(answer, status) in {kind, "unprocessable-content"}


def test_a_post_without_a_key_is_refused(coordinator: ApiClient) -> None:
    answer = coordinator.send("POST", "/rounds", PLAN)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.get_data(as_text=True)


def test_a_stale_version_is_refused(coordinator: ApiClient, member: ApiClient) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    line = {"product_code": "AK-AARD", "quantity": 5, "version": 0}
    member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [line]})
    late = member.send("PUT", f"/rounds/{code}/pledges/M101", {"lines": [line | {"quantity": 6}]})
    assert problem(late, 412) == "stale-version"


def test_an_order_whose_answer_got_lost_is_sent_again_as_it_was(
    coordinator: ApiClient, member: ApiClient
) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    path = f"/rounds/{code}/pledges/M101"
    line = {"product_code": "AK-AARD", "quantity": 5, "version": 0}
    first = member.send("PUT", path, {"lines": [line]})
    again = member.send("PUT", path, {"lines": [line]})
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    # Withdrawing too.
    gone = line | {"quantity": 0, "version": 1}
    for _again in range(2):
        answer = member.send("PUT", path, {"lines": [gone]})
        assert (answer.status_code, answer.get_json()) == (200, {"items": []})


def test_members_do_not_order_for_others(coordinator: ApiClient, member: ApiClient) -> None:
    code = coordinator.send("POST", "/rounds", PLAN, key="plan-0001").get_json()["code"]
    step(coordinator, code, "open")
    body = {"lines": [{"product_code": "AK-AARD", "quantity": 5}]}
    answer = member.send("PUT", f"/rounds/{code}/pledges/M103", body)
    assert problem(answer, 403) == "permission-denied"


def test_without_a_token_nothing_is_told(service: Flask) -> None:
    answer = ApiClient(service.test_client(), "").send("GET", "/rounds")
    assert problem(answer, 401) == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    wrong = ApiClient(service.test_client(), "wke_nonsense").send("GET", "/rounds")
    assert problem(wrong, 401) == "unauthenticated"


def test_a_token_that_reads_does_not_write(service: Flask, city: Runtime) -> None:
    person = sign_up(city, "MRS", "Bram", Role.COORDINATOR)
    client = ApiClient(service.test_client(), a_token(city, person, "read"))
    assert client.get("/rounds")["items"]
    answer = client.send("POST", "/rounds", PLAN, key="plan-0001")
    assert problem(answer, 403) == "permission-denied"


def test_a_token_opens_no_other_cooperative(service: Flask, city: Runtime) -> None:
    person = sign_up(city, "MRS", "Bram", Role.COORDINATOR)
    headers = {"Authorization": f"Bearer {a_token(city, person)}"}
    answer = service.test_client().get("/api/v1/cooperatives/NWG/rounds", headers=headers)
    assert answer.status_code == 404


def test_the_document_describes_every_resource(service: Flask) -> None:
    document = service.test_client().get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    paths = {path for path in document["paths"] if path.startswith("/api/v1/")}
    rules = {
        str(rule)
        for rule in service.url_map.iter_rules()
        if str(rule).startswith("/api/v1/cooperatives")
    }
    assert len(paths) >= 15
    assert len(rules) >= len(paths)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                assert operation.get("summary"), f"{method} {path} says not what it does"
