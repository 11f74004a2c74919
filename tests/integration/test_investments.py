"""Investing together by the real use cases: guards of the database, the clock, who may do what."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Clock
from tests.factories.investments import PRICE, Roof, a_roof, open_roof
from tests.factories.shared_costs import House
from wijkeconomie.app import COST_SHARING, SCHEDULED_JOBS
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.jobs import JobStatus, latest_runs, run_due
from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.investments.building import share_cost_of_asset, turn_back_drawing
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.leaving import PayMember, pay_member
from wijkeconomie.investments.models import Instrument
from wijkeconomie.investments.participating import Subscribe, receive_payment, subscribe, withdraw
from wijkeconomie.investments.refusals import (
    CampaignFullError,
    CampaignNotOpenError,
    DrawingAboveRaisedError,
    DrawingUsedError,
    LossNotBorneError,
    MembersOnlyError,
    NothingDrawnError,
    NothingOwedError,
    ProjectExistsError,
    ProspectusNeededError,
    ResultSharedError,
)


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory) -> Roof:
    return a_roof(units_of_work)


def moment(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def work_through(roof: Roof) -> None:
    run_due(roof.books.units_of_work, SCHEDULED_JOBS)
    # Work of other cooperatives, which other tests leave, may fail.
    with roof.books.open() as uow:
        runs = latest_runs(uow.session, uow.tenant, limit=1000)
    assert [run for run in runs if run.status == JobStatus.FAILED] == []


# Campaigns


def test_all_or_nothing_counts_with_the_payment_that_completes_it(roof: Roof) -> None:
    first, second = roof.take("L001", 12), roof.take("L002", 8)

    assert roof.pay(first) is False
    assert roof.balances("members_capital") == {}
    assert roof.pay(second) is True

    assert roof.balances("participation_deposits") == {}
    assert roof.balances("members_capital") == {
        "ZON/L001": -12 * PRICE,
        "ZON/L002": -8 * PRICE,
    }
    assert roof.books.verify().fault is None


def test_the_clock_gives_money_back_three_days_after_the_last_day(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof.buy(L001=2)
    roof.take("L002", 1)

    clock.set(moment(2026, 2, 3))
    work_through(roof)
    assert roof.count("state") == "gathering"
    clock.set(moment(2026, 2, 4))
    work_through(roof)

    assert roof.count("state") == "failed"
    assert roof.balances("owed_to_members") == {"L001": -2 * PRICE}
    assert roof.count("taken_units") == 0


def test_money_of_the_last_day_that_is_noted_later_still_counts(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    taken = roof.take("L001", 20)
    clock.set(moment(2026, 2, 2))

    assert roof.pay(taken, date(2026, 1, 31)) is True
    clock.set(moment(2026, 3, 1))
    work_through(roof)

    assert roof.count("state") == "granted"


def test_units_are_taken_by_members_within_the_window(roof: Roof, clock: Clock) -> None:
    roof.leave("L003", date(2025, 12, 31))
    with pytest.raises(MembersOnlyError):
        roof.take("L003", 1)
    with pytest.raises(InvalidInputError):
        roof.take("L001", 0)
    clock.set(moment(2026, 2, 1))
    with pytest.raises(CampaignNotOpenError):
        roof.take("L001", 1)


def test_one_member_takes_no_more_than_his_maximum(units_of_work: UnitOfWorkFactory) -> None:
    roof = a_roof(units_of_work, maximum_units=5)
    roof.take("L001", 4)

    with pytest.raises(CampaignFullError) as refused:
        roof.take("L001", 2)

    assert refused.value.context["left"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", " "),
        ("code", "x" * 31),
        ("name", ""),
        ("unit_price_cents", 0),
        ("target_units", 0),
        ("stage_units", 21),
        ("stage_units", 0),
        ("maximum_units", 0),
        ("closes_on", None),
        ("closes_on", date(2025, 12, 31)),
        ("repayment_months", -1),
        ("repayment_cents_per_year", 0),
    ],
)
def test_a_campaign_that_has_no_meaning_is_refused(roof: Roof, field: str, value: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        open_roof(roof.books, **{"code": "Z2", field: value})

    assert refused.value.context["field"] in {field, "stage_units"}


def test_a_code_is_used_once(roof: Roof) -> None:
    with pytest.raises(ProjectExistsError):
        open_roof(roof.books)


def test_offers_above_five_million_in_a_year_take_a_prospectus(roof: Roof) -> None:
    with pytest.raises(ProspectusNeededError):
        open_roof(roof.books, code="WIND", target_units=20_000)

    open_roof(roof.books, code="WIND", target_units=20_000, prospectus="AFM 2026-01")


def test_two_who_want_the_last_units_at_once_do_not_both_get_them(
    roof: Roof, units_of_work: UnitOfWorkFactory
) -> None:
    roof.take("L001", 15)
    together = Barrier(4)

    def take(number: int) -> bool:
        together.wait()
        try:
            roof.take(f"L00{number % 3 + 1}", 3)
        except CampaignFullError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, range(4)))

    assert sum(taken) == 1
    assert roof.count("taken_units") == 18


def test_a_payment_noted_twice_at_once_is_booked_once(roof: Roof) -> None:
    code = roof.take("L001", 20)
    together = Barrier(3)

    def pay(_number: int) -> bool:
        together.wait()
        try:
            return roof.pay(code)
        except DomainError:
            return False

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(pay, range(3))) == 1
    assert roof.books.balance("10201") == 20 * PRICE


def test_nobody_is_paid_more_than_he_is_owed_whoever_pays_at_once(roof: Roof) -> None:
    roof.buy(L001=20)
    roof.share(1000)
    together = Barrier(4)

    def pay(_number: int) -> bool:
        together.wait()
        command = PayMember(
            idempotency_key=uuid.uuid4().hex,
            member_code="L001",
            cents=700,
            paid_on=date(2027, 1, 4),
        )
        try:
            with roof.books.open() as uow:
                pay_member(uow, command)
        except DomainError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(pay, range(4))) == 1
    assert roof.balances("owed_to_members") == {"L001": -300}


# Who may do what


def as_member(roof: Roof, member: str, act: Callable[[Any], object]) -> None:
    identity = Identity(
        actor="login:1", member_id=roof.members[member], roles=frozenset({Role.MEMBER})
    )
    with roof.books.units_of_work.begin(
        identity=identity, cooperative_id=roof.books.cooperative_id
    ) as uow:
        act(uow)


def test_a_member_takes_part_for_himself_only(roof: Roof) -> None:
    def command(member: str) -> Subscribe:
        return Subscribe(
            idempotency_key=f"deel-{member}",
            project_code="ZON",
            member_id=roof.members[member],
            units=1,
        )

    as_member(roof, "L001", lambda uow: subscribe(uow, command("L001")))
    with pytest.raises(PermissionDeniedError):
        as_member(roof, "L001", lambda uow: subscribe(uow, command("L002")))
    with pytest.raises(PermissionDeniedError):
        as_member(roof, "L002", lambda uow: withdraw(uow, "ZON-0001"))
    with pytest.raises(PermissionDeniedError):
        as_member(roof, "L001", lambda uow: receive_payment(uow, "ZON-0001", date(2026, 1, 5)))
    as_member(roof, "L001", lambda uow: withdraw(uow, "ZON-0001"))
    assert roof.count("taken_units") == 0


def test_another_cooperative_knows_nothing_of_it(
    roof: Roof, units_of_work: UnitOfWorkFactory
) -> None:
    roof.buy(L001=2)
    other = a_roof(units_of_work, code="ANDERS")

    with other.books.open() as uow:
        assert uow.session.scalar(text("select count(*) from participation")) == 0
        with pytest.raises(NotFoundError):
            withdraw(uow, "ZON-0001")


# Spending


def test_only_whole_stages_are_spent_until_the_campaign_has_closed(
    units_of_work: UnitOfWorkFactory,
) -> None:
    roof = a_roof(units_of_work, stage_units=8)
    roof.buy(L001=9)

    with pytest.raises(DrawingAboveRaisedError) as refused:
        roof.draw(8 * PRICE + 1)
    assert refused.value.context["left_cents"] == 8 * PRICE
    roof.draw(8 * PRICE)
    roof.close()
    roof.draw(PRICE, document="F-2")

    assert roof.balances("installations") == {"ZON": 9 * PRICE}


def test_an_invoice_counts_without_the_vat_that_is_reclaimed(roof: Roof) -> None:
    roof.buy(L001=20)

    roof.draw(20 * PRICE, vat=105_000)

    assert roof.balances("suppliers") == {"S1": -(20 * PRICE + 105_000)}
    assert roof.books.balance("13305") == 105_000


def test_under_the_small_businesses_scheme_vat_is_part_of_the_cost(roof: Roof) -> None:
    with roof.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = 'kor' where id = :id"), {"id": uow.tenant}
        )
    roof.buy(L001=20)

    with pytest.raises(DrawingAboveRaisedError):
        roof.draw(20 * PRICE, vat=1)
    roof.draw(20 * PRICE - 2100, vat=2100)

    assert roof.balances("installations") == {"ZON": 20 * PRICE}


def test_an_invoice_is_entered_once_and_turned_back_once(roof: Roof) -> None:
    roof.buy(L001=20)
    drawing = roof.draw(1000)
    with pytest.raises(ProjectExistsError):
        roof.draw(1000)

    with roof.books.open() as uow:
        turn_back_drawing(uow, drawing, reason="verkeerd project")
    with roof.books.open() as uow, pytest.raises(DrawingUsedError):
        turn_back_drawing(uow, drawing, reason="nog eens")

    assert roof.count("drawn_cents") == 0
    assert roof.balances("installations") == {}
    used = roof.draw(1000)
    roof.put_into_use()
    with roof.books.open() as uow, pytest.raises(DrawingUsedError):
        turn_back_drawing(uow, used, reason="te laat")


def test_nothing_comes_into_use_without_an_invoice(roof: Roof) -> None:
    roof.buy(L001=20)

    with pytest.raises(NothingDrawnError):
        roof.put_into_use()


# Assets


def test_the_worker_writes_an_asset_off_to_the_cent_and_stops(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof.buy(L001=20)
    roof.draw(100_000)
    roof.put_into_use(life=7, residual=1)

    clock.set(moment(2026, 5, 31))  # the last day of the third month
    work_through(roof)
    assert roof.balances("depreciation_of_installations") == {"ZON": -3 * 14_286}
    clock.set(moment(2028, 1, 1))
    work_through(roof)
    work_through(roof)

    assert roof.balances("depreciation_of_installations") == {"ZON": -99_999}
    assert roof.books.balance("43220") == 99_999
    assert roof.books.verify().fault is None


def test_a_month_outside_its_life_is_no_month_of_an_asset(roof: Roof) -> None:
    roof.buy(L001=20)
    roof.draw(100_000)
    roof.put_into_use(life=2)

    for month in (date(2026, 2, 1), date(2026, 5, 1)):
        with roof.books.open() as uow, pytest.raises(InvalidInputError):
            depreciate(uow, "DAK", month, COST_SHARING)


def test_members_pay_what_an_asset_loses_and_it_counts_once(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    House(roof.books, roof.members).key()
    roof.buy(L001=20)
    roof.draw(100_000)
    roof.put_into_use(life=10)
    with roof.books.open() as uow:
        share_cost_of_asset(uow, "DAK", "equal", COST_SHARING)
        with pytest.raises(NotFoundError):
            share_cost_of_asset(uow, "DAK", "maan", COST_SHARING)

    clock.set(moment(2026, 5, 2))  # March and April have ended
    work_through(roof)

    paid = roof.balances("member_account")
    assert sum(paid.values()) == 20_000
    assert roof.books.balance("43220") == 20_000, "an expense, once"
    assert roof.books.balance("45100") == 0
    assert roof.books.balance("17310") == 0, "no invoice is waited for"
    assert roof.balances("depreciation_of_installations") == {"ZON": -20_000}
    with roof.books.open() as uow:
        runs = uow.session.execute(
            text("select month, number from settlement_run where cooperative_id = :id"),
            {"id": uow.tenant},
        ).all()
    assert [run.number for run in runs] == [1, 1], "it came before its month was settled"


# Results and leaving


def test_a_result_is_shared_once_a_year(roof: Roof) -> None:
    roof.buy(L001=12, L002=8)
    assert roof.share(99_999) == {"L001": 59_999, "L002": 40_000}

    with pytest.raises(ResultSharedError):
        roof.share(1)
    assert roof.share(0, year=2027) == {"L001": 0, "L002": 0}


def test_a_loan_bears_no_loss(units_of_work: UnitOfWorkFactory) -> None:
    roof = a_roof(units_of_work, instrument=Instrument.SUBORDINATED)
    roof.buy(L001=20)

    with pytest.raises(LossNotBorneError):
        roof.share(-1)
    assert roof.balances("subordinated_loans") == {"ZON/L001": -20 * PRICE}


def test_who_leaves_gets_what_is_left_after_the_months_of_the_rule(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = a_roof(
        units_of_work, repayment_months=6, repayment_cents_per_year=10 * PRICE, stage_units=1
    )
    roof.buy(L001=8, L002=8, L003=4)
    roof.share(-20_000)
    roof.leave("L002", date(2026, 1, 31))
    roof.leave("L001", date(2026, 2, 10))

    clock.set(moment(2026, 7, 30))
    work_through(roof)
    assert roof.balances("owed_to_members") == {}
    clock.set(moment(2026, 8, 20))  # both are due; the year allows the first only
    work_through(roof)
    assert roof.balances("owed_to_members") == {"L002": -(8 * PRICE - 8000)}
    clock.set(moment(2027, 1, 1))
    work_through(roof)

    owed = -(8 * PRICE - 8000)
    assert roof.balances("owed_to_members") == {"L001": owed, "L002": owed}
    assert roof.balances("members_capital") == {"ZON/L003": -(4 * PRICE - 4000)}
    assert roof.count("raised_units") == 20, "it was spent, so it is not offered again"


def test_nothing_is_paid_out_that_is_not_owed(roof: Roof) -> None:
    command = PayMember(
        idempotency_key="te-veel", member_code="L001", cents=1, paid_on=date(2026, 2, 1)
    )

    with roof.books.open() as uow, pytest.raises(NothingOwedError):
        pay_member(uow, command)


# What the database itself refuses


ATTACKS = {
    "more units than the target": (
        "insert into participation (cooperative_id, code, project_id, member_id, units,"
        " unit_price_cents, cents, state, bought_on) select p.cooperative_id, 'X', p.id, m.id, 99,"
        " 25000, 99 * 25000, 'subscribed', '2026-01-05' from investment_project p join member m"
        " on m.cooperative_id = p.cooperative_id and m.code = 'L001' where p.cooperative_id = :id"
    ),
    "units at another price": (
        "insert into participation (cooperative_id, code, project_id, member_id, units,"
        " unit_price_cents, cents, state, bought_on) select p.cooperative_id, 'X', p.id, m.id, 1,"
        " 1, 1, 'subscribed', '2026-01-05' from investment_project p join member m"
        " on m.cooperative_id = p.cooperative_id and m.code = 'L001' where p.cooperative_id = :id"
    ),
    "a participation that was never paid": (
        "update participation set state = 'issued', issued_on = '2026-01-05'"
        " where cooperative_id = :id"
    ),
    "a participation that comes back": (
        "update participation set state = 'subscribed', paid_on = null, issued_on = null"
        " where cooperative_id = :id"
    ),
    "more units afterwards": "update participation set units = 1 where cooperative_id = :id",
    "counts by hand": "update investment_project set raised_units = 1 where cooperative_id = :id",
    "a campaign decided again": (
        "update investment_project set state = 'failed', granted_on = null"
        " where cooperative_id = :id"
    ),
    "spending more than came in": (
        "insert into project_drawing (cooperative_id, project_id, supplier_code, document,"
        " description, drawn_on, net_cents, vat_cents, cost_cents, entry_number)"
        " select cooperative_id, id, 'S1', 'F-9', 'x', '2026-02-02', 99999999, 0, 99999999, 1"
        " from investment_project where cooperative_id = :id"
    ),
    "another cost of an asset": (
        "update project_asset set cost_cents = 1 where cooperative_id = :id"
    ),
    "an asset without invoices": (
        "insert into project_asset (cooperative_id, code, project_id, name, in_use_from,"
        " life_months, cost_cents, residual_cents) select cooperative_id, 'NEP', id, 'x',"
        " '2026-03-01', 12, 500, 0 from investment_project where cooperative_id = :id"
    ),
    "a month outside the life": (
        "insert into asset_depreciation (cooperative_id, asset_id, month, cents)"
        " select cooperative_id, id, '2040-01-01', 0 from project_asset where cooperative_id = :id"
    ),
    "more value lost than there was": (
        "insert into asset_depreciation (cooperative_id, asset_id, month, cents)"
        " select cooperative_id, id, '2026-03-01', 999999 from project_asset"
        " where cooperative_id = :id"
    ),
    "a month written off again": (
        "update asset_depreciation set cents = 0 where cooperative_id = :id"
    ),
    "another share of a result": "update result_share set cents = 0 where cooperative_id = :id",
    "a share added to a result": (
        "insert into result_share (cooperative_id, result_id, member_id, units, cents)"
        " select r.cooperative_id, r.id, m.id, 1, 0 from project_result r join member m"
        " on m.cooperative_id = r.cooperative_id and m.code = 'L003' where r.cooperative_id = :id"
    ),
    "a result without shares": (
        "insert into project_result (cooperative_id, project_id, year, cents, units,"
        " accounting_date, entry_number) select cooperative_id, id, 2030, 5, 20, '2030-12-31', 1"
        " from investment_project where cooperative_id = :id"
    ),
    "a participation that is gone": "delete from participation where cooperative_id = :id",
}


@pytest.fixture(scope="module")
def finished(engine: Engine) -> Roof:
    roof = a_roof(UnitOfWorkFactory(session_factory(engine), Clock()), target_units=21)
    roof.buy(L001=12, L002=8)
    roof.take("L003", 1)
    roof.draw(100_000)
    roof.put_into_use()
    roof.share(10_000)
    return roof


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_refuses(finished: Roof, attack: str) -> None:
    with pytest.raises((DBAPIError, IntegrityError)), finished.books.open() as uow:
        uow.session.execute(text(ATTACKS[attack]), {"id": uow.tenant})
    assert finished.count("taken_units") == 21
    assert finished.count("raised_units") == 20


def test_a_last_month_that_does_not_add_up_is_refused(
    units_of_work: UnitOfWorkFactory, owner: Engine
) -> None:
    roof = a_roof(units_of_work)
    roof.buy(L001=20)
    roof.draw(100_001)
    roof.put_into_use(life=2)
    statement = text(
        "insert into asset_depreciation (cooperative_id, asset_id, month, cents)"
        " select cooperative_id, id, :month, 50000 from project_asset where cooperative_id = :id"
    )

    months = [
        {"id": roof.books.cooperative_id, "month": month} for month in ("2026-03-01", "2026-04-01")
    ]
    with pytest.raises(DBAPIError, match="do not add up"), owner.begin() as connection:
        connection.execute(statement, months)


def test_a_campaign_that_counts_before_its_stage_is_refused(
    units_of_work: UnitOfWorkFactory,
) -> None:
    roof = a_roof(units_of_work)

    with pytest.raises(DBAPIError, match="before its first stage"), roof.books.open() as uow:
        uow.session.execute(
            text(
                "update investment_project set state = 'granted', granted_on = '2026-01-05'"
                " where cooperative_id = :id"
            ),
            {"id": uow.tenant},
        )
