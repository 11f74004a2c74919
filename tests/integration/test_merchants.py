"""A merchant on the list is changed, gets another fee from a day on, stops and takes part again."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.vouchers import IBAN, Neighbourhood, a_neighbourhood
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.audit import Change, history
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.keeping import stop_merchant
from wijkeconomie.vouchers.merchants import (
    ChangeMerchant,
    accept_again,
    change_fee,
    change_merchant,
)
from wijkeconomie.vouchers.models import VatMix
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.refusals import MerchantNotAcceptedError
from wijkeconomie.vouchers.rules import owed_by_fee, payout_of_parts

OTHER_IBAN = "NL91ABNA0417164300"
FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work)
    place.issue("V1", 50_000)
    return place


def change(place: Neighbourhood, **terms: object) -> None:
    with place.books.open() as uow:
        change_merchant(
            uow,
            ChangeMerchant(
                **{  # type: ignore[arg-type]
                    "code": "W1",
                    "name": "Winkel W1",
                    "iban": IBAN,
                    "vat_mix": VatMix.BOTH,
                    **terms,
                }
            ),
        )


def changes(place: Neighbourhood) -> list[Change]:
    with place.books.open() as uow:
        found = uow.session.scalar(
            text("select id from merchant where cooperative_id = :id and code = 'W1'"),
            {"id": uow.tenant},
        )
        return history(uow.session, uow.tenant, f"merchant/{found}")


def pay(place: Neighbourhood, key: str, on: date) -> tuple[int, list[tuple[int, int]]]:
    with place.books.open() as uow:
        number = pay_out(uow, PayOut(idempotency_key=key, merchant_code="W1", paid_on=on))
        parts = uow.session.execute(
            text(
                "select f.fee_basis_points, f.gross_cents from merchant_payout_fee f"
                " join merchant_payout p on p.cooperative_id = f.cooperative_id"
                " and p.id = f.payout_id where p.cooperative_id = :id and p.number = :number"
                " order by 1"
            ),
            {"id": uow.tenant, "number": number},
        )
        fee = queries.payout(uow.session, uow.tenant, number).fee_cents
        return fee, [(points, cents) for points, cents in parts]


def test_what_changes_is_written_down_and_nothing_else(place: Neighbourhood) -> None:
    change(place, iban=OTHER_IBAN, contacts=("Kas@Winkel.example",))
    change(place, iban=OTHER_IBAN, contacts=("kas@winkel.example",))

    made, changed, contacts = changes(place)
    assert (made.action, contacts.action) == ("accepted", "contacts-changed")
    assert (changed.before, changed.after) == ({"iban": IBAN}, {"iban": OTHER_IBAN})


@pytest.mark.parametrize(
    ("terms", "field"),
    [({"name": ""}, "name"), ({"iban": "NL00"}, "iban"), ({"contacts": ("x",)}, "contacts")],
)
def test_a_change_that_cannot_be_is_refused(
    place: Neighbourhood, terms: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        change(place, **terms)
    assert refused.value.context["field"] == field
    with pytest.raises(NotFoundError):
        change(place, code="NONE")


def test_another_fee_counts_for_what_is_taken_from_its_day_on(place: Neighbourhood) -> None:
    place.redeem("V1", 10_000, on=date(2026, 1, 31))
    with place.books.open() as uow:
        change_fee(uow, "W1", fee_basis_points=300, valid_from=FEBRUARY)
    place.redeem("V1", 20_000, on=FEBRUARY)

    # 1.5 % of 100.00 and 3 % of 200.00.
    assert pay(place, "p-1", date(2026, 2, 5)) == (150 + 600, [(150, 10_000), (300, 20_000)])
    place.redeem("V1", 1_000, on=date(2026, 2, 6))
    assert pay(place, "p-2", date(2026, 2, 7)) == (30, [(300, 1_000)])
    with place.books.open() as uow:
        by_day = [
            queries.merchant(uow.session, uow.tenant, "W1", day).fee_basis_points
            for day in (date(2026, 1, 31), FEBRUARY)
        ]
        assert by_day == [150, 300]
        assert queries.merchants(uow.session, uow.tenant)[0].fee_basis_points == 300


def test_a_fee_counts_from_a_day_to_come_and_is_a_part(place: Neighbourhood) -> None:
    for fee, day, field in (
        (300, date(2026, 1, 10), "valid_from"),
        (10_001, FEBRUARY, "fee_basis_points"),
    ):
        with place.books.open() as uow, pytest.raises(InvalidInputError) as refused:
            change_fee(uow, "W1", fee_basis_points=fee, valid_from=day)
        assert refused.value.context["field"] == field
    for fee in (300, 200):  # the second one takes the place of the first
        with place.books.open() as uow:
            change_fee(uow, "W1", fee_basis_points=fee, valid_from=FEBRUARY)
    with place.books.open() as uow:
        assert queries.merchants(uow.session, uow.tenant)[0].fee_basis_points == 200


def test_who_stopped_can_take_part_again(place: Neighbourhood) -> None:
    with place.books.open() as uow:
        stop_merchant(uow, "W1", on=date(2026, 1, 10), reason="verhuisd")
    with pytest.raises(MerchantNotAcceptedError):
        place.redeem("V1", 100, on=date(2026, 1, 10))
    for _ in range(2):
        with place.books.open() as uow:
            accept_again(uow, "W1")

    assert place.redeem("V1", 100, on=date(2026, 1, 10)).is_accepted
    assert [each.action for each in changes(place)] == ["accepted", "stopped", "accepted-again"]


def test_the_database_wants_the_parts_of_a_payout_to_be_the_whole(place: Neighbourhood) -> None:
    with pytest.raises(DBAPIError) as refused, place.books.open() as uow:
        uow.session.execute(
            text(
                "insert into merchant_payout (cooperative_id, number, merchant_id, paid_on,"
                " gross_cents, fee_cents, fee_vat_cents, paid_cents, entry_number, created_at,"
                " created_by) select cooperative_id, 9, id, '2026-01-10', 100, 0, 0, 100, 1,"
                " now(), 'x' from merchant where cooperative_id = :id and code = 'W1'"
            ),
            {"id": uow.tenant},
        )
    assert refused.value.orig.sqlstate == "WE031"  # type: ignore[union-attr]


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(-5_000, 9_000)), min_size=1, max_size=5),
    st.integers(0, 20_000),
)
def test_parts_by_fee_come_to_what_is_owed(taken: list[tuple[int, int]], paid: int) -> None:
    parts = owed_by_fee(taken, paid)

    owed = max(sum(cents for _, cents in taken) - paid, 0)
    assert sum(cents for _, cents in parts) == owed
    assert all(cents > 0 for _, cents in parts)
    kept = payout_of_parts(parts, 2100)
    assert kept.gross_cents == owed == kept.paid_cents + kept.fee_cents + kept.fee_vat_cents
    fees = [fee for fee, _ in taken]
    assert owed * min(fees) <= (kept.fee_cents + 1) * 10_000
    assert (kept.fee_cents - 1) * 10_000 <= owed * max(fees)


@pytest.fixture
def treasurer(site: Flask, city: Runtime, clock: Clock) -> FlaskClient:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


def test_the_treasurer_changes_a_shop_on_its_page(
    treasurer: FlaskClient, site: Flask, city: Runtime
) -> None:
    page = "/c/MRS/vouchers/merchants/MRS-W1"
    form = {
        "name": "Bakkerij Anders",
        "iban": OTHER_IBAN,
        "vat_mix": "9",
        "contacts": "a@b.example",
    }
    assert post(treasurer, page, page, **(form | {"iban": "NL00"}))[0] == 422
    assert post(treasurer, page, page, **form)[0] == 303
    shown = treasurer.get(page).get_data(as_text=True)
    assert "Bakkerij Anders" in shown
    assert OTHER_IBAN in shown
    assert post(treasurer, f"{page}/fee", page, fee="2,50", **{"from": "2026-07-01"})[0] == 422
    assert post(treasurer, f"{page}/fee", page, fee="2,50", **{"from": "2026-08-01"})[0] == 303
    assert "2,5" in treasurer.get(page).get_data(as_text=True)
    assert post(treasurer, f"{page}/stop", page, stopped="2026-07-01", reason="")[0] == 422
    assert post(treasurer, f"{page}/stop", page, stopped="2026-07-01", reason="weg")[0] == 303
    assert "geen wijkmunt meer aan" in treasurer.get(page).get_data(as_text=True)
    assert post(treasurer, f"{page}/accept-again", page)[0] == 303
    assert "Laat deze winkel stoppen" in treasurer.get(page).get_data(as_text=True)
    accountant = signed_in(site, sign_up(city, "MRS", "Ad", Role.ACCOUNTANT))
    seen = accountant.get(page).get_data(as_text=True)
    assert OTHER_IBAN in seen
    assert "Wijzig deze winkel" not in seen
    assert accountant.get("/c/MRS/vouchers/merchants/NONE").status_code == 404
