"""Pages of keys and meters: they fit a phone and a desk, and can be used by all."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Site, sign_in
from tests.browser.test_browser_keeping import do, looks_right
from tests.browser.test_browser_road import a_page
from tests.conftest import Clock
from wijkeconomie.cooperatives.queries import member_ids_by_code
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.keys import SaveKeyVersion, save_key_version
from wijkeconomie.costs.meters import (
    EndMeter,
    RecordReading,
    end_meter,
    record_readings,
    save_meter,
)
from wijkeconomie.costs.models import Basis


@pytest.fixture(autouse=True)
def spring(site: Site, clock: Clock) -> None:
    clock.set(datetime(2026, 4, 2, 10, tzinfo=UTC))


def heating(uow: UnitOfWork) -> int:
    """A key by the meter that was mended once, with meters, one of which ended."""
    for percent, requires in (("35", False), ("30", True)):
        save_key_version(
            uow,
            SaveKeyVersion(
                code="warmte",
                name="Verwarming",
                valid_from=date(2026, 1, 1),
                basis=Basis.METER,
                fixed_percent=percent,
                fixed_basis=Basis.EQUAL,
                requires_decision=requires,
            ),
        )
    members = member_ids_by_code(uow.session, uow.tenant)
    found = [
        save_meter(uow, f"W-{code}", key_code="warmte", member_id=members[code], unit="GJ")
        for code in ("M101", "M102", "M103")
    ]
    record_readings(
        uow, [RecordReading(meter_id=id_, read_on=date(2026, 3, 1), value="10.5") for id_ in found]
    )
    end_meter(uow, EndMeter(meter_id=found[2], ended_on=date(2026, 4, 1), value="12"))
    record_cost(
        uow,
        RecordCost(
            code="GAS",
            month=date(2026, 3, 1),
            description="gas",
            key_code="warmte",
            net_cents=30_000,
            vat_cents=0,
        ),
    )
    return found[0]


def test_the_treasurer_finds_his_way_to_keys_and_meters(browser: Browser, site: Site) -> None:
    meter = do(site, heating)
    page = a_page(browser)
    sign_in(page, site, site.treasurer)

    for path in (
        "costs",
        "costs/keys/warmte",
        "costs/months/2026-03",
        "meters",
        f"meters/{meter}/end",
        "new-key?code=warmte",
    ):
        looks_right(page, site, path)

    page.goto(f"{site.address}/c/MRS/costs")
    page.get_by_role("link", name="Verwarming", exact=True).click()
    page.get_by_label("Het besluit").fill("Voorstel 12")
    page.get_by_role("button", name="Schrijf het besluit op").click()
    page.get_by_text("Besluit: Voorstel 12").wait_for()
