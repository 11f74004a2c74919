"""A crate of 24 at 17.50 on a phone: typed, planned, read by members and settled."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.rounds import PlanRound, open_round, plan_round

CODE = "MRS-SAP"


def make_juice(page: Page) -> None:
    """Juice by the crate, as the coordinator types it."""
    page.get_by_label("Korte code").fill("SAP")
    page.get_by_label("Naam", exact=True).fill("Appelsap")
    page.get_by_label("Eenheid", exact=True).fill("fles")
    page.get_by_label("Prijs zonder btw", exact=True).fill("17,50")
    page.get_by_label("Voor hoeveel eenheden").fill("24")
    page.get_by_label("Aantal in een").fill("24")
    page.get_by_label("Hoe de leverancier een verpakking noemt").fill("krat")
    page.get_by_label("Vanaf, trede 1").fill("96")
    page.get_by_label("Prijs zonder btw, trede 1").fill("16,01")
    page.get_by_role("button", name="Bewaar het product").click()
    expect(page.get_by_text("Appelsap is bewaard.")).to_be_visible()


def open_juice_round(site: Site) -> None:
    units = site.runtime.units_of_work
    identity = system_identity("test")
    with units.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with units.begin(identity=identity, cooperative_id=tenant) as uow:
        supplier, product = uow.session.execute(
            text("select supplier_id, id from product where code = 'SAP'")
        ).one()
        round_id = plan_round(
            uow,
            PlanRound(
                code=CODE,
                theme="sap",
                supplier_id=supplier,
                opens_at=uow.now,
                closes_at=uow.now + timedelta(days=3),
                delivery_on=local_date(uow.now, LOCAL_TIME) + timedelta(days=7),
                product_ids=(product,),
            ),
        )
        open_round(uow, round_id)


def test_a_price_per_crate_is_read_by_everyone_on_a_phone(browser: Browser, site: Site) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    coordinator.goto(f"{site.address}/c/MRS/suppliers/LEV1")
    make_juice(coordinator)
    expect(
        coordinator.get_by_text("€ 17,50 per 24 flessen (ongeveer € 0,73 per fles)")
    ).to_be_visible()
    look(coordinator, "units-supplier")
    open_juice_round(site)

    member = a_page(browser)
    sign_in(member, site, site.member)
    member.goto(f"{site.address}/c/MRS/rounds/{CODE}")
    product = member.locator(".product", has_text="Appelsap")
    product.get_by_role("spinbutton").first.fill("29")
    member.get_by_role("button", name="Bewaar mijn bestelling").click()
    expect(product.get_by_role("spinbutton").first).to_have_attribute("value", "29")
    expect(member.get_by_text("ongeveer € 0,80 per fles")).to_be_visible()
    expect(member.get_by_text("Nog 67 fles (3 kratten) tot € 17,45 per 24 flessen")).to_be_visible()
    member.get_by_text("Prijsladder", exact=False).first.click()
    look(member, "units-order")
    member.goto(f"{site.address}/c/MRS/rounds/{CODE}/progress")
    look(member, "units-progress")

    coordinator.goto(f"{site.address}/c/MRS/rounds/{CODE}/manage")
    expect(coordinator.get_by_text("1 krat + 5 flessen")).to_be_visible()
    look(coordinator, "units-manage")
    coordinator.goto(f"{site.address}/c/MRS/rounds/{CODE}/manage/close")
    coordinator.get_by_role("button", name="Sluit de ronde en bestel bij").click()
    expect(coordinator.get_by_text("De ronde is gesloten en besteld.")).to_be_visible()
    coordinator.goto(f"{site.address}/c/MRS/rounds/{CODE}/manage/receive")
    coordinator.get_by_role("spinbutton", name="Gekomen van Appelsap").fill("29")
    expect(coordinator.get_by_text("1 krat + 5 flessen")).to_be_visible()
    look(coordinator, "units-receive")
    for page in (coordinator, member):
        page.context.close()
