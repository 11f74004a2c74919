"""A voucher that was issued by mistake is taken back whole, and what was paid for it comes back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.grants import Carers
from tests.factories.vouchers import Neighbourhood, a_neighbourhood
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.refusals import DomainError, InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger.queries import entry
from wijkeconomie.network.interchange.files import VOUCHER_REDEMPTIONS, VOUCHERS
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.vouchers.codes import print_codes, shown_code
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.mails import voucher_mails
from wijkeconomie.vouchers.models import PaidBy
from wijkeconomie.vouchers.refusals import UnknownVoucherError, VoucherUsedError
from wijkeconomie.vouchers.transferring import PassOn, pass_on
from wijkeconomie.vouchers.withdrawing import WithdrawVoucher, withdraw_voucher


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    return a_neighbourhood(units_of_work)


def withdraw(place: Neighbourhood, code: str, **more: Any) -> int:
    values: dict[str, Any] = {"idempotency_key": f"withdraw {code}", "reason": "verkeerd lid"}
    with place.books.open() as uow:
        return withdraw_voucher(uow, WithdrawVoucher(voucher_code=code, **(values | more)))


def lines(place: Neighbourhood, number: int) -> dict[str, int]:
    with place.books.open() as uow:
        found = entry(uow.session, uow.tenant, number)
    return {each.account_code: each.amount for each in found.postings}


@pytest.mark.parametrize(
    ("paid_by", "account"),
    [
        (PaidBy.BANK, "10202"),
        (PaidBy.CASH, "10101"),
        (PaidBy.MEMBER_ACCOUNT, "13830:L001"),
    ],
)
def test_what_was_paid_goes_back_to_where_it_came_from(
    place: Neighbourhood, paid_by: PaidBy, account: str
) -> None:
    place.issue("V1", 5000, paid_by=paid_by)
    before = place.balance(account)

    number = withdraw(place, "V1")

    assert lines(place, number) == {"16535:V1": 5000, account: -5000}
    assert (before, place.balance(account)) == (5000, 0)
    assert withdraw(place, "V1") == number
    found = place.circulation()["EUR"]
    assert (found.issued, found.outstanding, found.redeemed, found.expired) == (0, 0, 0, 0)


def test_a_gift_goes_back_to_its_fund_and_can_be_given_again(place: Neighbourhood) -> None:
    place.single_purpose()
    place.fund("G1", 1090)
    place.issue("V1", 1090, scheme="groente", fund="G1")

    withdraw(place, "V1")

    # It was no supply after all, so its tax is not due either.
    assert [place.balance(code) for code in ("16521:G1", "16203", "80305", "13306")] == [
        -1090,
        0,
        0,
        0,
    ]
    place.issue("V2", 1090, fund="G1")


def test_a_grant_that_went_wrong_goes_back_to_the_municipality(place: Neighbourhood) -> None:
    carers = Carers(place)
    carers.set_up()
    carers.apply("L001", "A", GrantPayout.VOUCHER)
    carers.decide()
    carers.pay()
    carers.receive(100_000)
    with place.books.open() as uow:
        code = uow.session.scalars(
            text("select code from voucher where cooperative_id = :id"), {"id": uow.tenant}
        ).one()

    withdraw(place, code)

    assert carers.account().to_spend_cents == 100_000
    with pytest.raises(DomainError):
        place.issue("V2", 1, fund="M26")


def _redeemed(place: Neighbourhood) -> str:
    place.redeem("V1", 1)
    return "V1"


def _passed_on(place: Neighbourhood, amount: int) -> tuple[str, ...]:
    command = PassOn(
        idempotency_key="pass",
        holder_id=place.members["L001"],
        to_member_code="L002",
        amount_minor=amount,
    )
    with place.books.open() as uow:
        return pass_on(uow, command)


def _expired(place: Neighbourhood) -> str:
    place.expire(date(2027, 1, 6))
    return "V1"


def _withdrawn(place: Neighbourhood) -> str:
    withdraw(place, "V1", idempotency_key="before")
    return "V1"


@pytest.mark.parametrize(
    "make",
    [
        _redeemed,
        _expired,
        _withdrawn,
        lambda place: (_passed_on(place, 100), "V1")[1],
        lambda place: _passed_on(place, 5000)[0],
    ],
)
def test_only_a_whole_voucher_is_taken_back(place: Neighbourhood, make: Any) -> None:
    place.issue("V1", 5000)
    code = make(place)
    held = place.held(code)

    with pytest.raises(VoucherUsedError):
        withdraw(place, code)
    assert place.held(code) == held


def test_it_takes_a_voucher_and_a_reason(place: Neighbourhood) -> None:
    place.issue("V1", 5000)
    with pytest.raises(UnknownVoucherError):
        withdraw(place, "V9")
    with pytest.raises(InvalidInputError):
        withdraw(place, "V1", reason=" ")


@pytest.mark.parametrize("role", [Role.MEMBER, Role.COORDINATOR, Role.BOARD, Role.MERCHANT])
def test_only_who_issues_vouchers_takes_them_back(place: Neighbourhood, role: Role) -> None:
    place.issue("V1", 5000)
    with place.books.open() as uow:
        as_role = UnitOfWork(
            uow.session, uow.now, Identity(actor="x", roles=frozenset({role})), uow.cooperative_id
        )
        command = WithdrawVoucher(idempotency_key="w", voucher_code="V1", reason="fout")
        with pytest.raises(PermissionDeniedError):
            withdraw_voucher(as_role, command)


def test_its_paper_codes_pay_no_more_and_the_holder_is_told(
    place: Neighbourhood, units_of_work: UnitOfWorkFactory
) -> None:
    with place.books.open() as uow:
        uow.session.execute(
            text("update member set email = 'l1@example.org' where id = :id"),
            {"id": place.members["L001"]},
        )
    place.issue("V1", 5000, paid_by=PaidBy.CASH)
    with place.books.open() as uow:
        [code] = print_codes(uow, "V1", count=1, maximum_minor=100)

    withdraw(place, "V1")

    with place.books.open() as uow:
        assert shown_code(uow, code.secret).is_withdrawn
    sent: list[Letter] = []
    send_due(units_of_work, voucher_mails("https://wijk.example"), lambda one, _: sent.append(one))
    [letter] = [each for each in sent if each.to == "l1@example.org"]
    assert letter.subject == "We hebben een wijkmunt ingetrokken"
    for words in ("5 januari 2026", "€ 50,00", "verkeerd lid", "cash terug"):
        assert words in letter.body.replace("\xa0", " ")


def test_the_database_lets_no_more_come_back_than_was_held(
    place: Neighbourhood, owner: Engine
) -> None:
    place.fund("G1", 1000)
    place.issue("V1", 700, fund="G1")
    for setting in ("returned_minor = 1", "withdrawn_on = issued_on, returned_minor = 701"):
        with (
            pytest.raises(DBAPIError, match="came_back_was_held"),
            owner.begin() as connection,
        ):
            connection.execute(
                text(f"update voucher set {setting} where cooperative_id = :id"),
                {"id": place.books.cooperative_id},
            )


def test_what_was_withdrawn_does_not_count_for_who_got_it(place: Neighbourhood) -> None:
    """A repeated issue after a withdrawal is another one, with another code."""
    place.fund("G1", 700)
    with place.books.open() as uow:
        command = IssueVouchers(
            idempotency_key="first",
            scheme_code="wijkmunt",
            paid_by=PaidBy.FUND,
            fund_code="G1",
            grants=(Grant(member_id=place.members["L001"], face_minor=700, code="V1"),),
        )
        issue_vouchers(uow, command)
    withdraw(place, "V1")
    place.issue("V2", 700, fund="G1", member="L002")
    assert (place.held("V1"), place.held("V2")) == (0, 700)


def test_what_was_withdrawn_is_not_exported(place: Neighbourhood) -> None:
    place.issue("V1", 700)
    place.issue("V2", 500)
    place.redeem("V1", 701)
    place.redeem("V2", 501)

    withdraw(place, "V1")

    with place.books.open() as uow:
        kept = {
            layout.file: [
                cells["voucher_id"] for cells in stored_rows(uow.session, uow.tenant, layout)
            ]
            for layout in (VOUCHERS, VOUCHER_REDEMPTIONS)
        }
    assert kept == {"vouchers.csv": ["V2"], "voucher_redemptions.csv": ["V2"]}
