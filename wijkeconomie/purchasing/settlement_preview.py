"""What settling a round comes to, computed once for the preview, the entry and the statement."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import VatRegime, standard_rates_on
from wijkeconomie.purchasing import settlement_queries, supplier_queries
from wijkeconomie.purchasing.deposit_rules import (
    NO_DEPOSIT_ENTRY,
    NO_DEPOSITS,
    DepositEntry,
    RoundDeposits,
)
from wijkeconomie.purchasing.deposit_settling import deposit_entry, deposits_of
from wijkeconomie.purchasing.entry_rules import Invoiced, entry_lines
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.rounding_rules import Rounding, roundings
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_queries import InvoiceView
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.stock_rules import KeptUnits, kept_units


@dataclass(frozen=True, slots=True)
class MemberAmount:
    """What a member pays for a round, and what he paid by the version before.

    ``gross_cents`` are goods with freight and VAT; deposits on packaging stand beside them.
    """

    member_id: int
    code: str
    name: str
    gross_cents: int
    before_cents: int
    deposit_cents: int = 0
    deposit_before_cents: int = 0

    @property
    def payable_cents(self) -> int:
        """All that the member pays."""
        return self.gross_cents + self.deposit_cents

    @property
    def payable_before_cents(self) -> int:
        """All that the member paid by the version before."""
        return self.before_cents + self.deposit_before_cents

    @property
    def difference_cents(self) -> int:
        """More (positive) or less than before."""
        return self.payable_cents - self.payable_before_cents


@dataclass(frozen=True, slots=True)
class SettlementPreview:
    """What settling would do: the same computation that books it."""

    result: SettlementResult
    invoice: InvoiceView | None
    lines: tuple[EntryLine, ...]
    members: tuple[MemberAmount, ...]
    roundings: tuple[Rounding, ...] = ()
    stock: tuple[KeptUnits, ...] = ()
    deposits: RoundDeposits = NO_DEPOSITS
    deposit_entry: DepositEntry = NO_DEPOSIT_ENTRY

    @property
    def supplier_gross_cents(self) -> int:
        """The invoice, or what is expected until there is one."""
        return self.result.gross_cents if self.invoice is None else self.invoice.gross_cents

    @property
    def difference_cents(self) -> int:
        """How much more the invoice asks than deliveries and prices come to."""
        return self.supplier_gross_cents - self.result.gross_cents

    @property
    def whole_difference_cents(self) -> int:
        """The difference with the deposits on packaging that the invoice asks more or less."""
        return self.difference_cents + self.deposits.difference_cents

    @property
    def cooperative_gross_cents(self) -> int:
        """What the cooperative bears: surplus goods, and the difference."""
        return self.result.cooperative.gross_cents + self.difference_cents

    @property
    def expected_payable_cents(self) -> int:
        """What came, with its deposits, at the prices of the round."""
        return self.result.gross_cents + self.deposits.supplier_cents

    @property
    def supplier_payable_cents(self) -> int:
        """What the supplier gets, deposits included."""
        return self.supplier_gross_cents + self.deposits.due_cents

    @property
    def members_payable_cents(self) -> int:
        """What the members pay together, deposits included."""
        return self.result.members_gross_cents + self.deposits.members_cents

    @property
    def cooperative_payable_cents(self) -> int:
        """What is left for the cooperative, deposits included."""
        return self.supplier_payable_cents - self.members_payable_cents

    @property
    def matches_invoice(self) -> bool:
        """Whether the invoice, net and VAT, is what was computed; without one when none is due."""
        if self.invoice is None:
            return not self.result.gross_cents and not self.deposits.supplier_cents
        if self.deposits.difference_cents:
            return False
        return (self.invoice.net_cents, self.invoice.vat_cents) == (
            self.result.net_cents,
            self.result.vat_cents,
        )

    @property
    def seen(self) -> str:
        """The mark of its figures."""
        return figures_seen(self)


def accounting_date_of(uow: UnitOfWork, found: PurchaseRound, given: date | None) -> date:
    """The date given, else that of the invoice, else today."""
    if given is not None:
        return given
    invoice = settlement_queries.invoice(uow.session, uow.tenant, found.id)
    return local_date(uow.now, LOCAL_TIME) if invoice is None else invoice.invoiced_on


def preview_of(uow: UnitOfWork, found: PurchaseRound, on: date) -> SettlementPreview:
    """What settling ``found`` with accounting date ``on`` comes to; nothing is written."""
    given = settlement_queries.settlement_input(uow.session, found)
    result = compute_settlement(given)
    invoice = settlement_queries.invoice(uow.session, uow.tenant, found.id)
    deposits = deposits_of(uow, found, result, None if invoice is None else invoice.deposit_cents)
    booked = deposit_entry(uow, found, deposits, found.settlement_version + 1)
    members = _member_amounts(uow, found, result, booked)
    regime: VatRegime = uow.session.scalars(  # type: ignore[assignment]
        select(Cooperative.vat_regime).where(Cooperative.id == uow.tenant)
    ).one()
    lines = entry_lines(
        result,
        regime=regime,
        invoiced=_invoiced(uow, found, result, invoice),
        members={member.member_id: member.code for member in members},
        standard_rates=standard_rates_on(on),
    )
    return SettlementPreview(
        result,
        invoice,
        lines,
        members,
        roundings(given, result),
        stock=kept_units(result.cooperative.kept, regime),
        deposits=deposits,
        deposit_entry=booked,
    )


def _member_amounts(
    uow: UnitOfWork, found: PurchaseRound, result: SettlementResult, booked: DepositEntry
) -> tuple[MemberAmount, ...]:
    before = _amounts_before(uow, found)
    gross = result.gross_per_member()
    return tuple(
        MemberAmount(
            row.id,
            row.code,
            row.name,
            gross.get(row.id, 0),
            before.get(row.id, 0),
            booked.now.members.get(row.code, 0),
            booked.before.members.get(row.code, 0),
        )
        for row in _members(uow, gross.keys() | before.keys())
    )


@dataclass(frozen=True, slots=True)
class _Name:
    id: int
    code: str
    name: str


def _members(uow: UnitOfWork, ids: set[int]) -> list[_Name]:
    found = uow.session.execute(
        select(Member.id, Member.code, Member.first_name, Member.infix, Member.last_name)
        .where(Member.cooperative_id == uow.tenant, Member.id.in_(ids))
        .order_by(Member.code)
    )
    return [_Name(row[0], row[1], " ".join(part for part in row[2:] if part)) for row in found]


def _amounts_before(uow: UnitOfWork, found: PurchaseRound) -> dict[int, int]:
    amounts: dict[int, int] = {}
    version = found.settlement_version
    for share in settlement_queries.shares(uow.session, uow.tenant, found.id, version):
        amounts[share.member_id] = amounts.get(share.member_id, 0) + share.gross_cents
    return amounts


def _invoiced(
    uow: UnitOfWork, found: PurchaseRound, result: SettlementResult, invoice: InvoiceView | None
) -> Invoiced:
    supplier = supplier_queries.supplier_code(uow.session, uow.tenant, found.supplier_id)
    if invoice is None:
        return Invoiced(
            supplier=supplier, vat_cents=result.vat_cents, gross_cents=result.gross_cents
        )
    return Invoiced(supplier=supplier, vat_cents=invoice.vat_cents, gross_cents=invoice.gross_cents)


def require_agreement(preview: SettlementPreview) -> None:
    """Hold the figures of a settlement to one another before any of them is shown or booked.

    What members, cooperative and supplier are told is what the entry says: whoever reads the
    screen, the PDF, the CSV or the books reads the same amounts.

    Raises:
        AssertionError: two of them differ, which is a bug; nothing is booked.
    """
    charged = _by_party(preview.lines, "member_account")
    deposits, told_deposits = _deposits_agree(preview)
    told = {each.code: each.gross_cents for each in preview.members if each.gross_cents}
    owed = -sum(_by_party(preview.lines, "suppliers").values())
    figures = {
        "members one by one": charged == told,
        "members together": sum(charged.values()) == preview.result.members_gross_cents,
        "supplier": owed == preview.supplier_gross_cents,
        "shares": preview.result.members_gross_cents + preview.cooperative_gross_cents
        == preview.supplier_gross_cents,
        "stock": sum(each.value_cents for each in preview.stock)
        == sum(_by_party(preview.lines, "stock").values()),
        "deposits": deposits == told_deposits,
        "entry": sum(line.amount_cents for line in preview.lines) == 0,
        "entry of deposits": sum(each.amount_cents for each in preview.deposit_entry.lines) == 0,
    }
    if wrong := [name for name, holds in figures.items() if not holds]:
        raise AssertionError(f"figures of a settlement differ: {', '.join(wrong)}")


def figures_seen(preview: SettlementPreview) -> str:
    """A mark of every figure that a preview shows: two previews with one mark show the same."""
    seen = [f"{preview.supplier_gross_cents}/{preview.cooperative_gross_cents}"]
    seen += [f"{preview.deposits.due_cents}"] if preview.deposits.due_cents else []
    seen += [f"vat {preview.invoice.vat_cents}"] if preview.invoice is not None else []
    seen += [f"{each.code}={each.gross_cents}" for each in preview.members]
    seen += [f"{each.pledge}:{each.cents}" for each in preview.deposits.lines]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _deposits_agree(preview: SettlementPreview) -> tuple[dict[str | None, int], ...]:
    """What the entry of deposits books by party, and what members and supplier are told."""
    entry = preview.deposit_entry
    booked = _by_party(entry.lines, "member_account") | {
        None: -sum(_by_party(entry.lines, "suppliers").values())
    }
    told: dict[str | None, int] = {
        each.code: change
        for each in preview.members
        if (change := each.deposit_cents - each.deposit_before_cents)
    }
    told[None] = preview.deposits.due_cents - entry.before.due_cents
    return booked, told


def _by_party(lines: tuple[EntryLine, ...], key: str) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for line in lines:
        if line.account_key == key:
            found[line.party] = found.get(line.party, 0) + line.amount_cents
    return found
