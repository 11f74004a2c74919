"""A member's round on a phone: two taps, what he had last time, how far we are, and a link."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import text

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page
from tests.integration.test_split_import import SPLITWISE
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    PlanRound,
    close_round,
    open_round,
    plan_round,
)
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product

PRODUCTS = ("Olijfolie", "Honing", "Linzen", "Rijst", "Havermout", "Pasta", "Kaas", "Thee", "Café")


def with_products(site: Site) -> None:
    """A shop's worth of products; the first is sold by a ladder."""
    with within(site) as uow:
        for number, name in enumerate(PRODUCTS):
            save_product(
                uow,
                SaveProduct(
                    supplier_code="LEV1",
                    code=f"W{number}",
                    name=name,
                    unit="stuk",
                    price_excl_cents=910 if not number else 250 + number,
                    vat_basis_points=900,
                    category="kruidenier",
                    terms=SaleTerms(ladder=((24, 840), (48, 790)) if not number else ()),
                ),
            )
        uow.session.execute(
            text("update supplier set minimum_net_cents = 15000 where code = 'LEV1'")
        )


def within(site: Site) -> AbstractContextManager[UnitOfWork]:
    """A unit of work in the cooperative of the site."""
    units = site.runtime.units_of_work
    identity = system_identity("test")
    with units.begin(identity=identity) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    return units.begin(identity=identity, cooperative_id=tenant)


def a_round(site: Site, code: str, theme: str) -> int:
    with within(site) as uow:
        supplier = uow.session.scalars(text("select id from supplier where code = 'LEV1'")).one()
        round_id = plan_round(
            uow,
            PlanRound(
                code=code,
                theme=theme,
                supplier_id=supplier,
                opens_at=uow.now,
                closes_at=uow.now + timedelta(days=2),
                delivery_on=local_date(uow.now, LOCAL_TIME) + timedelta(days=7),
            ),
        )
        open_round(uow, round_id)
    return int(round_id)


def pledge(site: Site, round_id: int, member: str, code: str, quantity: int) -> None:
    with within(site) as uow:
        number = queries.product_ids_by_code(uow.session, uow.tenant, round_id)[code]
        member_id = uow.session.scalars(
            text("select id from member where code = :code"), {"code": member}
        ).one()
        lines = (PledgeLine(number, quantity),)
        save_pledges(uow, SavePledges(round_id=round_id, member_id=member_id, lines=lines))


def pledged(site: Site, round_id: int) -> dict[str, int]:
    with within(site) as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id)
    return {each.product_code: each.quantity for each in found if each.member_code == "M101"}


def test_two_taps_from_the_start_page_are_an_order(browser: Browser, site: Site) -> None:
    with_products(site)
    round_id = a_round(site, "MRS-W1", "kruidenier")
    page = a_page(browser)
    sign_in(page, site, site.member)

    page.get_by_role("link", name="Bestel kruidenier").click()
    page.get_by_role("button", name="Meer: Olijfolie").click()

    field = page.locator(".product", has_text="Olijfolie").locator("input[type=number]").first
    expect(field).to_have_attribute("value", "1")
    assert pledged(site, round_id) == {"W0": 1}
    page.get_by_label("Zoek een product").fill("cafe")
    page.get_by_role("button", name="Zoek", exact=True).click()
    expect(page.get_by_text("1 product gevonden")).to_be_visible()
    page.get_by_role("button", name="Meer: Café").click()
    expect(page.locator("input[type=number]").first).to_have_attribute("value", "1")
    # What is saved under a search stays under it, and the rest of the order with it.
    expect(page.locator(".product")).to_have_count(1)
    assert pledged(site, round_id) == {"W0": 1, "W8": 1}
    look(page, "member-search")
    page.context.close()


def test_a_tap_before_the_page_is_ready_is_an_order_too(browser: Browser, site: Site) -> None:
    with_products(site)
    round_id = a_round(site, "MRS-W1", "kruidenier")
    page = a_page(browser)
    sign_in(page, site, site.member)
    held: list[Route] = []
    page.route("**/htmx.min.js*", lambda route: held.append(route))  # noqa: PLW0108

    page.goto(f"{site.address}/c/MRS/rounds/MRS-W1", wait_until="commit")
    page.get_by_role("button", name="Meer: Honing").click()
    field = page.locator(".product", has_text="Honing").locator("input[type=number]").first
    expect(field).to_have_js_property("value", "1")
    assert pledged(site, round_id) == {}
    for route in held:
        route.continue_()

    expect(field).to_have_attribute("value", "1")
    assert pledged(site, round_id) == {"W1": 1}
    page.context.close()


def test_progress_follows_while_neighbours_order(browser: Browser, site: Site) -> None:
    with_products(site)
    round_id = a_round(site, "MRS-W1", "kruidenier")
    pledge(site, round_id, "M103", "W0", 6)
    page = a_page(browser)
    sign_in(page, site, site.member)
    page.get_by_role("link", name="Bestel kruidenier").click()
    page.get_by_role("link", name="Hoe ver zijn we?").click()
    expect(page.get_by_text("1 lid doet mee")).to_be_visible()
    look(page, "progress")

    pledge(site, round_id, "M101", "W0", 12)

    # Nobody touches the page: it looks again by itself.
    expect(page.get_by_text("2 leden doen mee")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Nog 6 stuk tot € 9,16 per stuk")).to_be_visible()
    page.context.close()


def test_the_same_as_last_time_is_seen_and_then_ordered(browser: Browser, site: Site) -> None:
    with_products(site)
    before = a_round(site, "MRS-W0", "vorige maand")
    pledge(site, before, "M101", "W0", 5)
    pledge(site, before, "M101", "W3", 2)
    with within(site) as uow:
        close_round(uow, CloseRound(round_id=before))
        uow.session.execute(
            text(
                "update purchase_round set opens_at = opens_at - interval '30 days',"
                " closes_at = closes_at - interval '30 days' where code = 'MRS-W0'"
            )
        )
    round_id = a_round(site, "MRS-W1", "kruidenier")
    for with_scripts in (False, True):
        page = a_page(browser, with_scripts=with_scripts)
        sign_in(page, site, site.member)
        page.get_by_role("link", name="Bestel kruidenier").click()
        page.get_by_role("link", name="Hetzelfde als vorige keer").click()
        if with_scripts:
            expect(page.get_by_text("Wat je in deze ronde al besteld hebt")).to_be_visible()
        else:
            assert pledged(site, round_id) == {}
            page.get_by_role("button", name="Bestel dit").click()
            expect(page.get_by_text("Je bestelling is bewaard.")).to_be_visible()
            assert pledged(site, round_id) == {"W0": 5, "W3": 2}
        page.context.close()
    with within(site) as uow:
        uow.session.execute(
            text("update pledge set withdrawn_at = changed_at where round_id = :round"),
            {"round": round_id},
        )
    page = a_page(browser)
    sign_in(page, site, site.member)
    page.goto(f"{site.address}/c/MRS/rounds/MRS-W1/repeat")
    look(page, "repeat")
    page.context.close()


def share(page: Page, site: Site) -> str:
    page.goto(f"{site.address}/c/MRS/rounds/MRS-W1/share")
    page.get_by_role("button", name="Deel deze ronde").click()
    expect(page.get_by_text("Iedereen met de link kan deze ronde nu bekijken")).to_be_visible()
    look(page, "share")
    link = page.locator('main a[href*="/look/"]').get_attribute("href")
    assert link is not None
    return link.partition("/c/")[2]


def test_a_shared_round_is_looked_at_and_put_into_a_calendar(browser: Browser, site: Site) -> None:
    with_products(site)
    round_id = a_round(site, "MRS-W1", "kruidenier")
    for code in ("M101", "M102", "M103"):
        pledge(site, round_id, code, "W0", 5)
    coordinator = a_page(browser)
    sign_in(coordinator, site, site.coordinator)
    link = share(coordinator, site)
    coordinator.context.close()

    stranger = a_page(browser)
    stranger.goto(f"{site.address}/c/{link}")
    expect(stranger.get_by_text("Nog 9 stuk tot € 9,16")).to_be_visible()
    expect(stranger.get_by_role("link", name="Doe mee: log in en bestel")).to_be_visible()
    look(stranger, "public-round")
    stranger.context.close()

    member = a_page(browser)
    sign_in(member, site, site.member)
    member.get_by_role("link", name="Inkopen").first.click()
    member.get_by_role("link", name="In mijn agenda").click()
    look(member, "calendar")
    member.get_by_role("button", name="Maak mijn link").click()
    opening = member.get_by_role("link", name="Open het in mijn agenda")
    assert (opening.get_attribute("href") or "").startswith("webcal://")
    look(member, "calendar-link")
    member.context.close()


def test_the_treasurer_sets_a_limit_and_takes_bills_over(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    page = a_page(browser)
    sign_in(page, site, site.treasurer)
    page.get_by_text("Meer", exact=True).click()
    page.get_by_role("link", name="Leden").first.click()
    page.get_by_role("link", name="Krediet van leden").click()
    look(page, "credit")
    page.get_by_label("Weiger bestellingen").check()
    page.get_by_label("Zo ver mag een rekening onder nul").fill("25,00")
    page.get_by_role("button", name="Bewaar").click()
    expect(page.get_by_text("Bewaard.")).to_be_visible()
    page.goto(f"{site.address}/c/MRS/members/M101/credit")
    page.get_by_label("Een eigen grens").check()
    page.get_by_label("Zo ver mag een rekening onder nul").fill("100,00")
    page.get_by_label("Waarom?").fill("betaalt elke maand")
    page.get_by_role("button", name="Bewaar").click()
    expect(page.get_by_text("betaalt elke maand")).to_be_visible()
    look(page, "member-credit")

    file = tmp_path / "bonnen.csv"
    file.write_text(SPLITWISE, encoding="utf-8")
    page.get_by_role("link", name="Kosten").first.click()
    page.get_by_role("link", name="Bonnen van een kleine groep").click()
    look(page, "split-upload")
    page.get_by_label("Bestand").set_input_files(file)
    page.get_by_role("button", name="Bekijk wat erin staat").click()
    page.get_by_label("Bram is").select_option("M102")
    page.get_by_label("Zus is").select_option("M103")
    page.get_by_role("button", name="Bekijk wat het doet").click()
    look(page, "split-preview")
    page.get_by_role("button", name="Boek 2 bonnen en 1 terugbetaling").click()
    expect(page.get_by_text("3 regels zijn geboekt.")).to_be_visible()
    page.context.close()
