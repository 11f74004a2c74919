"""Carers' grants over REST: applying once, retries, refusals as problems, and the report."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, a_token
from tests.factories.people import sign_up
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.vouchers.granting import SaveGrantRound, save_grant_round

TEST = system_identity("test")
PATH = "/grant-rounds/M26/applications"
PERSON = {"initials": "J.P.", "born_on": "1941-03-09", "postcode": "3531 CJ", "payout": "account"}


@pytest.fixture(autouse=True)
def grant_round(city: Runtime, clock: Clock) -> None:
    clock.set(datetime(2026, 10, 10, 12, 0, tzinfo=UTC))
    with city.units_of_work.begin(identity=TEST) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=TEST, cooperative_id=tenant) as uow:
        save_grant_round(
            uow,
            SaveGrantRound(
                code="M26",
                name="Mantelzorg 2026",
                grantor="Gemeente Utrecht",
                budget_cents=100_000,
                person_cap_cents=15_000,
                opens_on=date(2026, 10, 1),
                closes_on=date(2026, 10, 31),
            ),
        )


def a_client(service: Flask, city: Runtime, name: str, *roles: Role, member: str) -> ApiClient:
    person = sign_up(city, "MRS", name, *roles, member=member or None)
    return ApiClient(service.test_client(), a_token(city, person))


def test_a_carer_applies_once_however_often_he_asks(service: Flask, city: Runtime) -> None:
    carer = a_client(service, city, "Annelies", Role.MEMBER, member="M101")
    [offered] = carer.get("/grant-rounds")["items"]
    assert (offered["code"], offered["payouts"]) == ("M26", ["account"])

    first = carer.send("POST", PATH, PERSON, key="application-1")
    again = carer.send("POST", PATH, PERSON, key="application-1")
    other = carer.send("POST", PATH, PERSON, key="application-2")

    assert first.status_code == again.status_code == 201
    assert first.get_json() == again.get_json()
    assert first.get_json()["person"] == 1
    assert other.status_code == 409
    assert other.get_json()["type"].endswith("grant-applied")
    number = first.get_json()["id"]
    assert carer.get("/grant-applications")["items"] == [first.get_json()]
    assert carer.send("DELETE", f"/grant-applications/{number}").status_code == 204
    assert carer.get("/grant-applications")["items"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initials", "7"),
        ("postcode", "35"),
        ("born_on", "2027-01-01"),
        ("payout", "gold"),
        ("payout", "voucher"),
        ("name", "J.P. Jansen"),
    ],
)
def test_what_is_wrong_or_too_much_is_refused(
    service: Flask, city: Runtime, field: str, value: str
) -> None:
    carer = a_client(service, city, "Annelies", Role.MEMBER, member="M101")
    answer = carer.send("POST", PATH, PERSON | {field: value}, key="application-1")
    assert answer.status_code == 422


def test_a_coordinator_applies_for_another_and_a_member_does_not(
    service: Flask, city: Runtime
) -> None:
    coordinator = a_client(service, city, "Bram", Role.COORDINATOR, member="")
    member = a_client(service, city, "Annelies", Role.MEMBER, member="M101")
    body = PERSON | {"member_code": "M103"}

    assert member.send("POST", PATH, body, key="application-1").status_code == 403
    assert coordinator.send("POST", PATH, body, key="application-1").status_code == 201


def test_the_report_tells_no_small_count(service: Flask, city: Runtime) -> None:
    carer = a_client(service, city, "Annelies", Role.MEMBER, member="M101")
    treasurer = a_client(service, city, "Gerda", Role.TREASURER, member="")
    carer.send("POST", PATH, PERSON, key="application-1")

    report = treasurer.get("/grant-rounds/M26/report")

    assert (report["applications"], report["persons"]) == ("<5", "<5")
    assert {line["count"] for line in report["outcomes"]} == {"<5"}
    assert report["left_cents"] == 100_000
    assert carer.send("GET", "/grant-rounds/M26/report").status_code == 403
