"""What the treasurer and the care administrator keep by REST: the same as on their pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, member, problem, treasurer
from tests.contract.test_care_api import administrator, agreement, carer, holder
from wijkeconomie.budgets.keeping import (
    DecideAgreement,
    SaveAgreement,
    SaveBudget,
    decide_agreement,
    save_agreement,
    save_budget,
)
from wijkeconomie.budgets.models import CareLaw
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.runtime import Runtime

__all__ = ["administrator", "agreement", "carer", "holder", "member", "treasurer"]

IBAN = "NL91 abna 0417 1643 00"
SUBSIDY = {
    "code": "FEEST",
    "grantor": "Oranjefonds",
    "purpose": "buurtfeest",
    "mode": "earmarked",
    "awarded_cents": 40_000,
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "earmarks": [{"member_code": "M101", "cents": 5_000}],
}


@pytest.fixture
def summer(clock: Clock) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))


def made(client: ApiClient, path: str, body: Any, key: str, status: int = 201) -> Any:
    first = client.send("POST", path, body, key=key)
    assert first.status_code == status, first.get_data(as_text=True)
    assert client.send("POST", path, body, key=key).get_json() == first.get_json()
    return first.get_json()


@pytest.mark.usefixtures("summer")
def test_kinds_and_funds_are_kept_by_rest(treasurer: ApiClient, member: ApiClient) -> None:
    kind = {"code": "brood", "name": "Brood", "merchants": ["MRS-W1"], "valid_days": 90}
    told = made(treasurer, "/voucher-kinds", kind, "soort-0001")
    assert (told["unit"], told["vat_kind"], told["valid_days"]) == ("EUR", "MPV", 90)
    assert told["merchants"]
    assert "brood" in {each["code"] for each in treasurer.get("/voucher-kinds")["items"]}
    again = treasurer.send("POST", "/voucher-kinds", kind, key="soort-0002")
    assert problem(again, 409) == "voucher-code-taken"
    rate = kind | {"code": "b2", "vat_basis_points": 900}
    assert problem(treasurer.send("POST", "/voucher-kinds", rate, key="soort-0003"), 422)

    fund = {"name": "Buurtfonds", "grantor": "Kerk", "granted_minor": 9_000}
    saved = treasurer.send("PUT", "/voucher-funds/KERK", fund)
    assert saved.status_code == 200, saved.get_data(as_text=True)
    assert saved.get_json()["left_minor"] == 9_000
    assert "KERK" in {each["code"] for each in treasurer.get("/voucher-funds")["items"]}
    for path in ("/voucher-kinds", "/voucher-funds"):
        assert problem(member.send("GET", path), 403) == "permission-denied"
    assert problem(member.send("PUT", "/voucher-funds/KERK", fund), 403) == "permission-denied"


@pytest.mark.usefixtures("summer")
def test_a_kind_is_changed_by_rest(treasurer: ApiClient, member: ApiClient) -> None:
    kind = {"code": "brood", "name": "Brood", "merchants": ["MRS-W1"], "valid_days": 90}
    made(treasurer, "/voucher-kinds", kind, "soort-0001")
    gift = {
        "scheme_code": "brood",
        "paid_by": "bank",
        "grants": [{"member_code": "M101", "face_minor": 900, "code": "BROOD1"}],
    }
    made(treasurer, "/vouchers", gift, "bon-0001")
    change = {
        "name": "Brood en kaas",
        "valid_days": 30,
        "reminder_days": 7,
        "hold_days": 56,
        "is_for_sale": True,
        "merchants": ["MRS-W1", "MRS-W2"],
    }
    told = treasurer.send("PUT", "/voucher-kinds/brood", change).get_json()
    assert (told["name"], told["valid_days"], told["reminder_days"]) == ("Brood en kaas", 30, 7)
    assert told["merchant_codes"] == ["MRS-W1", "MRS-W2"]
    asked = {"scheme_code": "brood", "cents": 1_250}
    ordered = made(member, "/voucher-orders", asked, "bestel-0001")
    assert (ordered["state"], ordered["cents"], ordered["scheme"]) == (
        "open",
        1_250,
        "Brood en kaas",
    )
    assert ordered in member.get("/voucher-orders")["items"]
    assert member.send("DELETE", f"/voucher-orders/{ordered['code']}").status_code == 204
    again = member.send("DELETE", f"/voucher-orders/{ordered['code']}")
    assert problem(again, 409) == "voucher-order-state"
    other = {"scheme_code": "wijkmunt", "cents": 1_250}
    assert problem(member.send("POST", "/voucher-orders", other, key="bestel-0002"), 404)
    fewer = treasurer.send("PUT", "/voucher-kinds/brood", change | {"merchants": ["MRS-W2"]})
    assert problem(fewer, 409) == "earmark-narrowed"
    assert problem(treasurer.send("PUT", "/voucher-kinds/kaas", change), 404) == "not-found"
    assert problem(member.send("PUT", "/voucher-kinds/brood", change), 403) == "permission-denied"

    back = {"reason": "verkeerd lid"}
    path = "/vouchers/BROOD1/withdrawal"
    assert problem(member.send("POST", path, back, key="terug-0001"), 403)
    assert made(treasurer, path, back, "terug-0002")["entry_number"]
    again = treasurer.send("POST", path, back, key="terug-0003")
    assert problem(again, 409) == "voucher-used"
    fewer = treasurer.send("PUT", "/voucher-kinds/brood", change | {"merchants": ["MRS-W2"]})
    assert fewer.get_json()["merchant_codes"] == ["MRS-W2"]


@pytest.mark.usefixtures("summer")
def test_a_round_and_a_subsidy_keep_their_fund_by_rest(treasurer: ApiClient) -> None:
    made(treasurer, "/subsidies", SUBSIDY, "subsidie-0001")
    grant_round = {
        "code": "M26",
        "name": "Mantelzorgwaardering",
        "grantor": "Gemeente",
        "budget_cents": 100_000,
        "person_cap_cents": 15_000,
        "opens_on": "2026-07-01",
        "closes_on": "2026-07-31",
    }
    made(treasurer, "/grant-rounds", grant_round, "ronde-0001")
    fund = {"name": "Buurtfonds", "grantor": "Kerk", "granted_minor": 9_000}
    for code in ("M26", "FEEST"):
        refused = treasurer.send("PUT", f"/voucher-funds/{code}", fund)
        assert problem(refused, 422) == "invalid-input"
    kept = {each["code"]: each["kept_as"] for each in treasurer.get("/voucher-funds")["items"]}
    assert kept["M26"] == "grant_round"
    taken = treasurer.send("POST", "/subsidies", SUBSIDY | {"code": "M26"}, key="subsidie-0002")
    assert problem(taken, 409) == "code-taken"


def test_who_gets_no_letter_is_listed_by_rest(
    treasurer: ApiClient, member: ApiClient, clock: Clock, city: Runtime
) -> None:
    clock.set(datetime(2027, 2, 9, 3, tzinfo=UTC))
    assert treasurer.get("/voucher-holders-to-visit")["items"] == []
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        uow.session.execute(text("update member set email = null where code = 'M103'"))
    [found] = treasurer.get("/voucher-holders-to-visit")["items"]
    assert (found["member_code"], found["expires_on"]) == ("M103", "2027-03-10")
    refused = member.send("GET", "/voucher-holders-to-visit")
    assert problem(refused, 403) == "permission-denied"


@pytest.mark.usefixtures("summer")
def test_a_merchant_is_kept_by_rest(treasurer: ApiClient, member: ApiClient) -> None:
    shop = {
        "code": "W9",
        "name": "Fietsenmaker",
        "iban": IBAN,
        "vat_mix": "21",
        "fee_basis_points": 100,
        "contacts": ["kas@fiets.example"],
    }
    told = made(treasurer, "/merchants", shop, "winkel-001")
    assert told["iban"] == "NL91ABNA0417164300"
    assert told["fees"] == [{"valid_from": None, "fee_basis_points": 100}]
    change = {"name": "Fiets & Co", "iban": IBAN, "vat_mix": "9+21"}
    changed = treasurer.send("PUT", "/merchants/W9", change).get_json()
    assert (changed["name"], changed["contacts"]) == ("Fiets & Co", [])
    fee = {"fee_basis_points": 200, "valid_from": "2026-08-01"}
    told = made(treasurer, "/merchants/W9/fees", fee, "bijdrage-1")
    assert told["fee_basis_points"] == 100
    assert told["fees"][1] == {"valid_from": "2026-08-01", "fee_basis_points": 200}
    late = fee | {"valid_from": "2026-07-01"}
    assert problem(treasurer.send("POST", "/merchants/W9/fees", late, key="bijdrage-2"), 422) == (
        "invalid-input"
    )
    stop = {"on": "2026-07-01", "reason": "verhuisd"}
    assert made(treasurer, "/merchants/W9/stop", stop, "stop-00001", 200)["stopped_on"]
    told = made(treasurer, "/merchants/W9/accept-again", {}, "weer-00001", 200)
    assert told["stopped_on"] is None
    assert treasurer.get("/merchants/W9") == told
    assert "W9" in {each["code"] for each in member.get("/merchants")["items"]}
    assert problem(member.send("GET", "/merchants/W9"), 403) == "permission-denied"
    assert problem(treasurer.send("GET", "/merchants/NONE"), 404) == "not-found"
    wrong = shop | {"code": "W8", "iban": "NL00"}
    assert problem(treasurer.send("POST", "/merchants", wrong, key="winkel-002"), 422) == (
        "invalid-input"
    )


@pytest.mark.usefixtures("summer")
def test_a_subsidy_is_kept_and_gives_vouchers_by_rest(
    treasurer: ApiClient, member: ApiClient
) -> None:
    told = made(treasurer, "/subsidies", SUBSIDY, "subsidie-1")
    assert (told["awarded_cents"], told["left_cents"]) == (40_000, 40_000)
    issue = {
        "scheme_code": "wijkmunt",
        "paid_by": "fund",
        "fund_code": "FEEST",
        "grants": [{"member_code": "M101", "face_minor": 4_000}],
    }
    assert treasurer.send("POST", "/vouchers", issue, key="uitgifte-1").status_code == 201
    more = treasurer.send("POST", "/vouchers", issue, key="uitgifte-2")
    assert problem(more, 409) == "subsidy-for-others"
    fund = {"name": "x", "grantor": "y", "granted_minor": 1}
    assert problem(treasurer.send("PUT", "/voucher-funds/FEEST", fund), 422) == "invalid-input"

    moves = [("received", 30_000), ("spent", 6_000)]
    for kind, cents in moves:
        move = {"kind": kind, "cents": cents, "on": "2026-07-01"}
        told = made(treasurer, "/subsidies/FEEST/movements", move, f"beweging-{kind}")
    assert (told["spent_cents"], told["given_as_vouchers_cents"]) == (10_000, 4_000)
    assert {"subsidy.awarded", "voucher.issued", "subsidy.spent"} == {
        each["kind"] for each in told["lines"]
    }
    listed = {each["code"]: each for each in treasurer.get("/subsidies")["items"]}["FEEST"]
    assert (listed["used_cents"], listed["left_cents"]) == (10_000, 30_000)
    assert listed["mode"] == "earmarked"
    told = made(treasurer, "/subsidies/FEEST/accounting", {"on": "2026-07-01"}, "verantwoord")
    assert (told["lapsed_cents"], told["left_cents"]) == (10_000, 20_000)
    back = {"kind": "repaid", "cents": 20_000, "on": "2026-07-01"}
    told = made(treasurer, "/subsidies/FEEST/movements", back, "terugbetaald")
    assert told["left_cents"] == 0
    assert treasurer.get("/subsidies/FEEST") == told
    assert problem(
        treasurer.send("POST", "/subsidies/FEEST/movements", back, key="terugbetaald-2"), 409
    ) == ("subsidy-limit")
    assert problem(member.send("GET", "/subsidies"), 403) == "permission-denied"
    assert treasurer.get("/ledger/verification")["is_in_order"] is True


@pytest.mark.parametrize(
    ("more", "status", "kind"),
    [
        ({"earmarks": [{"member_code": "NONE", "cents": 1}]}, 404, "not-found"),
        ({"valid_until": "2025-01-01"}, 422, "invalid-input"),
        ({"mode": "gold"}, 422, "unprocessable-entity"),
        ({"awarded_cents": 0}, 422, "unprocessable-entity"),
        ({"colour": "red"}, 422, "unprocessable-entity"),
    ],
)
def test_each_refusal_of_a_subsidy_is_its_own(
    treasurer: ApiClient, more: dict[str, Any], status: int, kind: str
) -> None:
    answer = treasurer.send("POST", "/subsidies", SUBSIDY | more, key="subsidie-1")
    assert problem(answer, status) == kind


def test_shared_hours_are_declared_by_rest(
    city: Runtime, agreement: int, administrator: ApiClient, carer: ApiClient, clock: Clock
) -> None:
    other = a_second_agreement(city, clock)
    body = {
        "month": "2026-03",
        "minutes": 100,
        "parts": [
            {"agreement_id": agreement, "weight": "2"},
            {"agreement_id": other, "weight": "1"},
        ],
    }
    told = made(administrator, "/care-shared-hours", body, "nachtwacht")
    assert sorted(each["minutes"] for each in told["items"]) == [33, 67]
    assert {each["shared_minutes"] for each in told["items"]} == {100}
    assert problem(carer.send("POST", "/care-shared-hours", body, key="carer-0001"), 403) == (
        "permission-denied"
    )
    wrong = body | {"parts": [{"agreement_id": agreement, "weight": "x"}] * 2}
    assert problem(administrator.send("POST", "/care-shared-hours", wrong, key="fout-0001"), 422)


def a_second_agreement(city: Runtime, clock: Clock) -> int:
    """The carer of the first agreement works for M102 too."""
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        day = clock.now.date()
        budget = save_budget(
            uow,
            SaveBudget(
                code="Z-78",
                holder_id=member_by_code(uow.session, uow.tenant, "M102").id,
                law=CareLaw.ZVW,
                starts_on=day.replace(month=1, day=1),
                ends_on=day.replace(month=12, day=31),
                budget_cents=10_000,
            ),
        )
        carer_id = uow.session.scalar(
            text(
                "select x.id from carer x join member m on m.cooperative_id ="
                " x.cooperative_id and m.id = x.member_id"
                " where x.cooperative_id = :id and m.code = 'M105'"
            ),
            {"id": uow.tenant},
        )
        assert carer_id is not None
        found = save_agreement(
            uow, SaveAgreement(budget_id=budget, carer_id=carer_id, hourly_rate_cents=4000)
        )
        decide_agreement(
            uow,
            DecideAgreement(
                agreement_id=found, is_approved=True, decided_on=day, decided_by="verzekeraar"
            ),
        )
        return found


def test_every_new_resource_is_in_the_document(service: Flask) -> None:
    document = service.test_client().get("/api/v1/openapi.json").get_json()
    below = "/api/v1/cooperatives/{cooperative_code}"
    wanted = {
        "/voucher-kinds": {"get", "post"},
        "/voucher-kinds/{kind_code}": {"put"},
        "/voucher-orders": {"get", "post"},
        "/voucher-orders/{order_code}": {"delete"},
        "/vouchers/{voucher_code}/withdrawal": {"post"},
        "/voucher-holders-to-visit": {"get"},
        "/voucher-funds": {"get"},
        "/voucher-funds/{fund_code}": {"put"},
        "/merchants": {"get", "post"},
        "/merchants/{merchant_code}": {"get", "put"},
        "/merchants/{merchant_code}/fees": {"post"},
        "/subsidies": {"get", "post"},
        "/subsidies/{subsidy_code}": {"get"},
        "/subsidies/{subsidy_code}/movements": {"post"},
        "/subsidies/{subsidy_code}/accounting": {"post"},
        "/care-shared-hours": {"post"},
    }
    for path, methods in wanted.items():
        assert methods <= set(document["paths"][below + path]), path
