"""Deposits on packaging: what a round's members and supplier are charged beside its goods.

Pure: units are whole member units, amounts whole cents. A deposit is an amount for each unit that
could be handed out. Nothing is shared: a member pays it for the units he got, and the packaging of
what the cooperative keeps is the cooperative's.

Deposits are no part of the price: Member States may leave returnable packaging out of the taxable
amount (article 92 of Directive 2006/112/EC), and they are charged and paid back at the same
amount. docs/rounds.md says what to ask the accountant about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.purchasing.settlement_results import SettlementResult


@dataclass(frozen=True, slots=True)
class DepositLine:
    """The deposit on the units of one pledge."""

    pledge: int
    member: int
    product: int
    units: int
    each_cents: int

    @property
    def cents(self) -> int:
        """All of it."""
        return self.units * self.each_cents


@dataclass(frozen=True, slots=True)
class RoundDeposits:
    """Deposits of a round: of its members, and of the supplier for everything that came.

    ``invoiced_cents``: what the supplier's invoice says; ``None`` for what came.
    """

    lines: tuple[DepositLine, ...] = ()
    supplier_cents: int = 0
    invoiced_cents: int | None = None

    @property
    def due_cents(self) -> int:
        """What the supplier gets."""
        return self.supplier_cents if self.invoiced_cents is None else self.invoiced_cents

    @property
    def difference_cents(self) -> int:
        """How much more the invoice asks than what came; the cooperative bears it."""
        return self.due_cents - self.supplier_cents

    @property
    def members_cents(self) -> int:
        """What the members pay together."""
        return sum(line.cents for line in self.lines)

    def per_member(self) -> dict[int, int]:
        """What each member pays."""
        totals: dict[int, int] = {}
        for line in self.lines:
            totals[line.member] = totals.get(line.member, 0) + line.cents
        return totals

    def of_nobody(self) -> RoundDeposits:
        """The same where members are charged nothing."""
        return replace(self, lines=())


NO_DEPOSITS = RoundDeposits()


def round_deposits(
    result: SettlementResult, each_cents: Mapping[int, int], invoiced_cents: int | None
) -> RoundDeposits:
    """The deposits of a round as it was shared, by the deposit on a unit of each product."""
    lines = tuple(
        DepositLine(share.pledge, share.member, share.product, share.delivered, each)
        for share in result.shares
        if share.delivered and (each := each_cents.get(share.product, 0))
    )
    kept = sum(
        units * each_cents.get(product, 0) for product, units in result.cooperative.surplus.items()
    )
    return RoundDeposits(lines, sum(line.cents for line in lines) + kept, invoiced_cents)


@dataclass(frozen=True, slots=True)
class DepositTotals:
    """What a version of a round charges in deposits; members by their number."""

    supplier_cents: int = 0
    due_cents: int = 0
    members: Mapping[str, int] = field(default_factory=dict)


def deposit_lines(
    before: DepositTotals, now: DepositTotals, supplier: str
) -> tuple[EntryLine, ...]:
    """The entry that takes the books from one version to the next; none is zero.

    The difference is booked rather than a reversal: members may have brought packaging back
    since, and what they still have cannot fall below nothing on the way.
    """
    more_due = now.due_cents - before.due_cents
    more = now.supplier_cents - before.supplier_cents
    lines = [
        EntryLine("packaging", supplier, more),
        EntryLine("price_differences", None, more_due - more),
        EntryLine("suppliers", supplier, -more_due),
    ]
    for code in sorted(before.members.keys() | now.members.keys()):
        cents = now.members.get(code, 0) - before.members.get(code, 0)
        lines += [
            EntryLine("member_account", code, cents),
            EntryLine("member_deposits", code, -cents),
        ]
    return tuple(line for line in lines if line.amount_cents)


@dataclass(frozen=True, slots=True)
class DepositEntry:
    """What a version books in deposits: the totals before and after it, and the difference."""

    before: DepositTotals = field(default_factory=DepositTotals)
    now: DepositTotals = field(default_factory=DepositTotals)
    lines: tuple[EntryLine, ...] = ()


NO_DEPOSIT_ENTRY = DepositEntry()


def taken_back_lines(cents: int, member: str) -> tuple[EntryLine, ...]:
    """The entry of packaging that a member brings back."""
    return (
        EntryLine("member_deposits", member, cents),
        EntryLine("member_account", member, -cents),
    )


def sold_lines(cents: int, member: str) -> tuple[EntryLine, ...]:
    """The entry of packaging that goes with goods from the stock to a member."""
    return (
        EntryLine("member_account", member, cents),
        EntryLine("member_deposits", member, -cents),
    )


def sent_back_lines(cents: int, supplier: str) -> tuple[EntryLine, ...]:
    """The entry of packaging that goes back to its supplier: he is owed so much less."""
    return (
        EntryLine("suppliers", supplier, cents),
        EntryLine("packaging", supplier, -cents),
    )
