"""The pages of care: holder, carer, care administrator and treasurer, and who may not come in."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pypdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import TOKEN, post, signed_in
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

KEY = re.compile(r'name="idempotency_key" value="([0-9a-f]+)"')


@pytest.fixture
def administrator(site: Flask, city: Runtime, clock: Clock) -> FlaskClient:
    clock.set(datetime(2026, 4, 10, 12, 0, tzinfo=UTC))
    return signed_in(site, sign_up(city, "MRS", "Hanneke", Role.CARE))


@pytest.fixture
def holder(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))


@pytest.fixture
def carer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Esra", Role.MEMBER, member="M105"))


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, Role.BOARD))


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True).replace("\xa0", " ")


def a_budget(administrator: FlaskClient, **changed: str) -> str:
    """Write down a budget with an approved agreement; the address of its page."""
    form = {
        "member": "M101",
        "code": "Z-2026-77",
        "law": "Zvw",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "budget": "1.000,00",
        "payer_name": "Zilveren Kruis",
    }
    status, _ = post(administrator, "/c/MRS/care/new-budget", **(form | changed))
    assert status == 303
    found = re.findall(
        r'href="(/c/MRS/care/budgets/\d+)">Annelies', text_of(administrator, "/c/MRS/care")
    )
    [page] = found
    status, _ = post(
        administrator,
        f"{page}/agreements",
        page,
        carer="",
        name="Esra",
        member="M105",
        rate="40,00",
        limit="",
    )
    assert status == 303
    [decide] = re.findall(r'action="([^"]+/decide)"', text_of(administrator, page))
    status, _ = post(
        administrator,
        decide,
        page,
        decision="approved",
        decided_by="zorgverzekeraar",
        decided_on="2026-01-02",
    )
    assert status == 303
    return str(page)


def declare(carer: FlaskClient, hours: str = "7", minutes: str = "30", **more: str) -> int:
    page = carer.get("/c/MRS/care-work").get_data(as_text=True)
    token, key = TOKEN.search(page), KEY.search(page)
    [agreement] = re.findall(r'name="agreement" value="(\d+)"', page)
    assert token is not None
    assert key is not None
    form = {
        "csrf_token": token[1],
        "idempotency_key": key[1],
        "agreement": agreement,
        "month": "2026-03",
        "hours": hours,
        "minutes": minutes,
    }
    answers = {carer.post("/c/MRS/care-work", data=form | more).status_code for _twice in range(2)}
    [status] = answers
    return status


def test_hours_go_from_carer_to_holder_to_list(
    administrator: FlaskClient, holder: FlaskClient, carer: FlaskClient, treasurer: FlaskClient
) -> None:
    page = a_budget(administrator)
    assert declare(carer) == 303  # sent twice, declared once
    assert text_of(carer, "/c/MRS/care-work").count("Neem deze uren terug</button>") == 1

    mine = text_of(holder, "/c/MRS/my-care")
    assert "7:30 uur × € 40,00" in mine
    assert "€ 300,00" in mine
    assert "uren van je zorgverlener" in text_of(holder, "/c/MRS/")
    [approve] = re.findall(r'action="([^"]+/approve)"', mine)
    assert post(holder, approve, "/c/MRS/my-care")[0] == 303
    [budget] = re.findall(r'href="(/c/MRS/my-care/\d+)"', text_of(holder, "/c/MRS/my-care"))
    shown = text_of(holder, budget)
    assert "€ 700,00" in shown
    assert "In dit tempo" in shown
    assert "<svg" in shown

    assert "€ 300,00" in text_of(treasurer, "/c/MRS/care-money")
    lists = "/c/MRS/care/lists"
    assert "maart 2026" in text_of(administrator, lists)
    status, _ = post(
        administrator, lists, month="2026-03", payer="insurer", payer_name="Zilveren Kruis"
    )
    assert status == 303
    [csv_file] = re.findall(r'href="([^"]+\.csv)"', text_of(administrator, lists))
    rows = list(csv.DictReader(io.StringIO(administrator.get(csv_file).get_data(as_text=True))))
    ours = [row for row in rows if row["budget"] == "Z-2026-77"]
    assert [(row["minutes"], row["amount"], row["law"]) for row in ours] == [
        ("450", "300.00", "Zvw")
    ]
    pdf = administrator.get(csv_file.replace(".csv", ".pdf")).data
    words = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert "7:30" in words
    assert "Zilveren Kruis" in words
    assert "Zorgverzekeraars" not in words
    status, body = post(administrator, f"{page}/payer", page, payer_name="VGZ")
    assert status == 422
    assert "nieuw budget" in body
    assert "op een lijst" in text_of(administrator, page)


def test_the_holder_sees_who_looked(administrator: FlaskClient, holder: FlaskClient) -> None:
    page = a_budget(administrator)
    administrator.get(page)

    trail = text_of(holder, "/c/MRS/my-care/trail")

    assert "Hanneke" in trail
    assert "bekeek je budget" in trail


def test_a_holder_says_what_is_not_right(
    administrator: FlaskClient, holder: FlaskClient, carer: FlaskClient
) -> None:
    a_budget(administrator)
    declare(carer)
    [reject] = re.findall(r'action="([^"]+/reject)"', text_of(holder, "/c/MRS/my-care"))

    assert post(holder, reject, "/c/MRS/my-care", reason="")[0] == 422
    assert post(holder, reject, "/c/MRS/my-care", reason="dat was april")[0] == 303
    assert "dat was april" in text_of(carer, "/c/MRS/care-work")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hours": "", "minutes": ""}, "Vul in hoelang je werkte"),
        ({"minutes": "60"}, "0 tot en met 59"),
        ({"hours": "veel"}, "heel getal"),
        ({"month": "gisteren"}, "Schrijf een maand"),
        ({"month": "2026-05"}, "nog niet begonnen"),
        ({"month": "2025-12"}, "2026-01 tot en met 2026-12"),
        ({"hours": "26", "minutes": "0"}, "te weinig over van het budget"),
        ({"hours": "800"}, "Zoveel uren heeft een maand niet"),
        ({"agreement": ""}, "Kies voor wie je werkte"),
    ],
)
def test_what_is_wrong_with_hours_is_said_on_the_form(
    administrator: FlaskClient, carer: FlaskClient, wrong: dict[str, str], said: str
) -> None:
    a_budget(administrator)
    page = carer.get("/c/MRS/care-work").get_data(as_text=True)
    key = KEY.search(page)
    [agreement] = re.findall(r'name="agreement" value="(\d+)"', page)
    assert key is not None
    form = {
        "idempotency_key": key[1],
        "agreement": agreement,
        "month": "2026-03",
        "hours": "1",
        "minutes": "0",
    }

    status, answer = post(carer, "/c/MRS/care-work", **(form | wrong))

    assert status == 422
    assert said in answer


def test_a_carer_takes_hours_back(administrator: FlaskClient, carer: FlaskClient) -> None:
    a_budget(administrator)
    declare(carer)
    [withdraw] = re.findall(r'action="([^"]+/withdraw)"', text_of(carer, "/c/MRS/care-work"))

    assert post(carer, withdraw, "/c/MRS/care-work")[0] == 303
    assert "teruggenomen" in text_of(carer, "/c/MRS/care-work")


@pytest.mark.parametrize(
    "changed",
    [
        {"member": "M999"},
        {"code": "B-M103"},
        {"ends_on": "2025-12-31"},
        {"budget": "12,345"},
        {"budget": "0"},
        {"law": "AWBZ"},
        {"starts_on": ""},
    ],
)
def test_what_is_wrong_with_a_budget_is_said_on_the_form(
    administrator: FlaskClient, changed: dict[str, str]
) -> None:
    form = {
        "member": "M101",
        "code": "Z-2026-77",
        "law": "Zvw",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "budget": "1.000,00",
    }

    status, page = post(administrator, "/c/MRS/care/new-budget", **(form | changed))

    assert status == 422
    assert "error-summary" in page


def test_an_administrator_declares_and_decides_on_paper_and_turns_back(
    administrator: FlaskClient,
) -> None:
    page = a_budget(administrator)
    shown = text_of(administrator, page)
    key = KEY.search(shown)
    [agreement] = re.findall(r'<option value="(\d+)">Esra Çelik \(€', shown)
    assert key is not None
    status, _ = post(
        administrator,
        f"{page}/hours",
        page,
        idempotency_key=key[1],
        agreement=agreement,
        month="2026-02",
        hours="10",
        minutes="0",
    )
    assert status == 303
    [approve] = re.findall(r'action="([^"]+/approve)"', text_of(administrator, page))
    assert post(administrator, approve, page, note="")[0] == 422
    assert post(administrator, approve, page, note="map 3")[0] == 303
    [turn_back] = re.findall(r'action="([^"]+/turn_back)"', text_of(administrator, page))
    assert post(administrator, turn_back, page, note="dubbel")[0] == 303
    assert "teruggedraaid" in text_of(administrator, page)


def test_an_administrator_changes_fences_and_ends(administrator: FlaskClient) -> None:
    page = a_budget(administrator)
    [fence] = re.findall(r'action="([^"]+/fence)"', text_of(administrator, page))
    assert post(administrator, fence, page, limit="200,00")[0] == 303
    assert "niet meer dan € 200,00" in text_of(administrator, page)
    end = fence.replace("/fence", "/end")
    assert post(administrator, end, page, ends_on="2027-01-01")[0] == 422
    assert post(administrator, end, page, ends_on="2026-06-30")[0] == 303
    assert post(administrator, fence.replace("/fence", "/name"), page, name="Esra C.")[0] == 303
    assert "Esra C." in text_of(administrator, page)
    name = fence.replace("/fence", "/name")
    assert post(administrator, name, page, name="Esra", iban="NL92ABNA0417164300")[0] == 422
    assert post(administrator, name, page, name="Esra", iban="NL91ABNA0417164300")[0] == 303
    assert post(administrator, f"{page}/revise", page, budget="900", reason="")[0] == 422
    assert post(administrator, f"{page}/revise", page, budget="900", reason="x")[0] == 303
    assert "€ 900,00" in text_of(administrator, page)


def test_hours_for_several_people_are_shared_by_weight(administrator: FlaskClient) -> None:
    first = a_budget(administrator)
    status, _ = post(
        administrator,
        "/c/MRS/care/new-budget",
        member="M104",
        code="W-2026-8",
        law="Wmo",
        starts_on="2026-01-01",
        ends_on="2026-12-31",
        budget="1.000,00",
    )
    assert status == 303
    overview = text_of(administrator, "/c/MRS/care")
    second = next(
        page
        for page in re.findall(r'href="(/c/MRS/care/budgets/\d+)"', overview)
        if "W-2026-8" in text_of(administrator, page)
    )
    [carer] = re.findall(
        r'<option value="(\d+)">Esra Çelik \(M105\)', text_of(administrator, first)
    )
    post(administrator, f"{second}/agreements", second, carer=carer, name="", rate="50", limit="")
    [decide] = re.findall(r'action="([^"]+/decide)"', text_of(administrator, second))
    post(
        administrator,
        decide,
        second,
        decision="approved",
        decided_by="SVB",
        decided_on="2026-01-02",
    )
    page = f"/c/MRS/care/shared-hours?carer={carer}"
    shown = text_of(administrator, page)
    key = KEY.search(shown)
    weights = re.findall(r'name="(weight-\d+)"', shown)
    assert key is not None
    form = {"idempotency_key": key[1], "carer": carer, "month": "2026-03", "hours": "8"}
    address = "/c/MRS/care/shared-hours"
    assert post(administrator, address, page, **form)[0] == 422
    assert post(administrator, address, page, **form, **dict.fromkeys(weights, "veel"))[0] == 422
    status, _ = post(
        administrator, address, page, **form, **dict(zip(weights, ("1", "1,5"), strict=True))
    )
    assert status == 303
    assert "3:12 uur" in text_of(administrator, first)
    assert "4:48 uur" in text_of(administrator, second)


def test_the_treasurer_books_by_alias_and_sees_no_holder(
    administrator: FlaskClient, holder: FlaskClient, carer: FlaskClient, treasurer: FlaskClient
) -> None:
    a_budget(administrator)
    declare(carer)
    [approve] = re.findall(r'action="([^"]+/approve)"', text_of(holder, "/c/MRS/my-care"))
    post(holder, approve, "/c/MRS/my-care")
    page = text_of(treasurer, "/c/MRS/care-money")
    assert "Annelies" not in page
    assert "Esra Çelik" in page
    [alias] = re.findall(r"(PGB-\w+)</th><td [^>]+><span class=\"amount\">€ 300,00", page)
    key = KEY.search(page)
    assert key is not None
    form = {
        "idempotency_key": key[1],
        "direction": "received",
        "alias": alias,
        "amount": "300,00",
        "on": "2026-04-09",
    }
    address = "/c/MRS/care-money"
    for wrong in ({"alias": "PGB-NIETS"}, {"amount": "0"}, {"on": ""}, {"direction": "paid"}):
        assert post(treasurer, address, **(form | wrong))[0] == 422
    assert post(treasurer, address, **form)[0] == 303
    assert post(treasurer, address, **form)[0] == 303
    carers = re.findall(r'Esra Çelik <span class="download-hint">(Z-\w+)</span>', page)
    form |= {"direction": "paid", "alias": carers[0], "idempotency_key": "een andere sleutel"}
    assert post(treasurer, address, **(form | {"amount": "300,01"}))[0] == 422
    assert post(treasurer, address, **form)[0] == 303
    assert "€ 300,00" not in text_of(treasurer, address)


@pytest.mark.parametrize(
    "path", ["/care", "/care/new-budget", "/care/lists", "/care/shared-hours", "/care-money"]
)
def test_nobody_else_comes_in(site: Flask, city: Runtime, path: str) -> None:
    people = {
        "Bram": (Role.MEMBER, Role.COORDINATOR),
        "Fenna": (Role.ACCOUNTANT,),
        "Board": (Role.BOARD,),
    }
    for name, roles in people.items():
        client = signed_in(site, sign_up(city, "MRS", name, *roles))
        assert client.get(f"/c/MRS{path}").status_code == 403


def test_another_holders_budget_is_not_there(
    administrator: FlaskClient, carer: FlaskClient, holder: FlaskClient
) -> None:
    page = a_budget(administrator)
    own = page.replace("/care/budgets", "/my-care")

    assert holder.get(own).status_code == 200
    assert carer.get(own).status_code == 404
    assert holder.get(page).status_code == 403


def test_a_refused_look_leaves_no_budget_and_an_allowed_one_a_line(
    administrator: FlaskClient, city: Runtime
) -> None:
    page = a_budget(administrator)
    identity = system_identity("test")
    with city.units_of_work.begin(identity=identity) as uow:
        cooperative_id = uow.session.scalar(text("select id from cooperative where code = 'MRS'"))
    before = lines(city, cooperative_id)

    administrator.get(page)
    administrator.get("/c/MRS/care/budgets/999999")

    assert lines(city, cooperative_id) == before + 1


def lines(city: Runtime, cooperative_id: int | None) -> int:
    with city.units_of_work.begin(
        identity=system_identity("test"), cooperative_id=cooperative_id
    ) as uow:
        return uow.session.scalar(text("select count(*) from care_trail")) or 0
