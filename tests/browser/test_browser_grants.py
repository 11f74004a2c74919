"""Carers' grants in a real browser: a phone without scripts, and pages that everyone can use."""

from __future__ import annotations

from datetime import date

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.conftest import Site, sign_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers.granting import (
    SaveGrantRound,
    close_round,
    decide_round,
    open_round,
    save_grant_round,
)

TEST = system_identity("test")
PHONE: ViewportSize = {"width": 390, "height": 844}


def set_up(uow: UnitOfWork) -> None:
    save_grant_round(
        uow,
        SaveGrantRound(
            code="M26",
            name="Mantelzorgwaardering 2026",
            grantor="Gemeente Utrecht",
            budget_cents=10_000,
            person_cap_cents=15_000,
            opens_on=date(2026, 1, 1),
            closes_on=date(2026, 1, 31),
            pays_to_bank=True,
        ),
    )
    open_round(uow, "M26")


def require_usable(page: Page, site: Site, path: str) -> None:
    answer = page.goto(f"{site.address}/c/MRS/{path}")
    assert answer is not None
    assert answer.ok, path
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
    too_wide = "document.documentElement.scrollWidth > window.innerWidth"
    assert not page.evaluate(too_wide), f"{path} is wider than a phone"


def test_a_carer_applies_on_a_phone_and_all_pages_are_usable(browser: Browser, site: Site) -> None:
    begin = site.runtime.units_of_work.begin
    with begin(identity=TEST) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with begin(identity=TEST, cooperative_id=tenant) as uow:
        set_up(uow)
    plain = browser.new_context(viewport=PHONE, java_script_enabled=False, locale="nl-NL")
    page = plain.new_page()
    sign_in(page, site, site.member)
    page.get_by_role("link", name="Zorg je voor iemand?").click()
    page.get_by_label("Voorletters").fill("J.P.")
    page.get_by_label("Geboortedatum").fill("1941-03-09")
    page.get_by_label("Postcode").fill("3531 CJ")
    page.get_by_role("button", name="Aanvraag versturen").click()
    page.get_by_text("wacht op een besluit").first.wait_for()
    plain.close()

    with browser.new_context(viewport=PHONE, locale="nl-NL") as context:
        own = context.new_page()
        sign_in(own, site, site.member)
        require_usable(own, site, "grants")
        require_usable(own, site, "grants/M26/apply")
    with browser.new_context(viewport=PHONE, locale="nl-NL") as context:
        keeping = context.new_page()
        sign_in(keeping, site, site.treasurer)
        require_usable(keeping, site, "grants/new")
        require_usable(keeping, site, "grants/M26")
        with begin(identity=TEST, cooperative_id=tenant) as uow:
            close_round(uow, "M26")
            decide_round(uow, "M26")
        require_usable(keeping, site, "grants/M26")
