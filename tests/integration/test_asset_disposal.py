"""Assets leave: sold or scrapped, before their end or after, with the books and members in step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.investments import Roof, a_roof
from tests.factories.shared_costs import House
from wijkeconomie.app import COST_SHARING, SCHEDULED_JOBS
from wijkeconomie.core.jobs import JobStatus, latest_runs, run_due
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.building import share_cost_of_asset
from wijkeconomie.investments.charting import values_over_time
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.disposing import DisposeAsset, preview_disposal, receive_sale
from wijkeconomie.investments.models import DisposalKind
from wijkeconomie.investments.queries import assets, depreciated_months
from wijkeconomie.investments.refusals import AssetDepreciatedError, AssetDisposedError
from wijkeconomie.ledger.periods import close_period
from wijkeconomie.ledger.refusals import ClosedPeriodError

JULY = date(2026, 7, 20)


def moment(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory, clock: Clock) -> Roof:
    """EUR 12,000 in use from March, to be written off in 12 months. It is 20 July."""
    roof = a_roof(units_of_work, unit_price_cents=100_000)
    roof.buy(L001=12, L002=8)
    roof.draw(1_200_000)
    roof.put_into_use(life=12)
    clock.set(moment(2026, 7, 20))
    return roof


def work_through(roof: Roof) -> None:
    run_due(roof.books.units_of_work, SCHEDULED_JOBS)
    # Work of other cooperatives, which other tests leave, may fail.
    with roof.books.open() as uow:
        runs = latest_runs(uow.session, uow.tenant, limit=1000)
    assert [run for run in runs if run.status == JobStatus.FAILED] == []


def months_of(roof: Roof) -> list[date]:
    with roof.books.open() as uow:
        return list(depreciated_months(uow.session, uow.tenant, "DAK"))


def test_what_is_sold_leaves_the_books_with_what_it_lost(roof: Roof) -> None:
    found = roof.dispose(JULY, 605_000)

    assert [month.month for month, _cents in found.months] == [3, 4, 5, 6]
    assert found.figures.book_value_cents == 800_000
    assert (found.figures.vat_cents, found.figures.result_cents) == (105_000, -300_000)
    assert roof.balances("installations") == {}
    assert roof.balances("depreciation_of_installations") == {}
    assert roof.books.balance("43620") == 300_000
    assert roof.books.balance("16201") == -105_000
    assert roof.books.balance("43220") == 400_000
    assert roof.books.verify().fault is None


@pytest.mark.parametrize("on", [date(2026, 7, 1), JULY, date(2026, 7, 31)])
def test_the_clock_writes_it_off_no_more(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock, on: date
) -> None:
    work_through(roof)
    clock.set(moment(2026, 7, 31))
    roof.dispose(on)
    clock.set(moment(2028, 1, 1))
    work_through(roof)

    assert [month.month for month in months_of(roof)] == [3, 4, 5, 6]
    assert roof.books.balance("43620") == 800_000
    for month in (date(2026, 7, 1), date(2026, 8, 1)):
        with roof.books.open() as uow, pytest.raises(AssetDisposedError):
            depreciate(uow, "DAK", month, COST_SHARING)


def test_the_last_months_are_still_shared_and_none_after(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    House(roof.books, roof.members).key()
    with roof.books.open() as uow:
        share_cost_of_asset(uow, "DAK", "equal", COST_SHARING)
    clock.set(moment(2026, 6, 2))
    work_through(roof)
    clock.set(moment(2026, 7, 20))
    command = DisposeAsset(
        asset_code="DAK", kind=DisposalKind.SCRAPPED, disposed_on=JULY, reason="hagel"
    )
    with roof.books.open() as uow:
        seen = preview_disposal(uow, command, COST_SHARING)
    assert [month.month for month, _cents in seen.months] == [6]
    assert seen.payers == 3
    assert [month.month for month in months_of(roof)] == [3, 4, 5], "a preview writes nothing"

    assert roof.dispose(JULY) == seen
    clock.set(moment(2026, 9, 2))
    work_through(roof)

    assert sum(roof.balances("member_account").values()) == 400_000
    with roof.books.open() as uow, pytest.raises(AssetDisposedError):
        share_cost_of_asset(uow, "DAK", None, COST_SHARING)


def test_a_month_that_was_written_off_is_refused_with_the_first_day_that_can_be(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    clock.set(moment(2026, 8, 2))
    work_through(roof)

    with pytest.raises(AssetDepreciatedError) as refused:
        roof.dispose(JULY)

    assert refused.value.context["date"] == "2026-08-01"
    assert roof.dispose(date(2026, 8, 1)).months == ()


def test_what_was_written_off_wholly_leaves_too_and_once(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    clock.set(moment(2027, 6, 1))
    work_through(roof)

    found = roof.dispose(date(2027, 6, 1), 12_100, buyer="OPKOPER")

    assert found.figures.result_cents == 10_000
    assert roof.balances("trade_debtors") == {"OPKOPER": 12_100}
    with roof.books.open() as uow, pytest.raises(InvalidInputError):
        receive_sale(uow, "DAK", date(2027, 5, 31))
    for _twice in range(2):
        with roof.books.open() as uow:
            receive_sale(uow, "DAK", date(2027, 6, 1))
    assert roof.balances("trade_debtors") == {}
    assert roof.balances("installations") == {}
    with pytest.raises(AssetDisposedError):
        roof.dispose(date(2027, 6, 1), 12_100)


def test_under_the_small_businesses_scheme_no_vat_is_owed(roof: Roof) -> None:
    with roof.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = 'kor' where id = :id"), {"id": uow.tenant}
        )

    found = roof.dispose(JULY, 605_000)

    assert (found.figures.vat_cents, found.figures.result_cents) == (0, -195_000)
    with roof.books.open() as uow, pytest.raises(NotFoundError):
        receive_sale(uow, "DAK", JULY)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"disposed_on": date(2026, 7, 21)}, "disposed_on"),
        ({"disposed_on": date(2026, 2, 28)}, "disposed_on"),
        ({"kind": DisposalKind.SOLD}, "proceeds_cents"),
        ({"proceeds_cents": 1}, "proceeds_cents"),
        ({"buyer": "OPKOPER"}, "buyer"),
    ],
)
def test_what_makes_no_sense_is_refused(roof: Roof, changed: dict[str, object], field: str) -> None:
    values: dict[str, object] = {
        "asset_code": "DAK",
        "kind": DisposalKind.SCRAPPED,
        "disposed_on": JULY,
        "reason": "hagel",
    }
    with roof.books.open() as uow, pytest.raises(InvalidInputError) as refused:
        preview_disposal(uow, DisposeAsset(**(values | changed)), COST_SHARING)  # type: ignore[arg-type]
    assert refused.value.context["field"] == field


def test_two_who_sell_it_at_once_sell_it_once(roof: Roof) -> None:
    together = Barrier(2)

    def sell(_hand: int) -> str:
        together.wait()
        try:
            roof.dispose(JULY, 605_000)
        except DomainError as refusal:
            return refusal.code
        return "sold"

    with ThreadPoolExecutor(2) as hands:
        assert sorted(hands.map(sell, range(2))) == ["asset-disposed", "sold"]
    assert roof.books.balance("16201") == -105_000


def test_another_asset_of_the_project_goes_on(
    roof: Roof, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof.draw(600_000, document="F-2")
    roof.put_into_use(life=6, code="LIFT")
    roof.dispose(JULY)
    clock.set(moment(2027, 1, 1))
    work_through(roof)

    assert roof.balances("installations") == {"ZON": 600_000}
    assert roof.balances("depreciation_of_installations") == {"ZON": -600_000}


def test_the_page_shows_that_it_is_worth_nothing_since(roof: Roof) -> None:
    roof.dispose(JULY, 605_000)

    with roof.books.open() as uow:
        project = uow.session.scalar(text("select id from investment_project"))
        assert isinstance(project, int)
        [view] = assets(uow.session, uow.tenant, project)
        values = values_over_time(view, depreciated_months(uow.session, uow.tenant, "DAK"))
    assert (view.value_cents, view.disposal_result_cents) == (0, -300_000)
    assert values == [(date(2026, 3, 1), 1_200_000, True), (JULY, 0, True)]


ATTACKS: dict[str, str] = {
    "other figures": "insert into asset_disposal select cooperative_id, id, 'scrapped',"
    " '2026-07-20', cost_cents, 0, cost_cents, 0, 0, -cost_cents, null, 'x', 1, now(), 'x'"
    " from project_asset where cooperative_id = :id",
    "months that were not written off": "insert into asset_disposal select cooperative_id, id,"
    " 'scrapped', '2026-08-01', cost_cents, depreciated_cents, cost_cents - depreciated_cents, 0,"
    " 0, depreciated_cents - cost_cents, null, 'x', 1, now(), 'x'"
    " from project_asset where cooperative_id = :id",
    "a month that was written off": "insert into asset_disposal select cooperative_id, id,"
    " 'scrapped', '2026-06-30', cost_cents, depreciated_cents, cost_cents - depreciated_cents, 0,"
    " 0, depreciated_cents - cost_cents, null, 'x', 1, now(), 'x'"
    " from project_asset where cooperative_id = :id",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_lets_nothing_leave_otherwise(
    roof: Roof, units_of_work: UnitOfWorkFactory, attack: str
) -> None:
    work_through(roof)

    with pytest.raises(DBAPIError) as refused, roof.books.open() as uow:
        uow.session.execute(text(ATTACKS[attack]), {"id": uow.tenant})
    assert getattr(refused.value.orig, "sqlstate", None) == "WE074"


def test_the_database_lets_nothing_be_lost_after_it_left(roof: Roof, owner: Engine) -> None:
    roof.dispose(JULY)
    with pytest.raises(DBAPIError) as refused, owner.begin() as connection:
        connection.execute(
            text(
                "insert into asset_depreciation (cooperative_id, asset_id, month, cents)"
                " select cooperative_id, id, '2026-07-01', 0 from project_asset"
                " where cooperative_id = :id"
            ),
            {"id": roof.books.cooperative_id},
        )
    assert getattr(refused.value.orig, "sqlstate", None) == "WE074"
    for change in ("update asset_disposal set reason = 'x'", "delete from asset_disposal"):
        with pytest.raises(DBAPIError), roof.books.open() as uow:
            uow.session.execute(text(change))


# Months of books that were closed


def closed(roof: Roof, *months: int) -> None:
    with roof.books.open() as uow:
        for month in months:
            close_period(uow, date(2026, month, 1))


def test_what_a_closed_month_lost_counts_in_the_first_open_one(
    roof: Roof, units_of_work: UnitOfWorkFactory
) -> None:
    House(roof.books, roof.members).key()
    with roof.books.open() as uow:
        share_cost_of_asset(uow, "DAK", "equal", COST_SHARING)
    closed(roof, 3, 4, 5)

    work_through(roof)

    assert [month.month for month in months_of(roof)] == [3, 4, 5, 6]
    with roof.books.open() as uow:
        booked = uow.session.execute(
            text(
                "select accounting_date, description from journal_entry"
                " where cooperative_id = :id and kind = 'asset.depreciated' order by number"
            ),
            {"id": uow.tenant},
        ).all()
    assert [(str(day), words) for day, words in booked] == [
        ("2026-06-01", "Asset DAK, 2026-03"),
        ("2026-06-01", "Asset DAK, 2026-04"),
        ("2026-06-01", "Asset DAK, 2026-05"),
        ("2026-06-30", "Asset DAK, 2026-06"),
    ]
    assert sum(roof.balances("member_account").values()) == 400_000


def test_nothing_leaves_in_a_closed_month(roof: Roof) -> None:
    closed(roof, 5, 7)
    with pytest.raises(ClosedPeriodError):
        roof.dispose(JULY)
    assert months_of(roof) == [], "all of it or nothing"


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    cost=st.integers(1, 2_000_000),
    residual=st.integers(0, 100),
    life=st.integers(1, 30),
    left=st.integers(0, 40),
    proceeds=st.integers(0, 3_000_000),
)
def test_whatever_leaves_nothing_of_it_stays_behind(
    units_of_work: UnitOfWorkFactory,
    clock: Clock,
    cost: int,
    residual: int,
    life: int,
    left: int,
    proceeds: int,
) -> None:
    clock.set(moment(2026, 1, 5))
    roof = a_roof(units_of_work, unit_price_cents=200_000)
    roof.buy(L001=20)
    roof.draw(cost)
    roof.put_into_use(life=life, residual=min(residual, cost))
    clock.set(moment(2030, 1, 1))
    on = date(2026 + (2 + left) // 12, (2 + left) % 12 + 1, 15)

    figures = roof.dispose(on, proceeds).figures

    assert roof.balances("installations") == {}
    assert roof.balances("depreciation_of_installations") == {}
    net = proceeds - figures.vat_cents
    assert roof.books.balance("43220") + roof.books.balance("43620") == cost - net
    assert roof.books.verify().fault is None
