"""What treasurers and administrators keep, by REST: the whole road, and who may not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, a_token, member, problem, treasurer
from tests.factories.people import sign_up
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.vouchers.granting import close_round, open_round

__all__ = ["member", "treasurer"]

TEST = system_identity("test")
BUDGET = {
    "code": "Z-77",
    "member_code": "M101",
    "law": "Zvw",
    "starts_on": "2026-01-01",
    "ends_on": "2026-12-31",
    "budget_cents": 10_000,
    "payer_name": "Zilveren Kruis",
}
AGREEMENT_STEPS = {
    "decide": {"is_approved": True, "decided_on": "2026-04-01", "decided_by": "verzekeraar"},
    "fence": {"limit_cents": 6000},
    "end": {"ends_on": "2026-11-30"},
}
CAMPAIGN = {
    "code": "ZON",
    "name": "Zonnedak",
    "instrument": "equity",
    "unit_price_cents": 25000,
    "target_units": 4,
    "stage_units": 1,
    "opens_on": "2026-04-01",
    "closes_on": "2026-06-30",
}
ROUND = {
    "code": "M26",
    "name": "Mantelzorg 2026",
    "grantor": "Gemeente Utrecht",
    "budget_cents": 100_000,
    "person_cap_cents": 15_000,
    "opens_on": "2026-04-01",
    "closes_on": "2026-04-30",
}
PERSON = {"initials": "J.P.", "born_on": "1941-03-09", "postcode": "3531 CJ", "payout": "account"}


@pytest.fixture(autouse=True)
def april(clock: Clock) -> None:
    clock.set(datetime(2026, 4, 10, 12, tzinfo=UTC))


def a_client(service: Flask, city: Runtime, name: str, *roles: Role, member: str) -> ApiClient:
    person = sign_up(city, "MRS", name, *roles, member=member or None)
    return ApiClient(service.test_client(), a_token(city, person))


@pytest.fixture
def administrator(service: Flask, city: Runtime) -> ApiClient:
    return a_client(service, city, "Hanneke", Role.CARE, member="")


@pytest.fixture
def carer(service: Flask, city: Runtime) -> ApiClient:
    return a_client(service, city, "Esra", Role.MEMBER, member="M105")


@pytest.fixture
def others(service: Flask, city: Runtime) -> list[ApiClient]:
    """Everyone who must see no care data: another member, the board, and the accountant."""
    return [
        a_client(service, city, "Bram", Role.MEMBER, Role.COORDINATOR, member="M102"),
        a_client(service, city, "Carlijn", Role.MEMBER, Role.BOARD, member="M103"),
        a_client(service, city, "Dirk", Role.ACCOUNTANT, member=""),
    ]


def twice(client: ApiClient, path: str, body: Any, status: int = 200) -> Any:
    """Send a request and its repetition; both get the same answer."""
    answers = [client.send("POST", path, body, key=f"{path[-20:]}-sleutel") for _ in range(2)]
    for answer in answers:
        assert answer.status_code == status, answer.get_data(as_text=True)
    first, again = (answer.get_json() for answer in answers)
    assert first == again
    return first


def an_agreement(administrator: ApiClient) -> tuple[int, int]:
    """A budget of Annelies and an approved agreement with Esra; their ids."""
    budget = twice(administrator, "/care-budgets", BUDGET, 201)
    carer = twice(administrator, "/carers", {"member_code": "M105"}, 201)
    terms = {"carer_id": carer["id"], "hourly_rate_cents": 4000}
    made = twice(administrator, f"/care-budgets/{budget['id']}/agreements", terms, 201)
    assert (made["status"], made["limit_cents"]) == ("pending", None)
    for step, body in AGREEMENT_STEPS.items():
        made = twice(administrator, f"/care-agreements/{made['id']}/{step}", body)
    assert (made["status"], made["limit_cents"]) == ("approved", 6000)
    assert (made["decided_by"], made["ends_on"]) == ("verzekeraar", "2026-11-30")
    return budget["id"], made["id"]


def test_a_budget_is_kept_by_rest(
    administrator: ApiClient, member: ApiClient, carer: ApiClient, treasurer: ApiClient
) -> None:
    budget, agreement = an_agreement(administrator)
    hours = {"agreement_id": agreement, "month": "2026-03", "minutes": 60}
    made = twice(carer, "/care-declarations", hours, 201)
    revised = {"budget_cents": 12_000, "reason": "herindicatie"}
    assert twice(administrator, f"/care-budgets/{budget}/revise", revised)["left_cents"] == 8000
    [seen] = member.get(f"/care-budgets/{budget}/agreements")["items"]
    assert (seen["used_cents"], seen["limit_cents"]) == (4000, 6000)
    [waits] = member.get(f"/care-budgets/{budget}/declarations")["items"]
    assert waits["id"] == made["id"]
    twice(member, f"/care-declarations/{made['id']}/approve", {})
    twice(administrator, f"/care-budgets/{budget}/payer", {"payer_name": "VGZ"})
    waiting = administrator.get("/care-lists")["waiting"]
    made_list = {"month": "2026-03", "payer": "insurer", "payer_name": "VGZ"}
    assert ("2026-03-01", "insurer", "VGZ", 4000) in {
        (each["month"], each["payer"], each["payer_name"], each["cents"]) for each in waiting
    }
    whose = administrator.send(
        "POST", "/care-lists", {"month": "2026-03", "payer": "insurer"}, key="van-wie-sleutel"
    )
    assert problem(whose, 409) == "payer-unknown"
    assert twice(administrator, "/care-lists", made_list, 201)["payer_name"] == "VGZ"
    other = administrator.send(
        "POST", f"/care-budgets/{budget}/payer", {"payer_name": "CZ"}, key="ander-sleutel"
    )
    assert problem(other, 409) == "payer-fixed"
    path = f"/care-declarations/{made['id']}/corrections"
    wrong = {"minutes": 45, "reason": "vergist"}
    assert member.send("POST", path, wrong, key="niet-de-houder").status_code == 404
    corrected = twice(carer, path, wrong, 201)
    assert (corrected["replaced_minutes"], corrected["cents"]) == (60, 3000)
    assert corrected["corrects_id"] == made["id"]
    twice(member, f"/care-declarations/{corrected['id']}/approve", {})
    money = treasurer.get("/care-money")
    [owed] = [each for each in money["carers"] if each["owed_cents"] == 3000]
    received = {"direction": "received", "alias": money["budgets"][-1]["alias"]}
    twice(treasurer, "/care-money", received | {"cents": 4000, "on": "2026-04-10"}, 201)
    paid = {"direction": "paid", "alias": owed["alias"], "cents": 3000, "on": "2026-04-10"}
    answer = treasurer.send("POST", "/care-money", paid, key="betaald-sleutel")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    too_much = treasurer.send("POST", "/care-money", paid, key="nog-eens-sleutel")
    assert too_much.status_code == 409
    trail = {line["action"] for line in member.get("/care-trail")["items"]}
    assert {"budget-made", "agreement-made", "agreement-approved"} <= trail


def test_care_data_shows_to_holder_and_named_administrator_only(
    administrator: ApiClient,
    member: ApiClient,
    carer: ApiClient,
    treasurer: ApiClient,
    others: list[ApiClient],
) -> None:
    budget, agreement = an_agreement(administrator)
    hours = {"agreement_id": agreement, "month": "2026-03", "minutes": 60}
    declared = twice(carer, "/care-declarations", hours, 201)["id"]
    reads = [f"/care-budgets/{budget}{rest}" for rest in ("", "/agreements", "/declarations")]
    reads += [f"/care-budgets/{budget}/forecast"]

    for path in reads:
        assert member.send("GET", path).status_code == 200, path
        assert administrator.send("GET", path).status_code == 200, path
        for other in (carer, treasurer, *others):
            assert other.send("GET", path).status_code in {403, 404}, path
    for path in ("/carers", "/care-lists"):
        for other in (member, carer, treasurer, *others):
            assert other.send("GET", path).status_code == 403, path
    for other in (member, carer, *others):
        assert problem(other.send("GET", "/care-money"), 403) == "permission-denied"
    changes: list[tuple[str, Any]] = [
        ("/care-budgets", BUDGET | {"code": "Z-78"}),
        (f"/care-budgets/{budget}/revise", {"budget_cents": 1, "reason": "zomaar"}),
        (f"/care-budgets/{budget}/agreements", {"carer_id": 1, "hourly_rate_cents": 1}),
        ("/carers", {"name": "Iemand"}),
        (f"/care-agreements/{agreement}/name-carer", {"name": "Iemand"}),
        *((f"/care-agreements/{agreement}/{step}", body) for step, body in AGREEMENT_STEPS.items()),
    ]
    for path, body in changes:
        for other in (member, carer, treasurer, *others):
            answer = other.send("POST", path, body, key="van-een-ander")
            assert problem(answer, 403) == "permission-denied", path
    for step in ("approve", "reject", "withdraw"):
        for other in others[:2]:
            path = f"/care-declarations/{declared}/{step}"
            answer = other.send("POST", path, {"note": "zomaar"}, key="van-een-ander")
            assert answer.status_code == 404, path
    assert member.get(f"/care-budgets/{budget}")["waiting_cents"] == 4000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/care-budgets", BUDGET | {"law": "AWBZ"}),
        ("/care-budgets", BUDGET | {"budget_cents": 0}),
        ("/care-budgets", BUDGET | {"ends_on": "2025-12-31"}),
        ("/carers", {}),
        ("/carers", {"name": "Esra", "member_code": "M105"}),
        ("/care-money", {"direction": "lost", "alias": "x", "cents": 1, "on": "2026-01-01"}),
    ],
)
def test_what_cannot_be_is_unprocessable(
    administrator: ApiClient, treasurer: ApiClient, path: str, body: Any
) -> None:
    client = treasurer if path == "/care-money" else administrator

    assert client.send("POST", path, body, key="een-sleutel").status_code == 422


def test_a_campaign_is_called_off_by_rest(
    treasurer: ApiClient, member: ApiClient, others: list[ApiClient]
) -> None:
    body = CAMPAIGN | {"stage_units": 4}
    twice(treasurer, "/projects", body, 201)
    twice(member, "/projects/ZON/participations", {"units": 1}, 201)
    twice(treasurer, "/participations/ZON-0001/payment", {"paid_on": "2026-04-10"}, 201)
    why = {"reason": "geen dak"}
    for other in (member, others[0], others[2]):
        answer = other.send("POST", "/projects/ZON/call-off", why, key="van-een-ander")
        assert problem(answer, 403) == "permission-denied"

    assert twice(treasurer, "/projects/ZON/call-off", why)["state"] == "failed"

    owed = treasurer.get("/owed")
    assert [(each["code"], each["cents"]) for each in owed["items"]] == [("M101", 25000)]
    assert owed["leavers"] == []
    assert problem(member.send("GET", "/owed"), 403) == "permission-denied"


def test_an_invoice_is_turned_back_and_an_asset_shared_by_rest(
    treasurer: ApiClient, member: ApiClient
) -> None:
    twice(treasurer, "/projects", CAMPAIGN, 201)
    twice(member, "/projects/ZON/participations", {"units": 4}, 201)
    twice(treasurer, "/participations/ZON-0001/payment", {"paid_on": "2026-04-10"}, 201)
    invoice = {
        "supplier_code": "LEV1",
        "document": "F-1",
        "description": "Panelen",
        "net_cents": 90_000,
        "vat_cents": 0,
        "drawn_on": "2026-04-10",
    }
    twice(treasurer, "/projects/ZON/invoices", invoice, 201)
    [drawn] = member.get("/projects/ZON/invoices")["items"]
    path = f"/projects/ZON/invoices/{drawn['id']}/turn-back"
    assert problem(member.send("POST", path, {"reason": "x"}, key="een-sleutel"), 403)
    assert twice(treasurer, path, {"reason": "verkeerd"})["drawn_cents"] == 0
    elsewhere = treasurer.send(
        "POST", "/projects/ZON/invoices/999/turn-back", {"reason": "x"}, key="een-sleutel"
    )
    assert elsewhere.status_code == 404
    answer = treasurer.send("POST", "/projects/ZON/invoices", invoice, key="tweede-keer")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    asset = {"code": "DAK", "name": "Dak", "in_use_from": "2026-04-01", "life_months": 120}
    twice(treasurer, "/projects/ZON/assets", asset, 201)
    unknown = treasurer.send("POST", "/assets/DAK/sharing", {"key_code": "NIET"}, key="een-sleutel")
    assert unknown.status_code == 404
    assert twice(treasurer, "/assets/DAK/sharing", {"key_code": None})["key_code"] is None
    assert twice(treasurer, "/projects/ZON/releases", {"member_code": "M101"}, 201)
    assert [each["cents"] for each in treasurer.get("/owed")["items"]] == [100_000]


def test_a_result_is_looked_at_turned_back_and_a_payment_too_by_rest(
    treasurer: ApiClient, member: ApiClient
) -> None:
    twice(treasurer, "/projects", CAMPAIGN, 201)
    twice(member, "/projects/ZON/participations", {"units": 2}, 201)
    paid, wrong = "/participations/ZON-0001/payment", {"reason": "vergist"}
    twice(treasurer, paid, {"paid_on": "2026-04-10"}, 201)
    result = {"year": 2026, "cents": 99, "accounting_date": "2026-04-10"}
    back = "/projects/ZON/results/2026/turn-back"
    unpaid = "/participations/ZON-0001/turn-back-payment"
    for path, body in (("/projects/ZON/results/preview", result), (back, wrong), (unpaid, wrong)):
        answer = member.send("POST", path, body, key="van-een-ander")
        assert problem(answer, 403) == "permission-denied"
    late = treasurer.send(
        "POST", "/projects/ZON/results", result | {"year": 2027}, key="later-sleutel"
    )
    assert problem(late, 422) == "invalid-input"

    seen = treasurer.send("POST", "/projects/ZON/results/preview", result, key="kijken-sleutel")
    assert seen.get_json()["items"] == [
        {"member_code": "M101", "units": 2, "cents": 99, "left_after_cents": 50_000}
    ]
    twice(treasurer, "/projects/ZON/results", result, 201)
    stays = treasurer.send("POST", unpaid, wrong, key="betaling-sleutel")
    assert problem(stays, 409) == "payment-followed"
    twice(treasurer, back, wrong)
    assert treasurer.get("/projects/ZON/results")["items"] == []
    gone = treasurer.send("POST", back, wrong, key="nog-een-keer")
    assert problem(gone, 404) == "not-found"


def test_something_in_use_is_taken_out_of_use_by_rest(
    treasurer: ApiClient, member: ApiClient
) -> None:
    twice(treasurer, "/projects", CAMPAIGN, 201)
    twice(member, "/projects/ZON/participations", {"units": 4}, 201)
    twice(treasurer, "/participations/ZON-0001/payment", {"paid_on": "2026-04-10"}, 201)
    invoice = {"supplier_code": "LEV1", "document": "F-1", "description": "Panelen"}
    invoice |= {"drawn_on": "2026-04-10"}
    costs = {"net_cents": 90_000, "vat_cents": 0}
    twice(treasurer, "/projects/ZON/invoices", invoice | costs, 201)
    asset = {"code": "DAK", "name": "Dak", "in_use_from": "2026-04-01", "life_months": 120}
    twice(treasurer, "/projects/ZON/assets", asset, 201)
    sale = {"kind": "sold", "disposed_on": "2026-04-10", "reason": "hagel", "proceeds_cents": 12100}
    sale["buyer"] = "OPKOPER"
    for path in ("/assets/DAK/disposal/preview", "/assets/DAK/disposal"):
        answer = member.send("POST", path, sale, key="van-een-ander")
        assert problem(answer, 403) == "permission-denied"

    seen = treasurer.send("POST", "/assets/DAK/disposal/preview", sale, key="kijken-sleutel")
    assert seen.get_json() == {
        "months": [],
        "cost_cents": 90_000,
        "depreciated_cents": 0,
        "book_value_cents": 90_000,
        "proceeds_cents": 12_100,
        "vat_cents": 2_100,
        "result_cents": -80_000,
        "payers": 0,
    }
    gone = twice(treasurer, "/assets/DAK/disposal", sale, 201)
    assert (gone["disposed_on"], gone["value_cents"]) == ("2026-04-10", 0)
    assert (gone["disposal_result_cents"], gone["is_owed"]) == (-80_000, True)
    paid = {"paid_on": "2026-04-10"}
    answer = member.send("POST", "/assets/DAK/disposal/payment", paid, key="van-een-ander")
    assert problem(answer, 403) == "permission-denied"
    assert twice(treasurer, "/assets/DAK/disposal/payment", paid)["is_owed"] is False
    again = treasurer.send("POST", "/assets/DAK/disposal", sale, key="nog-een-keer")
    assert problem(again, 409) == "asset-disposed"
    sharing = treasurer.send("POST", "/assets/DAK/sharing", {"key_code": None}, key="delen-sleutel")
    assert problem(sharing, 409) == "asset-disposed"


def test_units_are_passed_on_by_rest(
    treasurer: ApiClient, member: ApiClient, carer: ApiClient, others: list[ApiClient]
) -> None:
    twice(treasurer, "/projects", CAMPAIGN, 201)
    twice(member, "/projects/ZON/participations", {"units": 4}, 201)
    twice(treasurer, "/participations/ZON-0001/payment", {"paid_on": "2026-04-10"}, 201)
    body = {"to_member_code": "M105", "units": 1}
    offered = twice(member, "/projects/ZON/transfers", body, 201)
    assert (offered["state"], offered["buyer_code"]) == ("offered", "M105")
    assert others[0].get("/projects/ZON/transfers")["items"] == []
    stolen = body | {"from_member_code": "M101"}
    answer = others[0].send("POST", "/projects/ZON/transfers", stolen, key="een-sleutel")
    assert problem(answer, 403) == "permission-denied"
    answer = others[0].send(
        "POST", f"/unit-transfers/{offered['id']}/accept", {}, key="niet-voor-mij"
    )
    assert answer.status_code == 404
    assert twice(carer, f"/unit-transfers/{offered['id']}/accept", {})["state"] == "accepted"
    answer = carer.send("POST", f"/unit-transfers/{offered['id']}/approve", {}, key="een-sleutel")
    assert problem(answer, 403) == "permission-denied"
    moved = twice(treasurer, f"/unit-transfers/{offered['id']}/approve", {})
    assert (moved["state"], moved["moved_cents"]) == ("moved", 25_000)
    held = {each["member_code"]: each["units"] for each in treasurer.get("/register")["items"]}
    assert held == {"M101": 3, "M105": 1}


def test_a_round_of_grants_is_kept_by_rest(
    treasurer: ApiClient,
    member: ApiClient,
    carer: ApiClient,
    others: list[ApiClient],
    city: Runtime,
    clock: Clock,
) -> None:
    assert twice(treasurer, "/grant-rounds", ROUND, 201)["state"] == "planned"
    path = "/grant-rounds/M26/applications"
    for client, initials in ((member, "J.P."), (carer, "K.")):
        answer = client.send("POST", path, PERSON | {"initials": initials}, key="aanvraag-1")
        assert answer.status_code == 201, answer.get_data(as_text=True)
    [first, second] = treasurer.get(path)["items"]
    assert (first["member_code"], second["member_code"]) == ("M101", "M105")
    assert problem(member.send("GET", path), 403) == "permission-denied"
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    with city.units_of_work.begin(identity=TEST) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    for step in (open_round, close_round):
        with city.units_of_work.begin(identity=TEST, cooperative_id=tenant) as uow:
            step(uow, "M26")
    refused = f"/grant-applications/{second['id']}/refuse"
    answer = member.send("POST", refused, {"reason": "mistake"}, key="een-sleutel")
    assert problem(answer, 403) == "permission-denied"
    assert twice(treasurer, refused, {"reason": "mistake"})["state"] == "refused"
    for other in (member, others[1]):
        answer = other.send("POST", "/grant-rounds/M26/decide", {}, key="een-sleutel")
        assert problem(answer, 403) == "permission-denied"
    assert twice(treasurer, "/grant-rounds/M26/decide", {})["granted_cents"] == 15_000
    assert twice(treasurer, "/grant-rounds/M26/pay", {})["state"] == "paid"
    twice(treasurer, "/grant-rounds/M26/received", {"cents": 20_000})
    assert twice(treasurer, "/grant-rounds/M26/account", {})["state"] == "accounted"
    twice(treasurer, "/grant-rounds/M26/repaid", {"cents": 5000})
    report = treasurer.get("/grant-rounds/M26/report")
    assert (report["spent_cents"], report["repaid_cents"], report["left_cents"]) == (
        15_000,
        5000,
        0,
    )
    assert member.get("/grant-rounds/M26")["state"] == "accounted"


def test_cover_is_moved_and_paper_codes_are_made_by_rest(
    treasurer: ApiClient, member: ApiClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    before = treasurer.get("/voucher-circulation")["cover"]["short_cents"]
    moved = twice(treasurer, "/voucher-cover", {"amount_cents": before}, 201)
    assert moved["short_cents"] == 0
    body = {"amount_cents": 0}
    assert treasurer.send("POST", "/voucher-cover", body, key="niets-bewogen").status_code == 422
    [voucher, *_more] = member.get("/wallet")["items"]
    path = f"/vouchers/{voucher['code']}/paper-codes"
    sheet = {"count": 3, "maximum_minor": 500}
    answer = treasurer.send("POST", path, sheet, key="vel-sleutel")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    assert len({each["payment_code"] for each in answer.get_json()["items"]}) == 3
    for client, missing in ((member, path), (member, "/voucher-cover")):
        body = sheet if missing == path else {"amount_cents": 1}
        assert problem(client.send("POST", missing, body, key="een-sleutel"), 403)
