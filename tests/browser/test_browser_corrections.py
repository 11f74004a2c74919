"""A round with deposits is settled and then corrected by hand, differences first, on a phone."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page, close_and_order, order, plan_and_open, settle
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product

POTATOES = "Aardappelen Frieslander"


def ask_a_deposit(site: Site) -> None:
    """Ten cents on each kilogram of potatoes, for the crate that they come in."""
    identity = system_identity("test")
    with site.runtime.units_of_work.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with site.runtime.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="LEV1",
                code="AK-AARD",
                name=POTATOES,
                unit="kg",
                price_excl_cents=119,
                vat_basis_points=900,
                deposit_cents=10,
            ),
        )


def receive_all(page: Page) -> None:
    page.get_by_role("link", name="Vul in wat er kwam").click()
    page.get_by_role("spinbutton", name="Gekomen van Aardappelen").fill("8")
    page.get_by_role("button", name="Klopt").click()
    expect(page.get_by_text("geteld: 8 kg")).to_be_visible()
    page.get_by_role("button", name="Alles is geteld").click()
    expect(page.get_by_role("link", name="Bekijk de afrekening")).to_be_visible()


def correct_by_hand(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Wat klopte er niet?").fill("een kilo aan de verkeerde gegeven")
    page.get_by_text("Wie kreeg hoeveel").click()
    page.get_by_label("Met de hand voor Annelies").fill("4")
    page.get_by_label("Met de hand voor Carlijn").fill("4")
    page.get_by_role("button", name="Laat zien wat er verandert").click()
    table = page.get_by_role("table").filter(has_text="Verschil")
    # Everyone has half now: 24.00 with freight and VAT, and 0.80 of deposits.
    for code, before, difference in (("M101", "€ 15,50", "€ -3,10"), ("M103", "€ 9,30", "€ 3,10")):
        row = table.get_by_role("row").filter(has_text=code)
        expect(row).to_contain_text(before)
        expect(row).to_contain_text("€ 12,40")
        expect(row).to_contain_text(difference)
    look(page, "correct-by-hand")
    page.get_by_role("button", name="Boek de correctie").click()
    expect(page.get_by_text("De ronde is gecorrigeerd.")).to_be_visible()


def test_a_round_with_deposits_is_corrected_by_hand(browser: Browser, site: Site) -> None:
    ask_a_deposit(site)
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    plan_and_open(coordinator)
    for person, quantity in ((site.member, 5), (site.neighbour, 3)):
        page = a_page(browser)
        sign_in(page, site, person)
        order(page, quantity, with_scripts=True)
        page.context.close()
    close_and_order(coordinator)
    manage = coordinator.url
    receive_all(coordinator)
    coordinator.get_by_role("link", name="Bekijk de afrekening").click()
    expect(coordinator.get_by_text("In deze bedragen zit statiegeld")).to_be_visible()
    look(coordinator, "settle-deposits")
    coordinator.goto(manage)
    settle(coordinator)
    correct_by_hand(coordinator, f"{manage}/correct")
    coordinator.context.close()

    member = a_page(browser)
    sign_in(member, site, site.member)
    member.goto(manage.replace("/manage", ""))
    expect(member.get_by_text("Je bestelde 5 kg en kreeg 4 kg.").first).to_be_visible()
    member.get_by_text("Waarom?").first.click()
    expect(member.get_by_text("een kilo aan de verkeerde gegeven").first).to_be_visible()
    look(member, "round-deposits")
    member.context.close()

    treasurer = a_page(browser)
    sign_in(treasurer, site, site.treasurer)
    treasurer.goto(manage.replace("/manage", "").replace("/rounds/", "/books/rounds/"))
    expect(treasurer.get_by_text("In deze bedragen zit statiegeld")).to_be_visible()
    look(treasurer, "statement-deposits")
    pdf = treasurer.request.get(f"{treasurer.url}.pdf")
    assert pdf.ok
    treasurer.context.close()
