"""What a round costs each pledge: delivery, freight and VAT shared exactly.

Pure: identifiers are opaque numbers, quantities whole member units, amounts whole cents.
The parties are the pledges in the order given; goods that nobody pledged for (the surplus)
are the cooperative's, as one more party after all pledges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.explanations import explain_allocation, share_to_dict
from wijkeconomie.money.vat import vat_on
from wijkeconomie.money.weights import weight_text
from wijkeconomie.purchasing.goods_rules import GoodsTerms, share_goods
from wijkeconomie.purchasing.quantity_rules import SharedQuantities, share_quantities
from wijkeconomie.purchasing.settlement_inputs import ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_results import (
    Compact,
    CooperativeShare,
    RateTotal,
    SettlementResult,
    Share,
)
from wijkeconomie.purchasing.surplus_rules import KeptGoods


@dataclass(slots=True)
class _Working:
    """The columns of a computation.

    Lines are the pledges, then what the cooperative bears, by product: its surplus, or what is
    charged while nobody received anything.
    """

    round: SettlementInput
    products: Mapping[int, ProductInput]
    shared: SharedQuantities
    line_products: list[int]
    delivered: list[int]
    net: list[int] = field(default_factory=list)
    freight: list[int] = field(default_factory=list)
    vat: list[int] = field(default_factory=list)
    net_why: list[Compact | None] = field(default_factory=list)
    freight_why: list[Compact | None] = field(default_factory=list)
    vat_why: list[Compact | None] = field(default_factory=list)

    @property
    def pledge_count(self) -> int:
        return len(self.round.pledges)


def compute_settlement(round_: SettlementInput) -> SettlementResult:
    """Share a delivered round over its pledges and the cooperative.

    Usable units go to the pledges by the shortage rule, never more than was pledged and
    tolerated, unless somebody set it by hand; the rest is the cooperative's. Goods cost their
    units at the price, or what they weigh; units that are charged while nobody could use them
    are borne by who received any. Freight goes over all parties by its key; when nobody
    received anything it is the cooperative's. VAT is rounded once per rate on goods and
    freight, freight following the goods' rates, and shared by net and freight.

    Returns:
        Shares whose gross amounts, with the cooperative's, sum to the supplier's invoice.
        The same input gives the same result.

    Raises:
        KeyError: a pledge for a product that is not in the round (a bug of the caller).
    """
    work = _share_goods(round_)
    freight_of_nobody = _share_freight(work)
    rates = _share_vat(work, freight_of_nobody)
    return _result(work, rates, freight_of_nobody)


def _share_goods(round_: SettlementInput) -> _Working:
    """Share quantities, and what the goods of each product cost over its lines."""
    shared = share_quantities(round_)
    own: dict[int, list[int]] = {product.key: [] for product in round_.products}
    for position, pledge in enumerate(round_.pledges):
        own[pledge.product].append(position)
    work = _Working(
        round=round_,
        products={product.key: product for product in round_.products},
        shared=shared,
        line_products=[pledge.product for pledge in round_.pledges],
        delivered=list(shared.given),
        net=[0] * len(round_.pledges),
        net_why=[None] * len(round_.pledges),
    )
    for product in round_.products:
        _share_goods_of(work, product, own[product.key])
    return work


def _share_goods_of(work: _Working, product: ProductInput, own: list[int]) -> None:
    left = work.shared.left.get(product.key, 0)
    terms = GoodsTerms(
        product.price_excl_cents,
        product.uncredited,
        product.grams_per_unit,
        product.grams,
        product.price_units,
    )
    units = [work.delivered[position] for position in own]
    grams = [work.round.pledges[position].grams for position in own]
    if left:
        units.append(left)
        grams.append(None)
    goods = share_goods(terms, units, grams)
    for position, cents, why in zip(own, goods.cents, goods.why, strict=False):
        work.net[position] = cents
        work.net_why[position] = why
    if left or goods.lost_cents:
        work.line_products.append(product.key)
        work.delivered.append(left)
        work.net.append(goods.cents[-1] if left else goods.lost_cents)


def _share_freight(work: _Working) -> int:
    """Fill in each line's freight; return what is the cooperative's because nobody received."""
    total = work.round.freight_excl_cents
    work.freight = [0] * len(work.delivered)
    work.freight_why = [None] * len(work.delivered)
    if not total:
        return 0
    if not any(work.delivered):
        return total
    if work.round.freight_key == "equal":
        _share_freight_equally(work, total)
        return 0
    # What was charged while nobody received anything bears no freight.
    values = [net if units else 0 for net, units in zip(work.net, work.delivered, strict=True)]
    is_by_value = work.round.freight_key == "value" and any(values)
    weights = values if is_by_value else work.delivered
    lines = list(range(work.pledge_count))
    surplus = _surplus_lines(work)
    _over(work, total, lines, weights, surplus, key="value" if is_by_value else "quantity")
    return 0


def _surplus_lines(work: _Working) -> list[int]:
    every = range(work.pledge_count, len(work.delivered))
    return [line for line in every if work.delivered[line]]


def _share_freight_equally(work: _Working, total: int) -> None:
    lines_of: dict[int, list[int]] = {}
    for position, pledge in enumerate(work.round.pledges):
        if work.delivered[position]:
            lines_of.setdefault(pledge.member, []).append(position)
    groups = list(lines_of.values())
    if surplus := _surplus_lines(work):
        groups.append(surplus)
    heads = explain_allocation(total, [1] * len(groups))
    for lines, head in zip(groups, heads.shares, strict=True):
        # Within a member by value; gifts have no value, so those by quantity.
        weights = work.net if any(work.net[line] for line in lines) else work.delivered
        key = "value" if weights is work.net else "quantity"
        _over(work, head.amount, lines, weights, [], key=key)
        outer = {"t": total, "n": len(groups), **share_to_dict(head)}
        for line in lines:
            work.freight_why[line] = {**(work.freight_why[line] or {}), "m": outer}


def _over(
    work: _Working,
    total: int,
    lines: list[int],
    weights: Sequence[int],
    surplus: list[int],
    *,
    key: str,
) -> None:
    """Share freight over lines; the lines of the surplus count as one party, the last."""
    surplus_weight = sum(weights[line] for line in surplus)
    parties = [weights[line] for line in lines] + ([surplus_weight] if surplus else [])
    explained = explain_allocation(total, parties)
    weight_sum = weight_text(explained.weight_sum)
    for line, share in zip(lines, explained.shares, strict=False):
        work.freight[line] = share.amount
        work.freight_why[line] = {
            "k": key[0],
            "t": total,
            "W": weight_sum,
            **share_to_dict(share),
        }
    if surplus:
        amount = explained.shares[-1].amount
        inner = [weights[line] for line in surplus] if surplus_weight else [1] * len(surplus)
        for line, part in zip(surplus, allocate(amount, inner), strict=True):
            work.freight[line] = part


def _share_vat(work: _Working, freight_of_nobody: int) -> list[RateTotal]:
    """Fill in each line's VAT and return the totals per rate, exempt goods last."""
    work.vat = [0] * len(work.delivered)
    work.vat_why = [None] * len(work.delivered)
    lines_at: dict[int | None, list[int]] = {}
    for product in work.round.products:
        lines_at.setdefault(product.vat_basis_points, [])
    for line, key in enumerate(work.line_products):
        lines_at[work.products[key].vat_basis_points].append(line)
    rates = sorted(lines_at, key=lambda rate: (rate is None, rate or 0))
    goods = [sum(work.net[line] for line in lines_at[rate]) for rate in rates]
    freight = _freight_per_rate(sum(work.freight) + freight_of_nobody, goods)
    return [
        _share_rate(work, rate, lines_at[rate], goods_cents, freight_cents)
        for rate, goods_cents, freight_cents in zip(rates, goods, freight, strict=True)
    ]


def _freight_per_rate(total: int, goods: list[int]) -> list[int]:
    if any(goods):
        return allocate(total, goods)
    return [total if position == 0 else 0 for position in range(len(goods))]


def _share_rate(
    work: _Working, rate: int | None, lines: list[int], goods_cents: int, freight_cents: int
) -> RateTotal:
    vat_cents = vat_on(goods_cents + freight_cents, rate)
    parties = lines
    weights = [work.net[line] + work.freight[line] for line in parties]
    if vat_cents and not any(weights):
        # Freight on gifts of another rate: all who bear freight bear its VAT.
        parties = list(range(len(work.delivered)))
        weights = [work.net[line] + work.freight[line] for line in parties]
    members_vat = 0
    if vat_cents and any(weights):
        explained = explain_allocation(vat_cents, weights)
        weight_sum = weight_text(explained.weight_sum)
        for line, share in zip(parties, explained.shares, strict=True):
            work.vat[line] += share.amount
            work.vat_why[line] = {
                "b": rate,
                "t": vat_cents,
                "W": weight_sum,
                **share_to_dict(share),
            }
            members_vat += share.amount if line < work.pledge_count else 0
    members_net = sum(
        work.net[line] + work.freight[line] for line in lines if line < work.pledge_count
    )
    return RateTotal(rate, goods_cents, freight_cents, vat_cents, members_net, members_vat)


def _result(work: _Working, rates: list[RateTotal], freight_of_nobody: int) -> SettlementResult:
    shares = tuple(
        Share(
            pledge=pledge.key,
            member=pledge.member,
            product=pledge.product,
            delivered=work.delivered[line],
            net_cents=work.net[line],
            freight_cents=work.freight[line],
            vat_cents=work.vat[line],
            explanation=_explanation(work, line),
            computed=work.shared.computed[line],
        )
        for line, pledge in enumerate(work.round.pledges)
    )
    rest = range(work.pledge_count, len(work.delivered))
    lost = [line for line in rest if not work.delivered[line]]
    all_vat = sum(rate.vat_cents for rate in rates)
    cooperative = CooperativeShare(
        surplus={work.line_products[line]: work.delivered[line] for line in _surplus_lines(work)},
        net_cents=sum(work.net[line] for line in rest),
        freight_cents=sum(work.freight[line] for line in rest) + freight_of_nobody,
        vat_cents=all_vat - sum(work.vat[: work.pledge_count]),
        lost_net_cents=sum(work.net[line] for line in lost),
        lost_vat_cents=sum(work.vat[line] for line in lost),
        kept=tuple(_kept(work, line) for line in _surplus_lines(work)),
    )
    return SettlementResult(
        shares, cooperative, tuple(rates), dict(work.shared.open_units), _unweighed(work)
    )


def _kept(work: _Working, line: int) -> KeptGoods:
    costs = (work.net[line], work.freight[line], work.vat[line])
    return KeptGoods(work.line_products[line], work.delivered[line], *costs)


def _unweighed(work: _Working) -> tuple[int, ...]:
    """Weighed products of which the whole, or a part of a member, has no weight yet."""
    weighed: dict[int, list[bool]] = {}
    for line, pledge in enumerate(work.round.pledges):
        if work.delivered[line]:
            weighed.setdefault(pledge.product, []).append(pledge.grams is not None)
    missing = []
    for product in work.round.products:
        parts = weighed.get(product.key, [])
        is_partly = any(parts) and not all(parts)
        if product.grams_per_unit is not None and (
            is_partly or (product.usable and product.grams is None)
        ):
            missing.append(product.key)
    return tuple(missing)


def _explanation(work: _Working, line: int) -> Compact:
    product = work.products[work.line_products[line]]
    explanation: Compact = {"q": work.shared.why[line], "p": product.price_excl_cents}
    if product.price_units > 1:
        explanation["z"] = product.price_units
    if (goods := work.net_why[line]) is not None:
        explanation["n"] = goods
    if product.list_price_excl_cents not in {None, product.price_excl_cents}:
        explanation["l"] = product.list_price_excl_cents
    if (freight := work.freight_why[line]) is not None:
        explanation["f"] = freight
    if (vat := work.vat_why[line]) is not None:
        explanation["v"] = vat
    elif product.vat_basis_points is None:
        explanation["v"] = {"b": None}
    else:
        explanation["v"] = {"b": product.vat_basis_points, "t": 0}
    return explanation
