"""A price ladder on a phone: see what is missing, name a maximum, and see what was gained."""

from __future__ import annotations

import os
from datetime import timedelta

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import text

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_road import a_page
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.rounds import PlanRound, open_round, plan_round

PICTURES = os.environ.get("WIJKECONOMIE_PICTURES")
"""A folder, for whoever wants to look at the pages."""


def look(page: Page, name: str) -> None:
    """Hold a page to what every page is held to, and keep its picture where that is asked."""
    # A click does not wait for the page that it leads to: half of it has no main part yet.
    page.wait_for_load_state()
    expect(page.get_by_role("contentinfo")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
    too_wide = "document.documentElement.scrollWidth > window.innerWidth"
    assert not page.evaluate(too_wide), f"{name} is wider than a phone"
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}-390.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.screenshot(path=f"{PICTURES}/{name}-1280.png", full_page=True)
        page.set_viewport_size({"width": 390, "height": 844})


def make_oil(page: Page) -> None:
    """Let a supplier sell oil by the dozen with a ladder, as the coordinator types it."""
    page.get_by_label("Korte code").fill("OLIE")
    page.get_by_label("Naam", exact=True).fill("Olijfolie")
    page.get_by_label("Eenheid", exact=True).fill("fles")
    page.get_by_label("Prijs zonder btw", exact=True).fill("9,10")
    page.get_by_label("Aantal in een").fill("12")
    page.get_by_label("alleen volle verpakkingen").check()
    page.get_by_label("Vanaf, trede 1").fill("24")
    page.get_by_label("Prijs zonder btw, trede 1").fill("8,40")
    page.get_by_label("Vanaf, trede 2").fill("48")
    page.get_by_label("Prijs zonder btw, trede 2").fill("7,90")
    page.get_by_role("button", name="Bewaar het product").click()
    expect(page.get_by_text("Olijfolie is bewaard.")).to_be_visible()


def open_oil_round(site: Site) -> str:
    units = site.runtime.units_of_work
    identity = system_identity("test")
    with units.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with units.begin(identity=identity, cooperative_id=tenant) as uow:
        supplier, product = uow.session.execute(
            text("select supplier_id, id from product where code = 'OLIE'")
        ).one()
        round_id = plan_round(
            uow,
            PlanRound(
                code="MRS-OLIE",
                theme="olijfolie",
                supplier_id=supplier,
                opens_at=uow.now,
                closes_at=uow.now + timedelta(days=3),
                delivery_on=local_date(uow.now, LOCAL_TIME) + timedelta(days=7),
                product_ids=(product,),
            ),
        )
        open_round(uow, round_id)
    return "MRS-OLIE"


def order_oil(page: Page, site: Site, quantity: int, most: str | None = None) -> None:
    page.goto(f"{site.address}/c/MRS/rounds/MRS-OLIE")
    product = page.locator(".product", has_text="Olijfolie")
    if most:
        product.get_by_role("combobox").select_option(label=most)
    product.get_by_role("spinbutton").first.fill(str(quantity))
    page.get_by_role("button", name="Bewaar mijn bestelling").click()
    expect(product.get_by_role("spinbutton").first).to_have_attribute("value", str(quantity))


def test_a_ladder_is_climbed_together_on_a_phone(browser: Browser, site: Site) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    coordinator.goto(f"{site.address}/c/MRS/suppliers/LEV1")
    make_oil(coordinator)
    coordinator.goto(f"{site.address}/c/MRS/suppliers/LEV1?product=OLIE")
    look(coordinator, "product")
    open_oil_round(site)

    member = a_page(browser)
    sign_in(member, site, site.member)
    order_oil(member, site, 20)
    expect(member.get_by_text("Nog 4 fles tot € 9,16 per fles")).to_be_visible()
    expect(member.get_by_text("Nog 4 fles om een verpakking vol te maken")).to_be_visible()
    member.get_by_text("Prijsladder", exact=False).first.click()
    look(member, "member-open")

    neighbour = a_page(browser)
    sign_in(neighbour, site, site.neighbour)
    order_oil(neighbour, site, 10, most="alleen voor € 8,61 of minder")
    # Ten wait for the lowest price: they do not count for the middle one.
    member.reload()
    expect(member.get_by_text("Nog 4 fles tot € 9,16 per fles")).to_be_visible()
    order_oil(member, site, 24)
    expect(member.get_by_text("Nog 14 fles (2 verpakkingen van 12) tot € 8,61")).to_be_visible()

    coordinator.goto(f"{site.address}/c/MRS/rounds/MRS-OLIE/manage/close")
    expect(coordinator.get_by_text("1 bestelling valt af")).to_be_visible()
    look(coordinator, "closing")
    coordinator.get_by_role("button", name="Sluit de ronde en bestel bij").click()
    expect(coordinator.get_by_text("De ronde is gesloten en besteld.")).to_be_visible()
    look(coordinator, "manage-closed")

    member.reload()
    # 24 x 9.10 with VAT is 238.06, 24 x 8.40 is 219.74.
    expect(member.get_by_text("Jij bespaart € 18,32.")).to_be_visible()
    look(member, "member-closed")
    neighbour.reload()
    expect(neighbour.get_by_text("De prijs werd hoger dan wat jij wilde betalen")).to_be_visible()
    look(neighbour, "neighbour-closed")
    for page in (coordinator, member, neighbour):
        page.context.close()


def test_what_is_chosen_while_an_order_is_being_saved_is_saved_too(
    browser: Browser, site: Site
) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    coordinator.goto(f"{site.address}/c/MRS/suppliers/LEV1")
    make_oil(coordinator)
    coordinator.context.close()
    open_oil_round(site)
    page = a_page(browser)
    sign_in(page, site, site.member)
    page.goto(f"{site.address}/c/MRS/rounds/MRS-OLIE")
    held: list[Route] = []
    # The line is so slow that the answer comes after all that the member does.
    page.route("**/order", lambda route: held.append(route), times=1)  # noqa: PLW0108
    product = page.locator(".product", has_text="Olijfolie")
    quantity = product.get_by_role("spinbutton").first
    tolerance = product.get_by_label("Zo veel meer mag")

    with page.expect_request("**/order"):
        quantity.fill("12")
        quantity.press("Tab")
    product.get_by_role("combobox").select_option(label="alleen voor € 8,61 of minder")
    tolerance.fill("3")
    tolerance.press("Tab")
    for route in held:
        route.continue_()

    expect(tolerance).to_have_attribute("value", "3")
    expect(quantity).to_have_attribute("value", "12")
    expect(product.locator("option[selected]")).to_have_text("alleen voor € 8,61 of minder")
    with site.runtime.units_of_work.begin(identity=system_identity("test")) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    test = system_identity("test")
    with site.runtime.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        terms = text(
            "select quantity, tolerance, max_price_excl_cents from pledge where code like"
            " 'MRS-OLIE-%'"
        )
        assert uow.session.execute(terms).one() == (12, 3, 790)
    page.context.close()
