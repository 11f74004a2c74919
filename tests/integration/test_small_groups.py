"""Costs that members paid for each other: exact, once, and out of everyone else's sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.factories.shared_costs import House, a_house
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs import queries
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.refusals import NotAMemberThenError
from wijkeconomie.costs.small_groups import (
    BookedGroup,
    BookGroup,
    GroupBill,
    GroupRepayment,
    book_group,
)
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.member_queries import member_statement

DAY = date(2026, 1, 5)
PAIR = (("L001", "1"), ("L002", "2"))


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work, members=4)


def a_bill(
    code: str = "G-1",
    cents: int = 1000,
    paid_by: str = "L001",
    weights: tuple[tuple[str, str], ...] = PAIR,
) -> GroupBill:
    return GroupBill(
        code=code,
        description="verf voor de schuur",
        paid_on=date(2025, 11, 3),
        paid_by=paid_by,
        cents=cents,
        weights=weights,
    )


def a_repayment(cents: int = 500, paid_by: str = "L002", paid_to: str = "L001") -> GroupRepayment:
    return GroupRepayment(
        code="G-R1",
        description="terug",
        paid_on=DAY,
        paid_by=paid_by,
        paid_to=paid_to,
        cents=cents,
    )


def book(house: House, *bills: GroupBill, repayments: Sequence[GroupRepayment] = ()) -> BookedGroup:
    with house.books.open() as uow:
        return book_group(uow, BookGroup(bills=bills, repayments=repayments))


def owed(house: House) -> list[int]:
    return [house.owed(code) for code in house.members]


def test_who_shares_is_charged_and_who_paid_is_credited(house: House) -> None:
    booked = book(house, a_bill())

    assert booked.costs == ("G-1",)
    # 10.00 by 1 and 2 is 3.33 and 6.67; the first paid all of it.
    assert owed(house) == [333 - 1000, 667, 0, 0]
    assert house.books.verify().fault is None


def test_a_repayment_moves_the_claim(house: House) -> None:
    book(house, a_bill(), repayments=[a_repayment()])

    assert owed(house) == [333 - 1000 + 500, 667 - 500, 0, 0]


def test_the_same_again_books_nothing(house: House) -> None:
    book(house, a_bill(), repayments=[a_repayment()])
    before = owed(house)

    again = book(house, a_bill(), a_bill("G-2", 300), repayments=[a_repayment()])

    assert (again.costs, again.known) == (("G-2",), ("G-1", "G-R1"))
    assert owed(house) == [before[0] + 100 - 300, before[1] + 200, 0, 0]


def test_money_that_came_back_is_shared_the_other_way_round(house: House) -> None:
    book(house, a_bill(cents=-1000))

    assert owed(house) == [1000 - 333, -667, 0, 0]


def test_other_members_and_other_costs_are_left_out_of_it(house: House) -> None:
    house.cost("HUUR", 4000)

    book(house, a_bill())

    with house.books.open() as uow:
        [waiting] = queries.waiting_months(uow.session, uow.tenant)
        assert [key.code for key in queries.keys(uow.session, uow.tenant)] == ["equal"]
        stranger = queries.shares_of_member(
            uow.session, uow.tenant, house.members["L003"], date(2020, 1, 1)
        )
        told = uow.session.scalar(
            text("select member_count from cost_settlement where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    assert (waiting.costs, stranger, told) == (1, [], 2)


def test_a_member_s_statement_tells_his_part_and_what_he_paid(house: House) -> None:
    book(house, a_bill(), repayments=[a_repayment()])

    with house.books.open() as uow:
        statement = member_statement(uow.session, uow.tenant, "L001", Period.parse("2026-01"))
    lines = [
        (line.text_key, line.debit_cents - line.credit_cents)
        for section in statement.sections
        for line in section.lines
    ]
    assert sorted(lines) == [("cost_advanced", -1000), ("cost_settled", 333), ("repaid_to", 500)]
    assert statement.closing_cents == -167


def test_a_correction_credits_the_payer_what_it_came_to(house: House) -> None:
    book(house, a_bill())

    with house.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="G-1", reason="bon kwijt", net_cents=900))

    assert owed(house) == [300 - 900, 600, 0, 0]


def test_who_is_no_member_in_the_month_is_not_charged_by_the_others(house: House) -> None:
    with house.books.open() as uow:
        uow.session.execute(
            text("update member set left_on = '2025-12-31' where id = :id"),
            {"id": house.members["L002"]},
        )

    with pytest.raises(NotAMemberThenError) as refused:
        book(house, a_bill())

    assert refused.value.context["member"] == "L002"
    assert owed(house) == [0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [a_repayment(0), a_repayment(paid_to="L002")])
def test_a_repayment_goes_from_one_member_to_another(house: House, wrong: GroupRepayment) -> None:
    with pytest.raises(InvalidInputError):
        book(house, a_bill(), repayments=[wrong])

    assert owed(house) == [0, 0, 0, 0]


codes = st.sampled_from(["L001", "L002", "L003", "L004"])
groups = st.dictionaries(codes, st.integers(1, 999), min_size=1)
bills = st.lists(
    st.tuples(st.integers(-99_999, 99_999).filter(bool), codes, groups), min_size=1, max_size=6
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bills)
def test_whatever_a_group_paid_it_comes_to_nothing_together(
    units_of_work: UnitOfWorkFactory, paid: list[tuple[int, str, dict[str, int]]]
) -> None:
    house = a_house(units_of_work, members=4)

    book(
        house,
        *(
            a_bill(f"G-{number}", cents, payer, tuple((c, str(w)) for c, w in group.items()))
            for number, (cents, payer, group) in enumerate(paid)
        ),
    )

    exact: Counter[str] = Counter()
    for cents, payer, group in paid:
        exact[payer] -= Fraction(cents)  # type: ignore[assignment]
        for code, weight in group.items():
            exact[code] += Fraction(cents * weight, sum(group.values()))  # type: ignore[assignment]
    found = owed(house)
    assert sum(found) == 0
    assert all(
        abs(cents - exact[code]) < len(paid)
        for code, cents in zip(house.members, found, strict=True)
    )
    assert house.books.verify().fault is None
