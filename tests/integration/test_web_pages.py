"""Laws of the website: who gets in, what he sees, and what a wrong form answers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

import wijkeconomie.views as composition
from tests.conftest import Clock
from tests.factories.people import PASSWORD, Person, sign_up
from wijkeconomie.app import create_app
from wijkeconomie.cooperatives.invitations import Invite, invite
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.refusals import all_refusals
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.web.refusal_messages import MESSAGES
from wijkeconomie.web.translations import untranslated

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def post(client: FlaskClient, path: str, form: str | None = None, **fields: str) -> tuple[int, str]:
    """Send the form of a page (at ``form`` or the same path) with its token, as a browser does."""
    page = client.get(form or path).get_data(as_text=True)
    found = TOKEN.search(page)
    assert found is not None, page
    answer = client.post(path, data={"csrf_token": found[1], **fields})
    return answer.status_code, answer.get_data(as_text=True) or answer.headers["Location"]


def signed_in(site: Flask, person: Person) -> FlaskClient:
    client = site.test_client()
    status, _ = post(client, "/login", email=person.email, password=PASSWORD)
    assert status == 303
    return client


def test_every_refusal_has_a_sentence_and_every_sentence_a_refusal() -> None:
    assert composition.PAGES  # every part has been imported
    ours = {each.code for each in all_refusals() if each.__module__.startswith("wijkeconomie.")}
    assert set(MESSAGES) == ours


def test_everything_a_page_says_is_said_in_dutch() -> None:
    assert untranslated() == []


def test_a_page_asks_who_you_are_and_brings_you_back(site: Flask, city: Runtime) -> None:
    member = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    client = site.test_client()
    answer = client.get("/c/MRS/account?period=2026-01")
    assert answer.status_code == 303
    login = answer.headers["Location"]
    page = client.get(login).get_data(as_text=True)
    found = TOKEN.search(page)
    assert found is not None
    answer = client.post(
        "/login",
        data={
            "csrf_token": found[1],
            "email": member.email.upper(),
            "password": PASSWORD,
            "next": "/c/MRS/account?period=2026-01",
        },
    )
    assert answer.headers["Location"] == "/c/MRS/account?period=2026-01"


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example", "/\\x"])
def test_signing_in_leads_nowhere_else(site: Flask, city: Runtime, target: str) -> None:
    member = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    client = site.test_client()
    status, page = post(client, "/login", email=member.email, password=PASSWORD, next=target)
    assert status == 303
    assert '<a href="/">' in page


@pytest.mark.parametrize(
    ("email", "password"),
    [("annelies.mrs@example.org", "not this one"), ("nobody@example.org", PASSWORD)],
)
def test_a_wrong_pair_gets_one_answer(
    site: Flask, city: Runtime, email: str, password: str
) -> None:
    sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    status, page = post(site.test_client(), "/login", email=email, password=password)
    assert status == 422
    assert "horen niet bij elkaar" in page


def test_guessing_passwords_is_slowed_down(city: Runtime) -> None:
    slow = create_app(
        replace(city, settings=replace(city.settings, security_login_attempts="3 per minute"))
    )
    client = slow.test_client()
    answers = [post(client, "/login", email="a@example.org", password="x")[0] for _ in range(4)]
    assert answers == [422, 422, 422, 429]


def test_a_form_from_elsewhere_does_nothing(site: Flask, city: Runtime) -> None:
    member = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    client = signed_in(site, member)
    answer = client.post("/logout")
    assert answer.status_code == 400
    assert client.get("/c/MRS/").status_code == 200


def test_another_cooperative_is_not_there(site: Flask, city: Runtime) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    assert client.get("/c/MRS/rounds").status_code == 200
    assert client.get("/c/NWG/rounds").status_code == 404
    assert client.get("/c/XXX/rounds").status_code == 404


def test_a_new_password_ends_other_sessions(site: Flask, city: Runtime) -> None:
    member = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    here, elsewhere = signed_in(site, member), signed_in(site, member)
    status, _ = post(
        here,
        "/c/MRS/profile/password",
        "/c/MRS/profile",
        old_password=PASSWORD,
        password="vier heel andere woorden",
    )
    assert status == 303
    assert here.get("/c/MRS/").status_code == 200
    assert elsewhere.get("/c/MRS/").status_code == 303


@pytest.mark.parametrize("password", ["short", "wachtwoord", "1234567890"])
def test_a_password_that_anyone_guesses_is_refused(
    site: Flask, city: Runtime, password: str
) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    status, page = post(
        client,
        "/c/MRS/profile/password",
        "/c/MRS/profile",
        old_password=PASSWORD,
        password=password,
    )
    assert status == 422
    assert "dat niemand raadt" in page


def an_invitation(city: Runtime, email: str, *roles: Role) -> str:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        command = Invite(email=email, display_name="Nieuw", roles=frozenset(roles))
        return f"/c/MRS/invitation/{invite(uow, command).token}"


def test_an_invitation_works_once_and_not_for_ever(
    site: Flask, city: Runtime, clock: Clock
) -> None:
    link = an_invitation(city, "nieuw@example.org", Role.MEMBER)
    client = site.test_client()
    assert post(client, link, password=PASSWORD)[0] == 303
    assert client.get("/c/MRS/").status_code == 200
    assert site.test_client().get(link).status_code == 409
    late = an_invitation(city, "laat@example.org", Role.MEMBER)
    clock.advance(timedelta(days=14))
    assert site.test_client().get(late).status_code == 409


def test_a_link_does_not_sign_in_someone_who_has_a_password(site: Flask, city: Runtime) -> None:
    member = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    client = site.test_client()
    post(client, an_invitation(city, member.email, Role.TREASURER), password="iets heel anders")
    assert client.get("/c/MRS/").status_code == 303
    assert signed_in(site, member).get("/c/MRS/books").status_code == 200


def test_only_the_board_gives_other_roles(site: Flask, city: Runtime) -> None:
    coordinator = signed_in(site, sign_up(city, "MRS", "Bram", Role.COORDINATOR))
    fields = {"email": "x@example.org", "display_name": "X", "roles": "treasurer"}
    status, _ = post(coordinator, "/c/MRS/members/invitations", "/c/MRS/members", **fields)
    assert status == 403
    board = signed_in(site, sign_up(city, "MRS", "Gerda", Role.BOARD))
    status, page = post(board, "/c/MRS/members/invitations", "/c/MRS/members", **fields)
    assert (status, "/c/MRS/invitation/" in page) == (200, True)


def test_the_last_board_member_stays(site: Flask, city: Runtime) -> None:
    person = sign_up(city, "MRS", "Gerda", Role.BOARD)
    board = signed_in(site, person)
    status, page = post(
        board,
        "/c/MRS/members/roles",
        "/c/MRS/members",
        login_id=str(person.login_id),
        role="board",
        action="revoke",
    )
    assert status == 409
    assert "minstens één bestuurslid" in page


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.MEMBER, "books", 403),
        (Role.MEMBER, "members", 403),
        (Role.MEMBER, "rounds/MRS-R01/manage", 403),
        (Role.MEMBER, "rounds/new", 403),
        (Role.ACCOUNTANT, "books", 200),
        (Role.ACCOUNTANT, "books/members.csv", 200),
        (Role.MEMBER, "books/members.csv", 403),
        (Role.ACCOUNTANT, "books/members/M101", 200),
        (Role.ACCOUNTANT, "rounds/new", 403),
        (Role.COORDINATOR, "rounds/MRS-R01/manage", 200),
        (Role.COORDINATOR, "books", 403),
        (Role.COORDINATOR, "rounds/NO-SUCH", 404),
        (Role.TREASURER, "books/entries/1", 200),
        (Role.TREASURER, "books/entries/9999", 404),
        (Role.TREASURER, "books?period=yesterday", 422),
    ],
)
def test_roles_open_the_pages_of_the_table(
    site: Flask, city: Runtime, role: Role, path: str, status: int
) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Iemand", role))
    assert client.get(f"/c/MRS/{path}").status_code == status


@pytest.mark.parametrize("kind", ["pdf", "csv", "json"])
def test_statements_are_downloaded_and_are_the_same_bytes_twice(
    site: Flask, city: Runtime, kind: str
) -> None:
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    path = f"/c/MRS/account.{kind}?period=2026-01"
    first, second = member.get(path), member.get(path)
    assert first.status_code == 200
    assert "attachment" in first.headers["Content-Disposition"]
    assert first.data == second.data


def test_the_accountant_checks_the_books_and_sees_what_is_wrong(site: Flask, city: Runtime) -> None:
    accountant = signed_in(site, sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT))
    status, page = post(accountant, "/c/MRS/books/verify", "/c/MRS/books")
    assert (status, "boekingen kloppen" in page) == (200, True)


def test_a_month_is_closed_and_opened_again_with_the_reason(site: Flask, city: Runtime) -> None:
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    books = "/c/MRS/books?period=2026-01"
    post(treasurer, "/c/MRS/books/period", books, period="2026-01", action="close")
    assert "Deze maand is gesloten" in treasurer.get(books).get_data(as_text=True)
    post(treasurer, "/c/MRS/books/period", books, period="2026-01", action="reopen")
    assert "Deze maand is gesloten" in treasurer.get(books).get_data(as_text=True)
    post(treasurer, "/c/MRS/books/period", books, period="2026-01", action="reopen", reason="x")
    assert "Deze maand is gesloten" not in treasurer.get(books).get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"theme": ""}, "Vul dit in."),
        ({"freight": "12,345"}, "Schrijf een bedrag zoals 12,50."),
        ({"closes_at": "2026-01-01T10:00"}, "Een ronde sluit nadat hij open is gegaan."),
        ({"delivery_on": "morgen"}, "Vul een dag in."),
        ({"freight_key": "weather"}, "Kies een van deze."),
        ({"products": ""}, "Kies minstens één product."),
    ],
)
def test_a_plan_with_a_wrong_field_says_which(
    site: Flask, city: Runtime, fields: dict[str, str], words: str
) -> None:
    coordinator = signed_in(site, sign_up(city, "MRS", "Bram", Role.COORDINATOR))
    with city.units_of_work.begin(identity=system_identity("test")) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(
        identity=system_identity("test"), cooperative_id=cooperative_id
    ) as uow:
        product = uow.session.scalar(text("select min(id) from product where code = 'AK-AARD'"))
    right = {
        "supplier": "LEV1",
        "theme": "groente",
        "opens_at": "2026-01-05T10:00",
        "closes_at": "2026-01-09T20:00",
        "delivery_on": "2026-01-14",
        "freight": "12,50",
        "freight_key": "value",
        "shortage_rule": "pro_rata",
        "products": str(product),
    }
    path = "/c/MRS/rounds/new"
    status, page = post(coordinator, path, f"{path}?supplier=LEV1", **(right | fields))
    assert (status, words in page) == (422, True)
    assert post(coordinator, path, f"{path}?supplier=LEV1", **right)[0] == 303


def test_a_page_carries_the_headers_that_protect_its_reader(site: Flask) -> None:
    headers = site.test_client().get("/login").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
