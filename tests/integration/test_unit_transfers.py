"""Members pass units on; money, register and results follow who holds them on the day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.investments import PRICE, Roof, a_roof
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.investments.leaving import release_units
from wijkeconomie.investments.models import TransferRule, TransferState
from wijkeconomie.investments.queries import register_on
from wijkeconomie.investments.refusals import (
    CampaignFullError,
    LossBeforeTransferError,
    MembersOnlyError,
    NoUnitsError,
    TransferStateError,
    UnitsNotTransferredError,
)
from wijkeconomie.investments.results import ShareResult, share_project_result
from wijkeconomie.investments.transfer_queries import unit_transfer
from wijkeconomie.investments.transferring import (
    OfferUnits,
    accept_units,
    approve_units,
    offer_units,
    refuse_units,
    withdraw_units,
)

MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


def built(units_of_work: UnitOfWorkFactory, clock: Clock, **terms: Any) -> Roof:
    """L001 has 8 units and L002 has 4; all of it counts since 5 January. It is March now."""
    clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    roof = a_roof(units_of_work, **({"stage_units": 12} | terms))
    roof.buy(L001=8, L002=4)
    clock.set(MARCH)
    return roof


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory, clock: Clock) -> Roof:
    return built(units_of_work, clock)


def acting(roof: Roof, uow: UnitOfWork, member: str, *roles: Role) -> UnitOfWork:
    identity = replace(
        uow.identity,
        roles=frozenset(roles or {Role.MEMBER}),
        member_id=roof.members.get(member),
    )
    return replace(uow, identity=identity)


def offer(roof: Roof, seller: str, buyer: str, units: int, key: str = "aanbod-1") -> int:
    with roof.books.open() as uow:
        return offer_units(
            acting(roof, uow, seller),
            OfferUnits(
                idempotency_key=key,
                project_code="ZON",
                seller_id=roof.members[seller],
                buyer_code=buyer,
                units=units,
            ),
        )


def accept(roof: Roof, transfer: int, buyer: str) -> TransferState:
    with roof.books.open() as uow:
        return accept_units(acting(roof, uow, buyer), transfer)


def approve(roof: Roof, transfer: int, member: str = "") -> None:
    with roof.books.open() as uow:
        approve_units(acting(roof, uow, member, Role.BOARD), transfer)


def passed_on(roof: Roof, seller: str, buyer: str, units: int, key: str = "aanbod-1") -> int:
    transfer = offer(roof, seller, buyer, units, key)
    if accept(roof, transfer, buyer) is TransferState.ACCEPTED:
        approve(roof, transfer)
    return transfer


def register(roof: Roof, day: date) -> dict[str, int]:
    with roof.books.open() as uow:
        held: Counter[str] = Counter()
        for each in register_on(uow.session, uow.tenant, day):
            held[each.member_code] += each.units
    return dict(held)


def shared(roof: Roof, cents: int, on: date, year: int = 2026) -> dict[str, int]:
    with roof.books.open() as uow:
        result = share_project_result(
            uow,
            ShareResult(project_code="ZON", year=year, cents=cents, accounting_date=on),
        )
        rows = uow.session.execute(
            text(
                "select m.code, s.cents from result_share s join member m"
                " on m.cooperative_id = s.cooperative_id and m.id = s.member_id"
                " where s.cooperative_id = :id and s.result_id = :result"
            ),
            {"id": uow.tenant, "result": result},
        )
        return {row.code: row.cents for row in rows}


def capital(roof: Roof) -> dict[str, int]:
    return {
        party.partition("/")[2]: -cents for party, cents in roof.balances("members_capital").items()
    }


def test_units_move_when_the_other_accepts_and_the_board_approves(roof: Roof) -> None:
    counts = [roof.count(column) for column in ("taken_units", "raised_units")]
    transfer = offer(roof, "L001", "L003", 3)
    assert offer(roof, "L001", "L003", 3) == transfer
    assert accept(roof, transfer, "L003") is TransferState.ACCEPTED
    assert capital(roof) == {"L001": 8 * PRICE, "L002": 4 * PRICE}

    approve(roof, transfer)

    assert capital(roof) == {"L001": 5 * PRICE, "L002": 4 * PRICE, "L003": 3 * PRICE}
    assert [roof.count(column) for column in ("taken_units", "raised_units")] == counts
    assert register(roof, date(2026, 3, 9)) == {"L001": 8, "L002": 4}
    assert register(roof, date(2026, 3, 10)) == {"L001": 5, "L002": 4, "L003": 3}
    with roof.books.open() as uow:
        view = unit_transfer(uow.session, uow.tenant, transfer)
    assert (view.state, view.moved_cents) == ("moved", 3 * PRICE)
    assert roof.books.verify().fault is None


def test_without_approval_they_move_at_once(units_of_work: UnitOfWorkFactory, clock: Clock) -> None:
    roof = built(units_of_work, clock, transfers=TransferRule.FREE)

    transfer = offer(roof, "L002", "L003", 4)

    assert accept(roof, transfer, "L003") is TransferState.MOVED
    assert register(roof, MARCH.date()) == {"L001": 8, "L003": 4}


def test_a_campaign_can_keep_units_where_they_are(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = built(units_of_work, clock, transfers=TransferRule.NONE)

    with pytest.raises(UnitsNotTransferredError):
        offer(roof, "L001", "L003", 1)


def test_a_surplus_is_of_who_held_the_units_on_the_day(roof: Roof) -> None:
    passed_on(roof, "L001", "L003", 8)

    before = shared(roof, 1200, date(2026, 3, 9), 2025)
    since = shared(roof, 1200, date(2026, 3, 10), 2026)

    assert before == {"L001": 800, "L002": 400}
    assert since == {"L002": 400, "L003": 800}


def test_who_was_released_after_the_year_shares_in_its_surplus(roof: Roof, clock: Clock) -> None:
    roof.leave("L002", date(2026, 6, 30))
    clock.set(datetime(2027, 1, 15, 12, tzinfo=UTC))
    with roof.books.open() as uow:
        release_units(uow, "ZON", "L002")
    clock.set(datetime(2027, 5, 12, 12, tzinfo=UTC))
    year_end = date(2026, 12, 31)

    assert register(roof, year_end) == {"L001": 8, "L002": 4}
    assert shared(roof, 1_200, year_end) == {"L001": 800, "L002": 400}
    with pytest.raises(LossBeforeTransferError) as refused:
        shared(roof, -1_200, year_end, year=2025)
    assert refused.value.context["date"] == "2027-01-15"
    assert shared(roof, -1_200, date(2027, 1, 15), year=2027) == {"L001": -1_200}
    assert roof.balances("owed_to_members") == {"L001": -800, "L002": -4 * PRICE - 400}
    assert roof.books.verify().fault is None


def test_what_is_left_after_a_loss_goes_along_to_the_cent(roof: Roof, clock: Clock) -> None:
    assert shared(roof, -1000, date(2026, 3, 9)) == {"L001": -667, "L002": -333}

    passed_on(roof, "L001", "L003", 3)

    left = 8 * PRICE - 667
    assert capital(roof)["L001"] + capital(roof)["L003"] == left
    assert abs(8 * capital(roof)["L003"] - 3 * left) < 8
    clock.advance(timedelta(days=1))
    with pytest.raises(LossBeforeTransferError):
        shared(roof, -1000, date(2026, 3, 9), 2025)
    assert shared(roof, -1200, date(2026, 3, 10), 2025) == {
        "L001": -500,
        "L002": -400,
        "L003": -300,
    }


def test_who_got_units_gets_their_money_when_they_are_released(roof: Roof) -> None:
    passed_on(roof, "L001", "L003", 3)

    with roof.books.open() as uow:
        assert release_units(uow, "ZON", "L003") == 3 * PRICE
    assert register(roof, MARCH.date()) == {"L001": 5, "L002": 4}
    with roof.books.open() as uow:
        assert release_units(uow, "ZON", "L001") == 5 * PRICE
    assert roof.count("raised_units") == 12


def test_units_that_were_offered_are_not_offered_again(roof: Roof) -> None:
    first = offer(roof, "L001", "L003", 5)
    with pytest.raises(NoUnitsError):
        offer(roof, "L001", "L002", 4, "aanbod-2")
    with roof.books.open() as uow:
        withdraw_units(acting(roof, uow, "L001"), first)

    assert offer(roof, "L001", "L002", 8, "aanbod-3")
    with pytest.raises(TransferStateError):
        accept(roof, first, "L003")


def test_units_that_were_released_meanwhile_do_not_move(roof: Roof) -> None:
    transfer = offer(roof, "L001", "L003", 5)
    accept(roof, transfer, "L003")
    with roof.books.open() as uow:
        release_units(uow, "ZON", "L001")

    with pytest.raises(NoUnitsError):
        approve(roof, transfer)


@pytest.mark.parametrize(
    ("seller", "buyer", "units", "refusal"),
    [
        ("L001", "L003", 9, NoUnitsError),
        ("L003", "L001", 1, NoUnitsError),
        ("L001", "L003", 0, InvalidInputError),
        ("L001", "L001", 1, InvalidInputError),
        ("L001", "L999", 1, NotFoundError),
    ],
)
def test_what_cannot_be_is_refused(
    roof: Roof, seller: str, buyer: str, units: int, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        offer(roof, seller, buyer, units)


def test_nobody_holds_more_than_the_campaign_lets_him(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = built(units_of_work, clock, maximum_units=8)
    with pytest.raises(CampaignFullError):
        offer(roof, "L001", "L002", 5)
    roof.leave("L003", date(2026, 3, 1))
    with pytest.raises(MembersOnlyError):
        offer(roof, "L001", "L003", 1)


def test_what_a_member_took_and_what_he_got_count_together_for_his_maximum(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = built(units_of_work, clock, maximum_units=8, closes_on=date(2026, 12, 31))
    taken = roof.take("L003", 6)

    with pytest.raises(CampaignFullError) as refused:
        offer(roof, "L001", "L003", 3)

    assert refused.value.context["left"] == 2
    passed_on(roof, "L001", "L003", 2)
    roof.pay(taken, MARCH.date())
    assert register(roof, MARCH.date()) == {"L001": 6, "L002": 4, "L003": 8}


def test_who_passed_units_on_may_take_as_many_again(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = built(units_of_work, clock, maximum_units=8, closes_on=date(2026, 12, 31))
    passed_on(roof, "L001", "L003", 4)

    with pytest.raises(CampaignFullError) as refused:
        roof.take("L001", 5)
    assert refused.value.context["left"] == 4
    roof.take("L001", 4)
    with pytest.raises(CampaignFullError) as refused:
        roof.take("L001", 1)
    assert refused.value.context["left"] == 0


def test_the_database_lets_nobody_have_more_than_the_maximum(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    roof = built(units_of_work, clock, maximum_units=8, closes_on=date(2026, 12, 31))
    insert = text(
        "insert into participation (cooperative_id, code, project_id, member_id, units,"
        " unit_price_cents, cents, state, bought_on) select cooperative_id, 'X', id, :member, 1,"
        " unit_price_cents, unit_price_cents, 'subscribed', '2026-03-10' from investment_project"
        " where cooperative_id = :id"
    )

    with pytest.raises(DBAPIError) as refused, roof.books.open() as uow:
        uow.session.execute(insert, {"id": uow.tenant, "member": roof.members["L001"]})
    assert getattr(refused.value.orig, "sqlstate", None) == "WE070"


def test_only_the_parties_and_the_board_decide(roof: Roof) -> None:
    transfer = offer(roof, "L001", "L003", 2)
    with roof.books.open() as uow:
        with pytest.raises(PermissionDeniedError):
            offer_units(
                acting(roof, uow, "L002"),
                OfferUnits(
                    idempotency_key="x",
                    project_code="ZON",
                    seller_id=roof.members["L001"],
                    buyer_code="L002",
                    units=1,
                ),
            )
        for other in ("L001", "L002"):
            with pytest.raises(NotFoundError):
                accept_units(acting(roof, uow, other), transfer)
        with pytest.raises(NotFoundError):
            withdraw_units(acting(roof, uow, "L002"), transfer)
    with pytest.raises(TransferStateError):
        approve(roof, transfer)
    accept(roof, transfer, "L003")
    with roof.books.open() as uow, pytest.raises(PermissionDeniedError):
        approve_units(acting(roof, uow, "L002"), transfer)
    for party in ("L001", "L003"):
        with pytest.raises(PermissionDeniedError):
            approve(roof, transfer, party)
    with roof.books.open() as uow:
        board = acting(roof, uow, "", Role.BOARD)
        with pytest.raises(InvalidInputError):
            refuse_units(board, transfer, reason=" ")
        refuse_units(board, transfer, reason="statuten")
    assert register(roof, MARCH.date()) == {"L001": 8, "L002": 4}


_INSERT = (
    "insert into participation (cooperative_id, code, project_id, member_id, units,"
    " unit_price_cents, cents, state, bought_on, paid_on, issued_on{more})"
    " select cooperative_id, 'X', project_id, :buyer, units, unit_price_cents, cents, 'issued',"
    " bought_on, paid_on, issued_on{value} from participation where member_id = :seller"
)
_END = (
    "update participation set state = 'transferred', ended_on = '2026-03-10'"
    " where member_id = :seller"
)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (_END, "WE036"),
        (_INSERT.format(more=", origin_id", value=", id"), "WE036"),
        (_INSERT.format(more="", value=""), "WE014"),
    ],
)
def test_the_database_lets_no_units_get_lost_or_come_from_nowhere(
    roof: Roof, change: str, state: str
) -> None:
    values = {"seller": roof.members["L001"], "buyer": roof.members["L003"]}

    def pass_on(uow: UnitOfWork) -> None:
        with uow.session.begin_nested():
            uow.session.execute(text(change), values)
            uow.session.execute(text("set constraints all immediate"))

    with roof.books.open() as uow, pytest.raises(DBAPIError) as refused:
        pass_on(uow)
    assert getattr(refused.value.orig, "sqlstate", None) == state


@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["L001", "L002", "L003"]),
            st.sampled_from(["L001", "L002", "L003"]),
            st.integers(1, 6),
            st.sampled_from([0, 0, 1, 3]),
            st.integers(0, 900),
        ),
        max_size=7,
    )
)
def test_units_money_and_register_tie_after_any_number_of_transfers(
    units_of_work: UnitOfWorkFactory, clock: Clock, steps: list[tuple[str, str, int, int, int]]
) -> None:
    """A naive model: who holds how many; money in the books follows to the cent."""
    roof = built(units_of_work, clock, transfers=TransferRule.FREE)
    held = Counter({"L001": 8, "L002": 4})
    days: list[tuple[date, dict[str, int]]] = []
    lost = 0
    for number, (seller, buyer, units, later, loss) in enumerate(steps):
        clock.advance(timedelta(days=later))
        if seller != buyer and units <= held[seller]:
            passed_on(roof, seller, buyer, units, f"aanbod-{number}")
            held[seller] -= units
            held[buyer] += units
        if loss and number % 3 == 2:
            shared(roof, -loss, clock.now.date(), 2010 + number)
            lost += loss
        days.append((clock.now.date(), {code: count for code, count in held.items() if count}))
    for day, wanted in dict(days).items():
        assert register(roof, day) == wanted
    assert sum(capital(roof).values()) == 12 * PRICE - lost
    assert {code for code, cents in capital(roof).items() if cents} == {
        code for code, count in held.items() if count
    }
    assert roof.count("raised_units") == roof.count("taken_units") == 12
    assert roof.books.verify().fault is None
