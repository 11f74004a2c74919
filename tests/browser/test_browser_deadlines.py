"""Closing times on a phone: agree, decide on a miss, let rounds repeat, charge nobody."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Browser, expect
from sqlalchemy import text

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page
from tests.conftest import Clock
from tests.factories.people import sign_up
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    OrderRound,
    PlanRound,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import preview_settlement

CODE = "MRS-KRAP"


def an_open_round(uow: UnitOfWork) -> int:
    """A round of the first supplier in which one member ordered one of the first product."""
    supplier, product = uow.session.execute(
        text("select supplier_id, id from product where is_offered order by id limit 1")
    ).one()
    round_id = plan_round(
        uow,
        PlanRound(
            code=CODE,
            theme="proefronde",
            supplier_id=supplier,
            opens_at=uow.now,
            closes_at=uow.now + timedelta(days=3),
            delivery_on=local_date(uow.now, LOCAL_TIME) + timedelta(days=7),
            product_ids=(product,),
        ),
    )
    open_round(uow, round_id)
    member = uow.session.scalars(text("select id from member where code = 'M101'")).one()
    [offered] = queries.offered_products(uow.session, uow.tenant, round_id)
    save_pledges(
        uow,
        SavePledges(round_id=round_id, member_id=member, lines=(PledgeLine(offered.id, 1),)),
    )
    return round_id


def receive(uow: UnitOfWork, round_id: int) -> None:
    close_round(uow, CloseRound(round_id=round_id))
    order_round(uow, OrderRound(round_id=round_id, below_minimum_reason="mag een keer"))
    [offered] = queries.offered_products(uow.session, uow.tenant, round_id)
    receive_line(uow, ReceiveLine(round_id=round_id, round_product_id=offered.id, delivered=1))
    finish_receiving(uow, FinishReceiving(round_id=round_id))
    expected = preview_settlement(uow, round_id).result
    record_invoice(
        uow,
        RecordInvoice(
            round_id=round_id,
            code="KRAP-1",
            invoiced_on=local_date(uow.now, LOCAL_TIME),
            net_cents=expected.net_cents,
            vat_cents=expected.vat_cents,
        ),
    )


def test_a_coordinator_agrees_on_a_closing_time_and_decides_on_a_miss(
    browser: Browser, site: Site, clock: Clock
) -> None:
    units, test = site.runtime.units_of_work, system_identity("test")
    with units.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with units.begin(identity=test, cooperative_id=tenant) as uow:
        round_id = an_open_round(uow)
    page = a_page(browser)
    sign_in(page, site, site.coordinator)
    page.goto(f"{site.address}/c/MRS/rounds/{CODE}/manage/deadline")
    page.get_by_label("Jullie eigen doel").fill("500")
    look(page, "deadline")
    page.get_by_role("button", name="Bewaar wat er gebeurt").click()
    expect(page.get_by_text("Te weinig besteld? Dan beslist de coördinator.")).to_be_visible()

    clock.advance(timedelta(days=3))
    run_due(units, ROUND_JOBS)
    page.goto(f"{site.address}/c/MRS/")
    page.get_by_role("link", name="proefronde: beslis wat er nu gebeurt").click()
    expect(page.get_by_text("Beslis: er is te weinig besteld.")).to_be_visible()
    look(page, "asked")
    member = a_page(browser)
    sign_in(member, site, site.member)
    member.goto(f"{site.address}/c/MRS/rounds/{CODE}")
    expect(member.get_by_text("De coördinator beslist wat er nu gebeurt.")).to_be_visible()
    page.get_by_role("link", name="Houd de ronde langer open").first.click()
    look(page, "prolong")
    page.get_by_role("button", name="Houd de ronde open voor iedereen").click()
    expect(page.get_by_text("De ronde blijft open.")).to_be_visible()

    with units.begin(identity=test, cooperative_id=tenant) as uow:
        receive(uow, round_id)
    page.goto(f"{site.address}/c/MRS/rounds/{CODE}/manage/uncharged")
    page.get_by_label("Waarom? Leden lezen dit.").fill("buurtfeest")
    page.get_by_label(f"Typ {CODE} om te bevestigen").fill(CODE)
    look(page, "uncharged-ask")
    page.get_by_role("button", name="Vraag een tweede persoon").click()
    expect(page.get_by_text("Een tweede persoon krijgt een mail en beslist.")).to_be_visible()
    second = a_page(browser)
    sign_in(second, site, sign_up(site.runtime, "MRS", "Hanna", Role.BOARD))
    second.get_by_role("link", name="proefronde: goedkeuren of afwijzen").click()
    second.get_by_label(f"Typ {CODE} om het goed te keuren").fill(CODE)
    look(second, "uncharged-approve")
    second.get_by_role("button", name="Keur goed: niemand betaalt").click()
    expect(second.get_by_text("Geen lid betaalt iets.")).to_be_visible()
    member.reload()
    expect(member.get_by_text("buurtfeest")).to_be_visible()
    look(member, "uncharged-member")


def test_rounds_repeat_around_a_break_and_are_settled_as_agreed(
    browser: Browser, site: Site, clock: Clock
) -> None:
    page = a_page(browser)
    sign_in(page, site, site.coordinator)
    page.goto(f"{site.address}/c/MRS/repeating")
    look(page, "repeating-none")
    page.get_by_role("link", name="Voeg een ronde toe die terugkomt").click()
    page.get_by_label("Korte code").fill("GROENTE")
    page.get_by_label("Waar gaat het om?").fill("groente")
    first = local_date(clock.now, LOCAL_TIME) + timedelta(days=10)
    page.get_by_label("Eerste levering").fill(first.isoformat())
    look(page, "repeating-new")
    page.get_by_role("button", name="Bewaar de komende rondes").click()
    expect(page.get_by_text("De volgende ronde komt er vanzelf.")).to_be_visible()

    page.goto(f"{site.address}/c/MRS/repeating")
    page.get_by_label("Vanaf", exact=True).fill((first + timedelta(days=7)).isoformat())
    page.get_by_label("Tot en met").fill((first + timedelta(days=8)).isoformat())
    page.get_by_label("Waarom?").fill("vakantie van de boer")
    page.get_by_role("button", name="Voeg deze dagen toe").click()
    expect(page.get_by_text("Voor deze dagen komen er geen rondes.")).to_be_visible()
    look(page, "repeating")
    page.get_by_role("link", name="Groente").first.click()
    expect(page.get_by_text("geen levering: vakantie van de boer")).to_be_visible()
    look(page, "repeating-round")

    clock.advance(timedelta(days=8))
    run_due(site.runtime.units_of_work, ROUND_JOBS)
    page.reload()
    page.get_by_text("Wat er was").click()
    look(page, "repeating-made")
    page.goto(f"{site.address}/c/MRS/rounds/agreements")
    page.get_by_label("Vanzelf afrekenen na zoveel dagen").fill("14")
    look(page, "agreements")
    page.get_by_role("button", name="Bewaar de afspraken").click()
    expect(page.get_by_text("Bewaard.")).to_be_visible()
