"""A round that changes its mind, on a phone: draft, order, freight, cancel and make again."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Browser, expect
from sqlalchemy import text

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_ladder import look
from tests.browser.test_browser_road import a_page
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    OrderRound,
    PlanRound,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.suppliers import SaveSupplier, save_supplier


def plan(site: Site) -> int:
    """A draft of everything that the farm offers."""
    units, test = site.runtime.units_of_work, system_identity("test")
    with units.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with units.begin(identity=test, cooperative_id=tenant) as uow:
        known = supplier_queries.suppliers(uow.session, uow.tenant)
        [farm] = [each for each in known if each.code == "LEV1"]
        save_supplier(uow, SaveSupplier(code="LEV1", name=farm.name, email="boer@example.org"))
        return plan_round(
            uow,
            PlanRound(
                code="MRS-P1",
                theme="groente",
                supplier_id=farm.id,
                opens_at=uow.now + timedelta(hours=1),
                closes_at=uow.now + timedelta(days=3),
                delivery_on=uow.now.date() + timedelta(days=7),
            ),
        )


def order(site: Site, round_id: int) -> None:
    """Open it, let a member order, and order at the supplier."""
    units, test = site.runtime.units_of_work, system_identity("test")
    with units.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with units.begin(identity=test, cooperative_id=tenant) as uow:
        open_round(uow, round_id)
        products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
        line = PledgeLine(products["AK-AARD"], 4)
        member_id = member_by_code(uow.session, uow.tenant, "M101").id
        save_pledges(uow, SavePledges(round_id=round_id, member_id=member_id, lines=(line,)))
        close_round(uow, CloseRound(round_id=round_id))
        order_round(uow, OrderRound(round_id=round_id))
        # The supplier was mailed: only then is there an order to withdraw.
        uow.session.execute(
            text("update outbox_message set sent_at = :now where kind = 'mail.supplier-order'"),
            {"now": uow.now - timedelta(minutes=1)},
        )


def test_a_round_is_changed_ordered_and_made_again_on_a_phone(browser: Browser, site: Site) -> None:
    round_id = plan(site)
    page = a_page(browser)
    sign_in(page, site, site.coordinator)
    page.goto(f"{site.address}/c/MRS/suppliers?supplier=LEV1")
    expect(page.get_by_label("E-mailadres voor bestellingen")).to_have_value("boer@example.org")
    look(page, "supplier-changed")
    page.goto(f"{site.address}/c/MRS/suppliers/LEV1?product=AK-AARD")
    look(page, "product-changed")

    page.goto(f"{site.address}/c/MRS/rounds/MRS-P1/manage")
    page.get_by_role("link", name="Verander de ronde").click()
    page.get_by_label("Vracht zonder btw").fill("10,00")
    page.get_by_label("Prijs zonder btw van Aardappelen").fill("1,05")
    look(page, "draft")
    page.get_by_role("button", name="Bewaar de ronde").click()
    expect(page.get_by_text("De ronde is veranderd.")).to_be_visible()

    order(site, round_id)
    page.reload()
    page.get_by_role("link", name="Vracht zoals die werd").click()
    page.get_by_label("Vracht zonder btw").fill("14,00")
    page.get_by_label("Waarom? Leden lezen dit.").fill("twee ritten")
    look(page, "freight")
    page.get_by_role("button", name="Reken af met deze vracht").click()
    expect(page.get_by_text("De vracht is ingevuld.")).to_be_visible()

    page.get_by_role("link", name="Annuleer deze ronde").click()
    expect(page.get_by_text("Onze bestelling MRS-P1 van")).to_be_visible()
    page.get_by_label("Waarom? Leden lezen dit.").fill("verkeerde datum")
    look(page, "cancel")
    page.get_by_role("button", name="Annuleer de ronde voor iedereen").click()
    page.get_by_role("link", name="Maak deze ronde opnieuw").click()
    look(page, "renew")
    page.get_by_role("button", name="Open de ronde opnieuw").click()
    expect(page.get_by_text("De ronde is weer open.")).to_be_visible()

    member = a_page(browser)
    sign_in(member, site, site.member)
    member.goto(f"{site.address}/c/MRS/rounds/MRS-P1")
    member.get_by_role("link", name="Ga naar de ronde die ervoor in de plaats komt").click()
    # The price of the draft was for that round only: it is asked anew at the price of today.
    field = member.locator(".product", has_text="Aardappelen").get_by_role("spinbutton").first
    expect(field).to_have_value("0")
    expect(member.get_by_text(re.compile("Vracht komt erbij"))).to_be_visible()
    look(member, "member-renewed")
    for each in (page, member):
        each.context.close()
