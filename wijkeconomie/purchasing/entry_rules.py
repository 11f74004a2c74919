"""Which lines a settled round takes in the books, by the cooperative's VAT regime.

Pure: accounts are named by their key in the chart and, where it has parts, by the party.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.money.vat import RateName, VatRegime
from wijkeconomie.purchasing.settlement_results import SettlementResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoiced:
    """What the supplier asks. Without an invoice yet: what was computed."""

    supplier: str
    vat_cents: int
    gross_cents: int


def entry_lines(
    result: SettlementResult,
    *,
    regime: VatRegime,
    invoiced: Invoiced,
    members: Mapping[int, str],
    standard_rates: Mapping[RateName, int],
) -> tuple[EntryLine, ...]:
    """The lines that book a settlement; they sum to zero and none is zero.

    The first half buys (goods, VAT, stock, price difference, supplier), the second sells to
    the members. A regular cooperative reclaims the VAT that is on the invoice and owes the
    VAT it charges; one under the KOR does neither, so VAT is part of its cost and its price.

    Args:
        members: member numbers by the member keys of the shares.
        standard_rates: basis points of the rates by name on the accounting date.
    """
    buying = (
        _buying_regular(result, invoiced) if regime == "regulier" else _buying_kor(result, invoiced)
    )
    selling = (
        _selling_regular(result, standard_rates)
        if regime == "regulier"
        else [EntryLine("sales_exempt", None, -result.members_gross_cents)]
    )
    gross = result.gross_per_member()
    charges = [
        EntryLine("member_account", code, gross[key])
        for key, code in sorted(members.items(), key=lambda item: item[1])
        if key in gross
    ]
    return tuple(line for line in (*buying, *charges, *selling) if line.amount_cents)


def _buying_regular(result: SettlementResult, invoiced: Invoiced) -> list[EntryLine]:
    cooperative = result.cooperative
    # Freight of surplus goods is part of what the stock cost; freight without any goods
    # received is an expense.
    stock = (
        cooperative.net_cents + cooperative.freight_cents - cooperative.lost_net_cents
        if cooperative.surplus
        else 0
    )
    net_difference = (invoiced.gross_cents - invoiced.vat_cents) - result.net_cents
    return [
        EntryLine("cost_of_goods", None, result.net_cents - stock),
        EntryLine("input_vat", None, invoiced.vat_cents),
        EntryLine("stock", None, stock),
        EntryLine("price_differences", None, net_difference),
        EntryLine("suppliers", invoiced.supplier, -invoiced.gross_cents),
    ]


def _buying_kor(result: SettlementResult, invoiced: Invoiced) -> list[EntryLine]:
    lost = result.cooperative.lost_net_cents + result.cooperative.lost_vat_cents
    stock = result.cooperative.gross_cents - lost if result.cooperative.surplus else 0
    return [
        EntryLine("cost_of_goods", None, result.gross_cents - stock),
        EntryLine("stock", None, stock),
        EntryLine("price_differences", None, invoiced.gross_cents - result.gross_cents),
        EntryLine("suppliers", invoiced.supplier, -invoiced.gross_cents),
    ]


def _selling_regular(
    result: SettlementResult, standard_rates: Mapping[RateName, int]
) -> list[EntryLine]:
    sales: dict[str, int] = {}
    vat: dict[str, int] = {}
    for rate in result.rates:
        basis_points = rate.vat_basis_points
        sales_key = sales_account(basis_points, standard_rates)
        sales[sales_key] = sales.get(sales_key, 0) - rate.members_net_cents
        if basis_points:
            vat_key = vat_account(basis_points, standard_rates)
            vat[vat_key] = vat.get(vat_key, 0) - rate.members_vat_cents
    return [EntryLine(key, None, amount) for key, amount in (*sales.items(), *vat.items())]


def sales_account(basis_points: int | None, standard_rates: Mapping[RateName, int]) -> str:
    """The key of the account for sales at a rate; a rate of its own goes with the reduced one.

    >>> sales_account(900, {"high": 2100, "low": 900, "zero": 0})
    'sales_low'
    """
    if basis_points is None:
        return "sales_exempt"
    if basis_points == 0:
        return "sales_zero"
    return "sales_high" if basis_points >= standard_rates["high"] else "sales_low"


def vat_account(basis_points: int, standard_rates: Mapping[RateName, int]) -> str:
    """The key of the account for VAT that is owed at a positive rate."""
    if basis_points == standard_rates["high"]:
        return "vat_due_high"
    return "vat_due_low" if basis_points == standard_rates["low"] else "vat_due_other"
