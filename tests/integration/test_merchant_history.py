"""What came and went at a merchant: by month it ties to the books, and others do not see it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.vouchers import Neighbourhood, a_neighbourhood
from tests.integration.test_web_pages import signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.money.periods import Period
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.keeping import set_contacts
from wijkeconomie.vouchers.merchant_history import (
    MonthOfMerchant,
    Movement,
    history_csv,
    months_of_merchant,
    movements,
)
from wijkeconomie.vouchers.merchants import change_fee
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.refunding import Refund, refund
from wijkeconomie.vouchers.refusals import NothingToPayOutError

JANUARY = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(JANUARY)
    place = a_neighbourhood(units_of_work)
    place.issue("V1", 90_000)
    return place


def back(place: Neighbourhood, code: str, amount: int) -> None:
    with place.books.open() as uow:
        refund(
            uow,
            Refund(
                idempotency_key=f"back/{code}/{amount}",
                redemption_code=code,
                reason="kapot",
                amount_minor=amount,
            ),
        )


def paid_out(place: Neighbourhood, key: str, merchant: str = "W1") -> None:
    with place.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key=key, merchant_code=merchant))


def months(place: Neighbourhood, merchant: str = "W1") -> list[MonthOfMerchant]:
    with place.books.open() as uow:
        return months_of_merchant(uow.session, uow.tenant, merchant)


def all_of_2026(place: Neighbourhood, merchant: str = "W1") -> list[Movement]:
    with place.books.open() as uow:
        return movements(uow.session, uow.tenant, merchant, Period.year(2026))


def owed(place: Neighbourhood, merchant: str = "W1") -> int:
    with place.books.open() as uow:
        found = queries.merchants(uow.session, uow.tenant)
    return next(each.owed_cents for each in found if each.code == merchant)


def test_months_begin_and_end_with_what_is_owed(place: Neighbourhood, clock: Clock) -> None:
    with place.books.open() as uow:
        change_fee(uow, "W1", fee_basis_points=200, valid_from=date(2026, 1, 11))
    clock.set(datetime(2026, 1, 12, 12, tzinfo=UTC))
    first = place.redeem("V1", 10_000, on=date(2026, 1, 12))
    clock.set(datetime(2026, 2, 10, 12, tzinfo=UTC))
    place.redeem("V1", 5000, on=date(2026, 2, 10))
    back(place, first.code, 2500)
    paid_out(place, "betaald-1")
    clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))
    place.redeem("V1", 700, on=date(2026, 3, 1))

    march, february, january = months(place)

    assert (january.opening_cents, january.taken_cents, january.closing_cents) == (
        0,
        10_000,
        10_000,
    )
    assert (february.taken_cents, february.refunded_cents) == (5000, 2500)
    # 2 % of 125.00 is 2.50, with 21 % VAT 0.53.
    assert (february.fee_cents, february.fee_vat_cents, february.paid_cents) == (250, 53, 12_197)
    assert (february.settled_cents, february.closing_cents) == (12_500, 0)
    assert march.closing_cents == owed(place) == 700
    rows = all_of_2026(place)
    assert [(row.kind, row.amount_minor) for row in rows] == [
        ("taken", 10_000),
        ("taken", 5000),
        ("refunded", 2500),
        ("paid", 12_500),
        ("taken", 700),
    ]
    lines = history_csv(rows).decode().splitlines()
    assert lines[0] == "date,kind,code,unit,amount,fee,vat_on_fee,paid_out"
    assert lines[3].endswith(",EUR,-25.00,,,")
    assert lines[4] == "2026-02-10,paid,1,EUR,-125.00,2.50,0.53,121.97"


def test_a_local_unit_is_told_and_owes_no_euros(place: Neighbourhood) -> None:
    place.scheme("uren", unit="UUR")
    place.fund("U", unit="UUR")
    place.issue("H1", 600, scheme="uren", fund="U")
    paid = place.redeem("H1", 200)
    back(place, paid.code, 50)

    assert [(row.kind, row.unit, row.amount_minor) for row in all_of_2026(place)] == [
        ("taken", "UUR", 200),
        ("refunded", "UUR", 50),
    ]
    assert months(place) == []


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["take", "back", "pay", "later"]), st.integers(1, 3000)),
        max_size=12,
    )
)
def test_movements_come_to_the_months_and_to_what_is_owed(
    units_of_work: UnitOfWorkFactory, clock: Clock, steps: list[tuple[str, int]]
) -> None:
    clock.set(JANUARY)
    place = a_neighbourhood(units_of_work)
    place.issue("V1", 90_000)
    left: dict[str, int] = {}
    for number, (act, amount) in enumerate(steps):
        if act == "later" and clock.now.month < 12:
            clock.set(clock.now.replace(month=clock.now.month + 1))
        elif act == "take":
            left[place.redeem("V1", amount, on=clock.now.date()).code] = amount
        elif act == "back" and any(left.values()):
            code = next(code for code, cents in left.items() if cents)
            part = min(amount, left[code])
            left[code] -= part
            with place.books.open() as uow:
                refund(
                    uow,
                    Refund(
                        idempotency_key=f"back/{number}",
                        redemption_code=code,
                        reason="kapot",
                        amount_minor=part,
                    ),
                )
        elif act == "pay":
            try:
                paid_out(place, f"betaald-{number}")
            except NothingToPayOutError:
                assert owed(place) <= 0

    found = months(place)

    rows = all_of_2026(place)
    signs = {"taken": 1, "refunded": -1, "paid": -1}
    assert sum(signs[row.kind] * row.amount_minor for row in rows) == owed(place)
    assert (found[0].closing_cents if found else 0) == owed(place)
    for month in found:
        own = [row for row in rows if row.day.replace(day=1) == month.month]
        for kind, cents in (
            ("taken", month.taken_cents),
            ("refunded", month.refunded_cents),
            ("paid", month.settled_cents),
        ):
            assert sum(row.amount_minor for row in own if row.kind == kind) == cents


@pytest.fixture
def summer(clock: Clock) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))


def test_a_merchant_sees_his_own_history_and_no_names(
    site: Flask, city: Runtime, summer: None
) -> None:
    person = sign_up(city, "MRS", "Bakker", Role.MERCHANT)
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        set_contacts(uow, "MRS-W1", (person.email,))
    merchant = signed_in(site, person)
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    own, all_ = "/c/MRS/till/history/MRS-W1", "/c/MRS/vouchers/merchants/MRS-W1/history"

    page = merchant.get(own).get_data(as_text=True)
    assert "€ 15,50".replace(" ", "\N{NO-BREAK SPACE}") in page
    assert "Annelies" not in page
    file = merchant.get(f"{own}.csv?period=2026")
    assert file.headers["Content-Type"].startswith("text/csv")
    assert file.get_data(as_text=True) == treasurer.get(f"{all_}.csv?period=2026").get_data(
        as_text=True
    )
    assert len(file.get_data(as_text=True).splitlines()) > 1
    assert treasurer.get(all_).status_code == 200
    assert merchant.get("/c/MRS/till/history/MRS-W2").status_code == 404
    assert merchant.get(f"{own}.csv?period=20x6").status_code == 422
    assert merchant.get(f"{own}?month=2026-13").status_code == 422
    for client, path in ((merchant, all_), (member, all_), (member, own), (member, f"{own}.csv")):
        assert client.get(path).status_code == 403, path
    assert treasurer.get("/c/MRS/vouchers/merchants/NIET/history").status_code == 404
