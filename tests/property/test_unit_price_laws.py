"""Laws of prices that do not divide: kept whole, rounded once, shared to the cent."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_settlement_laws import a_round
from wijkeconomie.money.vat import vat_on
from wijkeconomie.purchasing.explanations import explain_share, recompute
from wijkeconomie.purchasing.order_document import SupplierOrderLine
from wijkeconomie.purchasing.round_rules import pledge_estimate
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import SettlementInput
from wijkeconomie.purchasing.unit_prices import (
    most_cents,
    quoted_cents,
    share_quoted,
    smallest_prices,
    whole_prices,
)

PRICES = st.integers(0, 10**6)
UNITS = st.integers(1, 1000)
QUANTITIES = st.lists(st.integers(0, 500), min_size=1, max_size=30)


@given(PRICES, UNITS, st.integers(0, 10**5))
def test_a_quantity_costs_the_exact_price_rounded_once(
    price: int, units: int, quantity: int
) -> None:
    exact = Fraction(price * quantity, units)
    quoted = quoted_cents(price, units, quantity)
    assert abs(quoted - exact) <= Fraction(1, 2)
    assert quoted <= most_cents(price, units, quantity) < exact + 1
    if exact - int(exact) == Fraction(1, 2):
        assert quoted == int(exact) + 1


@given(PRICES, UNITS, QUANTITIES)
def test_shares_are_the_supplier_s_total_and_each_within_a_cent_of_exact(
    price: int, units: int, quantities: list[int]
) -> None:
    shared = share_quoted(price, units, quantities)
    assert sum(share.amount for share in shared.shares) == quoted_cents(
        price, units, sum(quantities)
    )
    for quantity, share in zip(quantities, shared.shares, strict=True):
        assert abs(share.amount - Fraction(price * quantity, units)) < 1
        assert 0 <= share.amount <= most_cents(price, units, quantity)


@given(PRICES, QUANTITIES)
def test_a_price_for_one_unit_is_units_times_price(price: int, quantities: list[int]) -> None:
    shared = share_quoted(price, 1, quantities)
    assert [share.amount for share in shared.shares] == [price * each for each in quantities]


@given(
    st.lists(st.fractions(0, 10**6, max_denominator=5000), min_size=1, max_size=3),
    st.integers(1, 48),
)
def test_prices_become_whole_without_changing(per_unit: list[Fraction], pack_size: int) -> None:
    found = whole_prices(per_unit, (1, pack_size))
    tried = (1, pack_size, 10, 100, 1000)
    if found is None:
        assert all(any((price * units).denominator > 1 for price in per_unit) for units in tried)
        return
    prices, units = found
    assert [Fraction(price, units) for price in prices] == per_unit
    assert units in tried
    smallest, for_units = smallest_prices(prices, units)
    assert [Fraction(price, for_units) for price in smallest] == per_unit


@st.composite
def a_round_priced_by_several(draw: st.DrawFn) -> SettlementInput:
    """A delivered round in which prices are for up to 30 units together."""
    round_ = draw(a_round())
    return replace(
        round_,
        products=tuple(
            replace(
                product,
                price_units=draw(st.integers(1, 30)),
                uncredited=draw(st.sampled_from([0, 0, 3])),
            )
            for product in round_.products
        ),
    )


@given(a_round_priced_by_several())
def test_members_and_cooperative_pay_the_supplier_s_totals_to_the_cent(
    round_: SettlementInput,
) -> None:
    result = compute_settlement(round_)
    goods = sum(
        quoted_cents(
            product.price_excl_cents, product.price_units, product.usable + product.uncredited
        )
        for product in round_.products
    )
    assert result.net_cents == goods + round_.freight_excl_cents
    assert result.members_gross_cents + result.cooperative.gross_cents == result.gross_cents
    for rate in result.rates:
        net = rate.goods_cents + rate.freight_cents
        assert rate.vat_cents == vat_on(net, rate.vat_basis_points)


@given(a_round_priced_by_several())
def test_nobody_pays_a_cent_more_or_less_than_his_units_cost_nor_more_than_was_reserved(
    round_: SettlementInput,
) -> None:
    products = {product.key: product for product in round_.products}
    for share in compute_settlement(round_).shares:
        product = products[share.product]
        if product.uncredited:
            continue
        price, units = product.price_excl_cents, product.price_units
        assert abs(share.net_cents - Fraction(price * share.delivered, units)) < 1
        assert share.net_cents <= pledge_estimate(share.delivered, price, None, units)


@given(a_round_priced_by_several())
def test_an_explanation_of_such_a_price_comes_to_its_share(round_: SettlementInput) -> None:
    for share in compute_settlement(round_).shares:
        figures = recompute(share.explanation)
        assert (figures.net_cents, figures.gross_cents) == (share.net_cents, share.gross_cents)
        for language in ("nl", "en"):
            steps = explain_share(share.explanation, language, unit="fles")
            assert sum(step.amount_cents or 0 for step in steps) == share.gross_cents


@given(a_round_priced_by_several())
def test_the_order_asks_what_the_settlement_of_a_whole_delivery_comes_to(
    round_: SettlementInput,
) -> None:
    """The letter to the supplier and the settlement round one product alike."""
    whole = replace(
        round_,
        products=tuple(replace(product, uncredited=0) for product in round_.products),
        freight_excl_cents=0,
    )
    ordered = sum(
        SupplierOrderLine(
            sku="1",
            name="Sap",
            unit="fles",
            quantity=product.usable,
            pack_size=24,
            price_excl_cents=product.price_excl_cents,
            vat_basis_points=product.vat_basis_points,
            price_units=product.price_units,
        ).net_cents
        for product in whole.products
    )
    assert compute_settlement(whole).net_cents == ordered


@pytest.mark.parametrize(
    ("quantities", "shares"),
    [([24, 24, 24], [1750, 1750, 1750]), ([5, 7, 12, 40, 1], [365, 510, 875, 2917, 73])],
)
def test_worked_example_of_crates_at_17_50(quantities: list[int], shares: list[int]) -> None:
    assert [share.amount for share in share_quoted(1750, 24, quantities).shares] == shares
