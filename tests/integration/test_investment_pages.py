"""The pages of projects: a campaign from opening to paying out, as members and treasurer do it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.app import SCHEDULED_JOBS
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.runtime import Runtime

CAMPAIGN = {
    "name": "Zonnedak op de gymzaal",
    "code": "ZON-1",
    "explanation": "Veertig panelen.",
    "instrument": "equity",
    "unit_price_cents": "250,00",
    "target_units": "20",
    "stage_units": "4",
    "opens_on": "2026-06-01",
    "closes_on": "2026-06-30",
    "repayment_months": "12",
    "repayment_cents_per_year": "",
    "prospectus": "",
}
PROJECT = "/c/MRS/projects/ZON-1"


@pytest.fixture
def now(clock: Clock) -> Clock:
    clock.set(datetime(2026, 6, 10, 12, tzinfo=UTC))
    return clock


@pytest.fixture
def treasurer(site: Flask, city: Runtime, now: Clock) -> FlaskClient:
    client = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))
    assert post(client, "/c/MRS/new-project", **CAMPAIGN)[0] == 303
    return client


@pytest.fixture
def member(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True).replace("\xa0", " ")


def take(client: FlaskClient, units: str) -> tuple[int, str]:
    return post(client, f"{PROJECT}/take", PROJECT, units=units)


def pay(client: FlaskClient, code: str, on: str = "2026-06-10") -> None:
    assert post(client, f"/c/MRS/participations/{code}/payment", PROJECT, paid_on=on)[0] == 303


def test_a_member_takes_part_and_gets_his_certificate(
    treasurer: FlaskClient, member: FlaskClient
) -> None:
    assert "Zonnedak op de gymzaal" in page(member, "/c/MRS/projects")
    assert take(member, "5")[0] == 303
    shown = page(member, PROJECT)
    assert "Betaal € 1.250,00 op" in shown
    assert "ZON-1-0001" in shown
    assert "Betaal je deel in Zonnedak" in page(member, "/c/MRS/")
    early = member.get("/c/MRS/participations/ZON-1-0001/certificate.pdf")
    assert early.status_code == 404

    assert "Noteer de betaling van ZON-1-0001" in page(treasurer, PROJECT)
    pay(treasurer, "ZON-1-0001")

    answer = member.get("/c/MRS/participations/ZON-1-0001/certificate.pdf")
    assert answer.content_type == "application/pdf"
    assert answer.get_data().startswith(b"%PDF")
    assert "telt mee" in page(member, PROJECT)
    assert "5 van de 20 delen betaald" in page(member, "/c/MRS/projects")


def test_a_certificate_is_not_for_others(
    site: Flask, city: Runtime, treasurer: FlaskClient, member: FlaskClient
) -> None:
    take(member, "5")
    pay(treasurer, "ZON-1-0001")
    other = signed_in(site, sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"))

    address = "/c/MRS/participations/ZON-1-0001/certificate.pdf"
    assert other.get(address).status_code == 403
    assert treasurer.get(address).status_code == 200
    assert other.get("/c/MRS/register").status_code == 403
    assert other.get("/c/MRS/new-project").status_code == 403
    assert other.get("/c/MRS/owed").status_code == 403
    assert "Annelies" not in page(other, PROJECT)


@pytest.mark.parametrize("units", ["", "0", "-1", "twee", "21"])
def test_units_that_cannot_be_are_refused_beside_the_field(
    treasurer: FlaskClient, member: FlaskClient, units: str
) -> None:
    status, shown = take(member, units)

    assert status == 422
    assert 'id="error-units"' in shown


def test_units_can_be_given_up_until_they_are_paid(
    treasurer: FlaskClient, member: FlaskClient
) -> None:
    take(member, "5")
    status, _ = post(member, "/c/MRS/participations/ZON-1-0001/withdraw", PROJECT)
    assert status == 303
    assert "opgegeven" in page(member, PROJECT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit_price_cents", "niets"),
        ("unit_price_cents", "0"),
        ("target_units", ""),
        ("stage_units", "21"),
        ("closes_on", "2026-05-01"),
        ("code", "ZON-1"),
        ("opens_on", ""),
    ],
)
def test_a_wrong_field_of_a_campaign_is_told_beside_it(
    treasurer: FlaskClient, field: str, value: str
) -> None:
    status, shown = post(
        treasurer, "/c/MRS/new-project", **(CAMPAIGN | {"code": "Z2", field: value})
    )

    assert status == 422
    assert f'id="error-{field}"' in shown or field == "target_units"


def test_a_large_campaign_is_told_of_the_prospectus(treasurer: FlaskClient) -> None:
    assert "AFM" in page(treasurer, "/c/MRS/new-project")
    status, shown = post(
        treasurer, "/c/MRS/new-project", **(CAMPAIGN | {"code": "Z2", "target_units": "30000"})
    )

    assert status == 409
    assert "prospectus" in shown


def test_from_invoice_to_surplus_and_payment(
    treasurer: FlaskClient, member: FlaskClient, city: Runtime, now: Clock
) -> None:
    take(member, "20")
    pay(treasurer, "ZON-1-0001")
    invoice = {
        "description": "Panelen",
        "supplier": "LEV1",
        "document": "F-77",
        "on": "2026-06-10",
        "net": "4.800,00",
        "rate": "2100",
    }
    assert post(treasurer, f"{PROJECT}/new-invoice", **invoice)[0] == 303
    assert post(treasurer, f"{PROJECT}/new-invoice", **invoice)[0] == 409
    status, shown = post(treasurer, f"{PROJECT}/new-invoice", **(invoice | {"net": "10,00"}))
    assert (status, "al ingevuld" in shown) == (422, True)
    asset = {"name": "Zonnedak", "code": "DAK", "on": "2026-06-15", "years": "20", "residual": "0"}
    assert post(treasurer, f"{PROJECT}/new-asset", **(asset | {"years": ""}))[0] == 422
    assert post(treasurer, f"{PROJECT}/new-asset", **asset)[0] == 303
    assert post(treasurer, "/c/MRS/assets/DAK/share", key="equal")[0] == 303

    now.set(datetime(2026, 7, 2, 12, tzinfo=UTC))
    run_due(city.units_of_work, SCHEDULED_JOBS)

    shown = page(member, PROJECT)
    assert "€ 4.780,00 waard in de boeken" in shown
    assert "volgens plan" in shown
    result = {"year": "2026", "result": "99,99", "on": "2026-07-02", "decision": "ALV"}
    assert post(treasurer, f"{PROJECT}/new-result", **(result | {"year": "2027"}))[0] == 422
    status, shown = post(treasurer, f"{PROJECT}/new-result", **result)
    assert status == 200
    assert "1 deelnemer krijgt € 99,99" in shown.replace("\xa0", " ")
    assert "€ 99,99" not in page(member, PROJECT), "nothing was booked"
    seen = result | {"seen": "yes"}
    assert post(treasurer, f"{PROJECT}/new-result", **(seen | {"year": "2027"}))[0] == 422
    assert post(treasurer, f"{PROJECT}/new-result", **seen)[0] == 303
    assert post(treasurer, f"{PROJECT}/new-result", **result)[0] == 409
    back = f"{PROJECT}/results/2026/turn-back"
    assert post(treasurer, back, PROJECT, reason="")[0] == 422
    assert post(treasurer, back, PROJECT, reason="verkeerd")[0] == 303
    assert "€ 99,99" not in page(member, PROJECT)
    assert post(treasurer, f"{PROJECT}/new-result", **seen)[0] == 303
    assert "€ 99,99" in page(member, PROJECT)
    assert "€ 99,99" in page(treasurer, "/c/MRS/")
    status, _ = post(
        treasurer,
        "/c/MRS/owed/M101/payment",
        "/c/MRS/owed",
        amount="99,99",
        paid_on="2026-07-02",
        idempotency_key="een-keer-betaald",
    )
    assert status == 303
    assert "Niemand krijgt nog iets" in page(treasurer, "/c/MRS/owed")
    assert post(treasurer, back, PROJECT, reason="te laat")[0] == 409


def test_a_payment_on_the_wrong_participation_is_turned_back(
    treasurer: FlaskClient, member: FlaskClient
) -> None:
    take(member, "2")
    pay(treasurer, "ZON-1-0001")
    back = f"{PROJECT}/turn-back-payment"
    assert post(treasurer, back, PROJECT, number="", why="x")[0] == 422
    status, shown = post(treasurer, back, PROJECT, number="ANDERS", why="x")
    assert (status, 'id="error-number"' in shown) == (422, True)

    assert post(treasurer, back, PROJECT, number="ZON-1-0001", why="van Bram")[0] == 303

    assert "Noteer de betaling van ZON-1-0001" in page(treasurer, PROJECT)
    assert post(treasurer, back, PROJECT, number="ZON-1-0001", why="van Bram")[0] == 409


def test_something_in_use_is_sold_after_a_look_at_what_follows(
    treasurer: FlaskClient, member: FlaskClient, city: Runtime, now: Clock
) -> None:
    take(member, "20")
    pay(treasurer, "ZON-1-0001")
    invoice = {"description": "Panelen", "supplier": "LEV1", "document": "F-77"}
    invoice |= {"on": "2026-06-10", "net": "4.800,00", "rate": "2100"}
    asset = {"name": "Zonnedak", "code": "DAK", "on": "2026-06-15", "years": "20", "residual": "0"}
    assert post(treasurer, f"{PROJECT}/new-invoice", **invoice)[0] == 303
    assert post(treasurer, f"{PROJECT}/new-asset", **asset)[0] == 303
    now.set(datetime(2026, 8, 20, 12, tzinfo=UTC))
    form = "/c/MRS/assets/DAK/dispose"
    sale = {"kind": "sold", "on": "2026-08-20", "proceeds": "1.210,00", "reason": "te oud"}
    sale["buyer"] = "OPKOPER"
    assert "Neem Zonnedak uit gebruik" in page(treasurer, PROJECT)
    assert "Neem Zonnedak uit gebruik" not in page(member, PROJECT)
    assert member.get(form).status_code == 403
    for field, wrong, beside in (
        ("on", "2026-08-21", "on"),
        ("proceeds", "0", "proceeds"),
        ("reason", "", "reason"),
        ("buyer", "x" * 41, "buyer"),
    ):
        status, shown = post(treasurer, form, **(sale | {field: wrong}))
        assert (status, f'id="error-{beside}"' in shown) == (422, True)

    status, shown = post(treasurer, form, **sale)

    assert status == 200
    shown = shown.replace("\xa0", " ")
    assert "2 maanden ervoor worden eerst afgeschreven: € 40,00" in shown
    assert "De coöperatie verliest er € 3.760,00 op" in shown
    assert "€ 4.800,00 waard in de boeken" in page(treasurer, PROJECT), "nothing was booked"
    assert post(treasurer, form, **(sale | {"seen": "yes"}))[0] == 303
    shown = page(member, PROJECT)
    assert "verkocht op 20 aug 2026 voor € 1.210,00" in shown
    assert "de koper € 1.210,00 heeft betaald" not in shown
    assert "Neem Zonnedak" not in page(treasurer, PROJECT)
    assert "de koper € 1.210,00 heeft betaald" in page(treasurer, PROJECT)
    paid = "/c/MRS/assets/DAK/buyer-paid"
    assert post(treasurer, paid, PROJECT, paid_on="2026-08-19")[0] == 422
    assert post(treasurer, paid, PROJECT, paid_on="2026-08-20")[0] == 303
    assert "de koper" not in page(treasurer, PROJECT)
    assert post(treasurer, form, **(sale | {"seen": "yes"}))[0] == 409


def test_a_wrong_invoice_is_turned_back(treasurer: FlaskClient, member: FlaskClient) -> None:
    take(member, "20")
    pay(treasurer, "ZON-1-0001")
    post(
        treasurer,
        f"{PROJECT}/new-invoice",
        description="x",
        supplier="LEV1",
        document="F-1",
        on="2026-06-10",
        net="10,00",
        rate="",
    )
    address = page(treasurer, PROJECT).split('/turn-back"')[0].rpartition('"')[2]

    assert post(treasurer, f"{address}/turn-back", PROJECT)[0] == 303
    assert "F-1" not in page(treasurer, PROJECT)


def test_who_left_is_shown_with_his_day_and_can_be_released_earlier(
    treasurer: FlaskClient, member: FlaskClient, city: Runtime, now: Clock
) -> None:
    take(member, "4")
    pay(treasurer, "ZON-1-0001")
    with city.units_of_work.begin(identity=system_identity("test")) as uow:
        own = uow.session.scalar(text("select id from cooperative where code = 'MRS'"))
    with city.units_of_work.begin(identity=system_identity("test"), cooperative_id=own) as uow:
        uow.session.execute(text("update member set left_on = '2026-06-20' where code = 'M101'"))
    now.set(datetime(2026, 6, 25, 12, tzinfo=UTC))

    assert "20 jun 2027" in page(treasurer, "/c/MRS/owed")
    assert post(treasurer, f"{PROJECT}/release", "/c/MRS/owed", member="M101")[0] == 303
    assert "€ 1.000,00" in page(treasurer, "/c/MRS/owed")


def test_the_register_of_a_day_is_a_page_and_a_file(
    treasurer: FlaskClient, member: FlaskClient
) -> None:
    take(member, "5")
    pay(treasurer, "ZON-1-0001")

    assert "ZON-1-0001" in page(treasurer, "/c/MRS/register")
    assert "ZON-1-0001" not in page(treasurer, "/c/MRS/register?on=2026-06-09")
    assert treasurer.get("/c/MRS/register?on=gisteren").status_code == 422
    answer = treasurer.get("/c/MRS/register.csv?on=2026-06-10")
    [row] = csv.DictReader(io.StringIO(answer.get_data(as_text=True)))
    assert (row["member_id"], row["units"], row["amount"]) == ("M101", "5", "1250.00")
