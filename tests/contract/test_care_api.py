"""Care budgets over REST: the same border as the pages, retries, and refusals as problems."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, a_token
from tests.factories.people import sign_up
from wijkeconomie.budgets.access import open_care_records
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
from wijkeconomie.budgets.models import CareLaw
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

TEST = system_identity("test")


def a_client(service: Flask, city: Runtime, name: str, *roles: Role, member: str) -> ApiClient:
    person = sign_up(city, "MRS", name, *roles, member=member or None)
    return ApiClient(service.test_client(), a_token(city, person))


@pytest.fixture
def agreement(city: Runtime, clock: Clock) -> int:
    """Annelies (M101) has EUR 100.00 from her insurer; Esra (M105) works for EUR 40.00 an hour."""
    clock.set(datetime(2026, 4, 10, 12, 0, tzinfo=UTC))
    with city.units_of_work.begin(identity=TEST) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=TEST, cooperative_id=cooperative_id) as uow:
        members = [member_by_code(uow.session, uow.tenant, code).id for code in ("M101", "M105")]
        day = clock.now.date()
        budget = save_budget(
            uow,
            SaveBudget(
                code="Z-77",
                holder_id=members[0],
                law=CareLaw.ZVW,
                starts_on=day.replace(month=1, day=1),
                ends_on=day.replace(month=12, day=31),
                budget_cents=10_000,
                payer_name="VGZ",
            ),
        )
        carer = save_carer(uow, SaveCarer(name=None, member_id=members[1]))
        found = save_agreement(
            uow, SaveAgreement(budget_id=budget, carer_id=carer, hourly_rate_cents=4000)
        )
        decide_agreement(
            uow,
            DecideAgreement(
                agreement_id=found, is_approved=True, decided_on=day, decided_by="verzekeraar"
            ),
        )
    return found


@pytest.fixture
def holder(service: Flask, city: Runtime) -> ApiClient:
    return a_client(service, city, "Annelies", Role.MEMBER, member="M101")


@pytest.fixture
def carer(service: Flask, city: Runtime) -> ApiClient:
    return a_client(service, city, "Esra", Role.MEMBER, member="M105")


@pytest.fixture
def administrator(service: Flask, city: Runtime) -> ApiClient:
    return a_client(service, city, "Hanneke", Role.CARE, member="")


def hours(agreement: int, minutes: int = 60, **more: Any) -> dict[str, Any]:
    return {"agreement_id": agreement, "month": "2026-03", "minutes": minutes, **more}


def test_the_road_over_rest(
    agreement: int, holder: ApiClient, carer: ApiClient, administrator: ApiClient
) -> None:
    [own] = carer.get("/care-agreements")["items"]
    assert own["id"] == agreement
    answers = [
        carer.send("POST", "/care-declarations", hours(agreement), key="eerste-sleutel")
        for _twice in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    [made, again] = [answer.get_json() for answer in answers]
    assert made == again
    assert (made["cents"], made["state"]) == (4000, "submitted")
    path = f"/care-declarations/{made['id']}"
    assert carer.send("POST", f"{path}/approve", {}, key="carer-sleutel").status_code == 404
    answer = holder.send("POST", f"{path}/approve", {}, key="holder-sleutel")
    assert answer.get_json()["state"] == "approved"
    [budget] = holder.get("/care-budgets")["items"]
    assert (budget["used_cents"], budget["left_cents"]) == (4000, 6000)
    burn = holder.get(f"/care-budgets/{budget['id']}/forecast")
    assert (burn["average_cents"], burn["empty_in"]) == (1333, "2026-08-01")

    made_list = administrator.send(
        "POST",
        "/care-lists",
        {"month": "2026-03", "payer": "insurer", "payer_name": "VGZ"},
        key="lijst-sleutel",
    ).get_json()
    listed = administrator.send("GET", f"/care-lists/{made_list['id']}.csv")
    assert "Z-77" in listed.get_data(as_text=True)
    again = administrator.send(
        "POST", "/care-lists", {"month": "2026-02", "payer": "svb"}, key="andere-lijst"
    )
    assert again.status_code == 201


def test_the_border_holds_over_rest(
    agreement: int, service: Flask, city: Runtime, carer: ApiClient, administrator: ApiClient
) -> None:
    stranger = a_client(service, city, "Bram", Role.MEMBER, Role.BOARD, member="M102")

    assert carer.get("/care-budgets")["items"] == []
    assert stranger.get("/care-budgets")["items"] == []
    assert stranger.get("/care-declarations")["items"] == []
    assert stranger.send("GET", "/care-lists/1.csv").status_code == 403
    body = {"month": "2026-03", "payer": "svb"}
    assert stranger.send("POST", "/care-lists", body, key="bord-sleutel").status_code == 403
    assert len(administrator.get("/care-budgets")["items"]) == 2
    # Declarations of everyone are not listed unasked: an administrator reads them by budget.
    assert administrator.get("/care-declarations")["items"] == []


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"minutes": 151}, 409, "over-care-budget"),
        ({"month": "2025-12"}, 409, "outside-care-period"),
        ({"claimed_cents": 1}, 409, "care-amount-differs"),
        ({"month": "2026-09"}, 422, "invalid-input"),
        ({"minutes": 0}, 422, "unprocessable-entity"),
        ({"minutes": 1.5}, 422, "unprocessable-entity"),
        ({"month": "maart"}, 422, "unprocessable-entity"),
        ({"hours": 1}, 422, "unprocessable-entity"),
        ({"agreement_id": 999_999}, 404, "not-found"),
    ],
)
def test_what_is_wrong_is_a_problem_and_declares_nothing(
    agreement: int, carer: ApiClient, city: Runtime, more: dict[str, Any], status: int, code: str
) -> None:
    answer = carer.send("POST", "/care-declarations", hours(agreement) | more, key="een-sleutel")

    assert answer.status_code == status
    assert answer.get_json()["type"].rpartition("/")[2].startswith(code.partition("-")[0])
    assert carer.get("/care-declarations")["items"] == []


def test_a_refusal_tells_a_carer_nothing_of_the_budget(agreement: int, carer: ApiClient) -> None:
    answer = carer.send("POST", "/care-declarations", hours(agreement, 600), key="een-sleutel")

    assert set(answer.get_json()["context"]) == {"from_month", "until_month"}


def test_reading_over_rest_leaves_a_line(
    agreement: int, administrator: ApiClient, city: Runtime
) -> None:
    administrator.get("/care-budgets")

    with city.units_of_work.begin(identity=TEST) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=TEST, cooperative_id=cooperative_id) as uow:
        open_care_records(uow, "test")
        assert uow.session.scalar(
            text("select count(*) from care_trail where action = 'budgets-read'")
        )
