"""Subsidies in the books: awarded, received, spent, accounted for; never more than there is."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.shared_costs import House, a_house
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import DomainError, IdempotencyKeyReusedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.funding import (
    MoveSubsidy,
    account_for_subsidy,
    receive_subsidy,
    repay_subsidy,
    spend_subsidy,
)
from wijkeconomie.costs.funding_pages import report_csv
from wijkeconomie.costs.funding_queries import SubsidyReport, subsidy_report
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.refusals import SubsidyAccountedError, SubsidyLimitError

AWARDED = 100_000


def a_subsidised_house(units_of_work: UnitOfWorkFactory) -> House:
    house = a_house(units_of_work)
    with house.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code="G1",
                grantor="Oranjefonds",
                purpose="energie",
                mode=SubsidyMode.POOL,
                awarded_cents=AWARDED,
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
                accountable_by=date(2027, 4, 1),
                key_code="equal",
            ),
        )
    return house


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_subsidised_house(units_of_work)


def a_move(cents: int, reference: str = "een") -> MoveSubsidy:
    return MoveSubsidy(code="G1", cents=cents, on=date(2026, 3, 1), reference=reference)


def the_report(house: House) -> SubsidyReport:
    with house.books.open() as uow:
        return subsidy_report(uow.session, uow.tenant, "G1")


def test_the_accounting_tells_what_became_of_every_cent(house: House) -> None:
    house.cost("K1", 30_000)
    house.settle()
    with house.books.open() as uow:
        receive_subsidy(uow, a_move(60_000))
        spend_subsidy(uow, a_move(10_000))
    with house.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2027, 3, 1))
        repay_subsidy(uow, a_move(20_000))

    report = the_report(house)
    assert (report.awarded_cents, report.received_cents) == (AWARDED, 60_000)
    assert report.spent_cents == 40_000
    assert (report.lapsed_cents, report.repaid_cents) == (40_000, 20_000)
    assert (report.to_receive_cents, report.left_cents) == (0, 0)
    assert report.accounted_on == date(2027, 3, 1)
    assert house.books.verify().fault is None
    rows = list(csv.DictReader(io.StringIO(report_csv(report).decode())))
    assert {row["item"]: row["amount"] for row in rows}["spent"] == "400.00"
    assert "cost/K1/1" in {row["item"] for row in rows}


def test_after_the_accounting_nothing_is_spent_of_it(house: House) -> None:
    with house.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 1, 15))
    house.cost("K1", 30_000)
    house.settle()

    assert sum(house.owed(member) for member in house.members) == 30_000
    with house.books.open() as uow, pytest.raises(SubsidyAccountedError):
        spend_subsidy(uow, a_move(1))
    with house.books.open() as uow, pytest.raises(SubsidyLimitError):
        receive_subsidy(uow, a_move(1))  # nothing was spent, so nothing is owed any more
    with house.books.open() as uow, pytest.raises(SubsidyAccountedError):
        account_for_subsidy(uow, "G1", date(2026, 1, 16))


def test_nothing_passes_what_there_is(house: House) -> None:
    for move in (receive_subsidy, spend_subsidy):
        with house.books.open() as uow, pytest.raises(SubsidyLimitError) as refused:
            move(uow, a_move(AWARDED + 1))
        assert refused.value.context["left_cents"] == AWARDED
    with house.books.open() as uow, pytest.raises(SubsidyLimitError):
        repay_subsidy(uow, a_move(1))


def test_a_repeated_move_is_booked_once(house: House) -> None:
    for _ in range(2):
        with house.books.open() as uow:
            assert receive_subsidy(uow, a_move(60_000)).to_receive_cents == 40_000
            assert spend_subsidy(uow, a_move(60_000)).to_spend_cents == 40_000
    with house.books.open() as uow, pytest.raises(IdempotencyKeyReusedError):
        spend_subsidy(uow, a_move(1))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["receive", "spend", "repay", "cost", "account"]),
            st.integers(1, 60_000),
        ),
        max_size=12,
    )
)
def test_the_sums_tie_whatever_happens(
    units_of_work: UnitOfWorkFactory, steps: list[tuple[str, int]]
) -> None:
    house = a_subsidised_house(units_of_work)
    moves = {"receive": receive_subsidy, "spend": spend_subsidy, "repay": repay_subsidy}
    for number, (step, cents) in enumerate(steps):
        try:
            if step == "cost":
                house.cost(f"K{number}", cents)
                house.settle()
            elif step == "account":
                with house.books.open() as uow:
                    account_for_subsidy(uow, "G1", date(2026, 5, 1))
            else:
                with house.books.open() as uow:
                    moves[step](uow, a_move(cents, f"stap-{number}"))
        except DomainError:
            continue
    report = the_report(house)
    with house.books.open() as uow:
        balance = house.books.balance
        assert balance("13201:G1") == report.to_receive_cents >= 0
        assert -balance("16521:G1") == report.left_cents >= 0
    assert report.received_cents + report.lapsed_cents + report.to_receive_cents == AWARDED
    spent = report.spent_cents + report.lapsed_cents + report.repaid_cents + report.left_cents
    assert spent == AWARDED


@pytest.fixture
def treasurer(site: Flask, city: Runtime, clock: Clock) -> FlaskClient:
    clock.set(datetime(2027, 2, 10, 12, tzinfo=UTC))
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


def test_the_treasurer_writes_a_subsidy_down_and_accounts_for_it(treasurer: FlaskClient) -> None:
    form = {
        "grantor": "Oranjefonds",
        "purpose": "buurtfeest",
        "code": "FEEST",
        "awarded": "400,00",
        "mode": "earmarked",
        "key": "",
        "valid_from": "2027-01-01",
        "valid_until": "2027-12-31",
        "accountable_by": "2027-03-01",
    }
    assert post(treasurer, "/c/MRS/new-subsidy", **(form | {"awarded": ""}))[0] == 422
    assert post(treasurer, "/c/MRS/new-subsidy", **(form | {"valid_until": "2026-01-01"}))[0] == 422
    assert post(treasurer, "/c/MRS/new-subsidy", **form)[0] == 303
    assert post(treasurer, "/c/MRS/new-subsidy", **form)[0] == 422  # the number is in use
    page = "/c/MRS/subsidies/FEEST"
    assert "Verantwoord de subsidie van Oranjefonds" in treasurer.get("/c/MRS/").get_data(
        as_text=True
    )
    for move, amount in (("received", "300,00"), ("spent", "250,00")):
        assert post(treasurer, f"{page}/{move}", page, amount=amount, on="2027-02-01")[0] == 303
    assert post(treasurer, f"{page}/spent", page, amount="", on="2027-02-01")[0] == 422
    assert post(treasurer, f"{page}/spent", page, amount="200,00", on="2027-02-01")[0] == 409
    assert post(treasurer, f"{page}/accounted", page, on="2027-02-10")[0] == 303
    assert post(treasurer, f"{page}/repaid", page, amount="50,00", on="2027-02-10")[0] == 303
    shown = treasurer.get(page).get_data(as_text=True).replace("\xa0", " ")
    assert "Verantwoord op" in shown
    assert "€ 250,00" in shown
    file = treasurer.get(f"{page}/report.csv").get_data(as_text=True)
    assert "repaid,,,50.00" in file
    assert "FEEST" not in treasurer.get("/c/MRS/").get_data(as_text=True)
