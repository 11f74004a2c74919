"""What care costs in the books: only where the cooperative holds the money, and without names.

The books are open to treasurers, accountants and the board, and are kept for seven years in a
chain of hashes. So they know a budget and a carer by an alias, and nobody's login as the one who
approved: who that is stands with the care data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from wijkeconomie.budgets.keeping import HELD, PAYABLE, holds_money
from wijkeconomie.budgets.models import CareBudget, CareDeclaration, Carer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance
from wijkeconomie.ledger.service import (
    ensure_account,
    ensure_accounts,
    lock_books,
    post_entry,
    reverse_entry,
    set_balance_limit,
)

ACTOR = "care"


@dataclass(frozen=True, slots=True)
class CareAccounts:
    """The accounts of budgets and of carers, by the ids of those."""

    held: Mapping[int, str]
    payable: Mapping[int, str]


def care_accounts(
    uow: UnitOfWork, budgets: Sequence[CareBudget], carer_ids: Collection[int]
) -> CareAccounts:
    """The accounts of the budgets whose money comes here, and of carers; opened where new."""
    ours = [
        budget
        for budget in budgets
        if holds_money(budget.law, is_drawing_right=budget.is_drawing_right)
    ]
    if not ours:
        return CareAccounts({}, {})
    held = ensure_accounts(uow, HELD, [budget.alias for budget in ours])
    aliases: dict[int, str] = dict(
        uow.session.execute(
            select(Carer.id, Carer.alias).where(
                Carer.cooperative_id == uow.tenant, Carer.id.in_(carer_ids)
            )
        ).all()
    )
    payable = ensure_accounts(uow, PAYABLE, list(aliases.values()))
    return CareAccounts(
        {budget.id: held[budget.alias] for budget in ours},
        {carer_id: payable[alias] for carer_id, alias in aliases.items()},
    )


def post_declaration(
    uow: UnitOfWork,
    budget: CareBudget,
    declaration: CareDeclaration,
    *,
    accounting_date: date,
    accounts: CareAccounts,
) -> int | None:
    """Book that the budget bears a declaration and the carer is owed it; the entry's number.

    ``None`` where the SVB pays, and where it comes to nothing.

    Raises:
        ClosedPeriodError, BalanceLimitError.
    """
    if budget.id not in accounts.held or declaration.cents == 0:
        return None
    source = f"care/{budget.alias}/{declaration.number}"
    draft = EntryDraft(
        accounting_date=accounting_date,
        kind="care.declared",
        source=source,
        description=f"care in {declaration.month:%Y-%m}, {budget.alias}",
        idempotency_key=source,
        postings=(
            debit(accounts.held[budget.id], declaration.cents),
            credit(accounts.payable[declaration.carer_id], declaration.cents),
        ),
    )
    return post_entry(_without_login(uow), draft).number


def reverse_declaration(uow: UnitOfWork, number: int, *, accounting_date: date) -> None:
    """Book the opposite of a declaration that was turned back.

    Raises:
        ClosedPeriodError, AlreadyReversedError.
    """
    reverse_entry(
        _without_login(uow),
        number,
        accounting_date=accounting_date,
        idempotency_key=f"care/reversal/{number}",
        description=f"reverses entry {number}",
    )


def reverse_replaced(
    uow: UnitOfWork, correction: CareDeclaration, *, accounting_date: date
) -> None:
    """Book the opposite of what an approved correction replaces, where there is an entry.

    The carer may have been paid: then he owes for a moment, or until his next hours, what he got
    too much. His account is given that room and no more.

    Raises:
        ClosedPeriodError.
    """
    replaced = uow.session.get_one(
        CareDeclaration, (uow.tenant, correction.corrects_id), populate_existing=True
    )
    if replaced.entry_number is None:
        return
    lock_books(uow)
    carer = uow.session.get_one(Carer, (uow.tenant, replaced.carer_id))
    account = ensure_account(uow, PAYABLE, carer.alias)
    limit_payable(uow, account, more_cents=replaced.cents)
    reverse_declaration(uow, replaced.entry_number, accounting_date=accounting_date)


def limit_payable(uow: UnitOfWork, account: str, *, more_cents: int = 0) -> None:
    """Let a carer's account not be debited past zero, or past what he got too much already."""
    balance = account_balance(uow.session, uow.tenant, account)
    set_balance_limit(uow, account, maximum=max(balance + more_cents, 0))


def _without_login(uow: UnitOfWork) -> UnitOfWork:
    return replace(uow, identity=replace(uow.identity, actor=ACTOR))
