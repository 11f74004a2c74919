"""Vouchers from subsidies: booked on them, never more than is left, back when they expire."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.shared_costs import House
from tests.factories.vouchers import TODAY, Neighbourhood, a_neighbourhood
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.app import SUBSIDY_SOURCE
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.funding import (
    MoveSubsidy,
    account_for_subsidy,
    receive_subsidy,
    repay_subsidy,
    spend_subsidy,
)
from wijkeconomie.costs.funding_queries import SubsidyReport, subsidy_report
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.queries import subsidies
from wijkeconomie.costs.refusals import (
    SubsidyAccountedError,
    SubsidyForOthersError,
    SubsidyLimitError,
    SubsidyPeriodError,
)
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers
from wijkeconomie.vouchers.models import PaidBy
from wijkeconomie.vouchers.subsidising import issue_from

AWARDED = 100_000
LAST_DAY = date(2026, 12, 31)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory) -> Neighbourhood:
    return a_place(units_of_work)


def a_place(units_of_work: UnitOfWorkFactory, **terms: Any) -> Neighbourhood:
    place = a_neighbourhood(units_of_work)
    House(place.books, place.members).key()
    subsidise(place, **terms)
    return place


def subsidise(place: Neighbourhood, code: str = "G1", **terms: Any) -> None:
    with place.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                **{
                    "code": code,
                    "grantor": "Oranjefonds",
                    "purpose": "buurt",
                    "mode": SubsidyMode.POOL,
                    "awarded_cents": AWARDED,
                    "valid_from": date(2026, 1, 1),
                    "valid_until": LAST_DAY,
                    "key_code": "equal",
                    **terms,
                }
            ),
        )


def give(
    place: Neighbourhood,
    gifts: Sequence[tuple[str, int]],
    *,
    on: date = TODAY,
    until: date | None = None,
    key: str = "gift",
    scheme: str = "wijkmunt",
) -> int:
    with place.books.open() as uow:
        command = IssueVouchers(
            idempotency_key=key,
            scheme_code=scheme,
            paid_by=PaidBy.FUND,
            fund_code="G1",
            issued_on=on,
            grants=tuple(
                Grant(member_id=place.members[member], face_minor=cents, expires_on=until)
                for member, cents in gifts
            ),
        )
        return issue_from(uow, command, SUBSIDY_SOURCE)


def the_report(place: Neighbourhood) -> SubsidyReport:
    with place.books.open() as uow:
        return subsidy_report(uow.session, uow.tenant, "G1")


def a_move(cents: int, reference: str = "een") -> MoveSubsidy:
    return MoveSubsidy(code="G1", cents=cents, on=date(2026, 3, 1), reference=reference)


def test_what_vouchers_were_given_for_and_brought_back_is_in_the_accounting(
    place: Neighbourhood,
) -> None:
    give(place, [("L001", 30_000), ("L002", 20_000)], until=date(2026, 2, 1))
    place.expire(date(2026, 2, 2))
    give(place, [("L001", 10_000)], key="second")

    report = the_report(place)
    assert report.given_as_vouchers_cents == 60_000
    assert report.returned_by_vouchers_cents == 50_000
    assert report.spent_cents == 10_000
    assert report.left_cents == 90_000 == -place.balance("16521:G1")
    with place.books.open() as uow:
        [listed] = subsidies(uow.session, uow.tenant)
    assert (listed.used_cents, listed.left_cents) == (10_000, 90_000)
    assert place.circulation()["EUR"].issued == 60_000
    assert place.books.verify().fault is None


def test_shared_costs_and_vouchers_draw_on_what_the_other_left(place: Neighbourhood) -> None:
    house = House(place.books, place.members)
    give(place, [("L001", 70_000)])
    house.cost("A", 50_000)
    house.settle()

    # 300.00 of the subsidy was left for a cost of 500.00.
    assert sum(house.owed(member) for member in house.members) == 20_000
    with pytest.raises(SubsidyLimitError) as refused:
        give(place, [("L001", 1)], key="one cent")
    assert refused.value.context["left_cents"] == 0
    with place.books.open() as uow, pytest.raises(SubsidyLimitError):
        spend_subsidy(uow, a_move(1))


def test_a_repeated_issue_is_answered_also_when_nothing_is_left(place: Neighbourhood) -> None:
    number = give(place, [("L001", AWARDED)])

    assert give(place, [("L001", AWARDED)]) == number
    assert the_report(place).given_as_vouchers_cents == AWARDED


def test_only_on_its_days_in_euro_and_while_it_is_open(place: Neighbourhood) -> None:
    place.scheme("uren", unit="UUR")
    with pytest.raises(SubsidyPeriodError) as refused:
        give(place, [("L001", 1)], on=date(2027, 1, 1))
    assert refused.value.context["last_day"] == "2026-12-31"
    with pytest.raises(InvalidInputError):
        give(place, [("L001", 1)], scheme="uren")
    give(place, [("L001", 100)])
    with place.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 6, 1))
    with pytest.raises(SubsidyAccountedError):
        give(place, [("L001", 1)], key="late")


def test_a_pool_for_low_incomes_gives_vouchers_to_nobody_else(
    units_of_work: UnitOfWorkFactory,
) -> None:
    place = a_place(units_of_work, mode=SubsidyMode.TARGETED_POOL)
    with place.books.open() as uow:
        uow.session.execute(
            text(
                "update member set income_band = case code when 'L001' then 'laag'"
                " else 'regulier' end where cooperative_id = :id"
            ),
            {"id": uow.tenant},
        )

    give(place, [("L001", 5_000)])
    with pytest.raises(SubsidyForOthersError) as refused:
        give(place, [("L001", 100), ("L002", 100)], key="both")
    assert refused.value.context["member"] == "L002"


def test_an_earmark_is_the_most_for_a_member_in_all(units_of_work: UnitOfWorkFactory) -> None:
    place = a_neighbourhood(units_of_work)
    subsidise(
        place,
        mode=SubsidyMode.EARMARKED,
        key_code=None,
        earmarks=[(place.members["L001"], 5_000)],
    )

    give(place, [("L001", 2_000), ("L001", 1_000)], until=date(2026, 2, 1))
    with pytest.raises(SubsidyForOthersError) as refused:
        give(place, [("L001", 2_001)], key="too much")
    assert refused.value.context["left_cents"] == 2_000
    place.expire(date(2026, 2, 2))
    give(place, [("L001", 5_000)], key="what came back")
    with pytest.raises(SubsidyForOthersError):
        give(place, [("L002", 1)], key="another")


def test_what_expires_after_the_accounting_is_accounted_for_again(place: Neighbourhood) -> None:
    give(place, [("L001", 80_000)], until=date(2026, 8, 1))
    with place.books.open() as uow:
        receive_subsidy(uow, a_move(60_000))
        account_for_subsidy(uow, "G1", date(2026, 7, 1))
    assert the_report(place).lapsed_cents == 20_000
    place.expire(date(2026, 8, 2))
    with place.books.open() as uow, pytest.raises(SubsidyLimitError) as refused:
        repay_subsidy(uow, a_move(60_001))
    assert refused.value.context["left_cents"] == 60_000
    with place.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 8, 3))
        repay_subsidy(uow, a_move(60_000))

    report = the_report(place)
    assert (report.lapsed_cents, report.repaid_cents, report.spent_cents) == (40_000, 60_000, 0)
    assert (report.left_cents, report.to_receive_cents) == (0, 0)
    assert report.accounted_on == date(2026, 7, 1)
    with place.books.open() as uow, pytest.raises(SubsidyAccountedError):
        account_for_subsidy(uow, "G1", date(2026, 8, 4))


def test_the_last_part_of_what_was_spent_is_received_after_the_accounting(
    place: Neighbourhood,
) -> None:
    give(place, [("L001", AWARDED)])
    with place.books.open() as uow:
        receive_subsidy(uow, a_move(80_000))
        account_for_subsidy(uow, "G1", date(2026, 7, 1))
        assert receive_subsidy(uow, a_move(20_000, "rest")).to_receive_cents == 0


def test_the_database_gives_nothing_from_a_subsidy_that_was_accounted_for(
    place: Neighbourhood, owner: Engine
) -> None:
    give(place, [("L001", 100)])
    with place.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 7, 1))
    change = text(
        "update voucher_fund set issued_minor = issued_minor + 1 where cooperative_id = :id"
    )
    with pytest.raises(DBAPIError) as refused, owner.begin() as connection:
        connection.execute(change, {"id": place.books.cooperative_id})
    assert refused.value.orig.sqlstate == "WE030"  # type: ignore[union-attr]


def test_eight_at_once_give_what_is_left_and_no_more(place: Neighbourhood) -> None:
    house = House(place.books, place.members)
    house.cost("A", 40_000)
    together = Barrier(9)

    def at_once(act: Callable[[], object]) -> bool:
        together.wait()
        try:
            act()
        except SubsidyLimitError:
            return False
        return True

    gifts = [lambda n=n: give(place, [("L001", 15_000)], key=f"gift {n}") for n in range(8)]
    with ThreadPoolExecutor(9) as pool:
        *given, settled = pool.map(at_once, [*gifts, house.settle])

    report = the_report(place)
    assert settled
    assert report.given_as_vouchers_cents == 15_000 * sum(given)
    assert report.left_cents < 15_000
    assert report.spent_cents + report.left_cents == AWARDED
    assert place.books.verify().fault is None


STEPS = ("give", "expire", "cost", "spend", "receive", "account", "repay")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 60_000)), max_size=14))
def test_the_sums_tie_whatever_happens(
    units_of_work: UnitOfWorkFactory, steps: list[tuple[str, int]]
) -> None:
    place = a_place(units_of_work)
    house = House(place.books, place.members)
    moves = {"spend": spend_subsidy, "receive": receive_subsidy, "repay": repay_subsidy}
    for number, (step, cents) in enumerate(steps):
        try:
            if step == "give":
                give(place, [("L001", cents)], until=date(2026, 2, 1), key=f"gift {number}")
            elif step == "expire":
                place.expire(date(2026, 2, 2))
            elif step == "cost":
                house.cost(f"K{number}", cents)
                house.settle()
            elif step == "account":
                with place.books.open() as uow:
                    account_for_subsidy(uow, "G1", date(2026, 5, 1))
            else:
                with place.books.open() as uow:
                    moves[step](uow, a_move(cents, f"stap-{number}"))
        except DomainError:
            continue
    report = the_report(place)
    assert -place.balance("16521:G1") == report.left_cents >= 0
    assert place.balance("13201:G1") == report.to_receive_cents >= 0
    spent = report.spent_cents + report.lapsed_cents + report.repaid_cents + report.left_cents
    assert spent == AWARDED
    outstanding = place.circulation()["EUR"].outstanding if place.circulation() else 0
    given = report.given_as_vouchers_cents - report.returned_by_vouchers_cents
    assert given == outstanding


@pytest.fixture
def treasurer(site: Flask, city: Runtime, clock: Clock) -> FlaskClient:
    clock.set(datetime(2027, 2, 10, 12, tzinfo=UTC))
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


def test_the_treasurer_gives_vouchers_from_a_subsidy(treasurer: FlaskClient) -> None:
    subsidy = {
        "grantor": "Oranjefonds",
        "purpose": "buurtfeest",
        "code": "FEEST",
        "awarded": "400,00",
        "mode": "pool",
        "key": "",
        "valid_from": "2027-01-01",
        "valid_until": "2027-12-31",
    }
    assert post(treasurer, "/c/MRS/new-subsidy", **subsidy)[0] == 303
    page = "/c/MRS/vouchers/issue"
    shown = treasurer.get(page).get_data(as_text=True).replace("\xa0", " ")
    assert "subsidie FEEST, buurtfeest: nog € 400,00" in shown
    form = {
        "members": "M101 M102",
        "amount": "150,00",
        "kind": "wijkmunt",
        "paid_by": "fund",
        "fund": "FEEST",
    }
    assert post(treasurer, page, page, **form, key="issue-0001")[0] == 303
    status, answer = post(treasurer, page, page, **form, key="issue-0002")
    assert status == 422
    assert "Van deze subsidie is nog € 100,00 over." in answer.replace("\xa0", " ")
    told = treasurer.get("/c/MRS/subsidies/FEEST").get_data(as_text=True).replace("\xa0", " ")
    assert "waarvan als wijkmunt gegeven" in told
    assert "€ 300,00" in told
    file = treasurer.get("/c/MRS/subsidies/FEEST/report.csv").get_data(as_text=True)
    assert "given_as_vouchers,,,300.00" in file
    paper = treasurer.get("/c/MRS/subsidies/FEEST/report.pdf")
    assert paper.content_type == "application/pdf"
    words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.data)).pages)
    words = words.replace("\xa0", " ")
    assert "Verantwoording van subsidie FEEST" in words
    assert "Als wijkmunt gegeven" in words
    assert "€ 300,00" in words
    assert "M101" not in words
    fund = {"code": "FEEST", "name": "x", "grantor": "y", "granted": "1,00"}
    assert post(treasurer, "/c/MRS/vouchers/funds/new", **fund)[0] == 422
