"""Laws of shares of costs: what explains one comes to it, and what proves one is right."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wijkeconomie.costs.explanations import CostShareFacts, Locale, explain_cost_share
from wijkeconomie.costs.proof import ProofColumns, ProofHead, digest, write_proof
from wijkeconomie.costs.proof_checking import ProofError, verify_proof
from wijkeconomie.costs.proof_first import first_digest, first_shares, write_first_proof
from wijkeconomie.costs.rules import CostShares, Terms, TiePolicy, scaled, share_cost
from wijkeconomie.money.allocation import AllocationError
from wijkeconomie.money.compositions import carry_period

FRACTIONS = st.fractions(-3, 3, max_denominator=12)


@st.composite
def a_key(draw: st.DrawFn) -> Terms:
    """Terms of every kind: one part or two, bounds, turns, what was carried in."""
    count = draw(st.integers(1, 7))
    weight = st.one_of(st.integers(0, 4), st.sampled_from(["0.5", "12.5", "1/3"]))

    def column(of: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(of, min_size=count, max_size=count))

    parts = (scaled(column(weight)),)
    policy: TiePolicy = draw(st.sampled_from(["order", "rotate", "carry"]))
    start = draw(st.integers(0, count - 1)) if policy == "rotate" else 0
    if policy == "carry":
        return Terms(parts=parts, policy=policy, carried=column(FRACTIONS))
    if draw(st.booleans()):
        percent = Fraction(draw(st.integers(0, 100)))
        two = (*parts, scaled(column(weight)))
        return Terms(parts=two, fixed_percent=percent, policy=policy, start=start)
    if draw(st.booleans()):
        minimums = column(st.none() | st.integers(0, 300))
        caps = [draw(st.none() | st.integers(minimum or 0, 2000)) for minimum in minimums]
        return Terms(parts=parts, policy=policy, start=start, minimums=minimums, caps=caps)
    return Terms(parts=parts, policy=policy, start=start)


TOTALS = st.integers(-5000, 5000)


def shared(total: int, terms: Terms) -> CostShares:
    try:
        return share_cost(total, terms)
    except AllocationError:
        assume(False)
        raise


def facts_of(terms: Terms, shares: CostShares) -> list[CostShareFacts]:
    """What is stored of each share, as the pages read it."""
    scales = [part.scale for part in terms.parts]
    return [
        CostShareFacts(
            part_totals=shares.part_totals,
            weights=[Fraction(int(part.whole[index]), part.scale) for part in terms.parts],
            weight_sums=[Fraction(part.total, part.scale) for part in terms.parts],
            carried=None if terms.carried is None else terms.carried[index],
            carry_mean=shares.carry_mean,
            minimum_cents=None if terms.minimums is None else terms.minimums[index],
            cap_cents=None if terms.caps is None else terms.caps[index],
            held_cents=shares.held_cents,
            free_weight=None
            if shares.free_weight is None
            else Fraction(shares.free_weight, scales[0]),
            cents=int(cents),
            subsidy_cents=0,
        )
        for index, cents in enumerate(shares.cents)
    ]


def told_cents(why: str) -> int:
    """The share to which whoever reads the explanation comes."""
    plain = why.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")
    if found := re.search(r"= (-?)([\d.]+),(\d\d)…? cent, afgerond (omhoog|omlaag)", plain):
        sign, whole, _, step = found.groups()
        size = int(whole.replace(".", "")) + (step == "omhoog")
        return -size if sign else size
    found = re.search(r"(-?)€ ?(-?)([\d.]+),(\d\d)$", plain)
    assert found is not None, why
    size = int(found[3].replace(".", "") + found[4])
    return -size if found[1] or found[2] else size


@given(total=TOTALS, terms=a_key())
@example(  # One of two pays at most EUR 1,00 of EUR 10,00: the other one pays EUR 9,00.
    total=1000, terms=Terms(parts=(scaled([1, 1]),), minimums=[None, None], caps=[100, None])
)
@example(  # 0,45 and 0,45 of each part: two cents up, and 0,9 in one sum.
    total=101, terms=Terms(parts=(scaled([1, 1]), scaled([1, 1])), fixed_percent=Fraction(50))
)
def test_whoever_reckons_as_the_explanation_says_comes_to_the_share(
    total: int, terms: Terms
) -> None:
    shares = shared(total, terms)

    for facts in facts_of(terms, shares):
        assert told_cents(explain_cost_share(facts, "nl")) == facts.cents


@given(total=TOTALS, terms=a_key(), locale=st.sampled_from(["nl", "en"]))
def test_the_terms_of_an_explanation_are_its_exact_number(
    total: int, terms: Terms, locale: Locale
) -> None:
    shares = shared(total, terms)

    for facts in facts_of(terms, shares):
        assert explain_cost_share(facts, locale)
        if facts.bound is None:
            assert abs(facts.exact - facts.cents) < len(terms.parts)
        else:
            limit = facts.minimum_cents if facts.bound == "least" else facts.cap_cents
            assert abs(facts.cents) == (limit or 0)


@given(data=st.data(), count=st.integers(1, 9))
def test_with_joiners_and_leavers_nobody_is_a_cent_from_what_all_bear_alike(
    data: st.DataObject, count: int
) -> None:
    exact, paid = [Fraction(0)] * count, [0] * count
    for _ in range(data.draw(st.integers(1, 12))):
        weights = data.draw(st.lists(st.integers(0, 4), min_size=count, max_size=count).filter(any))
        total = data.draw(st.integers(-300, 300))
        carry = [owed - cents for owed, cents in zip(exact, paid, strict=True)]

        period = carry_period(total, weights, carry)

        for index, weight in enumerate(weights):
            exact[index] += Fraction(total * weight, sum(weights))
            paid[index] += period.shares[index]
            if weight:
                assert abs(exact[index] - paid[index] - period.mean) < 1
        sharing = [index for index, weight in enumerate(weights) if weight]
        left = sum((exact[index] - paid[index] for index in sharing), Fraction(0))
        assert period.mean == left / len(sharing)
    assert sum(exact) == sum(paid)


def test_what_leavers_took_along_is_borne_alike_by_who_stays() -> None:
    # Two cents over four: A and B pay one each, C and D half a cent too little, and leave.
    first = carry_period(2, [1, 1, 1, 1], [Fraction(0)] * 4)
    assert first.shares == [1, 1, 0, 0]
    # A cent over A and B. Together they are a cent over what is theirs: half a cent each.
    second = carry_period(1, [1, 1, 0, 0], first.carry)

    assert second.mean == Fraction(-1, 2)
    assert second.shares == [1, 0, 0, 0]
    assert second.carry[:2] == [-1, 0]
    assert all(abs(left - second.mean) < 1 for left in second.carry[:2])


def proof_of(total: int, terms: Terms, shares: CostShares) -> tuple[ProofHead, ProofColumns]:
    head = ProofHead(
        cooperative="C01",
        cost="K1",
        version=1,
        month="2026-01",
        total_cents=total,
        key="sleutel",
        key_version=1,
        basis="weights",
        fixed_basis="equal" if terms.fixed_percent is not None else None,
        fixed_percent=None if terms.fixed_percent is None else str(terms.fixed_percent),
        policy=terms.policy,
        start=terms.start,
        scales=tuple(part.scale for part in terms.parts),
    )
    weights = [[int(weight) for weight in part.whole] for part in terms.parts]
    columns = ProofColumns(
        weights=weights[0],
        variable_weights=weights[1] if len(weights) > 1 else None,
        minimums=terms.minimums,
        caps=terms.caps,
        carried=None if terms.carried is None else [str(cents) for cents in terms.carried],
        cents=shares.cents.tolist(),
        subsidy_cents=None,
    )
    return head, columns


@given(total=TOTALS, terms=a_key(), data=st.data())
def test_every_proof_is_right_in_any_order_and_no_other_share_is(
    total: int, terms: Terms, data: st.DataObject
) -> None:
    head, columns = proof_of(total, terms, shared(total, terms))
    names = [f"p{data.draw(st.integers(0, 999))}-{index}" for index in range(len(columns.cents))]
    file = write_proof(head, columns, names, entry_number=1, entry_hash="00")

    assert verify_proof(file).digest == digest(head, columns).hex()
    document = json.loads(file)
    document["parties"] = data.draw(st.permutations(document["parties"]))
    assert verify_proof(json.dumps(document).encode()).digest == document["digest"]
    if len(document["parties"]) > 1:
        document["parties"][0]["cents"] += 1
        document["parties"][1]["cents"] -= 1
        with pytest.raises(ProofError):
            verify_proof(json.dumps(document).encode())


@given(total=TOTALS, terms=a_key())
def test_a_proof_of_the_first_form_is_still_right(total: int, terms: Terms) -> None:
    head, columns = proof_of(total, terms, shared(total, terms))
    columns = replace(columns, cents=first_shares(head, columns), subsidy_cents=None)
    names = [f"p{index}" for index in range(len(columns.cents))]
    file = write_first_proof(head, columns, names, entry_number=1, entry_hash="00")

    assert verify_proof(file).digest == first_digest(head, columns).hex()


def test_a_subsidy_that_cannot_be_is_found_in_the_first_form() -> None:
    head, columns = proof_of(
        100, Terms(parts=(scaled([1, 1]),)), share_cost(100, Terms(parts=(scaled([1, 1]),)))
    )
    for subsidies in ([-1, 0], [51, 0]):
        wrong = replace(columns, subsidy_cents=subsidies)
        file = write_first_proof(head, wrong, ["a", "b"], entry_number=1, entry_hash="00")
        with pytest.raises(ProofError, match="party a: a subsidy of"):
            verify_proof(file)


def test_a_proof_as_it_was_published_in_the_first_form_is_right() -> None:
    assert verify_proof(PUBLISHED.encode()).parties == 3


# As it was downloaded from the service that wrote the first form.
PUBLISHED = """{
 "format": "wijkeconomie centenbewijs 1",
 "cooperative": "C01", "cost": "C01-K011", "version": 1, "month": "2026-01",
 "total_cents": 1000,
 "key": {"code": "kwh", "version": 1, "basis": "weights", "fixed_basis": null,
         "fixed_percent": null, "policy": "rotate", "start": 1, "scales": [1]},
 "digest": "fc2a36741871fe342861c08c209a39052f8347b36c0f862923e68c768d1d9afd",
 "ledger": {"entry": 28, "hash": "00"},
 "parties": [{"party": "a", "weight": 1, "cents": 333, "subsidy_cents": 0},
             {"party": "b", "weight": 1, "cents": 334, "subsidy_cents": 10},
             {"party": "c", "weight": 1, "cents": 333, "subsidy_cents": 0}]
}
"""
