"""Paying by QR code between two phones: a member shows it, a merchant's camera reads it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_road import a_page
from tests.conftest import Clock
from tests.factories.people import Person, sign_up
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.vouchers.keeping import set_contacts

PAGES = {
    "member": ["wallet", "wallet/send?to=M101", "wallet/receive", "wallet/shops/MRS-W2"],
    "merchant": ["", "till", "till/poster/MRS-W1"],
    "treasurer": [
        "vouchers",
        "vouchers/issue",
        "vouchers/merchants/new",
        "vouchers/merchants/MRS-W1",
        "vouchers/kinds/new",
        "vouchers/funds/new",
        "vouchers/print",
    ],
}


@pytest.fixture(autouse=True)
def summer(site: Site, clock: Clock) -> None:
    """The vouchers of the demo city have been issued by then."""
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))


@pytest.fixture
def merchant(site: Site) -> Person:
    """Someone who works at the till of the bakery."""
    person = sign_up(site.runtime, "MRS", "Bakker", Role.MERCHANT)
    test = system_identity("test")
    with site.runtime.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with site.runtime.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        set_contacts(uow, "MRS-W1", (person.email,))
    return person


def read_by_camera(page: Page) -> str:
    """What a camera reads from the screen of this phone."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
    [found] = zxingcpp.read_barcodes(np.asarray(picture))
    return str(found.text)


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_member_pays_a_merchant_by_qr_code(
    browser: Browser, site: Site, merchant: Person, *, with_scripts: bool
) -> None:
    phone = a_page(browser, with_scripts=with_scripts)
    sign_in(phone, site, site.neighbour)
    phone.get_by_role("link", name="Wijkmunt", exact=True).first.click()
    expect(phone.get_by_text("€ 130,50").first).to_be_visible()
    phone.get_by_label("Hoeveel betaal je?").fill("7,50")
    phone.get_by_role("button", name="Laat mijn QR-code zien").click()
    expect(phone.get_by_text("De winkel mag hoogstens € 7,50 nemen")).to_be_visible()
    address = read_by_camera(phone)

    # The merchant signs in on the way: his camera opened the address.
    till = a_page(browser, with_scripts=with_scripts)
    sign_in(till, site, merchant)
    till.goto(address)
    expect(till.get_by_role("heading", name="Carlijn betaalt")).to_be_visible()
    till.get_by_label("Bedrag").fill("6,25")
    till.get_by_role("button", name="Neem de betaling aan").click()
    expect(till.get_by_text("€ 6,25 is betaald door Carlijn")).to_be_visible()

    if not with_scripts:
        phone.get_by_role("link", name="Kijk of er betaald is").click()
    expect(phone.get_by_text("Je betaalde € 6,25 aan Bakkerij De Zwaan.")).to_be_visible()
    phone.get_by_role("link", name="Terug naar mijn wijkmunt").click()
    expect(phone.get_by_text("€ 124,25").first).to_be_visible()

    # The code is worth nothing any more: who reads it again sees what was paid.
    till.goto(address)
    expect(till.get_by_text("€ 6,25 is betaald door Carlijn")).to_be_visible()
    for page in (phone, till):
        page.context.close()


def test_a_member_gives_to_another_by_qr_code(browser: Browser, site: Site) -> None:
    taker = a_page(browser)
    sign_in(taker, site, site.member)
    taker.goto(f"{site.address}/c/MRS/wallet/receive")
    address = read_by_camera(taker)
    giver = a_page(browser)
    sign_in(giver, site, site.neighbour)
    giver.goto(address)
    giver.get_by_label("Hoeveel?").fill("10,00")
    giver.get_by_role("button", name="Geef het weg").click()

    expect(giver.get_by_text("heeft nu € 10,00 gekregen")).to_be_visible()
    taker.goto(f"{site.address}/c/MRS/wallet")
    expect(taker.get_by_text("€ 10,00").first).to_be_visible()
    for page in (taker, giver):
        page.context.close()


@pytest.mark.parametrize("who", sorted(PAGES))
def test_pages_of_vouchers_are_usable_with_a_screen_reader_and_fit_a_phone(
    browser: Browser, site: Site, merchant: Person, who: str
) -> None:
    page = a_page(browser)
    people = {"member": site.neighbour, "merchant": merchant, "treasurer": site.treasurer}
    sign_in(page, site, people[who])
    for path in PAGES[who]:
        answer = page.goto(f"{site.address}/c/MRS/{path}")
        assert answer is not None
        assert answer.ok, path
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        too_wide = "document.documentElement.scrollWidth > window.innerWidth"
        assert not page.evaluate(too_wide), f"{path} is wider than a phone"
    page.context.close()
