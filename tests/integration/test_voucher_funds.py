"""Funds: our own are set apart in the books, those of others give what was awarded or decided."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.grants import Carers
from tests.factories.vouchers import TODAY, Neighbourhood, a_neighbourhood
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.refusals import CostExistsError
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.refusals import FundExhaustedError, VoucherCodeTakenError

MEANS = "82811"


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    return a_neighbourhood(units_of_work)


@pytest.fixture
def carers(place: Neighbourhood) -> Carers:
    """A round that gave EUR 150 as a voucher to ``L001``."""
    carers = Carers(place)
    carers.set_up()
    carers.apply("L001", "A", GrantPayout.VOUCHER)
    carers.decide()
    carers.pay()
    return carers


def subsidise(place: Neighbourhood, code: str) -> None:
    with place.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code=code,
                grantor="Oranjefonds",
                purpose="buurt",
                mode=SubsidyMode.POOL,
                awarded_cents=100_000,
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
            ),
        )


def fund_of(place: Neighbourhood, code: str) -> tuple[int, int, int]:
    """Granted, issued and returned."""
    with place.books.open() as uow:
        row = uow.session.execute(
            text(
                "select granted_minor, issued_minor, returned_minor from voucher_fund"
                " where cooperative_id = :id and code = :code"
            ),
            {"id": uow.tenant, "code": code},
        ).one()
    return row.granted_minor, row.issued_minor, row.returned_minor


def change(owner: Engine, place: Neighbourhood, setting: str) -> None:
    """Change a fund as its owner can, past every use case."""
    with owner.begin() as connection:
        connection.execute(
            text(f"update voucher_fund set {setting} where cooperative_id = :id"),
            {"id": place.books.cooperative_id},
        )


def test_euros_are_set_apart_before_they_are_given(place: Neighbourhood) -> None:
    place.fund("G1", 1000)
    assert (place.balance(MEANS), place.balance("16521:G1")) == (1000, -1000)
    place.issue("V1", 700, fund="G1")
    assert place.balance("16521:G1") == -300

    place.fund("G1", 1500)
    assert (place.balance(MEANS), place.balance("16521:G1")) == (1500, -800)
    place.fund("G1", 700)
    assert (place.balance(MEANS), place.balance("16521:G1")) == (700, 0)
    place.fund("G1", 700, on=TODAY)
    assert place.books.verify().entries == 4


def test_a_fund_from_before_euros_were_set_apart_is_set_apart_when_it_gives(
    place: Neighbourhood, owner: Engine
) -> None:
    with owner.begin() as connection:
        connection.execute(
            text(
                "insert into voucher_fund (cooperative_id, code, name, grantor, granted_minor)"
                " values (:id, 'OUD', 'oud', 'wij', 1000)"
            ),
            {"id": place.books.cooperative_id},
        )

    place.issue("V1", 400, fund="OUD")

    assert (place.balance(MEANS), place.balance("16521:OUD")) == (1000, -600)


def test_what_was_given_is_counted_by_the_database_alone(place: Neighbourhood) -> None:
    place.fund("G1", 1000)
    for setting in ("issued_minor = 0", "returned_minor = 0"):
        with pytest.raises(DBAPIError, match="permission denied"), place.books.open() as uow:
            uow.session.execute(text(f"update voucher_fund set {setting}"))
    with pytest.raises(DBAPIError, match="permission denied"), place.books.open() as uow:
        uow.session.execute(
            text(
                "insert into voucher_fund (cooperative_id, code, name, grantor, granted_minor,"
                " issued_minor, returned_minor) values (:id, 'X', 'x', 'x', 9, 9, 9)"
            ),
            {"id": uow.tenant},
        )


@pytest.mark.parametrize(("scheme", "back"), [("wijkmunt", 1090), ("groente", 1000)])
def test_a_fund_gets_back_what_can_be_given_again(
    place: Neighbourhood, scheme: str, back: int
) -> None:
    """The tax of a single-purpose voucher was paid at issue and does not come back."""
    place.single_purpose()
    place.fund("G1", 1090)
    place.issue("V1", 1090, scheme=scheme, fund="G1")
    place.expire(date(2027, 1, 6))

    assert fund_of(place, "G1") == (1090, 1090, back)
    assert place.balance("16521:G1") == -back
    place.issue("V2", back, fund="G1", on=date(2027, 1, 6))
    with pytest.raises(FundExhaustedError):
        place.issue("V3", 1, fund="G1", on=date(2027, 1, 6))


def test_what_a_fund_does_not_want_back_is_income(place: Neighbourhood) -> None:
    place.fund("G1", 1000, returns_unspent=False)
    place.issue("V1", 700, fund="G1")
    place.expire(date(2027, 1, 6))

    assert fund_of(place, "G1") == (1000, 700, 0)
    assert (place.balance("81130"), place.balance("16521:G1")) == (-700, -300)


def test_a_subsidy_and_a_round_are_not_kept_as_a_fund_of_our_own(carers: Carers) -> None:
    subsidise(carers.place, "S1")
    for code in ("S1", "M26"):
        with pytest.raises(InvalidInputError) as refused:
            carers.place.fund(code, 10**6)
        assert refused.value.context["field"] == "fund_code"
    assert fund_of(carers.place, "M26") == (15_000, 15_000, 0)


def test_the_database_keeps_the_fund_of_a_round_as_it_was_decided(
    carers: Carers, owner: Engine
) -> None:
    for setting in (
        "returns_unspent = false",
        "granted_minor = granted_minor + 1",
        "granted_minor = granted_minor + 1, issued_minor = issued_minor + 1",
    ):
        with pytest.raises(DBAPIError) as refused:
            change(owner, carers.place, setting)
        assert refused.value.orig.sqlstate == "WE060"  # type: ignore[union-attr]


def test_what_expires_of_a_round_is_not_given_by_hand(carers: Carers) -> None:
    place = carers.place
    place.expire(date(2027, 2, 1))
    assert fund_of(place, "M26") == (15_000, 15_000, 15_000)

    with pytest.raises(FundExhaustedError):
        place.issue("V1", 1, fund="M26", on=date(2027, 2, 1))
    assert place.balance("16521:M26") == -100_000


def test_the_database_gives_nothing_of_a_round_twice(carers: Carers, owner: Engine) -> None:
    carers.place.expire(date(2027, 2, 1))
    with pytest.raises(DBAPIError) as refused:
        change(owner, carers.place, "issued_minor = issued_minor + 1")
    assert refused.value.orig.sqlstate == "WE060"  # type: ignore[union-attr]


def test_a_subsidy_does_not_take_the_code_of_other_money(carers: Carers) -> None:
    carers.place.fund("G1", 1000)
    for code in ("M26", "G1"):
        with pytest.raises(CostExistsError):
            subsidise(carers.place, code)
    assert carers.place.balance("16521:M26") == -85_000


def test_a_round_does_not_take_the_code_of_a_subsidy(place: Neighbourhood) -> None:
    subsidise(place, "S1")
    with pytest.raises(VoucherCodeTakenError):
        Carers(place, "S1").set_up()


@pytest.mark.parametrize("table", ["subsidy", "grant_round"])
def test_the_database_keeps_codes_of_money_apart(carers: Carers, owner: Engine, table: str) -> None:
    subsidise(carers.place, "S1")
    names, code = {
        "subsidy": (
            "id, code, grantor, purpose, mode, awarded_cents, valid_from, valid_until",
            "M26",
        ),
        "grant_round": (
            (
                "id, code, name, grantor, year, fund_id, budget_cents, person_cap_cents,"
                " is_one_per_carer, budget_rule, opens_on, closes_on, pays_to_account,"
                " pays_to_bank, keep_days, state, created_at, created_by"
            ),
            "S1",
        ),
    }[table]
    values = names.replace("id, code", f"id + 1000, '{code}'", 1)
    if table == "grant_round":
        values = values.replace(" state,", " 'planned',")
    insert = (
        f"insert into {table} (cooperative_id, {names}) overriding system value"
        f" select cooperative_id, {values} from {table} where cooperative_id = :id limit 1"
    )
    with pytest.raises(DBAPIError) as refused, owner.begin() as connection:
        connection.execute(text(insert), {"id": carers.place.books.cooperative_id})
    assert refused.value.orig.sqlstate == "WE061"  # type: ignore[union-attr]


def make_round(place: Neighbourhood, code: str) -> None:
    Carers(place, code).set_up()


def make_fund(place: Neighbourhood, code: str) -> None:
    place.fund(code)


@pytest.mark.parametrize(
    "makers",
    [
        (make_round, subsidise),
        (make_round, make_fund),
        (subsidise, make_fund),
        (make_fund, make_fund),
    ],
)
def test_of_two_at_the_same_moment_one_gets_the_code(
    place: Neighbourhood, makers: tuple[Callable[[Neighbourhood, str], None], ...]
) -> None:
    for turn in range(4):
        together = Barrier(2)

        def act(
            make: Callable[[Neighbourhood, str], None],
            together: Barrier = together,
            code: str = f"Z{turn}",
        ) -> DomainError | None:
            together.wait()
            try:
                make(place, code)
            except DomainError as refusal:
                return refusal
            return None

        with ThreadPoolExecutor(2) as pool:
            refused = [each for each in pool.map(act, makers) if each is not None]

        # The same fund twice is a fund and a change of it, one after the other.
        assert len(refused) == 1 or makers == (make_fund, make_fund)
        assert {each.code for each in refused} <= {
            "voucher-code-taken",
            "code-taken",
            "invalid-input",
        }
        assert place.balance(f"16521:Z{turn}") == -100_000


def test_a_payment_code_keeps_what_it_paid(place: Neighbourhood, owner: Engine) -> None:
    place.issue("V1", 1000)
    first, second = place.redeem("V1", 1), place.redeem("V1", 2)
    ids = "select id from voucher_redemption where cooperative_id = :id and code = :code"
    values = {"id": place.books.cooperative_id, "member": place.members["L001"]}
    with owner.begin() as connection:
        connection.execute(
            text(
                "insert into payment_code (cooperative_id, code_hash, kind, holder_id, unit,"
                " maximum_minor, created_at, created_by, valid_until, redemption_id)"
                f" select :id, 'x', 'phone', :member, 'EUR', 1, now(), 't', now(), ({ids})"
            ),
            values | {"code": first.code},
        )
    for new in ("null", f"({ids})"):
        with pytest.raises(DBAPIError) as refused, owner.begin() as connection:
            connection.execute(
                text(f"update payment_code set redemption_id = {new} where cooperative_id = :id"),
                values | {"code": second.code},
            )
        assert refused.value.orig.sqlstate == "WE062"  # type: ignore[union-attr]
