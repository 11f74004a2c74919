"""A delivered round as the rules of settling take it: plain values.

Identifiers are opaque numbers, quantities whole member units, weights whole grams, amounts
whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wijkeconomie.purchasing.sharing_rules import ShortageRule

FreightKey = Literal["value", "quantity", "equal"]
Origin = Literal["pledged", "replacement", "extra"]


@dataclass(frozen=True, slots=True)
class ProductInput:
    """A product of the round: price, rate, and ``usable`` = delivered minus damaged.

    ``list_price_excl_cents``: the first price of its ladder, where a lower one was reached.
    ``shortage_rule``: ``None`` takes the round's. ``keeps_rest``: what is left becomes stock by
    itself; otherwise ``stock`` units do, and the others wait for a decision. ``uncredited``:
    units nobody could use that the supplier charges all the same. ``grams_per_unit``: goods
    that are settled by weight, ``grams`` what they weighed together. ``replaces``: the product
    in whose place this one came. ``price_units``: for how many units together the prices are.
    """

    key: int
    price_excl_cents: int
    vat_basis_points: int | None
    usable: int
    list_price_excl_cents: int | None = None
    shortage_rule: ShortageRule | None = None
    keeps_rest: bool = True
    stock: int | None = None
    uncredited: int = 0
    grams_per_unit: int | None = None
    grams: int | None = None
    replaces: int | None = None
    price_units: int = 1


@dataclass(frozen=True, slots=True)
class PledgeInput:
    """A pledge that was not withdrawn; ``turn`` orders pledges for ``first_pledged``.

    ``asked``: what the member asked for, where closing made another quantity of it.
    ``tolerance``: how many units more are fine, when more came. ``by_hand``: units that
    somebody set. ``grams``: what was weighed for it. ``origin``: a replacement gets what the
    pledge ``instead_of`` misses; an extra gets what is set by hand, and nothing by itself.
    ``later``: increments after the first claim, each as turn and units.
    """

    key: int
    member: int
    product: int
    quantity: int
    turn: int = 0
    asked: int | None = None
    tolerance: int = 0
    by_hand: int | None = None
    grams: int | None = None
    origin: Origin = "pledged"
    instead_of: int | None = None
    later: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementInput:
    """A round as it was delivered; the pledges in order of their code."""

    products: tuple[ProductInput, ...]
    pledges: tuple[PledgeInput, ...]
    freight_excl_cents: int
    freight_key: FreightKey = "value"
    shortage_rule: ShortageRule = "pro_rata"
