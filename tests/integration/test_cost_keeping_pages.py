"""The treasurer's forms: keys with all terms, meters, subsidies, costs that come back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


def stored(city: Runtime, query: str) -> list[dict[str, Any]]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        rows = uow.session.execute(text(query), {"id": cooperative_id})
        return [dict(row) for row in rows.mappings()]


HEATING = {
    "name": "Verwarming",
    "code": "warmte",
    "valid_from": "2026-01-01",
    "basis": "meter",
    "fixed_basis": "m2",
    "fixed_percent": "35",
    "tie_policy": "order",
    "excluded-M103": "yes",
}
_VERSIONS = (
    "select v.*, k.code from allocation_key_version v join allocation_key k"
    " on k.cooperative_id = v.cooperative_id and k.id = v.key_id where v.cooperative_id = :id"
)


def test_a_key_of_two_parts_is_written_down_and_offered_again_for_its_next_version(
    treasurer: FlaskClient, city: Runtime
) -> None:
    assert post(treasurer, "/c/MRS/new-key", **HEATING)[0] == 303

    [version] = stored(city, f"{_VERSIONS} and k.code = 'warmte'")
    assert (version["basis"], version["fixed_basis"], version["fixed_percent"]) == (
        "meter",
        "m2",
        "35",
    )
    page = treasurer.get("/c/MRS/new-key?code=warmte").get_data(as_text=True)
    assert 'value="Verwarming"' in page
    assert 'name="excluded-M103" value="yes" checked' in page


def test_parts_of_a_deed_with_a_decision_and_bounds(treasurer: FlaskClient, city: Runtime) -> None:
    form = {
        "name": "Breukdelen",
        "code": "deel",
        "valid_from": "2026-01-01",
        "basis": "parts",
        "parts_total": "100",
        "tie_policy": "order",
        "requires_decision": "yes",
        "weight-M101": "60",
        "weight-M102": "40",
        "cap-M101": "75,00",
        "minimum-M102": "1,50",
    }
    assert post(treasurer, "/c/MRS/new-key", **form)[0] == 303

    [version] = stored(city, f"{_VERSIONS} and k.code = 'deel'")
    assert (version["parts_total"], version["requires_decision"], version["decision"]) == (
        "100",
        True,
        None,
    )
    terms = stored(
        city,
        "select w.weight, w.minimum_cents, w.cap_cents from allocation_weight w"
        f" where w.cooperative_id = :id and w.version_id = {version['id']} order by w.member_id",
    )
    assert [tuple(row.values()) for row in terms] == [("60", None, 7500), ("40", 150, None)]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"fixed_percent": "135"}, "fixed_percent"),
        ({"fixed_percent": ""}, "fixed_percent"),
        ({"basis": "parts", "parts_total": "alles", "fixed_basis": ""}, "parts_total"),
        ({"tie_policy": "carry"}, "tie_policy"),
        ({"cap-M101": "5,00"}, "members"),
        ({"fixed_basis": "", "cap-M101": "5,00", "minimum-M101": "6,00"}, "members"),
        ({"minimum-M101": "veel"}, "minimum-M101"),
    ],
)
def test_a_key_that_has_no_meaning_is_said_at_its_field(
    treasurer: FlaskClient, changed: dict[str, str], field: str
) -> None:
    status, page = post(treasurer, "/c/MRS/new-key", **(HEATING | changed))

    assert status == 422
    assert f'href="#field-{field}"' in page


def test_meters_are_read_and_what_can_hardly_be_right_is_asked_about(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 3, 2, tzinfo=UTC))
    post(treasurer, "/c/MRS/new-key", **HEATING)
    meters = "/c/MRS/meters"
    new = {"code": "W-1", "member": "M101", "key": "warmte", "unit": "GJ"}
    assert post(treasurer, meters, **new)[0] == 303
    assert "al gebruikt" in post(treasurer, meters, **new)[1]

    def read(day: str, value: str, **more: str) -> tuple[int, str]:
        return post(
            treasurer, f"{meters}/readings", meters, read_on=day, **{"value-W-1": value}, **more
        )

    assert read("2026-01-01", "10")[0] == 303
    assert read("2026-02-01", "12,5", **{"estimate-W-1": "yes"})[0] == 303
    assert "Lager dan eerder (12,5)" in read("2026-03-01", "12")[1]
    assert "Schrijf wat de meter aangeeft" in read("2026-03-01", "veel")[1]
    status, page = read("2026-03-01", "99")
    assert (status, "Veel meer dan gewoonlijk" in page) == (422, True)
    assert "confirm-W-1" in page
    assert read("2026-03-01", "99", **{"confirm-W-1": "yes"})[0] == 303
    assert "Laatst: 99 op" in treasurer.get(meters).get_data(as_text=True)
    assert [
        row["value"]
        for row in stored(
            city, "select value from meter_reading where cooperative_id = :id order by read_on"
        )
    ] == ["10", "12.5", "99"]


def test_readings_of_a_form_are_kept_together_or_not_at_all(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 2, 2, tzinfo=UTC))
    post(treasurer, "/c/MRS/new-key", **HEATING)
    meters = "/c/MRS/meters"
    for number in ("1", "2"):
        new = {"code": f"W-{number}", "member": f"M10{number}", "key": "warmte", "unit": "GJ"}
        post(treasurer, meters, **new)
    first = {"value-W-1": "10", "value-W-2": "10"}
    assert post(treasurer, f"{meters}/readings", meters, read_on="2026-01-01", **first)[0] == 303

    wrong = {"value-W-1": "12", "value-W-2": "9"}
    status, page = post(treasurer, f"{meters}/readings", meters, read_on="2026-02-01", **wrong)

    assert (status, 'href="#field-value-W-2"' in page) == (422, True)
    assert 'value="12"' in page
    assert len(stored(city, "select 1 from meter_reading where cooperative_id = :id")) == 2
    status, page = post(treasurer, f"{meters}/readings", meters, read_on="2026-02-03", **first)
    assert "Deze dag moet nog komen" in page


def test_a_meter_is_handed_over_to_who_moves_in(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 2, 2, tzinfo=UTC))
    post(treasurer, "/c/MRS/new-key", **HEATING)
    meters = "/c/MRS/meters"
    new = {"code": "W-1", "member": "M101", "key": "warmte", "unit": "GJ"}
    post(treasurer, meters, **new, starts_on="2026-01-01")
    post(treasurer, f"{meters}/readings", meters, read_on="2026-01-01", **{"value-W-1": "10"})
    [meter] = stored(city, "select id from meter where cooperative_id = :id")
    end = f"{meters}/{meter['id']}/end"
    form = {"ended_on": "2026-01-16", "value": "15,5", "next_member": "M102"}

    assert "Meter W-1 van M101" in treasurer.get(end).get_data(as_text=True)
    assert 'href="#field-value"' in post(treasurer, end, end, **(form | {"value": "9"}))[1]
    for changed, field in (
        ({"value": "veel"}, "value"),
        ({"ended_on": "2025-12-31"}, "ended_on"),
        ({"ended_on": "2027-01-01"}, "value"),
        ({"next_code": "W-2"}, "next_value"),
    ):
        status, page = post(treasurer, end, end, **(form | changed))
        assert (status, f'href="#field-{field}"' in page) == (422, True)
    assert post(treasurer, end, end, **form)[0] == 303

    rows = stored(
        city,
        "select m.code, mm.code as member, m.starts_on::text, m.ended_on::text, r.value"
        " from meter m join member mm on mm.cooperative_id = m.cooperative_id"
        " and mm.id = m.member_id left join meter_reading r"
        " on r.cooperative_id = m.cooperative_id and r.meter_id = m.id"
        " where m.cooperative_id = :id order by m.id, r.read_on",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("W-1", "M101", "2026-01-01", "2026-01-16", "10"),
        ("W-1", "M101", "2026-01-01", "2026-01-16", "15.5"),
        ("W-1", "M102", "2026-01-16", None, "15.5"),
    ]
    page = treasurer.get(meters).get_data(as_text=True)
    assert "Meters die gestopt zijn" in page
    assert treasurer.get(f"{meters}/999999/end").status_code == 404
    status, page = post(treasurer, end, end, **form)
    assert status == 422


SUBSIDY = {
    "grantor": "Gemeente",
    "purpose": "huur",
    "code": "G-9",
    "awarded": "1.000,00",
    "key": "equal",
    "mode": "earmarked",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "accountable_by": "2027-04-01",
    "earmark-M101": "5,00",
}


def test_a_subsidy_for_named_members_is_written_down(treasurer: FlaskClient, city: Runtime) -> None:
    assert post(treasurer, "/c/MRS/new-subsidy", **SUBSIDY)[0] == 303
    assert "al gebruikt" in post(treasurer, "/c/MRS/new-subsidy", **SUBSIDY)[1]

    [earmark] = stored(
        city,
        "select e.cents from subsidy_earmark e join subsidy s"
        " on s.cooperative_id = e.cooperative_id and s.id = e.subsidy_id"
        " where e.cooperative_id = :id and s.code = 'G-9'",
    )
    assert earmark["cents"] == 500
    assert "€\xa01.000,00" in treasurer.get("/c/MRS/costs").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"awarded": "0"}, "awarded"),
        ({"valid_until": "2025-12-31"}, "valid_until"),
        ({"mode": "pool"}, "earmarks"),
        ({"earmark-M101": ""}, "earmarks"),
        ({"earmark-M101": "veel"}, "earmark-M101"),
        ({"grantor": ""}, "grantor"),
    ],
)
def test_a_subsidy_that_cannot_be_is_said_at_its_field(
    treasurer: FlaskClient, changed: dict[str, str], field: str
) -> None:
    status, page = post(treasurer, "/c/MRS/new-subsidy", **(SUBSIDY | changed))

    assert status == 422
    assert f'href="#field-{field}"' in page


def test_a_cost_comes_back_until_its_last_day_or_until_it_is_stopped(
    treasurer: FlaskClient, city: Runtime
) -> None:
    form = {
        "description": "internet",
        "code": "NET",
        "on": "2027-01-31",
        "ends_on": "2027-12-31",
        "net": "50,00",
        "vat": "10,49",
        "rate": "2100",
        "key": "equal",
        "every": "1",
        "supplier": "MRS-L1",
    }
    status, page = post(treasurer, "/c/MRS/new-cost", **form)
    assert (status, 'href="#field-supplier"' in page) == (422, True)
    form["new_supplier"] = "yes"
    status, page = post(treasurer, "/c/MRS/new-cost", **(form | {"ends_on": "2026-01-01"}))
    assert (status, 'href="#field-ends_on"' in page) == (422, True)
    assert post(treasurer, "/c/MRS/new-cost", **form)[0] == 303

    [kept] = stored(
        city, "select * from recurring_cost where cooperative_id = :id and code = 'NET'"
    )
    assert (kept["day_of_month"], kept["gross_cents"], kept["supplier_code"]) == (
        31,
        6049,
        "MRS-L1",
    )
    overview = "/c/MRS/costs"
    assert "recurring-costs/NET/stop" in treasurer.get(overview).get_data(as_text=True)
    assert post(treasurer, "/c/MRS/recurring-costs/NET/stop", "/c/MRS/new-cost")[0] == 303
    assert "recurring-costs/NET/stop" not in treasurer.get(overview).get_data(as_text=True)
    assert post(treasurer, "/c/MRS/recurring-costs/NIX/stop", "/c/MRS/new-cost")[0] == 404


def test_a_cost_that_comes_back_is_changed_from_a_month_on(
    treasurer: FlaskClient, city: Runtime
) -> None:
    form = {
        "description": "huur",
        "code": "HUUR",
        "on": "2026-02-15",
        "net": "100,00",
        "rate": "2100",
        "key": "equal",
        "every": "1",
    }
    assert post(treasurer, "/c/MRS/new-cost", **form)[0] == 303
    page = "/c/MRS/recurring-costs/HUUR"
    shown = treasurer.get(page).get_data(as_text=True)
    assert 'value="2026-02"' in shown
    assert 'value="100,00"' in shown
    change = {"net": "110,00", "vat": "", "rate": "2100", "key": "equal", "ends_on": ""}
    assert post(treasurer, page, from_month="2026-04", **change)[0] == 303
    assert post(treasurer, page, from_month="april", **change)[0] == 422
    status, shown = post(treasurer, page, from_month="2026-05", **(change | {"net": ""}))
    assert (status, 'href="#field-net"' in shown) == (422, True)

    [terms] = stored(city, "select * from recurring_cost_terms where cooperative_id = :id")
    assert (str(terms["from_month"]), terms["net_cents"], terms["gross_cents"]) == (
        "2026-04-01",
        11000,
        13310,
    )
