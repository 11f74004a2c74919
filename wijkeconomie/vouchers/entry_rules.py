"""Which lines each event of a voucher takes in the books. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wijkeconomie.money.vat import RateName, contained_vat
from wijkeconomie.vouchers.rules import Payout, moved_vat

VatRegime = Literal["regulier", "kor"]
EURO = "EUR"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an entry: a debit is positive, in the smallest unit; never 0."""

    account_key: str
    party: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class Tax:
    """How a scheme stands to value added tax in a cooperative.

    ``basis_points`` is the rate of a single-purpose voucher, ``None`` of any other.
    """

    unit: str
    basis_points: int | None
    regime: VatRegime
    standard_rates: Mapping[RateName, int]

    @property
    def is_single_purpose(self) -> bool:
        """Whether the tax is due at issue."""
        return self.basis_points is not None

    @property
    def charged_points(self) -> int | None:
        """The rate that is charged: none under the small businesses scheme."""
        return self.basis_points if self.regime == "regulier" else None


def _kept(*lines: Line) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.amount)


def paid_lines(source: str, party: str | None, amount: int, tax: Tax) -> tuple[Line, ...]:
    """What stands across vouchers at issue: who paid, and the sale of a single-purpose one.

    With a credit of ``amount`` on the vouchers the lines sum to zero. A single-purpose voucher
    is sold at issue, with its tax (Directive 2006/112/EC art. 30b(1)); what merchants will
    invoice for it is the cost of that sale.
    """
    if tax.unit != EURO:
        return _kept(Line("voucher_counterpart", None, amount))
    paid = Line(source, party, amount)
    if not tax.is_single_purpose:
        return _kept(paid)
    vat = contained_vat(amount, tax.charged_points)
    sales, due = _sales_accounts(tax)
    return _kept(
        paid,
        Line("cost_of_goods", None, amount - vat),
        Line("voucher_vat_to_come", None, vat),
        Line(sales, None, vat - amount),
        Line(due, None, -vat),
    )


def _sales_accounts(tax: Tax) -> tuple[str, str]:
    points = tax.charged_points
    if points is None:
        return "sales_exempt", "vat_due_other"
    if points == 0:
        return "sales_zero", "vat_due_other"
    if points == tax.standard_rates["high"]:
        return "sales_high", "vat_due_high"
    if points == tax.standard_rates["low"]:
        return "sales_low", "vat_due_low"
    return "sales_high", "vat_due_other"


def taken_lines(merchant: str, amount: int, vat: int, tax: Tax) -> tuple[Line, ...]:
    """What stands across vouchers at a redemption; negative ``amount`` and ``vat`` refund it.

    A multi-purpose voucher is money: the merchant owes the tax himself (art. 30b(2)). For a
    single-purpose one he is deemed to have supplied us, and his tax is reclaimed now.
    """
    if tax.unit != EURO:
        return _kept(Line("voucher_counterpart", None, -amount))
    return _kept(
        Line("merchants", merchant, -amount),
        Line("input_vat", None, vat),
        Line("voucher_vat_to_come", None, -vat),
    )


def expired_lines(fund: str | None, amount: int, tax: Tax) -> tuple[Line, ...]:
    """What stands across vouchers that expire with ``amount`` left.

    It goes back to the fund that gave them, where that wants it, else it is income. No tax is
    due on what was never redeemed; the tax of a single-purpose voucher was paid and stays so.
    """
    if tax.unit != EURO:
        return _kept(Line("voucher_counterpart", None, -amount))
    left = left_of_expired(amount, tax)
    goes = Line("subsidies", fund, -left) if fund else None
    return _kept(
        goes or Line("expired_vouchers", None, -left),
        Line("voucher_vat_to_come", None, left - amount),
    )


def left_of_expired(amount: int, tax: Tax) -> int:
    """What can be given again, or is income, of what expires: all but the tax that was paid."""
    return amount - moved_vat(amount, 0, tax.charged_points)


def payout_lines(
    merchant: str, paid: Payout, *, regime: VatRegime, underway: str | None = None
) -> tuple[Line, ...]:
    """A payout to a merchant with the invoice of his fee.

    ``underway`` is the payout run that orders it at the bank; without one it has been paid.
    """
    source = "payments_underway" if underway else "voucher_bank"
    fees = "merchant_fees" if regime == "regulier" else "services_exempt"
    return _kept(
        Line("merchants", merchant, paid.gross_cents),
        Line(source, underway, -paid.paid_cents),
        Line(fees, None, -paid.fee_cents),
        Line("vat_due_high", None, -paid.fee_vat_cents),
    )
