"""A kind of voucher changes without taking anything from who holds one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from tests.factories.vouchers import TODAY, Neighbourhood, a_neighbourhood
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.keeping import stop_merchant
from wijkeconomie.vouchers.kinds import ChangeKind, change_kind
from wijkeconomie.vouchers.queries import SchemeView, schemes
from wijkeconomie.vouchers.refusals import EarmarkNarrowedError, MerchantNotAcceptedError


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory) -> Neighbourhood:
    place = a_neighbourhood(units_of_work)
    place.merchant("W3")
    place.scheme("zorg", merchants=("W1", "W2"))
    return place


def change(place: Neighbourhood, *merchants: str, **terms: Any) -> None:
    asked: dict[str, Any] = {"name": "Zorg", "valid_days": 100, "reminder_days": 9, "hold_days": 3}
    with place.books.open() as uow:
        change_kind(uow, ChangeKind(code="zorg", merchants=merchants, **(asked | terms)))


def kind(place: Neighbourhood) -> SchemeView:
    with place.books.open() as uow:
        return {each.code: each for each in schemes(uow.session, uow.tenant)}["zorg"]


def test_a_shop_that_joins_takes_what_was_issued_before(place: Neighbourhood) -> None:
    place.issue("V1", 1000, scheme="zorg")
    with pytest.raises(MerchantNotAcceptedError):
        place.redeem("V1", 100, merchant="W3")

    change(place, "W1", "W2", "W3")

    assert place.redeem("V1", 100, merchant="W3").is_accepted
    change(place)
    assert kind(place).merchant_codes == []


@pytest.mark.parametrize("fewer", [("W1",), ("W1", "W3")])
def test_who_holds_one_keeps_the_shops_that_he_got_it_for(
    place: Neighbourhood, fewer: tuple[str, ...]
) -> None:
    place.issue("V1", 1000, scheme="zorg")
    with pytest.raises(EarmarkNarrowedError):
        change(place, *fewer, name="Anders")
    assert (kind(place).name, kind(place).merchant_codes) == ("zorg", ["W1", "W2"])

    place.redeem("V1", 1000)
    change(place, *fewer)
    assert kind(place).merchant_codes == list(fewer)


def test_a_kind_for_all_shops_is_not_closed_while_someone_holds_it(place: Neighbourhood) -> None:
    change(place)
    place.issue("V1", 1000, scheme="zorg")
    with pytest.raises(EarmarkNarrowedError):
        change(place, "W1", "W2", "W3")


def test_a_shop_that_has_stopped_can_be_taken_off(place: Neighbourhood) -> None:
    place.issue("V1", 1000, scheme="zorg")
    with place.books.open() as uow:
        stop_merchant(uow, "W2", on=TODAY, reason="dicht")
    change(place, "W1")
    assert kind(place).merchant_codes == ["W1"]


def test_days_count_from_now_on_and_what_changed_is_written_down(place: Neighbourhood) -> None:
    place.issue("V1", 1000, scheme="zorg")
    change(place, "W1", "W2")
    change(place, "W1", "W2")
    place.issue("V2", 1000, scheme="zorg")

    with place.books.open() as uow:
        ends = uow.session.execute(
            text("select code, expires_on from voucher where cooperative_id = :id order by code"),
            {"id": uow.tenant},
        ).all()
        written = uow.session.execute(
            text(
                "select before, after from audit_record where cooperative_id = :id"
                " and subject like 'voucher_scheme/%' and action = 'changed'"
            ),
            {"id": uow.tenant},
        ).all()
    assert [row.expires_on for row in ends] == [date(2027, 1, 5), date(2026, 4, 15)]
    assert [(row.before["valid_days"], row.after["valid_days"]) for row in written] == [(365, 100)]


@pytest.mark.parametrize(
    "terms", [{"name": " "}, {"valid_days": 0}, {"reminder_days": -1}, {"hold_days": -1}]
)
def test_terms_that_make_no_sense_are_refused(place: Neighbourhood, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        change(place, "W1", "W2", **terms)
    with pytest.raises(NotFoundError):
        change(place, "W9")
