"""What stock is worth, and what a movement of it takes in the books.

Pure: quantities are whole member units, amounts whole cents. Stock stands at what it cost, at the
average of what came (article 2:385 of the Dutch Civil Code allows it): a part of the units takes
its part of the value, and the last one takes what is left, so that nothing remains of no units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.vat import RateName, VatRegime, contained_vat, vat_on
from wijkeconomie.purchasing.entry_rules import sales_account, vat_account
from wijkeconomie.purchasing.surplus_rules import KeptGoods


@dataclass(frozen=True, slots=True)
class KeptUnits:
    """Units of a product of a round that become stock, and what they are worth there."""

    round_product_id: int
    units: int
    value_cents: int


@dataclass(frozen=True, slots=True)
class Level:
    """What lies in stock of a product. Its units and value are never below zero."""

    units: int
    value_cents: int

    def cost_of(self, units: int) -> int:
        """What a part of the units cost.

        >>> Level(3, 100).cost_of(1), Level(3, 100).cost_of(3)
        (33, 100)
        """
        if not 0 <= units <= self.units:
            raise ValueError("only what lies there has a cost")
        if not units:
            return 0
        return allocate(self.value_cents, [units, self.units - units])[0]


@dataclass(frozen=True, slots=True)
class SaleAmounts:
    """What a member pays for goods from the stock. ``vat_basis_points``: ``None`` is exempt."""

    vat_basis_points: int | None
    net_cents: int
    vat_cents: int

    @property
    def gross_cents(self) -> int:
        """All of it."""
        return self.net_cents + self.vat_cents


def kept_units(kept: Iterable[KeptGoods], regime: VatRegime) -> tuple[KeptUnits, ...]:
    """What surplus is worth: goods and freight, and VAT where it is not reclaimed."""
    return tuple(
        KeptUnits(
            goods.product,
            goods.units,
            goods.net_cents + goods.freight_cents + (goods.vat_cents if regime == "kor" else 0),
        )
        for goods in kept
    )


def level_after(before: Level, units: int, value_cents: int) -> tuple[Level, int]:
    """The level when units and value come (or go, below zero), and the value that found no goods.

    When a correction changes what goods cost that have left the stock since, their value cannot
    stay there: that part is a difference in price.

    >>> level_after(Level(0, 0), 0, 12)
    (Level(units=0, value_cents=0), 12)

    Raises:
        ValueError: fewer units lie there than go.
    """
    left = before.units + units
    if left < 0:
        raise ValueError("fewer units lie there than go")
    value = before.value_cents + value_cents
    held = max(value, 0) if left else 0
    return Level(left, held), value - held


def counted_value(level: Level, counted: int) -> int:
    """How much value comes (or goes, below zero) when ``counted`` units turn out to lie there.

    >>> [counted_value(Level(4, 100), counted) for counted in (3, 5)]
    [-25, 25]
    >>> counted_value(Level(0, 0), 2)
    0
    """
    if counted <= level.units:
        return -level.cost_of(level.units - counted)
    return level.value_cents * (counted - level.units) // level.units if level.units else 0


def sale_amounts(
    cost_cents: int,
    units: int,
    *,
    vat_basis_points: int | None,
    regime: VatRegime,
    price_each_cents: int | None,
) -> SaleAmounts:
    """What a member pays for units that cost ``cost_cents``.

    Args:
        price_each_cents: with VAT, for each unit; ``None`` asks what they cost, and the VAT.
    """
    if regime == "kor":
        gross = cost_cents if price_each_cents is None else units * price_each_cents
        return SaleAmounts(None, gross, 0)
    if price_each_cents is None:
        return SaleAmounts(vat_basis_points, cost_cents, vat_on(cost_cents, vat_basis_points))
    gross = units * price_each_cents
    vat = contained_vat(gross, vat_basis_points)
    return SaleAmounts(vat_basis_points, gross - vat, vat)


def sale_explanation(units: int, amounts: SaleAmounts) -> dict[str, Any]:
    """Why a member pays what he pays, in the short keys of ``explanations``."""
    net = str(amounts.net_cents)
    vat: dict[str, Any] = {"b": amounts.vat_basis_points}
    if amounts.vat_basis_points is not None:
        vat["t"] = amounts.vat_cents
    if amounts.vat_cents:
        vat |= {"w": net, "W": net, "x": str(amounts.vat_cents)}
    return {
        "q": {"k": "s", "q": units, "d": units},
        "p": 0,
        "n": {"k": "s", "t": amounts.net_cents, "w": "1", "W": "1", "x": net},
        "v": vat,
    }


def sale_lines(
    amounts: SaleAmounts, cost_cents: int, member: str, standard_rates: Mapping[RateName, int]
) -> tuple[EntryLine, ...]:
    """The entry of a sale: what the member owes, what was sold, and what it had cost."""
    rate = amounts.vat_basis_points
    lines = [
        EntryLine("member_account", member, amounts.gross_cents),
        EntryLine(sales_account(rate, standard_rates), None, -amounts.net_cents),
        EntryLine("cost_of_goods", None, cost_cents),
        EntryLine("stock", None, -cost_cents),
    ]
    if rate:
        lines.insert(2, EntryLine(vat_account(rate, standard_rates), None, -amounts.vat_cents))
    return tuple(line for line in lines if line.amount_cents)


def difference_lines(value_cents: int) -> tuple[EntryLine, ...]:
    """The entry of goods that are gone (``value_cents`` above zero) or were found; none of 0."""
    if not value_cents:
        return ()
    return (
        EntryLine("price_differences", None, value_cents),
        EntryLine("stock", None, -value_cents),
    )
