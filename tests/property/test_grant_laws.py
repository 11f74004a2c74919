"""Laws of carers' grants: exact shares, caps that hold, order that is no matter, one hash."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wijkeconomie.vouchers.grant_rules import (
    SMALLEST_SHOWN,
    Application,
    BudgetRule,
    GrantTerms,
    receiver_hash,
    share_out,
    shown_counts,
    wanted_cents,
)

terms = st.builds(
    GrantTerms,
    budget_cents=st.integers(1, 200_000),
    person_cap_cents=st.integers(1, 20_000),
    carer_cap_cents=st.none() | st.integers(1, 20_000),
    budget_rule=st.sampled_from(BudgetRule),
)
applications = st.lists(st.integers(1, 6), max_size=20).map(
    lambda persons: [Application(number, person) for number, person in enumerate(persons, 1)]
)


def by_person(asked: list[Application], granted: dict[int, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for each in asked:
        found[each.person].append(granted[each.number])
    return found


@given(terms=terms, asked=applications)
@example(
    terms=GrantTerms(budget_cents=100, person_cap_cents=100, carer_cap_cents=33),
    asked=[Application(1, 1), Application(2, 1), Application(3, 2)],
)
def test_shares_come_to_the_budget_or_to_all_that_was_wanted(
    terms: GrantTerms, asked: list[Application]
) -> None:
    granted = share_out(terms, asked)

    people = by_person(asked, granted)
    wanted = sum(wanted_cents(terms, len(own)) for own in people.values())
    assert sum(granted.values()) == min(terms.budget_cents, wanted)


@given(terms=terms, asked=applications)
def test_no_cap_is_passed_and_carers_of_one_person_differ_by_a_cent_at_most(
    terms: GrantTerms, asked: list[Application]
) -> None:
    for own in by_person(asked, share_out(terms, asked)).values():
        assert sum(own) <= terms.person_cap_cents
        assert terms.carer_cap_cents is None or max(own) <= terms.carer_cap_cents
        assert max(own) - min(own) <= 1
        assert own == sorted(own, reverse=True)


@given(terms=terms, asked=applications, data=st.data())
def test_the_order_of_the_list_is_no_matter(
    terms: GrantTerms, asked: list[Application], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(asked))

    assert share_out(terms, mixed) == share_out(terms, asked)


@given(terms=terms, asked=applications)
def test_a_short_budget_is_shared_in_proportion_to_the_cent(
    terms: GrantTerms, asked: list[Application]
) -> None:
    people = by_person(asked, share_out(terms, asked))
    wanted = {person: wanted_cents(terms, len(own)) for person, own in people.items()}
    if terms.budget_rule is BudgetRule.PRO_RATA and sum(wanted.values()) > terms.budget_cents:
        for person, own in people.items():
            ideal = terms.budget_cents * wanted[person]
            assert abs(sum(own) * sum(wanted.values()) - ideal) < sum(wanted.values())


def test_the_round_of_the_example_on_paper() -> None:
    # EUR 150 a person, shared by one, two and three carers.
    terms = GrantTerms(budget_cents=100_000, person_cap_cents=15_000)
    asked = [Application(n, person) for n, person in enumerate([1, 2, 2, 3, 3, 3], 1)]

    assert list(share_out(terms, asked).values()) == [15000, 7500, 7500, 5000, 5000, 5000]


def test_a_budget_for_one_and_a_half_serves_who_came_first() -> None:
    terms = GrantTerms(
        budget_cents=15_000, person_cap_cents=10_000, budget_rule=BudgetRule.FIRST_COME
    )
    asked = [Application(1, 7), Application(2, 4), Application(3, 7), Application(4, 1)]

    assert share_out(terms, asked) == {1: 5000, 3: 5000, 2: 5000, 4: 0}


BORN = date(1941, 3, 9)


def hashed(initials: str, postcode: str, *, key: str = "k", cooperative: int = 1) -> str:
    return receiver_hash(key, cooperative, initials=initials, born_on=BORN, postcode=postcode)


def test_spelling_does_not_hide_a_double_application() -> None:
    assert hashed("J. P.", "3531 cj") == hashed("jp", "3531CJ") == hashed("J.P", " 3531 CJ ")
    assert hashed("Ö", "3531 CJ") == hashed("O", "3531CJ")


def test_another_key_cooperative_or_person_gives_another_hash() -> None:
    others = {
        hashed("JP", "3531CJ", key="t"),
        hashed("JP", "3531CJ", cooperative=2),
        hashed("J", "3531CJ"),
        hashed("JP", "3531CK"),
    }
    assert len(others | {hashed("JP", "3531CJ")}) == 5


@pytest.mark.parametrize(("initials", "postcode"), [("", "3531CJ"), ("4", "3531CJ"), ("J", "353")])
def test_what_is_no_person_has_no_hash(initials: str, postcode: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        hashed(initials, postcode)


@given(counts=st.dictionaries(st.text("abcdef", min_size=1, max_size=1), st.integers(0, 12)))
def test_a_report_shows_no_small_count_and_none_can_be_found_by_subtraction(
    counts: dict[str, int],
) -> None:
    shown = shown_counts(counts)

    hidden = [key for key, count in shown.items() if count is None]
    assert all(count is None or count >= SMALLEST_SHOWN for count in shown.values())
    assert all(count in {None, counts[key]} for key, count in shown.items())
    assert len(hidden) != 1 or len(counts) == 1
