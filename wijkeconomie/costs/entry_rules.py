"""Which lines a settled cost takes in the books beside those of the members. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.money.vat import RateName, VatRegime, vat_on


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAmounts:
    """A cost as it was invoiced, and what a subsidy pays of it.

    ``payer`` is the member who paid it for the others; there is no supplier then. Each of
    ``subsidies`` is a code with what it pays.
    """

    net_cents: int
    vat_cents: int
    vat_basis_points: int | None
    supplier: str | None
    subsidies: Sequence[tuple[str, int]] = ()
    payer: str | None = None


def cost_lines(
    cost: CostAmounts, *, regime: VatRegime, standard_rates: Mapping[RateName, int]
) -> tuple[EntryLine, ...]:
    """The lines that buy the cost and pass it on; with what members pay they sum to zero.

    A regular cooperative passes the VAT on as well: what it charges its members is a service at
    the rate of the cost. One under the KOR passes on the gross amount. Whoever is to be paid is
    credited: the supplier, the member who paid it already, or an invoice that is still to come.
    """
    gross = cost.net_cents + cost.vat_cents
    is_regular = regime == "regulier"
    lines = [
        EntryLine("shared_costs", None, cost.net_cents if is_regular else gross),
        EntryLine("input_vat", None, cost.vat_cents if is_regular else 0),
        _creditor(cost, gross),
        *(EntryLine("subsidies", code, cents) for code, cents in cost.subsidies),
    ]
    if is_regular:
        sales, vat = _accounts(cost.vat_basis_points, standard_rates)
        lines += [EntryLine(sales, None, -cost.net_cents), EntryLine(vat, None, -cost.vat_cents)]
    else:
        lines.append(EntryLine("services_exempt", None, -gross))
    return tuple(line for line in lines if line.amount_cents)


def _creditor(cost: CostAmounts, gross: int) -> EntryLine:
    if cost.payer is not None:
        return EntryLine("member_account", cost.payer, -gross)
    return EntryLine("suppliers" if cost.supplier else "invoices_to_come", cost.supplier, -gross)


def _accounts(basis_points: int | None, standard_rates: Mapping[RateName, int]) -> tuple[str, str]:
    if basis_points is None:
        return "services_exempt", "vat_due_other"
    if basis_points == 0:
        return "services_zero", "vat_due_other"
    if basis_points == standard_rates["high"]:
        return "services_high", "vat_due_high"
    if basis_points == standard_rates["low"]:
        return "services_low", "vat_due_low"
    return "services_high", "vat_due_other"


def rate_of(net_cents: int, vat_cents: int, standard_rates: Mapping[RateName, int]) -> int | None:
    """The standard rate that a cost's VAT is of, give or take a cent; ``None`` without VAT.

    What is of no standard rate (an invoice of two rates) counts as the highest one.
    """
    if vat_cents == 0:
        return None
    for name in ("high", "low"):
        if abs(vat_on(net_cents, standard_rates[name]) - vat_cents) <= 1:
            return standard_rates[name]
    return standard_rates["high"]
