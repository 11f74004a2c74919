"""Laws of several subsidies that help to pay one cost, for costs nobody would think of."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.costs.rules import (
    ScaledWeights,
    SubsidyTerms,
    Terms,
    share_cost,
    use_subsidies,
    use_subsidy,
)

MEMBERS = 4
per_member = st.lists(st.integers(0, 2000), min_size=MEMBERS, max_size=MEMBERS)
a_subsidy = st.builds(
    SubsidyTerms,
    mode=st.sampled_from(["pool", "earmarked", "targeted_pool"]),
    left_cents=st.integers(1, 6000),
    eligible=st.lists(st.booleans(), min_size=MEMBERS, max_size=MEMBERS),
    earmarked=per_member,
)
weights = st.lists(st.integers(0, 50), min_size=MEMBERS, max_size=MEMBERS).filter(any)


@given(total=st.integers(1, 9000), weights=weights, subsidies=st.lists(a_subsidy, max_size=4))
def test_nobody_gets_more_than_he_pays_and_no_subsidy_gives_more_than_it_has(
    total: int, weights: list[int], subsidies: list[SubsidyTerms]
) -> None:
    terms = Terms(parts=(ScaledWeights(weights),))
    shares = share_cost(total, terms)
    used = use_subsidies(shares, terms, subsidies)

    rest = shares.cents.copy()
    for subsidy, cents in zip(subsidies, used, strict=True):
        before = rest.copy()
        rest = rest - cents
        assert 0 <= int(cents.sum()) <= subsidy.left_cents
        assert (rest >= 0).all()
        if subsidy.mode == "pool":
            assert int(cents.sum()) == min(subsidy.left_cents, int(before.sum()))


@given(total=st.integers(1, 9000), weights=weights, subsidy=a_subsidy, late=a_subsidy)
def test_a_subsidy_pays_the_same_whether_or_not_another_one_comes_after_it(
    total: int, weights: list[int], subsidy: SubsidyTerms, late: SubsidyTerms
) -> None:
    terms = Terms(parts=(ScaledWeights(weights),))
    shares = share_cost(total, terms)

    first, _second = use_subsidies(shares, terms, [subsidy, late])
    assert np.array_equal(first, use_subsidy(shares, terms, subsidy))
