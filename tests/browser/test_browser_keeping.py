"""Pages of who keeps and who is paid: they fit a phone and a desk, and can be used by all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_road import a_page
from tests.conftest import Clock
from tests.factories.people import Person, sign_up
from wijkeconomie.budgets.correcting import CorrectHours, correct_hours
from wijkeconomie.budgets.declaring import Declare, approve, declare
from wijkeconomie.budgets.keeping import (
    DecideAgreement,
    SaveAgreement,
    SaveBudget,
    SaveCarer,
    decide_agreement,
    save_agreement,
    save_budget,
    save_carer,
)
from wijkeconomie.budgets.lists import make_list
from wijkeconomie.budgets.models import CareLaw, Payer
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers.keeping import set_contacts
from wijkeconomie.vouchers.paying_out import PayOut, pay_out

WIDTHS = (390, 1280)


@pytest.fixture(autouse=True)
def summer(site: Site, clock: Clock) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))


def do(site: Site, act: Callable[[UnitOfWork], Any]) -> Any:
    """Do something in the demo city, as the program itself."""
    test = system_identity("test")
    with site.runtime.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with site.runtime.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        return act(uow)


def looks_right(page: Page, site: Site, path: str) -> None:
    """No sideways scrolling at any width, and nothing that axe finds."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site.address}/c/MRS/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


@pytest.fixture
def merchant(site: Site) -> Person:
    person = sign_up(site.runtime, "MRS", "Bakker", Role.MERCHANT)
    do(site, lambda uow: set_contacts(uow, "MRS-W1", (person.email,)))
    do(site, lambda uow: pay_out(uow, PayOut(idempotency_key="een", merchant_code="MRS-W1")))
    return person


def test_a_merchant_reads_his_history_on_his_phone(
    browser: Browser, site: Site, merchant: Person
) -> None:
    page = a_page(browser)
    sign_in(page, site, merchant)
    page.goto(f"{site.address}/c/MRS/till")
    page.get_by_role("link", name="Wat erbij en eraf ging, per maand").first.click()
    page.get_by_role("heading", name="Wat erbij en eraf ging bij").wait_for()
    with page.expect_download() as started:
        page.get_by_role("link", name="2026", exact=True).click()
    assert started.value.suggested_filename == "MRS-W1-2026.csv"
    looks_right(page, site, "till/history/MRS-W1")
    looks_right(page, site, "till/history/MRS-W1?month=2026-06")


def test_a_treasurer_reads_the_history_of_each_merchant(
    browser: Browser, site: Site, merchant: Person
) -> None:
    page = a_page(browser)
    sign_in(page, site, site.treasurer)
    looks_right(page, site, "vouchers/merchants/MRS-W1/history")
    looks_right(page, site, "vouchers/merchants/MRS-W2/history")


def hours_on_a_list(uow: UnitOfWork) -> int:
    """Hours that Carlijn (M103) worked for Annelies (M101) in June, on a list of the insurer."""
    holder, carer = (member_by_code(uow.session, uow.tenant, code).id for code in ("M101", "M103"))
    budget = save_budget(
        uow,
        SaveBudget(
            code="Z-77",
            holder_id=holder,
            law=CareLaw.ZVW,
            starts_on=date(2026, 1, 1),
            ends_on=date(2026, 12, 31),
            budget_cents=100_000,
            payer_name="VGZ",
        ),
    )
    agreement = save_agreement(
        uow,
        SaveAgreement(
            budget_id=budget,
            carer_id=save_carer(uow, SaveCarer(name=None, member_id=carer)),
            hourly_rate_cents=4000,
        ),
    )
    decide_agreement(
        uow,
        DecideAgreement(
            agreement_id=agreement,
            is_approved=True,
            decided_on=date(2026, 1, 1),
            decided_by="verzekeraar",
        ),
    )
    made = declare(uow, Declare(agreement_id=agreement, month=date(2026, 6, 1), minutes=300))
    approve(uow, made.id, note="map 1")
    make_list(uow, date(2026, 6, 1), Payer.INSURER, "VGZ")
    return made.id


def test_a_carer_corrects_hours_and_the_holder_approves_them_again(
    browser: Browser, site: Site
) -> None:
    declaration = do(site, hours_on_a_list)
    carer = a_page(browser)
    sign_in(carer, site, site.neighbour)
    looks_right(carer, site, f"care-declarations/{declaration}/correct")
    carer.goto(f"{site.address}/c/MRS/care-work")
    carer.get_by_role("link", name="Corrigeer deze uren").click()
    carer.get_by_label("Uren").fill("4")
    carer.get_by_label("Waarom?").fill("één keer te veel geteld")
    carer.get_by_role("button", name="Vraag de budgethouder").click()
    carer.get_by_text("Het telt zodra de budgethouder het goedkeurt.").wait_for()
    looks_right(carer, site, "care-work")

    holder = a_page(browser)
    sign_in(holder, site, site.member)
    looks_right(holder, site, "my-care")
    holder.get_by_text("één keer te veel geteld").wait_for()
    holder.get_by_role("button", name="Keur deze uren goed").click()
    carer.goto(f"{site.address}/c/MRS/care-work")
    carer.get_by_text("vervangen door een correctie").wait_for()


def test_an_administrator_sees_what_was_corrected(browser: Browser, site: Site) -> None:
    declaration = do(site, hours_on_a_list)
    do(
        site,
        lambda uow: correct_hours(
            uow, CorrectHours(declaration_id=declaration, minutes=0, reason="niet gewerkt")
        ),
    )
    page = a_page(browser)
    sign_in(page, site, site.care_administrator)
    page.goto(f"{site.address}/c/MRS/care")
    page.get_by_role("link", name="Annelies").last.click()
    looks_right(page, site, page.url.rpartition("/c/MRS/")[2])


def test_a_treasurer_orders_payouts_takes_the_file_and_settles_the_run(
    browser: Browser, site: Site
) -> None:
    page = a_page(browser)
    sign_in(page, site, site.treasurer)
    looks_right(page, site, "payouts")
    looks_right(page, site, "payouts/new/merchant")
    looks_right(page, site, "payouts/new/member")
    page.goto(f"{site.address}/c/MRS/payouts")
    page.get_by_role("link", name="Maak een betaalronde Winkels").click()
    page.get_by_label("Van welke rekening").fill("NL91ABNA0417164300")
    page.get_by_role("button", name="Geef deze betalingen op").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download het bestand").click()
    assert started.value.suggested_filename == "W26-0001.xml"
    looks_right(page, site, "payouts/W26-0001")
    page.get_by_role("button", name="Schrijf op dat de bank dit betaalde").click()
    page.get_by_text("De bank heeft alles betaald.").wait_for()
    looks_right(page, site, "payouts")


def test_members_pass_units_on_and_the_treasurer_approves(browser: Browser, site: Site) -> None:
    giver = a_page(browser)
    sign_in(giver, site, site.member)
    looks_right(giver, site, "projects/ZON/transfers")
    giver.goto(f"{site.address}/c/MRS/projects/ZON")
    giver.get_by_role("link", name="Doorgegeven delen").click()
    giver.get_by_label("Lidnummer van wie ze krijgt").fill("M103")
    giver.get_by_label("Hoeveel delen?").fill("2")
    giver.get_by_role("button", name="Bied deze delen aan").click()
    giver.get_by_text("wacht op wie ze krijgt").wait_for()
    looks_right(giver, site, "projects/ZON/transfers")

    other = a_page(browser)
    sign_in(other, site, site.neighbour)
    other.get_by_role("link", name="Kijk naar delen die worden doorgegeven").click()
    other.get_by_role("button", name="Neem deze delen aan").click()
    other.get_by_text("wacht op het bestuur").wait_for()

    treasurer = a_page(browser)
    sign_in(treasurer, site, site.treasurer)
    treasurer.get_by_role("link", name="Kijk naar delen die worden doorgegeven").click()
    looks_right(treasurer, site, "projects/ZON/transfers")
    treasurer.get_by_role("button", name="Keur goed namens het bestuur").click()
    treasurer.get_by_text("doorgegeven op").wait_for()
    looks_right(treasurer, site, "projects/ZON")
    looks_right(treasurer, site, "new-project")
