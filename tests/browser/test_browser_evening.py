"""The coordinator's evening on a phone: open, close, order, receive short, hand out, settle."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page, close_and_order, order, plan_and_open, settle
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_ids_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges

POTATOES = "Aardappelen Frieslander"


def order_more(site: Site) -> None:
    """Two of everything else that the round offers, for the member who ordered most."""
    identity = system_identity("test")
    with site.runtime.units_of_work.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with site.runtime.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        [found] = queries.rounds(uow.session, tenant, states=[RoundState.OPEN])
        offered = queries.offered_products(uow.session, tenant, found.id)
        lines = tuple(PledgeLine(product.id, 2) for product in offered if product.name != POTATOES)
        member = member_ids_by_code(uow.session, tenant)["M101"]
        save_pledges(uow, SavePledges(round_id=found.id, member_id=member, lines=lines))


def go_to(page: Page, site: Site, place: str) -> None:
    page.goto(f"{site.address}/c/MRS/{place}")


def offer_a_time(page: Page) -> None:
    page.get_by_role("link", name="Uitdelen").click()
    page.get_by_text("Voeg een ophaaltijd toe").click()
    page.get_by_label("Vanaf", exact=True).fill("2030-01-09T17:00")
    page.get_by_label("Tot", exact=True).fill("2030-01-09T17:30")
    page.get_by_label("Waar", exact=True).fill("Buurthuis")
    page.get_by_label("Hoogstens zoveel leden").fill("1")
    page.get_by_role("button", name="Voeg deze ophaaltijd toe").click()
    expect(page.get_by_text("0 leden van de 1")).to_be_visible()


def choose_the_time(page: Page, site: Site, *, is_full: bool = False) -> None:
    go_to(page, site, "")
    page.get_by_role("link", name="kies wanneer je ophaalt").click()
    time = page.get_by_label("Buurthuis")
    if is_full:
        expect(time).to_be_disabled()
        return
    look(page, "evening-pickup")
    time.check()
    page.get_by_role("button", name="Bewaar wanneer ik ophaal").click()
    expect(page.get_by_label("Buurthuis")).to_be_checked()


def receive_short(page: Page, helper: Page) -> None:
    """Two people count four products: only what they confirm is counted."""
    page.get_by_role("link", name="Vul in wat er kwam").click()
    helper.goto(page.url)
    expect(page.get_by_text("0 van 4 producten geteld")).to_be_visible()
    potatoes = page.locator(".product", has_text=POTATOES)
    potatoes.get_by_role("button", name="Minder: Gekomen").click()
    potatoes.get_by_text("Kapot, of iets anders").click()
    potatoes.get_by_role("spinbutton", name="Kapot van Aardappelen").fill("1")
    potatoes.get_by_label("De leverancier rekent wat kapot is").check()
    potatoes.get_by_label("Reden, als het anders is dan besteld").fill("doos gevallen")
    look(page, "evening-receive")
    potatoes.get_by_role("button", name="Klopt").click()
    expect(potatoes.get_by_text("geteld: 7 kg")).to_be_visible()
    expect(page.get_by_text("1 van 4 producten geteld")).to_be_visible()
    expect(page.get_by_text("nog niet geteld", exact=True)).to_have_count(3)

    leeks = helper.locator(".product", has_text="Prei")
    leeks.get_by_role("button", name="Klopt").click()
    expect(leeks.get_by_text("geteld: 2 kg")).to_be_visible()
    # The page of the first one does not know it yet: what it says is refused, and shown.
    own = page.locator(".product", has_text="Prei")
    own.get_by_role("button", name="Minder: Gekomen").click()
    own.get_by_role("button", name="Klopt").click()
    expect(own.get_by_role("alert")).to_contain_text("Iemand anders telde Prei intussen")
    expect(own.get_by_text("geteld: 2 kg")).to_be_visible()
    look(page, "evening-counted")

    page.get_by_role("button", name="De overige 2 kloppen").click()
    expect(page.get_by_text("4 van 4 producten geteld")).to_be_visible()
    page.get_by_role("button", name="Alles is geteld").click()
    expect(page.get_by_role("link", name="Bekijk de afrekening")).to_be_visible()


def count_without_leaving_a_trace(page: Page, site: Site) -> None:
    """What was tapped and not confirmed is not counted, also when the page is left."""
    receive = page.url.replace("/manage", "/manage/receive")
    page.goto(receive)
    page.locator(".product", has_text="Prei").get_by_role("button", name="Minder: Gek").click()
    go_to(page, site, "")
    page.goto(receive)
    expect(page.get_by_text("0 van 4 producten geteld")).to_be_visible()


def share_by_hand(page: Page) -> None:
    page.get_by_role("link", name="Verdeel wat er kwam").click()
    potatoes = page.get_by_role("region", name=POTATOES)
    row = potatoes.get_by_role("row").filter(has_text="M101")
    expect(row).to_contain_text("4 kg")
    potatoes.get_by_label("Met de hand voor").first.fill("3")
    page.get_by_role("button", name=f"Bewaar {POTATOES}").click()
    expect(page.get_by_role("alert")).to_contain_text("Zeg waarom")
    potatoes.get_by_label("Waarom met de hand?").fill("vroeg om minder")
    page.get_by_role("button", name=f"Bewaar {POTATOES}").click()
    expect(row).to_contain_text("vroeg om minder")
    look(page, "evening-share")


def hand_out(page: Page) -> None:
    page.get_by_role("link", name="Naar de uitdeellijst").click()
    member = page.locator("#member-M101")
    member.get_by_role("button", name="Opgehaald").click()
    expect(page.get_by_text("1 van de 2 leden hebben alles")).to_be_visible()
    neighbour = page.locator("#member-M103")
    neighbour.locator("summary").click()
    look(page, "evening-hand-out")
    neighbour.get_by_label("niet opgehaald: het is weg").check()
    neighbour.get_by_label("Wat is er afgesproken?").fill("vergeten, betaalt alsnog")
    neighbour.get_by_role("button", name="Bewaar wat ermee gebeurt").click()
    expect(page.get_by_text("2 van de 2 leden hebben alles")).to_be_visible()
    page.get_by_role("link", name="Per product").click()
    expect(page.get_by_role("heading", name=f"{POTATOES}: 6 kg")).to_be_visible()
    look(page, "evening-by-product")


def test_the_evening_of_a_coordinator_on_a_phone(browser: Browser, site: Site) -> None:
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    plan_and_open(coordinator)
    members = []
    for person, quantity in ((site.member, 5), (site.neighbour, 3)):
        page = a_page(browser)
        sign_in(page, site, person)
        order(page, quantity, with_scripts=True)
        members.append(page)
    order_more(site)
    close_and_order(coordinator)
    manage = coordinator.url
    offer_a_time(coordinator)
    choose_the_time(members[0], site)
    choose_the_time(members[1], site, is_full=True)

    coordinator.goto(manage)
    count_without_leaving_a_trace(coordinator, site)
    coordinator.goto(manage)
    helper = a_page(browser)
    sign_in(helper, site, site.coordinator)
    receive_short(coordinator, helper)
    helper.context.close()
    share_by_hand(coordinator)
    hand_out(coordinator)
    for extension in ("pdf", "csv"):
        answer = coordinator.request.get(manage.replace("manage", f"hand-out.{extension}"))
        assert answer.ok

    coordinator.goto(manage)
    look(coordinator, "evening-manage")
    settle(coordinator)
    member = members[0]
    member.reload()
    member.goto(manage.replace("/manage", ""))
    # 7 kg are charged, 6 could be used: 8.33 for 3 and 3 kg, 12.50 freight, 9 % VAT.
    expect(member.get_by_text("Je bestelde 5 kg en kreeg 3 kg.").first).to_be_visible()
    member.get_by_text("Waarom?").first.click()
    expect(
        member.get_by_text("Dat is met de hand bepaald; naar de regel was het 4")
    ).to_be_visible()
    look(member, "evening-member")
    for page in (coordinator, *members):
        page.context.close()
