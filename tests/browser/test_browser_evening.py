"""The coordinator's evening on a phone: open, close, order, receive short, hand out, settle."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page, close_and_order, order, plan_and_open, settle

POTATOES = "Aardappelen Frieslander"


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


def receive_short(page: Page) -> None:
    page.get_by_role("link", name="Vul in wat er kwam").click()
    page.get_by_role("spinbutton", name="Gekomen van Aardappelen").fill("7")
    page.get_by_role("spinbutton", name="Kapot van Aardappelen").fill("1")
    page.get_by_label("De leverancier rekent wat kapot is").check()
    page.get_by_label("Reden, als het anders is dan besteld").fill("doos gevallen")
    look(page, "evening-receive")
    page.get_by_role("button", name="Alles is geteld").click()
    expect(page.get_by_role("link", name="Bekijk de afrekening")).to_be_visible()


def share_by_hand(page: Page) -> None:
    page.get_by_role("link", name="Verdeel wat er kwam").click()
    row = page.get_by_role("row").filter(has_text="M101")
    expect(row).to_contain_text("4 kg")
    page.get_by_label("Met de hand voor").first.fill("3")
    page.get_by_role("button", name=f"Bewaar {POTATOES}").click()
    expect(page.get_by_role("alert")).to_contain_text("Zeg waarom")
    page.get_by_label("Waarom met de hand?").fill("vroeg om minder")
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
    close_and_order(coordinator)
    manage = coordinator.url
    offer_a_time(coordinator)
    choose_the_time(members[0], site)
    choose_the_time(members[1], site, is_full=True)

    coordinator.goto(manage)
    receive_short(coordinator)
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
