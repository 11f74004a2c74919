"""Rounds of carers' grants: applying, deciding, paying, accounting, erasing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.grants import CLOSES, OPENS, Carers
from tests.factories.vouchers import a_neighbourhood
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.queries import last_number
from wijkeconomie.vouchers.grant_applying import Apply, apply_for_grant, withdraw_application
from wijkeconomie.vouchers.grant_erasing import erase_applicants
from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRefusal
from wijkeconomie.vouchers.grant_refusals import (
    GrantAmountError,
    GrantAppliedError,
    GrantBudgetFullError,
    GrantCarersFullError,
    GrantOtherRoundError,
    GrantStateError,
    GrantWindowError,
)
from wijkeconomie.vouchers.grant_rules import BudgetRule
from wijkeconomie.vouchers.granting import close_round, decide_round, open_round
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.models import PaidBy
from wijkeconomie.vouchers.refusals import FundExhaustedError, VoucherCodeTakenError

TO_SPEND, RECEIVABLE = "16521:M26", "13201:M26"


@pytest.fixture
def carers(units_of_work: UnitOfWorkFactory, clock: Clock) -> Carers:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work, members=6)
    with place.books.open() as uow:
        uow.session.execute(
            text("update member set iban = 'NL02ABNA0123456789' where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    return Carers(place)


def test_carers_of_one_person_share_its_cap_to_the_cent(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    for member in ("L002", "L003"):
        carers.apply(member, "B")

    assert carers.decide() == 30_000
    assert carers.granted() == {"L001": 15_000, "L002": 7_500, "L003": 7_500}


def test_a_short_budget_is_shared_in_proportion_over_persons(carers: Carers) -> None:
    carers.set_up(budget_cents=10_000)
    for member, person in (("L001", "A"), ("L002", "B"), ("L003", "C"), ("L004", "C")):
        carers.apply(member, person)

    assert carers.decide() == 10_000
    assert carers.granted() == {"L001": 3_334, "L002": 3_333, "L003": 1_667, "L004": 1_666}


def test_who_comes_first_is_served_and_who_comes_too_late_is_told(carers: Carers) -> None:
    carers.set_up(budget_cents=20_000, budget_rule=BudgetRule.FIRST_COME)
    carers.apply("L001", "A")
    carers.apply("L002", "B")

    with pytest.raises(GrantBudgetFullError):
        carers.apply("L003", "C")
    carers.apply("L003", "A")  # a second carer of a person who is served costs nothing more
    carers.decide()
    assert carers.granted() == {"L001": 7_500, "L003": 7_500, "L002": 5_000}


def test_an_application_of_which_the_budget_left_nothing_is_refused_as_such(
    carers: Carers,
) -> None:
    carers.set_up(budget_cents=1)
    carers.apply("L001", "A")
    carers.apply("L002", "B")

    carers.decide()

    assert carers.granted() == {"L001": 1}
    with carers.place.books.open() as uow:
        reasons = uow.session.scalars(text("select refusal from grant_application order by id"))
        assert list(reasons) == [None, GrantRefusal.BUDGET_SPENT]


def test_who_applies_twice_is_refused_whether_for_one_person_or_two(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A", key="first request")

    with pytest.raises(GrantAppliedError):
        carers.apply("L001", "A")
    with pytest.raises(GrantAppliedError):
        carers.apply("L001", "B")


def test_a_repeated_request_is_answered_and_applies_once(carers: Carers) -> None:
    carers.set_up()

    first = carers.apply("L001", "A", key="first request")

    assert carers.apply("L001", "A", key="first request") == first


def test_a_round_can_let_one_carer_apply_for_several_persons(carers: Carers) -> None:
    carers.set_up(is_one_per_carer=False, carer_cap_cents=4_000)
    carers.apply("L001", "A")
    carers.apply("L001", "B")

    with pytest.raises(GrantAppliedError):
        carers.apply("L001", "B")
    carers.decide()
    assert carers.granted() == {"L001": 8_000}


def test_no_more_carers_apply_for_a_person_than_the_round_allows(carers: Carers) -> None:
    carers.set_up(carer_limit=2)
    first = carers.apply("L001", "A")
    carers.apply("L002", "A")

    with pytest.raises(GrantCarersFullError):
        carers.apply("L003", "A")
    carers.refuse(first)
    carers.apply("L003", "A")
    carers.decide()
    assert carers.granted() == {"L002": 7_500, "L003": 7_500}


def test_a_person_is_cared_for_in_one_round_a_year(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    other = Carers(carers.place, "M26B")
    other.set_up(code="M26B")

    with pytest.raises(GrantOtherRoundError):
        other.apply("L002", "A")


def test_a_carer_is_thanked_once_a_year_also_by_another_round(carers: Carers) -> None:
    carers.set_up()
    first = carers.apply("L001", "A")
    refused = carers.apply("L002", "B")
    carers.refuse(refused)
    other = Carers(carers.place, "M26B")
    other.set_up()
    with pytest.raises(GrantAppliedError):
        other.apply("L001", "C")
    # What another round turned down does not count, nor what was taken back.
    other.apply("L002", "D")
    with carers.place.books.open() as uow:
        withdraw_application(uow, first)
    other.apply("L001", "C")


def test_where_a_carer_can_apply_for_several_he_can_in_another_round_too(carers: Carers) -> None:
    carers.set_up(is_one_per_carer=False)
    carers.apply("L001", "A")
    other = Carers(carers.place, "M26B")
    other.set_up(is_one_per_carer=False)
    other.apply("L001", "C")


def test_who_applied_this_year_can_apply_next_year(carers: Carers, clock: Clock) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    Carers(carers.place, "M27").set_up(opens_on=date(2027, 1, 5), closes_on=date(2027, 1, 31))
    clock.set(datetime(2027, 1, 10, 12, tzinfo=UTC))
    Carers(carers.place, "M27").apply("L001", "A")


def test_one_applies_from_the_first_to_the_last_day(carers: Carers, clock: Clock) -> None:
    carers.set_up()
    for day in (OPENS - timedelta(days=1), CLOSES + timedelta(days=1)):
        clock.set(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        with pytest.raises(GrantWindowError):
            carers.apply("L001", "A")
    clock.set(datetime(2026, 1, 31, 22, 59, tzinfo=UTC))
    carers.apply("L001", "A")


def test_a_carer_applies_for_himself_only_and_can_withdraw(carers: Carers) -> None:
    carers.set_up()
    own, other = carers.place.members["L001"], carers.place.members["L002"]
    carer = Identity(actor="login:1", member_id=own, roles=frozenset({Role.MEMBER}))
    begin = carers.place.books.units_of_work.begin
    tenant = carers.place.books.cooperative_id

    def apply(member: int) -> int:
        with begin(identity=carer, cooperative_id=tenant) as uow:
            return apply_for_grant(
                uow,
                Apply(
                    idempotency_key=f"request {member}",
                    round_code="M26",
                    carer_id=member,
                    receiver_hash="a" * 64,
                    payout=GrantPayout.VOUCHER,
                ),
            )

    with pytest.raises(PermissionDeniedError):
        apply(other)
    application = apply(own)
    theirs = carers.apply("L002", "B")
    with begin(identity=carer, cooperative_id=tenant) as uow:
        with pytest.raises(PermissionDeniedError):
            withdraw_application(uow, theirs)
        withdraw_application(uow, application)
        rows = uow.session.execute(text("select number, carer_count from grant_receiver"))
        assert [tuple(row) for row in rows] == [(2, 1)]
    carers.decide()
    assert carers.granted() == {"L002": 15_000}


def test_a_grant_goes_to_the_account_the_bank_or_a_voucher(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A", GrantPayout.ACCOUNT)
    carers.apply("L002", "B", GrantPayout.BANK)
    carers.apply("L003", "C", GrantPayout.VOUCHER)
    carers.decide()

    assert carers.pay() == 45_000
    assert carers.pay() == 45_000  # the same request again

    place = carers.place
    assert place.balance("13830:L001") == -15_000
    assert place.balance("10201") == -15_000
    assert place.circulation()["EUR"].outstanding == 15_000
    assert place.balance(TO_SPEND) == -(100_000 - 45_000)
    with pytest.raises(GrantStateError):
        carers.pay("another request")
    with place.books.open() as uow:
        held = uow.session.execute(
            text(
                "select v.code, v.holder_id, v.face_minor, f.code from voucher v join voucher_fund"
                " f on f.cooperative_id = v.cooperative_id and f.id = v.fund_id"
            )
        ).one()
        own = uow.session.scalars(
            text("select voucher_code from grant_application where payout = 'voucher'")
        ).one()
    assert tuple(held) == (own, place.members["L003"], 15_000, "M26")


def test_nothing_is_given_from_the_fund_but_what_was_decided(carers: Carers) -> None:
    carers.set_up()
    with carers.place.books.open() as uow, pytest.raises(FundExhaustedError):
        issue_vouchers(
            uow,
            IssueVouchers(
                idempotency_key="by hand",
                scheme_code="wijkmunt",
                paid_by=PaidBy.FUND,
                fund_code="M26",
                grants=(Grant(member_id=carers.place.members["L001"], face_minor=1),),
            ),
        )


def test_unspent_money_is_not_owed_or_goes_back_to_the_municipality(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    carers.receive(60_000)
    with pytest.raises(GrantAmountError):
        carers.receive(40_001)
    carers.decide()
    with pytest.raises(GrantStateError):
        carers.account()
    carers.pay()

    stands = carers.account()

    assert (stands.to_receive_cents, stands.to_spend_cents) == (0, 45_000)
    with pytest.raises(GrantAmountError):
        carers.repay(45_001)
    assert carers.repay(45_000).to_spend_cents == 0
    assert carers.place.balance(RECEIVABLE) == 0
    assert carers.place.books.verify().fault is None


def test_what_expires_after_the_accounting_is_accounted_for_again(carers: Carers) -> None:
    carers.set_up(budget_cents=15_000)
    carers.apply("L001", "A", GrantPayout.VOUCHER)
    carers.receive(15_000)
    carers.decide()
    carers.pay()
    assert carers.account().to_spend_cents == 0

    carers.place.expire(date(2027, 6, 1))

    assert carers.account().to_spend_cents == 15_000
    assert carers.repay(15_000).to_spend_cents == 0


def test_a_round_is_decided_once_and_only_when_it_is_closed(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    with carers.place.books.open() as uow:
        with pytest.raises(GrantStateError):
            decide_round(uow, "M26")
        open_round(uow, "M26")
        with pytest.raises(GrantStateError):
            decide_round(uow, "M26")
        close_round(uow, "M26")
        decide_round(uow, "M26")
        with pytest.raises(GrantStateError):
            decide_round(uow, "M26")


def test_a_round_without_applications_gives_all_back(carers: Carers) -> None:
    carers.set_up()
    assert carers.decide() == 0
    assert carers.pay() == 0
    assert carers.account().to_spend_cents == 0


def test_applicants_are_erased_after_the_term_and_amounts_stay(
    carers: Carers, clock: Clock
) -> None:
    carers.set_up(keep_days=30)
    carers.apply("L001", "A", GrantPayout.VOUCHER)
    carers.decide()
    carers.pay()
    with carers.place.books.open() as uow, pytest.raises(GrantStateError):
        erase_applicants(uow, "M26")
    carers.account()
    with carers.place.books.open() as uow, pytest.raises(GrantStateError):
        erase_applicants(uow, "M26")

    clock.set(datetime(2026, 2, 4, 12, tzinfo=UTC))
    with carers.place.books.open() as uow:
        erase_applicants(uow, "M26")

    with carers.place.books.open() as uow:
        kept = uow.session.execute(
            text(
                "select a.member_id, a.voucher_code, a.granted_cents, p.receiver_hash"
                " from grant_application a join grant_receiver p on p.id = a.receiver_id"
            )
        ).one()
    assert tuple(kept) == (None, None, 15_000, None)


def test_nothing_that_is_never_erased_points_at_an_applicant(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A", key="first request")
    with carers.place.books.open() as uow:
        told = uow.session.scalars(
            text("select result from command_record where idempotency_key = 'first request'")
        ).one()
        round_id = uow.session.scalars(text("select id from grant_round")).one()
        subjects = set(
            uow.session.scalars(
                text("select subject from audit_record where action like 'application%'")
            )
        )
    assert told == str(round_id)
    assert subjects == {f"grant_round/{round_id}"}


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"budget_cents": 0}, "budget_cents"),
        ({"person_cap_cents": 0}, "person_cap_cents"),
        ({"carer_cap_cents": 0}, "carer_cap_cents"),
        ({"carer_limit": 0}, "carer_limit"),
        ({"closes_on": date(2026, 1, 4)}, "closes_on"),
        ({"keep_days": -1}, "keep_days"),
        ({"pays_to_account": False, "pays_to_bank": False, "scheme_code": None}, "payouts"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused(
    carers: Carers, terms: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        carers.set_up(**terms)
    assert refused.value.context["field"] == field


def test_a_code_that_is_in_the_books_is_refused(carers: Carers) -> None:
    carers.set_up()
    with pytest.raises(VoucherCodeTakenError):
        carers.set_up()
    carers.place.fund("G7")
    with pytest.raises(VoucherCodeTakenError):
        carers.set_up(code="G7")


def test_a_way_of_paying_that_the_round_does_not_have_is_refused(carers: Carers) -> None:
    carers.set_up(scheme_code=None)
    with pytest.raises(InvalidInputError):
        carers.apply("L001", "A", GrantPayout.VOUCHER)
    with carers.place.books.open() as uow:
        uow.session.execute(text("update member set iban = null"))
    with pytest.raises(InvalidInputError):
        carers.apply("L001", "A", GrantPayout.BANK)
    with pytest.raises(NotFoundError):
        Carers(carers.place, "M99").apply("L001", "A")


TRICKS = {
    "more granted than the budget": "update grant_round set granted_cents = 100001",
    "a sum that is not that of its parts": "update grant_round set granted_cents = 2",
    "more for a person than the cap": "update grant_receiver set allotted_cents = 15001",
    "another amount after the decision": "update grant_application set granted_cents = 1",
    "refused after the decision": (
        "update grant_application set state = 'refused', refusal = 'mistake', granted_cents = null"
    ),
    "a name for a hash": "update grant_receiver set receiver_hash = 'J. Jansen'",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_the_database_refuses(carers: Carers, trick: str) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    carers.decide()
    with pytest.raises(DBAPIError), carers.place.books.open() as uow:
        uow.session.execute(text(TRICKS[trick]))


def test_the_database_refuses_a_second_application_past_the_use_case(carers: Carers) -> None:
    carers.set_up()
    carers.apply("L001", "A")
    copied = (
        "insert into grant_application (cooperative_id, round_id, receiver_id, member_id,"
        " carer_slot, payout, is_typed_in, applied_on, state) select cooperative_id, round_id,"
        " receiver_id, member_id, carer_slot, payout, is_typed_in, applied_on, state"
        " from grant_application"
    )
    with pytest.raises(DBAPIError), carers.place.books.open() as uow:
        uow.session.execute(text(copied))
    with carers.place.books.open() as uow:
        assert last_number(uow.session, uow.tenant) == 1
