"""A payment that does not arrive is ordered anew once; nothing that was booked is turned back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import CareHome
from tests.factories.grants import Carers
from tests.factories.people import sign_up
from tests.factories.vouchers import IBAN, Neighbourhood
from tests.integration.test_payout_runs import (
    JANUARY,
    OURS,
    bank_line,
    covered,
    give_iban,
    make,
    place,
    shown,
    two_shops,
)
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.budgets.declaring import approve
from wijkeconomie.budgets.keeping import name_carer
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.order_queries import payees
from wijkeconomie.payments.ordering import require_open, settle_run
from wijkeconomie.payments.own_accounts import keep_voucher_account, own_accounts
from wijkeconomie.payments.refusals import (
    NothingToOrderError,
    OrderCalledOffError,
    OrderSettledError,
)
from wijkeconomie.payments.returning import CallOff, call_off, take_back
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.vouchers.grant_models import GrantPayout

__all__ = ["place"]

VOUCHERS = "NL02ABNA0123456789"


def off(place: Neighbourhood, code: str, reference: str | None = None) -> int:
    with place.books.open() as uow:
        return call_off(uow, CallOff(code=code, reason="verkeerde dag", reference=reference))


def back(place: Neighbourhood, code: str, reference: str, on: date = JANUARY) -> int:
    with place.books.open() as uow:
        return take_back(uow, code, reference, on, reason="AC04")


def settle(place: Neighbourhood, code: str, reference: str | None = None) -> int | None:
    with place.books.open() as uow:
        return settle_run(uow, code, JANUARY, reference=reference)


def test_a_run_that_was_called_off_is_ordered_anew_and_nothing_else_is_turned_back(
    place: Neighbourhood,
) -> None:
    two_shops(place)
    code = make(place)
    before = covered(place)

    assert (off(place, code), off(place, code)) == (2, 0)

    run, orders = shown(place, code)
    assert (run.called_off_cents, run.open_cents, run.is_settled) == (14_757, 0, False)
    assert not any(order.is_open for order in orders)
    # The shops are owed nothing anew: what they get is under way still, and covers no vouchers.
    assert covered(place) == before
    assert place.books.balance("16012:W1") == 0
    assert place.books.balance(f"10510:{code}") == -14_757
    with place.books.open() as uow, pytest.raises(OrderCalledOffError):
        require_open(uow, code)
    with pytest.raises(OrderCalledOffError):
        settle(place, code)
    assert bank_line(place, code, -14_757).mismatch is Mismatch.NO_PAYMENT_WAITS

    place.redeem("V1", 2000)
    second = make(place, idempotency_key="ronde-2")

    run, orders = shown(place, second)
    assert [(each.party, each.cents) for each in orders] == [
        ("W1", 1964),
        ("W1", 9818),
        ("W9", 4939),
    ]
    assert place.books.balance(f"10510:{code}") == 0
    assert place.books.balance(f"10510:{second}") == -16_721
    assert {each.ordered_anew for each in shown(place, code)[1]} == {second}
    with pytest.raises(NothingToOrderError):
        make(place, idempotency_key="ronde-3")
    assert settle(place, second)
    assert place.books.balance(f"10510:{second}") == 0
    assert place.books.verify().fault is None


def test_one_payment_is_called_off_and_the_bank_pays_the_others(place: Neighbourhood) -> None:
    two_shops(place)
    code = make(place)

    assert off(place, code, f"{code}-002") == 1

    assert bank_line(place, code, -9818).entry_number
    run, _orders = shown(place, code)
    assert (run.settled_cents, run.called_off_cents, run.open_cents) == (9818, 4939, 0)
    with pytest.raises(OrderSettledError):
        off(place, code, f"{code}-001")
    with pytest.raises(NotFoundError):
        off(place, code, "W26-0009-001")


def test_a_bank_line_takes_back_what_the_bank_sent_back(place: Neighbourhood) -> None:
    two_shops(place)
    code = make(place)
    reference = f"{code}-002"
    line = {"kind": "incasso", "return_reason": "AC04"}
    early = bank_line(place, reference, 4939, **line)
    assert early.mismatch is Mismatch.NO_PAYMENT_TO_RETURN
    settle(place, code)
    bank = place.books.balance("10202")
    assert bank_line(place, reference, 4938, code="T1", **line).mismatch is Mismatch.AMOUNT_DIFFERS

    outcome = bank_line(place, reference, 4939, code="T2", **line)

    assert outcome.entry_number
    assert place.books.balance("10202") == bank + 4939
    assert place.books.balance(f"10510:{code}") == -4939
    assert bank_line(place, reference, 4939, code="T3", **line).mismatch is (
        Mismatch.NO_PAYMENT_TO_RETURN
    )
    assert back(place, code, reference) == outcome.entry_number
    run, [_first, order] = shown(place, code)
    assert (run.returned_cents, order.return_reason, order.settled_on) == (4939, "AC04", JANUARY)
    second = make(place, idempotency_key="ronde-2", parties=(reference,))
    [again] = shown(place, second)[1]
    assert (again.party, again.cents, again.purpose) == ("W9", 4939, order.purpose)
    assert place.books.balance(f"10510:{code}") == 0


def test_what_is_sent_back_by_hand_was_paid_before(place: Neighbourhood) -> None:
    two_shops(place)
    code = make(place)
    with pytest.raises(InvalidInputError):
        back(place, code, f"{code}-001")
    settle(place, code, f"{code}-001")
    off(place, code, f"{code}-002")

    for day in (date(2026, 1, 9), date(2026, 1, 11)):
        with pytest.raises(InvalidInputError):
            back(place, code, f"{code}-001", day)
    with pytest.raises(OrderCalledOffError):
        back(place, code, f"{code}-002")
    with place.books.open() as uow, pytest.raises(InvalidInputError):
        call_off(uow, CallOff(code=code, reason=" "))
    assert back(place, code, f"{code}-001")


def test_another_bank_account_is_used_for_what_came_back(place: Neighbourhood) -> None:
    home = CareHome(place.books, place.members)
    agreement = home.agreement(home.budget(), home.carer("Zorg aan Huis"), rate=4000)
    with home.open() as uow:
        name_carer(uow, agreement, name="Zorg aan Huis", iban=IBAN)
    made = home.declare(agreement, 60)
    with home.open() as uow:
        approve(uow, made.id, note="map 1")
    code = make(place, PayeeKind.CARER)
    settle(place, code)
    back(place, code, f"{code}-001")
    with home.open() as uow:
        name_carer(uow, agreement, name="Zorg aan Huis", iban=OURS)

    second = make(place, PayeeKind.CARER, idempotency_key="ronde-2")

    [again] = shown(place, second)[1]
    assert (again.name, again.iban, again.cents) == ("Zorg aan Huis", OURS, 4000)


def test_a_grant_that_came_back_is_ordered_anew_without_its_round(
    place: Neighbourhood, clock: Clock
) -> None:
    give_iban(place, "L001")
    carers = Carers(place)
    carers.set_up(scheme_code=None)
    carers.apply("L001", "A", GrantPayout.BANK)
    clock.set(datetime(2026, 2, 2, 12, tzinfo=UTC))
    day = date(2026, 2, 2)
    carers.decide()
    code = make(place, PayeeKind.GRANT, round_code="M26", execute_on=day)
    with place.books.open() as uow:
        settle_run(uow, code, day)
    back(place, code, f"{code}-001", day)

    second = make(place, PayeeKind.GRANT, idempotency_key="ronde-2", execute_on=day)

    [again] = shown(place, second)[1]
    assert (again.iban, again.cents, again.purpose) == (IBAN, 15_000, "Mantelzorgwaardering M26")
    assert again.name


_ANEW = """
insert into payout_order (cooperative_id, run_id, position, end_to_end_id, party, name, iban, cents,
  purpose, replaces_run_id, replaces_position)
select cooperative_id, run_id, 9, 'x', party, name, iban, cents + {more}, 'x', run_id, position
from payout_order where position = {position}
"""
_BACK = """
insert into payout_return (cooperative_id, run_id, position, reason, returned_on, entry_number,
  noted_at, noted_by)
select cooperative_id, run_id, position, 'x', current_date, 1, now(), 'x'
from payout_order where position = 2
"""


@pytest.mark.parametrize(
    "change",
    [
        "update payout_order set settled_on = current_date, entry_number = 1",
        "delete from payout_return",
        "update payout_return set reason = 'x'",
        _BACK,
        _ANEW.format(more=1, position=1),
        _ANEW.format(more=0, position=2),
    ],
    ids=["settle", "delete", "change", "entry without payment", "other amount", "not returned"],
)
def test_the_database_holds_what_came_back(place: Neighbourhood, change: str) -> None:
    two_shops(place)
    code = make(place)
    off(place, code, f"{code}-001")

    with place.books.open() as uow, pytest.raises(DBAPIError), uow.session.begin_nested():
        uow.session.execute(text(change))


def test_what_came_back_is_ordered_anew_once(place: Neighbourhood) -> None:
    two_shops(place)
    code = make(place)
    off(place, code, f"{code}-001")
    second = make(place, idempotency_key="ronde-2")

    with place.books.open() as uow, pytest.raises(DBAPIError), uow.session.begin_nested():
        uow.session.execute(
            text(
                "insert into payout_order (cooperative_id, run_id, position, end_to_end_id, party,"
                " name, iban, cents, purpose, replaces_run_id, replaces_position)"
                " select cooperative_id, run_id, 9, 'x', party, name, iban, cents, 'x',"
                " replaces_run_id, replaces_position from payout_order"
                " where end_to_end_id = :reference"
            ),
            {"reference": f"{second}-001"},
        )


def test_lines_of_the_account_of_vouchers_are_booked_there_before_any_run(
    place: Neighbourhood,
) -> None:
    with place.books.open() as uow:
        main = next(iter(own_accounts(uow.session, uow.tenant)))
        for wrong in ("NL00", main):
            with pytest.raises(InvalidInputError):
                keep_voucher_account(uow, wrong)
        assert keep_voucher_account(uow, "nl02 abna 0123 4567 89") == VOUCHERS
    two_shops(place)
    vouchers, bank = place.books.balance("10202"), place.books.balance("10201")

    code = make(place, debtor_iban=VOUCHERS)
    assert bank_line(place, code, -14_757, account_iban=VOUCHERS).entry_number

    assert place.books.balance("10202") == vouchers - 14_757
    assert place.books.balance("10201") == bank


def test_pages_call_off_and_order_anew_and_hide_who_gives_care(
    site: Flask, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    accountant = signed_in(site, sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT))
    token = "/c/MRS/vouchers/merchants/MRS-W1"
    fields = {"iban": VOUCHERS, "on": "2026-07-01", "idempotency_key": "k1", "party": "MRS-W1"}
    assert post(treasurer, "/c/MRS/payouts/new/merchant", form=token, **fields)[0] == 303
    run = "/c/MRS/payouts/W26-0001"
    page = treasurer.get(f"{run}/call-off").get_data(as_text=True)
    assert "Trek het dan eerst bij je bank in" in page
    assert accountant.get(f"{run}/call-off").status_code == 403
    assert post(treasurer, f"{run}/call-off", idempotency_key="k2", reason="")[0] == 422
    for _twice in range(2):
        done = post(
            treasurer, f"{run}/call-off", idempotency_key="k3", reason="verkeerde dag", form=token
        )
        assert done[0] == 303
    assert "Er wacht niets meer op de bank" in accountant.get(run).get_data(as_text=True)
    assert treasurer.get(f"{run}.xml").status_code == 409
    assert "1 teruggekomen of ingetrokken" in treasurer.get("/c/MRS/payouts").get_data(as_text=True)
    again = treasurer.get("/c/MRS/payouts/new/merchant").get_data(as_text=True)
    assert "Nog een keer: W26-0001-001 is niet aangekomen" in again
    fields |= {"idempotency_key": "k4", "party": "W26-0001-001"}
    assert post(treasurer, "/c/MRS/payouts/new/merchant", form=token, **fields)[0] == 303
    assert "opnieuw opgegeven in W26-0002" in treasurer.get(run).get_data(as_text=True)
    second = "/c/MRS/payouts/W26-0002"
    assert post(treasurer, f"{second}/settle", form=second, on="2026-07-01")[0] == 303
    fields = {"idempotency_key": "k5", "reference": "W26-0002-001", "reason": "AC04"}
    assert post(treasurer, f"{second}/returned", on="2026-07-02", **fields)[0] == 422
    assert post(treasurer, f"{second}/returned", on="2026-07-01", **fields)[0] == 303
    assert "teruggekomen op" in treasurer.get(second).get_data(as_text=True)


def test_who_gives_care_is_shown_to_who_pays_only(place: Neighbourhood) -> None:
    home = CareHome(place.books, place.members)
    agreement = home.agreement(home.budget(), home.carer("Zorg aan Huis"), rate=4000)
    with home.open() as uow:
        name_carer(uow, agreement, name="Zorg aan Huis", iban=IBAN)
    made = home.declare(agreement, 60)
    with home.open() as uow:
        approve(uow, made.id, note="map 1")
    with place.books.open() as uow:
        assert [each.name for each in payees(uow.session, uow.tenant, PayeeKind.CARER)] == [
            "Zorg aan Huis"
        ]
        nobody = replace(uow, identity=replace(uow.identity, roles=frozenset({Role.MEMBER})))
        with pytest.raises(PermissionDeniedError):
            call_off(nobody, CallOff(code="U26-0001", reason="x"))
        with pytest.raises(PermissionDeniedError):
            take_back(nobody, "U26-0001", "x", JANUARY, reason="x")
        with pytest.raises(PermissionDeniedError):
            keep_voucher_account(nobody, VOUCHERS)
