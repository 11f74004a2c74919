"""The statement: one frozen shape that CSV, PDF, JSON and pages are made of.

It knows no language: lines carry the key of their text with its parameters, and a share
carries the compact explanation of its settlement. Amounts are cents. A debit raises what a
member owes (or what stands on the bank account), a credit lowers it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from wijkeconomie.money.periods import Period
from wijkeconomie.reports.refusals import StatementDoesNotTieError

Parameters = tuple[tuple[str, str | int], ...]
SectionKind = Literal["round", "cost", "contribution", "payment", "other"]


class StatementKind(enum.StrEnum):
    """Whose statement it is."""

    MEMBER = "member"
    ROUND = "round"
    COOPERATIVE = "cooperative"


@dataclass(frozen=True, slots=True)
class CooperativeBlock:
    """Who hands out the statement; ``name`` is the full name with its liability (U.A.)."""

    code: str
    name: str
    kvk: str
    iban: str
    vat_regime: str


@dataclass(frozen=True, slots=True)
class ShareDetail:
    """What one pledge became; negative throughout where a settlement was turned back.

    ``explanation`` is the compact form of ``purchasing.explanations``.
    """

    product_code: str
    product_name: str
    unit: str
    pledged: int
    delivered: int
    vat_basis_points: int | None
    net_cents: int
    freight_cents: int
    vat_cents: int
    gross_cents: int
    explanation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting, with the balance after it; ``details`` sum to debit minus credit.

    ``entry_number`` is ``None`` for a round that cost the member nothing, and before booking.
    """

    accounting_date: date
    entry_number: int | None
    kind: str
    source: str
    account: str
    text_key: str
    parameters: Parameters
    debit_cents: int
    credit_cents: int
    balance_cents: int
    details: tuple[ShareDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementSection:
    """Lines that follow each other and belong together: of a round, payments, a contribution."""

    kind: SectionKind
    subject: str
    title: str
    lines: tuple[StatementLine, ...]

    @property
    def debit_cents(self) -> int:
        """Subtotal of the debits."""
        return sum(line.debit_cents for line in self.lines)

    @property
    def credit_cents(self) -> int:
        """Subtotal of the credits."""
        return sum(line.credit_cents for line in self.lines)


@dataclass(frozen=True, slots=True)
class VatTotal:
    """One rate (``None``: exempt): what it is charged on, freight included, and the VAT."""

    vat_basis_points: int | None
    base_cents: int
    vat_cents: int


@dataclass(frozen=True, slots=True)
class LedgerMark:
    """An entry of the ledger and its hash in hexadecimal, by which anyone can check."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class PaymentNote:
    """What happens with a member's closing balance.

    ``collect_cents`` is the contribution that a mandate lets the cooperative collect,
    ``pay_cents`` what the member transfers, ``credit_cents`` what the member has in hand.
    """

    pay_cents: int
    collect_cents: int
    credit_cents: int
    mandate_id: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """An account over the period, as in the trial balance; a debit balance is positive."""

    code: str
    rgs_code: str
    name_nl: str
    name_en: str
    kind: str
    opening_cents: int
    debit_cents: int
    credit_cents: int
    closing_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRound:
    """A version of a round's settlement, or its turning back (negative amounts)."""

    code: str
    theme: str
    supplier_name: str
    version: int
    is_reversal: bool
    accounting_date: date
    entry_number: int | None
    supplier_gross_cents: int
    members_gross_cents: int
    cooperative_gross_cents: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class MemberShare:
    """What one member pays of a round: goods with freight and VAT, and deposits beside them."""

    code: str
    name: str
    net_cents: int
    freight_cents: int
    vat_cents: int
    gross_cents: int
    deposit_cents: int = 0

    @property
    def payable_cents(self) -> int:
        """All of it."""
        return self.gross_cents + self.deposit_cents


@dataclass(frozen=True, slots=True)
class ProductTotal:
    """A product of a round: what was pledged, what came, and what the members got of it.

    The price is for ``price_units`` units together.
    """

    code: str
    name: str
    unit: str
    price_excl_cents: int
    vat_basis_points: int | None
    pledged: int
    arrived: int
    damaged: int
    shared: int
    net_cents: int
    price_units: int = 1


@dataclass(frozen=True, slots=True)
class InvoiceBlock:
    """The supplier's invoice."""

    code: str
    invoiced_on: date
    net_cents: int
    vat_cents: int
    gross_cents: int
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundBlock:
    """A settled round as it stands at the end of the period."""

    code: str
    theme: str
    supplier_code: str
    supplier_name: str
    delivery_on: date
    freight_excl_cents: int
    freight_key: str
    version: int
    supplier_gross_cents: int
    members_gross_cents: int
    cooperative_gross_cents: int
    invoice: InvoiceBlock | None
    members: tuple[MemberShare, ...]
    products: tuple[ProductTotal, ...]
    deposit_due_cents: int = 0
    """Deposits on packaging that the supplier gets, beside the invoice's VAT."""

    @property
    def deposit_members_cents(self) -> int:
        """Deposits that the members pay together."""
        return sum(member.deposit_cents for member in self.members)

    @property
    def supplier_payable_cents(self) -> int:
        """What the supplier gets, deposits included."""
        return self.supplier_gross_cents + self.deposit_due_cents

    @property
    def members_payable_cents(self) -> int:
        """What the members pay together, deposits included."""
        return self.members_gross_cents + self.deposit_members_cents

    @property
    def cooperative_payable_cents(self) -> int:
        """What the cooperative bears, packaging that it keeps included."""
        kept = self.deposit_due_cents - self.deposit_members_cents
        return self.cooperative_gross_cents + kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement over a half-open period; made by ``queries`` only, which checks it.

    The balance of a member is what the member owes (negative: has in hand), of a round what
    was charged to its members, of a cooperative what is on its bank account.
    """

    kind: StatementKind
    cooperative: CooperativeBlock
    subject_code: str
    subject_name: str
    address: tuple[str, ...]
    period: Period
    opening_cents: int
    debit_cents: int
    credit_cents: int
    closing_cents: int
    sections: tuple[StatementSection, ...]
    vat_totals: tuple[VatTotal, ...]
    first_entry: LedgerMark | None
    last_entry: LedgerMark | None
    payment: PaymentNote | None = None
    accounts: tuple[AccountTotals, ...] = ()
    rounds: tuple[SettledRound, ...] = ()
    round: RoundBlock | None = None
    is_rehearsal: bool = False
    """It tells what settling would come to; nothing of it is in the books."""

    @property
    def file_kind(self) -> str:
        """The kind as files tell it: ``round``, or ``round-preview`` before it is booked."""
        return f"{self.kind.value}-preview" if self.is_rehearsal else self.kind.value

    @property
    def lines(self) -> Iterator[StatementLine]:
        """All lines in order."""
        return (line for section in self.sections for line in section.lines)


def check_statement(statement: Statement) -> Statement:
    """Hand the statement on when every sum of it ties.

    Raises:
        StatementDoesNotTieError: opening, lines and closing, running balances, shares and
            their posting, VAT, accounts or rounds do not add up; the first that does not.
    """
    _check_lines(statement)
    _check_payment(statement)
    if statement.kind is StatementKind.COOPERATIVE:
        _check_accounts(statement)
        _check_rounds(statement)
    elif statement.kind is StatementKind.ROUND:
        _check_round(statement)
    else:
        _check_vat(statement)
    return statement


def _require(name: str, expected: int, found: int) -> None:
    if expected != found:
        raise StatementDoesNotTieError(
            f"{name} should be {expected} and is {found} cents",
            sum=name,
            expected_cents=expected,
            found_cents=found,
        )


def _check_lines(statement: Statement) -> None:
    balance = statement.opening_cents
    debit = credit = 0
    for section in statement.sections:
        for line in section.lines:
            debit += line.debit_cents
            credit += line.credit_cents
            balance += line.debit_cents - line.credit_cents
            if balance != line.balance_cents or line.details:
                _require("running balance", balance, line.balance_cents)
                _check_details(line)
    _require("closing", balance, statement.closing_cents)
    _require("debit", debit, statement.debit_cents)
    _require("credit", credit, statement.credit_cents)


def _check_details(line: StatementLine) -> None:
    if not line.details:
        return
    for detail in line.details:
        parts = detail.net_cents + detail.freight_cents + detail.vat_cents
        _require(f"share of {detail.product_code}", parts, detail.gross_cents)
    charged = line.debit_cents - line.credit_cents
    shares = sum(detail.gross_cents for detail in line.details)
    _require(f"shares of {line.source}", charged, shares)


def _check_payment(statement: Statement) -> None:
    if statement.payment is not None:
        note = statement.payment
        explained = note.pay_cents + note.collect_cents - note.credit_cents
        _require("payment note", statement.closing_cents, explained)


def _check_vat(statement: Statement) -> None:
    expected = vat_totals(detail for line in statement.lines for detail in line.details)
    _require("number of VAT rates", len(expected), len(statement.vat_totals))
    for wanted, found in zip(expected, statement.vat_totals, strict=True):
        _require("VAT base", wanted.base_cents, found.base_cents)
        _require("VAT", wanted.vat_cents, found.vat_cents)


def _check_accounts(statement: Statement) -> None:
    for account in statement.accounts:
        moved = account.opening_cents + account.debit_cents - account.credit_cents
        _require(f"account {account.code}", moved, account.closing_cents)
    _require("sum of openings", 0, sum(account.opening_cents for account in statement.accounts))
    _require("sum of closings", 0, sum(account.closing_cents for account in statement.accounts))
    debit = sum(account.debit_cents for account in statement.accounts)
    _require("debit and credit", debit, sum(account.credit_cents for account in statement.accounts))


def _check_rounds(statement: Statement) -> None:
    for settled in statement.rounds:
        shares = settled.members_gross_cents + settled.cooperative_gross_cents
        _require(f"shares of {settled.code}", settled.supplier_gross_cents, shares)
    charged = sum(settled.members_gross_cents for settled in statement.rounds)
    _require("VAT totals", charged, _gross(statement.vat_totals))


def _check_round(statement: Statement) -> None:
    block = statement.round
    if block is None:  # every version was turned back
        _require("charged to members", 0, statement.closing_cents)
        return
    shares = block.members_gross_cents + block.cooperative_gross_cents
    _require("invoice", block.supplier_gross_cents, shares)
    _require("charged to members", statement.closing_cents, block.members_payable_cents)
    members = sum(member.gross_cents for member in block.members)
    _require("members", block.members_gross_cents, members)
    _require("VAT totals", block.members_gross_cents, _gross(statement.vat_totals))


def _gross(totals: Iterable[VatTotal]) -> int:
    return sum(total.base_cents + total.vat_cents for total in totals)


def vat_totals(details: Iterable[ShareDetail]) -> tuple[VatTotal, ...]:
    """Base and VAT of shares per rate, lowest rate first and exempt last."""
    sums: dict[int | None, list[int]] = {}
    for detail in details:
        total = sums.setdefault(detail.vat_basis_points, [0, 0])
        total[0] += detail.net_cents + detail.freight_cents
        total[1] += detail.vat_cents
    return tuple(
        VatTotal(rate, *sums[rate])
        for rate in sorted(sums, key=lambda rate: (rate is None, rate or 0))
    )
