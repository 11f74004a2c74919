"""A supplier's price list on a phone: upload, see what changes, take it over."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page

LIST = (
    "Artikelnr;Omschrijving;Eenheid;Prijs;BTW;Statiegeld\n"
    "AK-AARD;Aardappelen Frieslander;kg;1,65;9;\n"
    "KA-BIET;Bieten;kg;1,20;9;0,10\n"
    "KA-FOUT;Zonder prijs;kg;op aanvraag;9;\n"
)


def test_a_price_list_is_seen_before_it_is_taken_over(browser: Browser, site: Site) -> None:
    page = a_page(browser, with_scripts=False)
    sign_in(page, site, site.coordinator)
    page.goto(f"{site.address}/c/MRS/suppliers/LEV1")
    page.get_by_label("Bestand").set_input_files(
        {"name": "najaar.csv", "mimeType": "text/csv", "buffer": LIST.encode("cp1252")}
    )
    page.get_by_role("button", name="Bekijk wat de lijst verandert").click()
    expect(page.get_by_text("Regel 4: dit is geen prijs (op aanvraag)")).to_be_visible()
    expect(page.get_by_text("en € 0,10 statiegeld per stuk")).to_be_visible()
    page.get_by_label("Wat niet op de lijst staat").check()
    page.get_by_role("button", name="Bekijk opnieuw").click()
    expect(page.get_by_role("heading", name="Niet meer te koop")).to_be_visible()
    page.context.close()

    # The accessibility check needs scripts.
    scripted = a_page(browser)
    sign_in(scripted, site, site.coordinator)
    scripted.goto(f"{site.address}/c/MRS/suppliers/LEV1/price-lists/1")
    look(scripted, "price-list")
    scripted.get_by_role("button", name="Neem de prijslijst over").click()
    expect(scripted.get_by_text("De prijslijst is overgenomen")).to_be_visible()
    expect(scripted.get_by_text("Bieten")).to_be_visible()
    look(scripted, "supplier")
    scripted.context.close()
