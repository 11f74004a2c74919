"""What a supplier's whole cents add to prices that do not divide, product by product. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from wijkeconomie.purchasing.settlement_inputs import ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.unit_prices import is_whole, quoted_cents


@dataclass(frozen=True, slots=True)
class Rounding:
    """A product whose price for the units that are charged is no whole number of cents."""

    product: int
    units: int
    price_excl_cents: int
    price_units: int

    @property
    def exact_cents(self) -> Fraction:
        """The price of the units before it is rounded."""
        return Fraction(self.price_excl_cents * self.units, self.price_units)

    @property
    def total_cents(self) -> int:
        """What the supplier charges for them: half a cent up."""
        return quoted_cents(self.price_excl_cents, self.price_units, self.units)


def roundings(round_: SettlementInput, result: SettlementResult) -> tuple[Rounding, ...]:
    """Where the supplier's total of a product is not its exact price, in order of the products.

    Members and cooperative share the rounded total, so nothing of it is lost or found.
    """
    charged: Counter[int] = Counter(result.cooperative.surplus)
    for share in result.shares:
        charged[share.product] += share.delivered
    found = (_rounding(product, charged[product.key]) for product in round_.products)
    return tuple(
        each for each in found if not is_whole(each.price_excl_cents, each.price_units, each.units)
    )


def _rounding(product: ProductInput, shared: int) -> Rounding:
    units = shared + product.uncredited
    return Rounding(product.key, units, product.price_excl_cents, product.price_units)
