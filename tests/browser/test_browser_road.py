"""The whole road by clicking: plan, order, close, receive short, settle, and ask why."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in

PHONE = {"width": 390, "height": 844}


def a_page(browser: Browser, *, with_scripts: bool = True) -> Page:
    context = browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        java_script_enabled=with_scripts,
        locale="nl-NL",
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def plan_and_open(page: Page) -> None:
    page.get_by_role("link", name="Inkopen").first.click()
    page.get_by_role("link", name="Maak een ronde").click()
    page.get_by_label("Waar koop je in?").select_option(label="Boerderij De Kromme Akker")
    page.get_by_role("button", name="Kies deze leverancier").click()
    page.get_by_label("Waar gaat het om?").fill("wortels en meer")
    page.get_by_label("Vracht zonder btw").fill("12,50")
    page.get_by_role("button", name="Maak de ronde").click()
    page.get_by_role("link", name="Open de ronde").click()
    page.get_by_role("button", name="Open de ronde voor alle leden").click()
    expect(page.get_by_text("leden kunnen bestellen")).to_be_visible()


def order(page: Page, quantity: int, *, with_scripts: bool) -> None:
    page.get_by_role("link", name="Bestel wortels en meer").click()
    product = page.locator(".product", has_text="Aardappelen Frieslander")
    if with_scripts:
        for _ in range(quantity):
            product.get_by_role("button", name="Meer").click()
        # The attribute is what the server has saved, not what stands in the field.
        expect(product.locator("input[type=number]")).to_have_attribute("value", str(quantity))
    else:
        product.locator("input[type=number]").fill(str(quantity))
        page.get_by_role("button", name="Bewaar mijn bestelling").click()
        expect(page.get_by_text("Je bestelling is bewaard.")).to_be_visible()


def close_and_order(page: Page) -> None:
    page.get_by_role("link", name="Inkopen").first.click()
    page.get_by_role("link", name="Wortels en meer").click()
    page.get_by_role("link", name="Beheer deze ronde").click()
    page.get_by_role("link", name="Sluit de ronde en bestel").click()
    page.get_by_role("button", name="Sluit de ronde en bestel bij").click()
    expect(page.get_by_text("De ronde is gesloten en besteld.")).to_be_visible()


def receive_short(page: Page) -> None:
    page.get_by_role("link", name="Vul in wat er kwam").click()
    page.get_by_role("spinbutton", name="Gekomen van Aardappelen").fill("6")
    page.get_by_text("Kapot, of iets anders").click()
    page.get_by_role("spinbutton", name="Kapot van Aardappelen").fill("1")
    page.get_by_label("Reden, als het anders is dan besteld").fill("slechte oogst")
    page.get_by_role("button", name="Klopt").click()
    expect(page.get_by_text("geteld: 6 kg")).to_be_visible()
    page.get_by_role("button", name="Alles is geteld").click()
    expect(page.get_by_role("link", name="Bekijk de afrekening")).to_be_visible()


def settle(page: Page) -> None:
    page.get_by_role("link", name="Bekijk de afrekening").click()
    page.get_by_label("Nummer op de factuur").fill("2026-117")
    page.get_by_role("button", name="Bewaar de factuur").click()
    expect(page.get_by_text("De factuur is precies wat er kwam")).to_be_visible()
    page.get_by_role("button", name="Reken de ronde af met alle leden").click()
    expect(page.get_by_text("De ronde is afgerekend.")).to_be_visible()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_round_goes_from_plan_to_statement_by_clicking(
    browser: Browser, site: Site, *, with_scripts: bool
) -> None:
    coordinator = a_page(browser, with_scripts=with_scripts)
    sign_in(coordinator, site, site.coordinator)
    plan_and_open(coordinator)
    for person, quantity in ((site.member, 5), (site.neighbour, 3)):
        page = a_page(browser, with_scripts=with_scripts)
        sign_in(page, site, person)
        order(page, quantity, with_scripts=with_scripts)
        page.context.close()
    close_and_order(coordinator)
    receive_short(coordinator)
    settle(coordinator)
    coordinator.context.close()

    member = a_page(browser, with_scripts=with_scripts)
    sign_in(member, site, site.member)
    member.get_by_role("link", name="Inkopen").first.click()
    member.get_by_role("link", name="Wortels en meer").click()
    expect(member.get_by_text("Je bestelde 5 kg en kreeg 3 kg.")).to_be_visible()
    # 3 of the 5 usable: 3 x 1.19 = 3.57; freight 7.50 of 12.50; VAT 9 % of 11.07 = 1.00.
    expect(member.get_by_role("strong")).to_have_text("Samen € 12,07")
    member.get_by_text("Waarom?").click()
    expect(member.get_by_text("Er kwam 5 kg bruikbaar binnen", exact=False)).to_be_visible()
    member.context.close()


def test_taps_while_an_order_is_being_saved_are_not_lost(browser: Browser, site: Site) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    plan_and_open(coordinator)
    coordinator.context.close()
    page = a_page(browser)
    sign_in(page, site, site.member)
    page.get_by_role("link", name="Bestel wortels en meer").click()
    slow = {"offline": False, "latency": 900, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    product = page.locator(".product", has_text="Aardappelen Frieslander")
    for _ in range(4):
        product.get_by_role("button", name="Meer").click()
        page.wait_for_timeout(700)

    expect(product.locator("input[type=number]")).to_have_attribute("value", "4", timeout=10_000)
    page.context.close()


def test_who_leaves_right_after_the_last_tap_has_ordered_all_the_same(
    browser: Browser, site: Site
) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    plan_and_open(coordinator)
    coordinator.context.close()
    page = a_page(browser)
    sign_in(page, site, site.member)
    page.get_by_role("link", name="Bestel wortels en meer").click()
    address = page.url
    product = page.locator(".product", has_text="Aardappelen Frieslander")
    product.get_by_role("button", name="Meer").click()
    page.goto(f"{site.address}/c/MRS/account")
    page.wait_for_timeout(500)
    page.goto(address)

    expect(product.locator("input[type=number]")).to_have_attribute("value", "1")
    page.context.close()


PAGES = {
    "member": [
        "",
        "rounds",
        "rounds/MRS-R01",
        "account?period=2026-01",
        "my-costs",
        "profile",
        "projects",
        "projects/ZON",
    ],
    "coordinator": [
        "",
        "rounds/new?supplier=LEV1",
        "rounds/MRS-R01/manage",
        "rounds/MRS-R01/manage/correct",
        "suppliers",
        "suppliers/LEV1",
        "members",
        "stock",
        "deposits",
        "stock/IS-STRP",
    ],
    "accountant": ["books?period=2026-01", "books/entries/1", "books/rounds/MRS-R01"],
    "treasurer": [
        "costs",
        "costs/months/2026-01",
        "costs/MRS-K011",
        "new-cost",
        "new-key",
        "new-subsidy",
        "subsidies/MRS-G1",
        "meters",
        "work",
        "care-money",
    ],
    "neighbour": ["my-care", "my-care/1", "my-care/trail", "care-work"],
    "care_administrator": [
        "care",
        "care/budgets/1",
        "care/new-budget",
        "care/lists",
        "care/shared-hours?carer=1",
    ],
    "board": [
        "projects",
        "projects/ZON",
        "new-project",
        "projects/ZON/new-invoice",
        "projects/ZON/new-asset",
        "projects/ZON/new-result",
        "assets/DAK/share",
        "assets/DAK/dispose",
        "register",
        "owed",
    ],
}


@pytest.mark.parametrize("who", sorted(PAGES))
def test_pages_are_usable_with_a_screen_reader_and_fit_a_phone(
    browser: Browser, site: Site, who: str
) -> None:
    page = a_page(browser)
    sign_in(page, site, site.treasurer if who == "board" else getattr(site, who))
    for path in PAGES[who]:
        answer = page.goto(f"{site.address}/c/MRS/{path}")
        assert answer is not None
        assert answer.ok, path
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        too_wide = "document.documentElement.scrollWidth > window.innerWidth"
        assert not page.evaluate(too_wide), f"{path} is wider than a phone"
    page.context.close()
