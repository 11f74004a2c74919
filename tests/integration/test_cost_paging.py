"""A cost of very many members is shown by the page, and each finds his own line."""

from __future__ import annotations

import pytest

from tests.factories.shared_costs import House, a_house
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.paging import AskedPage, page_of
from wijkeconomie.costs.queries import share_count, shares_of_cost

MEMBERS = 1130
"""More than a row of shares holds."""


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    found = a_house(units_of_work, members=MEMBERS)
    found.cost("A", 123_456)
    found.settle()
    return found


def shown(house: House, asked: AskedPage) -> list[str]:
    with house.books.open() as uow:
        return [share.member for share in shares_of_cost(uow.session, uow.tenant, "A", asked)]


def test_the_pages_together_are_all_members_in_order(house: House) -> None:
    with house.books.open() as uow:
        total = share_count(uow.session, uow.tenant, "A")
    pages = [shown(house, AskedPage(number)) for number in range(1, 14)]

    assert total == MEMBERS
    assert [len(page) for page in pages] == [100] * 11 + [30, 0]
    assert [code for page in pages for code in page] == sorted(house.members)


def test_a_member_is_found_by_number_wherever_he_stands(house: House) -> None:
    last = max(house.members)

    assert shown(house, AskedPage(search=last)) == [last]
    assert shown(house, AskedPage(search="NIEMAND")) == []


def test_a_list_is_cut_the_same_way() -> None:
    lines = [f"L{number}" for number in range(250)]

    third = page_of(lines, AskedPage(3), str)
    found = page_of(lines, AskedPage(search="L7"), str)
    assert (len(third.lines), third.pages, third.total) == (50, 3, 250)
    assert found.lines == ["L7"]
