"""Laws of sharing a delivered round, for rounds nobody would think of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.vat import VatRegime, vat_on
from wijkeconomie.purchasing.entry_rules import Invoiced, entry_lines
from wijkeconomie.purchasing.explanations import explain_share, recompute
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput

RATES = st.sampled_from([None, 0, 900, 2100])
STANDARD = {"high": 2100, "low": 900, "zero": 0}


@st.composite
def a_round(draw: st.DrawFn) -> SettlementInput:
    """A delivered round with up to four products and a dozen pledges."""
    products = draw(
        st.lists(
            st.builds(
                ProductInput,
                key=st.just(0),
                price_excl_cents=st.integers(0, 5000),
                vat_basis_points=RATES,
                usable=st.integers(0, 60),
            ),
            min_size=1,
            max_size=4,
        )
    )
    numbered = tuple(replace(product, key=key) for key, product in enumerate(products))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, len(numbered) - 1)),
            unique=True,
            max_size=12,
        )
    )
    pledges = tuple(
        PledgeInput(key, member, product, draw(st.integers(1, 20)), turn)
        for key, ((member, product), turn) in enumerate(
            zip(pairs, draw(st.permutations(range(len(pairs)))), strict=True)
        )
    )
    return SettlementInput(
        products=numbered,
        pledges=pledges,
        freight_excl_cents=draw(st.integers(0, 5000)),
        freight_key=draw(st.sampled_from(["value", "quantity", "equal"])),
        shortage_rule=draw(st.sampled_from(["pro_rata", "first_pledged"])),
    )


@given(a_round())
def test_members_and_cooperative_pay_the_invoice_to_the_cent(round_: SettlementInput) -> None:
    result = compute_settlement(round_)
    assert result.members_gross_cents + result.cooperative.gross_cents == result.gross_cents
    assert sum(result.gross_per_member().values()) == result.members_gross_cents


@given(a_round())
def test_the_invoice_is_goods_and_freight_with_vat_rounded_once_a_rate(
    round_: SettlementInput,
) -> None:
    result = compute_settlement(round_)
    goods = sum(product.usable * product.price_excl_cents for product in round_.products)
    assert result.net_cents == goods + round_.freight_excl_cents
    for rate in result.rates:
        net = rate.goods_cents + rate.freight_cents
        assert rate.vat_cents == vat_on(net, rate.vat_basis_points)


@given(a_round())
def test_nobody_gets_more_than_he_ordered_and_nothing_gets_lost(round_: SettlementInput) -> None:
    result = compute_settlement(round_)
    for pledge, share in zip(round_.pledges, result.shares, strict=True):
        assert 0 <= share.delivered <= pledge.quantity
    for product in round_.products:
        wanted = sum(each.quantity for each in round_.pledges if each.product == product.key)
        given_out = sum(share.delivered for share in result.shares if share.product == product.key)
        assert given_out == min(product.usable, wanted)
        assert result.cooperative.surplus.get(product.key, 0) == product.usable - given_out


@given(a_round())
def test_who_got_nothing_pays_nothing(round_: SettlementInput) -> None:
    for share in compute_settlement(round_).shares:
        assert share.gross_cents >= 0
        if not share.delivered:
            assert share.gross_cents == 0


@given(a_round())
def test_an_explanation_comes_to_the_share_it_explains(round_: SettlementInput) -> None:
    for share in compute_settlement(round_).shares:
        figures = recompute(share.explanation)
        assert figures.delivered == share.delivered
        assert figures.net_cents == share.net_cents
        assert figures.freight_cents == share.freight_cents
        assert figures.gross_cents == share.gross_cents
        for language in ("nl", "en"):
            steps = explain_share(share.explanation, language, unit="kg")
            assert sum(step.amount_cents or 0 for step in steps) == share.gross_cents


@given(a_round(), st.sampled_from(["regulier", "kor"]), st.integers(-500, 500))
def test_the_entry_balances_and_charges_each_member_his_share(
    round_: SettlementInput, regime: VatRegime, difference: int
) -> None:
    result = compute_settlement(round_)
    names = {pledge.member: f"L{pledge.member}" for pledge in round_.pledges}
    lines = entry_lines(
        result,
        regime=regime,
        invoiced=Invoiced(
            supplier="S1",
            vat_cents=result.vat_cents,
            gross_cents=max(result.gross_cents + difference, result.vat_cents),
        ),
        members=names,
        standard_rates=STANDARD,  # type: ignore[arg-type]
    )
    assert sum(line.amount_cents for line in lines) == 0
    assert all(line.amount_cents for line in lines)
    charged = {
        line.party: line.amount_cents for line in lines if line.account_key == "member_account"
    }
    owed = {names[member]: cents for member, cents in result.gross_per_member().items() if cents}
    assert charged == owed


@given(a_round(), st.integers(0, 3), st.integers(1, 20))
def test_when_more_comes_nobody_who_came_first_gets_less(
    round_: SettlementInput, position: int, more: int
) -> None:
    round_ = replace(round_, shortage_rule="first_pledged")
    chosen = position % len(round_.products)
    fuller = replace(
        round_,
        products=tuple(
            replace(product, usable=product.usable + more) if key == chosen else product
            for key, product in enumerate(round_.products)
        ),
    )
    before, after = compute_settlement(round_).shares, compute_settlement(fuller).shares
    assert all(new.delivered >= old.delivered for old, new in zip(before, after, strict=True))
