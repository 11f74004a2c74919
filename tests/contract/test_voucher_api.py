"""Vouchers by REST: the road from issue to payout, retries, and each refusal."""

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
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.vouchers.keeping import set_contacts

__all__ = ["member", "treasurer"]


@pytest.fixture
def merchant(service: Flask, city: Runtime) -> ApiClient:
    person = sign_up(city, "MRS", "Bakker", Role.MERCHANT)
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        set_contacts(uow, "MRS-W1", (person.email,))
    return ApiClient(service.test_client(), a_token(city, person))


def test_vouchers_go_from_issue_to_payout_by_rest(
    treasurer: ApiClient, member: ApiClient, merchant: ApiClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    issue = {
        "scheme_code": "wijkmunt",
        "paid_by": "bank",
        "grants": [{"member_code": "M101", "face_minor": 5000, "code": "NEW-1"}],
    }
    first = treasurer.send("POST", "/vouchers", issue, key="issue-0001")
    assert first.status_code == 201, first.get_data(as_text=True)
    assert treasurer.send("POST", "/vouchers", issue, key="issue-0001").json == first.json
    assert [each["balance"] for each in member.get("/wallet")["items"]] == [2500, 5000]
    made = member.send("POST", "/payment-codes", {"amount_minor": 3000}, key="code-0001").json
    pay = {
        "merchant_code": "MRS-W1",
        "amount_minor": 2750,
        "payment_code": made["payment_code"],
    }
    paid = merchant.send("POST", "/redemptions", pay, key="pay-00001")
    again = merchant.send("POST", "/redemptions", pay, key="pay-00001")
    assert paid.status_code == again.status_code == 201, paid.get_data(as_text=True)
    assert again.json == paid.json | {"is_replay": True}
    assert paid.json["balance_after_minor"] == 4750
    other = merchant.send("POST", "/redemptions", pay | {"amount_minor": 1}, key="pay-00001")
    assert problem(other, 422) == "idempotency-key-reused"
    code = paid.json["code"]
    back = {"reason": "kapot", "amount_minor": 750}
    refunded = merchant.send("POST", f"/redemptions/{code}/refunds", back, key="back-0001")
    assert refunded.json["refunded_minor"] == 750
    assert member.get(f"/redemptions/{code}")["refunded_minor"] == 750
    gift = {"to_member_code": "M102", "amount_minor": 500}
    passed = member.send("POST", "/voucher-transfers", gift, key="gift-0001")
    assert len(passed.json["voucher_codes"]) == 1
    payout = treasurer.send("POST", "/merchants/MRS-W1/payouts", {}, key="payout-001")
    assert payout.json["gross_cents"] == 1550 + 2000
    asked = "/merchants/MRS-W1/history?from=2026-07-01&to=2026-08-01"
    told = merchant.get(asked)
    assert [each["kind"] for each in told["items"]] == ["taken", "refunded", "paid"]
    assert told["months"][0]["closing_cents"] == 0
    assert treasurer.get(asked) == told
    assert problem(member.send("GET", asked), 403) == "permission-denied"
    assert merchant.send("GET", asked.replace("W1", "W2")).status_code == 404
    assert merchant.send("GET", asked.replace("2026-08", "2026-06")).status_code == 422
    assert {each["code"] for each in member.get("/merchants")["items"]} == {"MRS-W1", "MRS-W2"}
    [euro] = treasurer.get("/voucher-circulation")["units"]
    assert euro["issued"] == euro["outstanding"] + euro["redeemed"] + euro["expired"]
    assert treasurer.get("/ledger/verification")["is_in_order"] is True


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"voucher_code": "W001", "amount_minor": 2501}, 409, "voucher-balance"),
        ({"voucher_code": "NONE"}, 404, "unknown-voucher"),
        ({"voucher_code": "W002"}, 403, "permission-denied"),
        ({"payment_code": "MRS.2222-2222"}, 403, "permission-denied"),
        ({"merchant_code": "NWG-W1"}, 409, "merchant-not-accepted"),
        ({"amount_minor": 2501}, 409, "voucher-balance"),
        ({"unit": "UUR"}, 409, "voucher-balance"),
        ({"amount_minor": 0}, 422, "unprocessable-entity"),
        ({"amount_minor": 10**15}, 422, "unprocessable-entity"),
    ],
)
def test_each_refusal_of_a_payment_is_its_own(
    member: ApiClient, clock: Clock, body: dict[str, Any], status: int, kind: str
) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    pay = {"merchant_code": "MRS-W1", "amount_minor": 100} | body

    assert problem(member.send("POST", "/redemptions", pay, key="pay-00001"), status) == kind
    # The same request hears the same, whether or not the answer was recorded.
    assert problem(member.send("POST", "/redemptions", pay, key="pay-00001"), status) == kind


def test_an_expired_voucher_and_one_of_another_cooperative_are_told(
    member: ApiClient, merchant: ApiClient, clock: Clock
) -> None:
    clock.set(datetime(2027, 1, 11, 10, tzinfo=UTC))
    pay = {"merchant_code": "MRS-W1", "amount_minor": 100}
    own = pay | {"voucher_code": "W001"}
    assert problem(member.send("POST", "/redemptions", own, key="pay-00001"), 409) == (
        "voucher-expired"
    )
    foreign = pay | {"payment_code": "NWG.2222-2222"}
    assert problem(merchant.send("POST", "/redemptions", foreign, key="pay-00002"), 409) == (
        "wrong-cooperative"
    )
