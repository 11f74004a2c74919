"""Use cases of vouchers: what each event books, what is refused, and who may."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.vouchers import IBAN, TODAY, Neighbourhood, a_neighbourhood
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import (
    DomainError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.periods import close_period
from wijkeconomie.ledger.refusals import BalanceLimitError, ClosedPeriodError
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.vouchers.answers import Redeem, require_accepted
from wijkeconomie.vouchers.codes import (
    make_phone_code,
    own_code,
    print_codes,
    shown_code,
)
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant, stop_merchant
from wijkeconomie.vouchers.kinds import SaveScheme, save_scheme, set_earmarks
from wijkeconomie.vouchers.meters import cover, months_of_circulation, volume
from wijkeconomie.vouchers.models import PaidBy, VatKind, VatMix
from wijkeconomie.vouchers.paying_out import MoveCover, PayOut, move_cover, pay_out
from wijkeconomie.vouchers.redeeming import redeem
from wijkeconomie.vouchers.refunding import Refund, refund
from wijkeconomie.vouchers.refusals import (
    FundExhaustedError,
    MerchantNotAcceptedError,
    NothingToPayOutError,
    NotTransferableError,
    PaymentCodeExpiredError,
    PaymentCodeLimitError,
    PaymentCodeUsedError,
    UnknownVoucherError,
    VoucherBalanceError,
    VoucherCodeTakenError,
    VoucherExpiredError,
    VoucherNotUsableYetError,
    WrongCooperativeError,
)
from wijkeconomie.vouchers.transferring import PassOn, pass_on


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory) -> Neighbourhood:
    return a_neighbourhood(units_of_work)


def as_member(uow: UnitOfWork, place: Neighbourhood, member: str) -> UnitOfWork:
    identity = Identity(
        actor=f"member/{member}", member_id=place.members[member], roles=frozenset({Role.MEMBER})
    )
    return replace(uow, identity=identity)


def pay_by_code(
    place: Neighbourhood, code: str, amount: int, *, merchant: str = "W1", key: str | None = None
) -> object:
    with place.books.open() as uow:
        return redeem(
            uow,
            Redeem(
                idempotency_key=key or uuid.uuid4().hex,
                merchant_code=merchant,
                amount_minor=amount,
                payment_code=code,
            ),
        )


def phone_code(place: Neighbourhood, amount: int, member: str = "L001") -> str:
    with place.books.open() as uow:
        return make_phone_code(as_member(uow, place, member), amount).written


def test_a_sold_voucher_is_owed_until_it_is_redeemed(place: Neighbourhood) -> None:
    place.issue("V1", 5000)
    answer = place.redeem("V1", 2000)

    assert answer.is_accepted
    assert answer.balance_after_minor == place.held("V1") == 3000
    assert (place.balance("10202"), place.balance("16012:W1")) == (5000, -2000)


def test_a_repeated_request_hears_the_same_and_books_nothing(place: Neighbourhood) -> None:
    place.issue("V1", 5000)
    first = place.redeem("V1", 2000, key="k-1")
    place.redeem("V1", 3000)

    again = place.redeem("V1", 2000, key="k-1")

    assert again == replace(first, is_replay=True)
    assert place.books.verify().entries == 3


def test_a_refused_code_is_answered_again_after_it_has_paid_another_request(
    place: Neighbourhood,
) -> None:
    place.issue("V1", 1000)
    code = phone_code(place, 1000)
    place.redeem("V1", 700)
    first = pay_by_code(place, code, 1000, key="k-1")
    assert first.refusal == "insufficient_balance"  # type: ignore[attr-defined]
    assert pay_by_code(place, code, 300, key="k-2").is_accepted  # type: ignore[attr-defined]

    again = pay_by_code(place, code, 1000, key="k-1")

    assert again == replace(first, is_replay=True)  # type: ignore[type-var]
    # Another code of the same member for the same amount is another request.
    place.issue("V2", 1000)
    with pytest.raises(IdempotencyKeyReusedError):
        pay_by_code(place, phone_code(place, 1000), 1000, key="k-1")
    with pytest.raises(IdempotencyKeyReusedError), place.books.open() as uow:
        redeem(
            uow,
            Redeem(
                idempotency_key="k-1",
                merchant_code="W1",
                amount_minor=1000,
                holder_id=place.members["L001"],
            ),
        )


def test_a_wallet_asked_in_another_unit_is_another_request(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    place.scheme("uren", unit="UUR")
    place.fund("U1", unit="UUR")
    place.issue("U1", 1000, scheme="uren", fund="U1")

    def pay(unit: str) -> object:
        with place.books.open() as uow:
            return redeem(
                uow,
                Redeem(
                    idempotency_key="k-1",
                    merchant_code="W1",
                    amount_minor=100,
                    holder_id=place.members["L001"],
                    unit=unit,
                ),
            )

    first = pay("UUR")
    assert pay("UUR") == replace(first, is_replay=True)  # type: ignore[type-var]
    with pytest.raises(IdempotencyKeyReusedError):
        pay("EUR")


def test_a_voucher_that_names_another_cooperative_is_told_apart(
    place: Neighbourhood, units_of_work: UnitOfWorkFactory
) -> None:
    other = a_neighbourhood(units_of_work)
    other.issue("V7", 1000)
    with pytest.raises(WrongCooperativeError):
        place.redeem(f"{other.books.code}.V7", 100)
    for unknown in ("V7", f"{place.books.code}.V7", "NIETS.V7"):
        with pytest.raises(UnknownVoucherError):
            place.redeem(unknown, 100)


def test_what_one_shop_owes_us_does_not_cover_another(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    paid = place.redeem("V1", 600, merchant="W1")
    with place.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key="p-1", merchant_code="W1"))
        refund(uow, Refund(idempotency_key="r-1", redemption_code=paid.code, reason="ruil"))
    place.redeem("V1", 500, merchant="W2")

    with place.books.open() as uow:
        found = cover(uow.session, uow.tenant)
    assert place.balance("16012:W1") == 600
    assert (found.outstanding_cents, found.merchants_cents) == (500, 500)


def test_a_refused_request_hears_the_same_after_the_balance_has_grown(
    place: Neighbourhood,
) -> None:
    place.issue("V1", 1000)
    paid = place.redeem("V1", 900)
    refused = place.redeem("V1", 500, key="k-1")
    with place.books.open() as uow:
        refund(uow, Refund(idempotency_key="r", redemption_code=paid.code, reason="ruil"))

    assert place.held("V1") == 1000
    assert place.redeem("V1", 500, key="k-1") == replace(refused, is_replay=True)
    with pytest.raises(VoucherBalanceError) as caught:
        require_accepted(refused)
    assert caught.value.context["short_cents"] == 400


@pytest.mark.parametrize("change", [{"amount": 200}, {"merchant": "W2"}])
def test_a_key_is_for_one_request(place: Neighbourhood, change: dict[str, object]) -> None:
    place.issue("V1", 5000)
    place.redeem("V1", 100, key="k-1")

    with pytest.raises(IdempotencyKeyReusedError):
        place.redeem("V1", **({"amount": 100, "key": "k-1"} | change))  # type: ignore[arg-type]


def test_each_refusal_is_its_own(place: Neighbourhood, units_of_work: UnitOfWorkFactory) -> None:
    place.issue("V1", 1000, until=date(2026, 2, 1))
    elsewhere = a_neighbourhood(units_of_work)
    elsewhere.issue("V9", 1000)
    foreign = phone_code(elsewhere, 500)

    with pytest.raises(UnknownVoucherError):
        place.redeem("NONE", 1)
    with pytest.raises(UnknownVoucherError):
        place.redeem("V9", 1)
    with pytest.raises(MerchantNotAcceptedError):
        place.redeem("V1", 1, merchant="W9")
    with pytest.raises(WrongCooperativeError) as caught:
        pay_by_code(place, foreign, 500)
    assert caught.value.context["cooperative"] == elsewhere.books.code
    with pytest.raises(VoucherExpiredError):
        require_accepted(place.redeem("V1", 1, on=date(2026, 2, 2)))
    with pytest.raises(VoucherBalanceError):
        require_accepted(place.redeem("V1", 1001, on=date(2026, 2, 1)))
    with pytest.raises(InvalidInputError):
        place.redeem("V1", 0)
    assert place.held("V1") == 1000


def test_a_stopped_merchant_accepts_no_more(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    with place.books.open() as uow:
        stop_merchant(uow, "W1", on=date(2026, 2, 1), reason="gestopt")

    assert place.redeem("V1", 100, on=date(2026, 1, 31)).is_accepted
    with pytest.raises(MerchantNotAcceptedError):
        place.redeem("V1", 100, on=date(2026, 2, 1))


def test_an_earmark_is_for_its_merchants_only(place: Neighbourhood) -> None:
    place.scheme("zorg", merchants=("W2",))
    place.issue("V1", 1000, scheme="zorg")
    place.issue("V2", 300)

    with pytest.raises(MerchantNotAcceptedError):
        place.redeem("V1", 100)
    assert place.redeem("V1", 100, merchant="W2").is_accepted
    # A wallet pays with what the merchant accepts.
    refused = pay_by_code(place, phone_code(place, 400), 400)
    assert refused.refusal == "insufficient_balance"  # type: ignore[attr-defined]
    assert refused.balance_after_minor == 300  # type: ignore[attr-defined]
    with place.books.open() as uow:
        set_earmarks(uow, "zorg", ())
    assert place.redeem("V1", 100).is_accepted


def test_a_gift_comes_from_a_fund_that_cannot_give_more_than_it_has(place: Neighbourhood) -> None:
    place.fund("G1", 1000)
    place.issue("V1", 700, fund="G1")
    with pytest.raises(FundExhaustedError) as caught:
        place.issue("V2", 301, fund="G1")
    assert caught.value.context["left_cents"] == 300

    assert place.balance("16521:G1") == -300
    assert place.expire(date(2027, 1, 6)) == {"EUR": 700}
    # What was not used goes back to the fund, to be given again.
    assert place.balance("16521:G1") == -1000
    place.issue("V3", 1000, fund="G1")


def test_a_fund_grants_at_least_what_was_given(place: Neighbourhood) -> None:
    place.fund("G1", 1000)
    place.issue("V1", 700, fund="G1")

    with pytest.raises(InvalidInputError):
        place.fund("G1", 699)
    place.fund("G1", 700)


def test_what_expires_of_a_sold_voucher_is_income(place: Neighbourhood) -> None:
    place.issue("V1", 5000)
    place.redeem("V1", 2000)

    assert place.expire(date(2027, 1, 5)) == {}
    assert place.expire(date(2027, 1, 6)) == {"EUR": 3000}
    assert place.expire(date(2027, 1, 6)) == {}
    assert place.balance("81130") == -3000
    assert place.redeem("V1", 1, on=date(2027, 1, 6)).refusal == "expired"


def test_a_single_purpose_voucher_owes_its_tax_at_issue(place: Neighbourhood) -> None:
    place.single_purpose()
    place.issue("S1", 1090, scheme="groente")

    assert place.balance("16203") == -90
    assert place.balance("80305") == -1000
    assert place.balance("13306") == 90
    place.redeem("S1", 333)
    place.redeem("S1", 333)
    place.expire(date(2027, 1, 6))
    # Of 6,66 the merchants' tax was reclaimed; that of 4,24 was paid and stays paid.
    assert place.balance("13306") == 0
    assert place.balance("13305") == 55
    assert place.balance("81130") == -(424 - 35)


def test_a_single_purpose_voucher_keeps_its_tax_to_the_cent_when_it_is_split(
    place: Neighbourhood,
) -> None:
    place.single_purpose()
    # Of 0,10 the tax is a cent, of 0,05 it is none.
    place.issue("S1", 10, scheme="groente")
    command = PassOn(
        idempotency_key="pass-1",
        holder_id=place.members["L001"],
        to_member_code="L002",
        amount_minor=5,
    )
    with place.books.open() as uow:
        [code] = pass_on(uow, command)
    assert place.balance("13306") == 0
    place.redeem("S1", 5)
    place.redeem(code, 5)

    assert place.balance("13306") == place.balance("13305") == 0


def test_under_the_small_businesses_scheme_there_is_no_tax(place: Neighbourhood) -> None:
    with place.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = 'kor' where id = :id"), {"id": uow.tenant}
        )
    place.single_purpose()
    place.issue("S1", 1090, scheme="groente")
    place.redeem("S1", 500)
    with place.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key="p", merchant_code="W1"))

    assert [place.balance(code) for code in ("16203", "13306", "13305", "16201")] == [0, 0, 0, 0]
    assert place.balance("80365") == -1090
    assert place.balance("80565") == -8


def test_a_local_unit_is_given_and_never_paid_out(place: Neighbourhood) -> None:
    place.scheme("uren", unit="UUR")
    place.fund("U1", 10_000, unit="UUR")
    place.issue("H1", 300, scheme="uren", fund="U1")
    place.redeem("H1", 100)

    assert place.held("H1", "UUR") == 200
    assert place.circulation()["UUR"].redeemed == 100
    with pytest.raises(NothingToPayOutError), place.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key="p", merchant_code="W1"))
    with pytest.raises(InvalidInputError):
        place.issue("H2", 100, scheme="uren")


def test_what_was_charged_can_be_used_when_it_cannot_come_back(place: Neighbourhood) -> None:
    place.issue("V1", 1000, paid_by=PaidBy.MEMBER_ACCOUNT)

    assert place.balance("13830:L001") == 1000
    with pytest.raises(VoucherNotUsableYetError):
        place.redeem("V1", 100, on=TODAY + timedelta(days=55))
    assert place.redeem("V1", 100, on=TODAY + timedelta(days=56)).is_accepted


def test_a_wallet_spends_first_what_expires_first(place: Neighbourhood) -> None:
    place.issue("LATE", 500, until=date(2026, 12, 1))
    place.issue("SOON", 300, until=date(2026, 2, 1))

    pay_by_code(place, phone_code(place, 400), 400)

    assert (place.held("SOON"), place.held("LATE")) == (0, 400)


def test_a_code_pays_once_and_a_retry_is_answered(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    code = phone_code(place, 500)
    first = pay_by_code(place, code.lower().replace("-", " "), 400, key="key-1")

    assert pay_by_code(place, code, 400, key="key-1") == replace(first, is_replay=True)  # type: ignore[type-var]
    with pytest.raises(PaymentCodeUsedError):
        pay_by_code(place, code, 100)
    with pytest.raises(IdempotencyKeyReusedError):
        pay_by_code(place, phone_code(place, 400), 400, key="key-1")
    with pytest.raises(UnknownVoucherError):
        pay_by_code(place, "2345-6789", 100)
    with pytest.raises(UnknownVoucherError):
        pay_by_code(place, "NERGENS.2345-6789", 100)


def test_a_code_is_for_what_the_member_agreed_to_and_for_ten_minutes(
    place: Neighbourhood, clock: Clock
) -> None:
    place.issue("V1", 1000)
    code = phone_code(place, 500)
    with pytest.raises(PaymentCodeLimitError):
        pay_by_code(place, code, 501)
    clock.advance(timedelta(minutes=10, seconds=1))
    with pytest.raises(PaymentCodeExpiredError):
        pay_by_code(place, code, 500)
    first, second = phone_code(place, 500), phone_code(place, 300)
    with pytest.raises(PaymentCodeUsedError):
        pay_by_code(place, first, 500)
    assert pay_by_code(place, second, 300).is_accepted  # type: ignore[attr-defined]


def test_no_code_is_made_for_what_is_not_there(place: Neighbourhood) -> None:
    place.issue("V1", 1000, until=TODAY)

    with pytest.raises(VoucherBalanceError):
        phone_code(place, 1001)
    with pytest.raises(InvalidInputError):
        phone_code(place, 0)
    with pytest.raises(VoucherBalanceError):
        phone_code(place, 1, member="L002")
    with pytest.raises(PermissionDeniedError), place.books.open() as uow:
        make_phone_code(uow, 100)


def test_a_sheet_pays_code_by_code_until_a_new_one_is_printed(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    place.issue("V2", 1000)
    with place.books.open() as uow:
        sheet = print_codes(uow, "V1", count=3, maximum_minor=600)

    assert pay_by_code(place, sheet[0].written, 600).is_accepted  # type: ignore[attr-defined]
    refused = pay_by_code(place, sheet[1].written, 600)
    assert refused.refusal == "insufficient_balance"  # type: ignore[attr-defined]
    assert pay_by_code(place, sheet[1].written, 400).is_accepted  # type: ignore[attr-defined]
    assert (place.held("V1"), place.held("V2")) == (0, 1000)
    with place.books.open() as uow:
        print_codes(uow, "V1", count=1, maximum_minor=600)
    with pytest.raises(PaymentCodeUsedError):
        pay_by_code(place, sheet[2].written, 1)
    with pytest.raises(InvalidInputError), place.books.open() as uow:
        print_codes(uow, "V1", count=25, maximum_minor=600)
    with pytest.raises(UnknownVoucherError), place.books.open() as uow:
        print_codes(uow, "NONE", count=1, maximum_minor=600)


def test_who_shows_a_code_sees_what_came_of_it(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    with place.books.open() as uow:
        made = make_phone_code(as_member(uow, place, "L001"), 500)
    with place.books.open() as uow:
        before = own_code(as_member(uow, place, "L001"), made.id)
        assert shown_code(uow, made.written) == before
    pay_by_code(place, made.written, 450)
    with place.books.open() as uow:
        after = own_code(as_member(uow, place, "L001"), made.id)

    assert (before.paid_minor, after.paid_minor, after.merchant_name) == (None, 450, "Winkel W1")
    with pytest.raises(UnknownVoucherError), place.books.open() as uow:
        own_code(as_member(uow, place, "L002"), made.id)


def test_vouchers_pass_from_member_to_member_and_keep_their_last_day(place: Neighbourhood) -> None:
    place.issue("V1", 1000, until=date(2026, 3, 1))
    command = PassOn(
        idempotency_key="pass-1",
        holder_id=place.members["L001"],
        to_member_code="L002",
        amount_minor=400,
    )
    with place.books.open() as uow:
        [code] = pass_on(as_member(uow, place, "L001"), command)
    with place.books.open() as uow:
        assert pass_on(as_member(uow, place, "L001"), command) == (code,)

    assert (place.held("V1"), place.held(code)) == (600, 400)
    assert place.redeem(code, 400, on=date(2026, 3, 2)).refusal == "expired"
    assert place.circulation()["EUR"].issued == 1000


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"to_member_code": "L001"}, InvalidInputError),
        ({"to_member_code": "L999"}, NotTransferableError),
        ({"amount_minor": 0}, InvalidInputError),
        ({"amount_minor": 1001}, VoucherBalanceError),
        ({"amount_minor": 1500}, NotTransferableError),
    ],
)
def test_what_cannot_be_passed_on_is_said(
    place: Neighbourhood, changes: dict[str, object], refusal: type[DomainError]
) -> None:
    place.issue("V1", 1000)
    if changes.get("amount_minor") == 1500:
        place.scheme("eigen", is_transferable=False)
        place.issue("V2", 600, scheme="eigen")
    terms = {
        "idempotency_key": "pass-1",
        "holder_id": place.members["L001"],
        "to_member_code": "L002",
        "amount_minor": 100,
    }
    with pytest.raises(refusal), place.books.open() as uow:
        pass_on(as_member(uow, place, "L001"), PassOn(**(terms | changes)))  # type: ignore[arg-type]


def test_a_refund_comes_back_and_gives_an_expired_voucher_a_month(
    place: Neighbourhood, clock: Clock
) -> None:
    place.issue("V1", 1000, until=TODAY)
    paid = place.redeem("V1", 800)
    clock.advance(timedelta(days=10))
    place.expire(date(2026, 1, 15))
    with place.books.open() as uow:
        refund(
            uow,
            Refund(
                idempotency_key="r-1", redemption_code=paid.code, amount_minor=300, reason="kapot"
            ),
        )

    assert place.held("V1") == 300
    assert place.balance("16012:W1") == -500
    assert place.redeem("V1", 300, on=date(2026, 2, 14)).is_accepted
    with pytest.raises(NotFoundError), place.books.open() as uow:
        refund(uow, Refund(idempotency_key="r-2", redemption_code="R0", reason="?"))


def test_a_payout_keeps_the_fee_and_its_tax(place: Neighbourhood) -> None:
    place.issue("V1", 5000)
    place.redeem("V1", 2000)
    with place.books.open() as uow:
        number = pay_out(uow, PayOut(idempotency_key="p-1", merchant_code="W1"))
    with place.books.open() as uow:
        assert pay_out(uow, PayOut(idempotency_key="p-1", merchant_code="W1")) == number == 1

    assert place.balance("16012:W1") == 0
    assert place.balance("10202") == 5000 - 1964
    assert (place.balance("80502"), place.balance("16201")) == (-30, -6)
    with pytest.raises(NothingToPayOutError), place.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key="p-2", merchant_code="W1"))


def test_the_cover_tells_what_must_be_moved(place: Neighbourhood) -> None:
    place.fund("G1", 1000)
    place.issue("V1", 700, fund="G1")
    place.issue("V2", 500)
    place.redeem("V1", 200)
    with place.books.open() as uow:
        before = cover(uow.session, uow.tenant)
        move_cover(uow, MoveCover(idempotency_key="m-1", amount_cents=before.short_cents))
    with place.books.open() as uow:
        after = cover(uow.session, uow.tenant)

    assert (before.outstanding_cents, before.merchants_cents, before.bank_cents) == (1000, 200, 500)
    assert (before.short_cents, before.level, after.level) == (700, "passed", "good")


def test_the_volume_is_of_twelve_months_and_the_months_follow(place: Neighbourhood) -> None:
    place.issue("V1", 9000, until=date(2028, 1, 1))
    place.redeem("V1", 1000, on=date(2026, 2, 28))
    place.redeem("V1", 300, on=date(2026, 3, 1))
    with place.books.open() as uow:
        found = volume(uow.session, uow.tenant, date(2027, 2, 28))
        months = months_of_circulation(
            uow.session, uow.tenant, [date(2026, month, 1) for month in (1, 2, 3)]
        )

    assert found.cents == 300
    assert [(m.issued, m.redeemed, m.outstanding) for m in months["EUR"]] == [
        (9000, 0, 9000),
        (0, 1000, 8000),
        (0, 300, 7700),
    ]


def test_many_are_issued_as_one_entry_and_a_repeat_issues_none(place: Neighbourhood) -> None:
    command = IssueVouchers(
        idempotency_key="many",
        scheme_code="wijkmunt",
        paid_by=PaidBy.MEMBER_ACCOUNT,
        issued_on=TODAY,
        grants=tuple(
            Grant(member_id=member, face_minor=100 * number)
            for number, member in enumerate(place.members.values(), start=1)
        ),
    )
    with place.books.open() as uow:
        number = issue_vouchers(uow, command)
    with place.books.open() as uow:
        assert issue_vouchers(uow, command) == number

    assert place.books.verify().entries == 1
    assert place.balance("13830:L003") == 300


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"grants": ()}, InvalidInputError),
        ({"grants": (Grant(member_id=1, face_minor=0),)}, InvalidInputError),
        ({"grants": (Grant(member_id=10**12, face_minor=5),)}, NotFoundError),
        ({"scheme_code": "NONE"}, NotFoundError),
        ({"paid_by": PaidBy.FUND}, InvalidInputError),
        ({"paid_by": PaidBy.FUND, "fund_code": "NONE"}, NotFoundError),
        ({"paid_by": PaidBy.TRANSFER}, InvalidInputError),
        ({"issued_on": date(2026, 2, 3)}, ClosedPeriodError),
    ],
)
def test_what_cannot_be_issued_is_said_and_leaves_nothing(
    place: Neighbourhood, changes: dict[str, object], refusal: type[DomainError]
) -> None:
    with place.books.open() as uow:
        close_period(uow, date(2026, 2, 1))
    terms = {
        "idempotency_key": "i-1",
        "scheme_code": "wijkmunt",
        "paid_by": PaidBy.BANK,
        "grants": (Grant(member_id=place.members["L001"], face_minor=100),),
    }
    with pytest.raises(refusal), place.books.open() as uow:
        issue_vouchers(uow, IssueVouchers(**(terms | changes)))  # type: ignore[arg-type]
    assert place.books.verify().entries == 0


def test_codes_are_ones_own(place: Neighbourhood) -> None:
    place.issue("V1", 100)
    with pytest.raises(VoucherCodeTakenError):
        place.issue("V1", 200)
    with pytest.raises(VoucherCodeTakenError):
        place.scheme("wijkmunt")
    with pytest.raises(VoucherCodeTakenError):
        place.merchant("W1")


@pytest.mark.parametrize(
    "terms",
    [
        {"vat_kind": VatKind.SPV},
        {"vat_basis_points": 900},
        {"vat_kind": VatKind.SPV, "vat_basis_points": 900, "unit": "UUR"},
        {"unit": "uur"},
        {"valid_days": 0},
    ],
)
def test_a_kind_that_cannot_be_is_refused(place: Neighbourhood, terms: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError), place.books.open() as uow:
        save_scheme(uow, SaveScheme(code="X", name="X", **terms))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "terms", [{"iban": "NL00ABNA0123456789"}, {"fee_basis_points": 10_001}, {"contacts": ("x",)}]
)
def test_a_merchant_who_cannot_be_is_refused(
    place: Neighbourhood, terms: dict[str, object]
) -> None:
    given = {"code": "W9", "name": "W", "iban": IBAN, "vat_mix": VatMix.LOW} | terms
    with pytest.raises(InvalidInputError), place.books.open() as uow:
        save_merchant(uow, SaveMerchant(**given))  # type: ignore[arg-type]


def test_a_member_pays_with_his_own_vouchers_only(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    place.issue("V2", 1000, member="L002")
    command = Redeem(
        idempotency_key="own-key-1", merchant_code="W1", amount_minor=100, voucher_code="V2"
    )
    with pytest.raises(PermissionDeniedError), place.books.open() as uow:
        redeem(as_member(uow, place, "L001"), command)
    with place.books.open() as uow:
        answer = redeem(
            as_member(uow, place, "L001"),
            replace(command, voucher_code=None, holder_id=place.members["L001"]),
        )
    assert answer.is_accepted
    nobody = Identity(actor="login:9", login_id=9, roles=frozenset({Role.MERCHANT}))
    code = phone_code(place, 100)
    with pytest.raises(PermissionDeniedError), place.books.open() as uow:
        redeem(
            replace(uow, identity=nobody),
            Redeem(
                idempotency_key="till-key", merchant_code="W1", amount_minor=1, payment_code=code
            ),
        )


def test_the_database_keeps_a_voucher_from_passing_zero(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    draft = EntryDraft(
        accounting_date=TODAY,
        kind="test.posted",
        source="test/1",
        description="a test",
        idempotency_key="past-zero",
        postings=(debit("16535:V1", 1001), credit("10202", 1001)),
    )
    with pytest.raises(BalanceLimitError), place.books.open() as uow:
        post_entry(uow, draft)


def test_the_database_keeps_payments_what_vouchers_paid(
    place: Neighbourhood, owner: Engine
) -> None:
    place.issue("V1", 1000)
    place.redeem("V1", 100)
    change = text(
        "with line as (update voucher_redemption_line set amount_minor = 99"
        " where cooperative_id = :id)"
        " update voucher_redemption set balance_after_minor = 1 where cooperative_id = :id"
    )
    with pytest.raises(DBAPIError, match="paid 99"), owner.begin() as connection:
        connection.execute(change, {"id": place.books.cooperative_id})


def test_the_database_keeps_a_fund_from_giving_too_much(
    place: Neighbourhood, owner: Engine
) -> None:
    place.fund("G1", 5)
    change = text("update voucher_fund set issued_minor = 6 where cooperative_id = :id")
    with pytest.raises(DBAPIError, match="within_grant"), owner.begin() as connection:
        connection.execute(change, {"id": place.books.cooperative_id})


def test_a_closed_month_takes_no_payment(place: Neighbourhood) -> None:
    place.issue("V1", 1000)
    with place.books.open() as uow:
        close_period(uow, TODAY)

    with pytest.raises(ClosedPeriodError):
        place.redeem("V1", 100)
    assert place.held("V1") == 1000
