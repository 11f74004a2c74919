"""Laws of sharing what came, with decisions by hand, weights, losses and replacements."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.vat import VatRegime
from wijkeconomie.purchasing.entry_rules import Invoiced, entry_lines
from wijkeconomie.purchasing.explanations import explain_share, recompute
from wijkeconomie.purchasing.goods_rules import price_of_weight
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.sharing_rules import Claim, SharingTerms, ShortageRule, share_product

RULE_NAMES: tuple[ShortageRule, ...] = ("pro_rata", "first_pledged", "manual")
RULES = st.sampled_from(RULE_NAMES)
SMALL = st.integers(0, 12)
STANDARD = {"high": 2100, "low": 900, "zero": 0}


@st.composite
def a_product(draw: st.DrawFn, key: int) -> ProductInput:
    is_weighed = draw(st.booleans())
    keeps_rest = draw(st.booleans())
    return ProductInput(
        key=key,
        price_excl_cents=draw(st.integers(0, 3000)),
        vat_basis_points=draw(st.sampled_from([None, 0, 900, 2100])),
        usable=draw(st.integers(0, 40)),
        shortage_rule=draw(st.one_of(st.none(), RULES)),
        keeps_rest=keeps_rest,
        stock=None if keeps_rest else draw(st.none() | SMALL),
        uncredited=0 if is_weighed else draw(SMALL),
        grams_per_unit=500 if is_weighed else None,
        grams=draw(st.none() | st.integers(1, 30_000)) if is_weighed else None,
    )


@st.composite
def a_round(draw: st.DrawFn) -> SettlementInput:
    """A delivered round in which everything happens that can happen at the van."""
    count = draw(st.integers(1, 3))
    products = [draw(a_product(key)) for key in range(1, count + 1)]
    pairs = draw(
        st.lists(st.tuples(st.integers(1, 5), st.integers(1, count)), unique=True, max_size=10)
    )
    pledges = [
        PledgeInput(
            key,
            member,
            product,
            draw(st.integers(1, 12)),
            turn=key * 7 % 11,
            tolerance=draw(st.integers(0, 5)),
            by_hand=draw(st.none() | st.integers(0, 6)),
            grams=draw(st.none() | st.integers(1, 4000)),
            origin=draw(st.sampled_from(["pledged", "pledged", "extra"])),
        )
        for key, (member, product) in enumerate(pairs, start=1)
    ]
    if draw(st.booleans()):
        came = replace(draw(a_product(count + 1)), replaces=1)
        products.insert(0, came)
        pledges += [
            PledgeInput(
                100 + each.key,
                each.member,
                came.key,
                each.quantity,
                each.turn,
                origin="replacement",
                instead_of=each.key,
            )
            for each in pledges
            if each.product == 1 and each.origin == "pledged"
        ]
    return SettlementInput(
        products=tuple(products),
        pledges=tuple(pledges),
        freight_excl_cents=draw(st.integers(0, 3000)),
        freight_key=draw(st.sampled_from(["value", "quantity", "equal"])),
        shortage_rule=draw(RULES),
    )


def units_of(result: SettlementResult, product: int) -> int:
    return sum(share.delivered for share in result.shares if share.product == product)


@given(a_round())
def test_everyone_s_part_is_the_invoice_whatever_happened(round_: SettlementInput) -> None:
    result = compute_settlement(round_)
    assert result.members_gross_cents + result.cooperative.gross_cents == result.gross_cents
    goods = 0
    for product in round_.products:
        units = units_of(result, product.key) + result.cooperative.surplus.get(product.key, 0)
        if product.grams_per_unit and product.grams is not None:
            goods += price_of_weight(product.price_excl_cents, product.grams, 500)
        else:
            goods += (units + product.uncredited) * product.price_excl_cents
    assert result.net_cents == goods + round_.freight_excl_cents
    assert all(share.gross_cents >= 0 for share in result.shares)


@given(a_round())
def test_what_was_set_by_hand_stays_and_the_rule_s_figure_stands_beside_it(
    round_: SettlementInput,
) -> None:
    result = compute_settlement(round_)
    for pledge, share in zip(round_.pledges, result.shares, strict=True):
        if pledge.by_hand is not None:
            assert share.delivered == pledge.by_hand
    if all(product.replaces is None for product in round_.products):
        free = tuple(replace(pledge, by_hand=None) for pledge in round_.pledges)
        by_rule = compute_settlement(replace(round_, pledges=free)).shares
        assert [share.computed for share in result.shares] == [share.delivered for share in by_rule]


@given(a_round())
def test_all_that_came_is_given_left_or_waits(round_: SettlementInput) -> None:
    result = compute_settlement(round_)
    for product in round_.products:
        left = result.cooperative.surplus.get(product.key, 0)
        waits = result.open_units.get(product.key, 0)
        given_out = units_of(result, product.key)
        if given_out > product.usable:
            assert (waits, left) == (product.usable - given_out, 0)
        else:
            assert given_out + left == product.usable
            if product.keeps_rest and waits:
                assert waits == left
            if not product.keeps_rest:
                assert waits == left - (product.stock or 0)


@given(a_round())
def test_by_rule_nobody_gets_more_than_he_ordered_and_tolerates(round_: SettlementInput) -> None:
    for pledge, share in zip(round_.pledges, compute_settlement(round_).shares, strict=True):
        if pledge.by_hand is None:
            assert share.delivered <= pledge.quantity + pledge.tolerance
            assert pledge.origin != "extra" or share.delivered == 0


@given(a_round())
def test_a_replacement_gives_no_more_than_was_missed(round_: SettlementInput) -> None:
    shares = {share.pledge: share for share in compute_settlement(round_).shares}
    for pledge in round_.pledges:
        if pledge.instead_of is not None and pledge.by_hand is None:
            both = shares[pledge.key].delivered + shares[pledge.instead_of].delivered
            assert both <= max(pledge.quantity, shares[pledge.instead_of].delivered)


@given(a_round())
def test_explanations_come_to_their_shares_whatever_happened(round_: SettlementInput) -> None:
    for share in compute_settlement(round_).shares:
        figures = recompute(share.explanation)
        assert (figures.delivered, figures.gross_cents) == (share.delivered, share.gross_cents)
        for language in ("nl", "en"):
            steps = explain_share(share.explanation, language, unit="kg")
            assert sum(step.amount_cents or 0 for step in steps) == share.gross_cents


@given(a_round(), st.sampled_from(["regulier", "kor"]))
def test_the_entry_balances_whatever_happened(round_: SettlementInput, regime: VatRegime) -> None:
    result = compute_settlement(round_)
    lines = entry_lines(
        result,
        regime=regime,
        invoiced=Invoiced(
            supplier="S1", vat_cents=result.vat_cents, gross_cents=result.gross_cents
        ),
        members={pledge.member: f"L{pledge.member}" for pledge in round_.pledges},
        standard_rates=STANDARD,  # type: ignore[arg-type]
    )
    assert sum(line.amount_cents for line in lines) == 0
    stock = sum(line.amount_cents for line in lines if line.account_key == "stock")
    assert stock >= 0
    assert bool(result.cooperative.surplus) or not stock


def test_shortages_by_hand_give_nothing_until_it_fits() -> None:
    claims = [Claim(4), Claim(4), Claim(4)]
    short = share_product(10, claims, SharingTerms("manual"))
    assert (short.given, short.open) == ((0, 0, 0), 10)

    decided = share_product(10, [Claim(4, by_hand=2), *claims[1:]], SharingTerms("manual"))
    assert (decided.given, decided.open, decided.left) == ((2, 4, 4), 0, 0)


def test_more_goes_to_who_tolerates_it_then_waits_for_a_decision() -> None:
    claims = [Claim(4, tolerance=2), Claim(4)]
    asked = share_product(13, claims, SharingTerms(keeps_rest=False))
    assert (asked.given, asked.left, asked.open) == ((6, 4), 3, 3)

    kept = share_product(13, claims, SharingTerms(keeps_rest=False, stock=3))
    assert (kept.left, kept.open) == (3, 0)


def test_cheese_is_ordered_by_the_piece_and_paid_by_weight() -> None:
    cheese = ProductInput(1, 650, 900, 3, grams_per_unit=500, grams=1600)
    pledges = tuple(
        PledgeInput(key, key, 1, 1, grams=grams) for key, grams in ((1, 480), (2, 520), (3, 600))
    )
    result = compute_settlement(
        SettlementInput(products=(cheese,), pledges=pledges, freight_excl_cents=0)
    )
    # 1,600 g at 6.50 for 500 g is 20.80: 6.24, 6.76 and 7.80.
    assert [share.net_cents for share in result.shares] == [624, 676, 780]
    assert result.unweighed == ()


def test_damage_without_credit_raises_the_price_of_what_is_left() -> None:
    soap = ProductInput(1, 200, 2100, 8, uncredited=2)
    pledges = (PledgeInput(1, 1, 1, 4), PledgeInput(2, 2, 1, 4))
    result = compute_settlement(
        SettlementInput(products=(soap,), pledges=pledges, freight_excl_cents=0)
    )
    assert [share.net_cents for share in result.shares] == [1000, 1000]
