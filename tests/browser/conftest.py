"""A browser, and the site it visits: the demo city with a few people who can sign in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from werkzeug.serving import make_server

from tests.browser.install_browser import ADVICE, find_browser
from tests.factories.books import Books
from tests.factories.investments import Roof, open_roof
from tests.factories.people import PASSWORD, Person, sign_up
from wijkeconomie.app import create_app
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_ids_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass(frozen=True)
class Site:
    """Where the site is, and who can sign in."""

    address: str
    runtime: Runtime
    member: Person
    neighbour: Person
    coordinator: Person
    accountant: Person
    treasurer: Person
    care_administrator: Person


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver, started once; what is expected of a page may take as long as a click may."""
    expect.set_options(timeout=10_000)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: {ADVICE}")
    started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
    yield started
    started.close()


def build_a_roof(runtime: Runtime) -> None:
    """A project of which a part was built, with a surplus and units that are not paid yet."""
    with runtime.units_of_work.begin(identity=system_identity("test")) as uow:
        own = cooperative_by_code(uow.session, "MRS").id
    books = Books(runtime.units_of_work, own, "MRS")
    with books.open() as uow:
        members = member_ids_by_code(uow.session, own)
    open_roof(
        books,
        stage_units=5,
        closes_on=date(2026, 12, 31),
        explanation="Veertig panelen op de gymzaal aan de Molenweg.",
    )
    roof = Roof(books, members)
    roof.buy(M101=3, M102=7)
    roof.draw(200_000, vat=42_000)
    roof.put_into_use(life=240)
    roof.draw(10_000, document="F-2")
    roof.share(12_345)
    roof.take("M101", 2)
    roof.take("M103", 1)


@pytest.fixture
def site(city: Runtime) -> Iterator[Site]:
    """The site, served from a database of this test alone."""
    build_a_roof(city)
    people = {
        "member": sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"),
        "neighbour": sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"),
        "coordinator": sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR),
        "accountant": sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT),
        "treasurer": sign_up(city, "MRS", "Gerda", Role.TREASURER),
        "care_administrator": sign_up(city, "MRS", "Hanneke", Role.CARE),
    }
    server = make_server("127.0.0.1", 0, create_app(city), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.port}", city, **people)
    server.shutdown()
    server.server_close()
    thread.join()


def sign_in(page: Page, site: Site, person: Person) -> None:
    """Sign in by the form, as a person would."""
    page.goto(f"{site.address}/login")
    page.get_by_label("E-mailadres").fill(person.email)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen").click()
    page.get_by_role("heading", name=f"Hallo {person.name}").wait_for()
