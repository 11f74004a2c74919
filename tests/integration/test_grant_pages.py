"""The pages of carers' grants: a carer, a coordinator for who has no phone, and the treasurer."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.vouchers.grant_jobs import GRANT_JOBS
from wijkeconomie.vouchers.grant_mails import grant_mails

OPENING = datetime(2026, 10, 1, 10, tzinfo=UTC)
BASE = "/c/MRS/grants"
ROUND = {
    "name": "Mantelzorg 2026",
    "code": "M26",
    "grantor": "Gemeente Utrecht",
    "budget": "1.000,00",
    "person_cap": "150,00",
    "once": "yes",
    "rule": "pro_rata",
    "opens": "2026-10-01",
    "closes": "2026-10-31",
    "account": "yes",
    "bank": "yes",
    "kind": "",
    "keep": "30",
}
PERSON = {"initials": "J.P.", "born": "1941-03-09", "postcode": "3531 cj", "payout": "account"}


@pytest.fixture(autouse=True)
def autumn(clock: Clock) -> None:
    clock.set(OPENING)


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


@pytest.fixture
def carer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"))


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Bram", Role.COORDINATOR))


def shown(client: FlaskClient, path: str = BASE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True).replace("\xa0", " ")


def key_on(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', shown(client, path))
    assert found is not None
    return found[1]


def apply(client: FlaskClient, **changes: str) -> tuple[int, str]:
    path = f"{BASE}/M26/apply"
    return post(client, path, **(PERSON | {"key": key_on(client, path)} | changes))


def look(city: Runtime) -> None:
    run_due(city.units_of_work, GRANT_JOBS)


def letters(city: Runtime) -> list[Letter]:
    sent: list[Letter] = []
    mails = grant_mails("https://wijk.example")
    send_due(city.units_of_work, mails, lambda letter, _key: sent.append(letter))
    return sent


def in_marsdijk(city: Runtime, statement: str) -> list[object]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        return list(uow.session.scalars(text(statement)))


def test_a_round_goes_the_whole_road_by_its_pages(
    treasurer: FlaskClient,
    carer: FlaskClient,
    coordinator: FlaskClient,
    city: Runtime,
    clock: Clock,
) -> None:
    assert post(treasurer, f"{BASE}/new", **ROUND)[0] == 303
    carers = "update member set is_caregiver = code in ('M103', 'M104'), email = 'a@b.nl'"
    in_marsdijk(city, f"{carers} returning id")
    look(city)
    assert [each.subject for each in letters(city)] == [
        "Je kunt mantelzorgwaardering aanvragen",
        "You can apply for a carer's grant",
    ]
    assert "Vraag mantelzorgwaardering aan" in shown(carer, "/c/MRS/")

    assert apply(carer)[0] == 303
    assert apply(coordinator, member="M104", payout="bank", initials="jp")[0] == 303
    assert apply(coordinator, member="M105", initials="K")[0] == 303
    own = shown(carer)
    assert "wacht op een besluit" in own
    assert "3531" not in own

    page = shown(coordinator, f"{BASE}/M26")
    number = re.findall(r"applications/(\d+)/refuse", page)[-1]
    refusing = f"{BASE}/M26/applications/{number}/refuse"
    assert post(coordinator, refusing, f"{BASE}/M26", reason="lives_elsewhere")[0] == 303

    clock.set(datetime(2026, 11, 1, 10, tzinfo=UTC))
    look(city)
    assert "gesloten" in shown(treasurer, "/c/MRS/")
    assert post(treasurer, f"{BASE}/M26/decide", f"{BASE}/M26")[0] == 303
    decided = shown(treasurer, f"{BASE}/M26")
    assert decided.count("75,00") >= 2
    assert post(treasurer, f"{BASE}/M26/pay", f"{BASE}/M26", key="pay the round")[0] == 303
    assert "75,00" in shown(carer)
    [first, second] = letters(city)
    assert "€ 75,00" in first.body.replace("\xa0", " ")
    assert second.subject == "Your carer's grant was paid"

    received = {"amount": "600,00", "key": "the money came"}
    assert post(treasurer, f"{BASE}/M26/received", f"{BASE}/M26", **received)[0] == 303
    assert post(treasurer, f"{BASE}/M26/account", f"{BASE}/M26")[0] == 303
    too_much = {"amount": "450,01", "key": "back too much"}
    assert post(treasurer, f"{BASE}/M26/repaid", f"{BASE}/M26", **too_much)[0] == 422
    back = {"amount": "450,00", "key": "back it goes"}
    assert post(treasurer, f"{BASE}/M26/repaid", f"{BASE}/M26", **back)[0] == 303

    before = treasurer.get(f"{BASE}/M26/report.csv").get_data(as_text=True)
    rows = [line.split(",") for line in before.splitlines()]
    told = {row[3]: (row[4], row[5]) for row in rows}
    assert told["spent"] == ("", "150.00")
    assert told["lapsed"] == ("", "400.00")
    assert told["repaid"] == ("", "450.00")
    assert told["carers"] == ("<5", "")
    assert told["payout:bank"] == ("<5", "")
    for name in ("Carlijn", "M103", "M104", "J.P."):
        assert name not in before
    paper = treasurer.get(f"{BASE}/M26/report.pdf")
    assert paper.content_type == "application/pdf"
    words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.data)).pages)
    assert "Mantelzorgers met een waardering <5" in words
    assert "150,00" in words
    for name in ("Carlijn", "M103", "M104", "J.P."):
        assert name not in words

    clock.advance(timedelta(days=31))
    look(city)
    assert "gewist" in shown(treasurer, f"{BASE}/M26")
    assert treasurer.get(f"{BASE}/M26/report.csv").get_data(as_text=True) == before
    assert in_marsdijk(city, "select count(member_id) from grant_application") == [0]


def test_a_carer_who_applies_again_is_told_and_can_withdraw(
    treasurer: FlaskClient, carer: FlaskClient
) -> None:
    post(treasurer, f"{BASE}/new", **ROUND)
    apply(carer)

    status, page = apply(carer, initials="K")

    assert status == 422
    assert "al een aanvraag gedaan" in page
    number = re.findall(r"applications/(\d+)/withdraw", shown(carer))[0]
    assert post(carer, f"{BASE}/applications/{number}/withdraw", BASE)[0] == 303
    assert "wacht op een besluit" not in shown(carer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initials", ""),
        ("initials", "7"),
        ("born", ""),
        ("born", "2026-10-02"),
        ("born", "1899-12-31"),
        ("postcode", "35"),
        ("payout", "gold"),
        ("payout", "voucher"),
    ],
)
def test_a_wrong_application_says_what_is_wrong(
    treasurer: FlaskClient, carer: FlaskClient, field: str, value: str
) -> None:
    post(treasurer, f"{BASE}/new", **ROUND)

    status, page = apply(carer, **{field: value})

    assert status == 422
    assert f'id="error-{field}"' in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget": "0"}, "budget"),
        ({"person_cap": "x"}, "person_cap"),
        ({"closes": "2026-09-30"}, "closes"),
        ({"code": ""}, "code"),
        ({"carer_limit": "0"}, "carer_limit"),
    ],
)
def test_a_wrong_round_says_what_is_wrong(
    treasurer: FlaskClient, changes: dict[str, str], field: str
) -> None:
    status, page = post(treasurer, f"{BASE}/new", **(ROUND | changes))

    assert status == 422
    assert f'id="error-{field}"' in page


def test_each_sees_what_is_his(
    treasurer: FlaskClient, carer: FlaskClient, site: Flask, city: Runtime
) -> None:
    post(treasurer, f"{BASE}/new", **ROUND)
    apply(carer)
    neighbour = signed_in(site, sign_up(city, "MRS", "Derk", Role.MEMBER, member="M104"))
    accountant = signed_in(site, sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT))

    assert "wacht op een besluit" not in shown(neighbour)
    assert neighbour.get(f"{BASE}/M26").status_code == 403
    assert neighbour.get(f"{BASE}/new").status_code == 403
    report = shown(accountant, f"{BASE}/M26")
    assert "&lt;5" in report
    assert "Carlijn" not in report
    number = re.findall(r"applications/(\d+)/withdraw", shown(carer))[0]
    assert post(neighbour, f"{BASE}/applications/{number}/withdraw", f"{BASE}/M26/apply")[0] == 403
    # Another's number that a member sends along is no matter: he applies for himself.
    assert apply(neighbour, member="M105", initials="K")[0] == 303
    assert "wacht op een besluit" in shown(neighbour)
