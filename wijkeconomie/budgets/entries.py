"""What care costs in the books: only where the cooperative holds the money, and without names.

The books are open to treasurers, accountants and the board, and are kept for seven years in a
chain of hashes. So they know a budget and a carer by an alias, and nobody's login as the one who
approved: who that is stands with the care data.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from wijkeconomie.budgets.keeping import HELD, PAYABLE, find_carer, holds_money
from wijkeconomie.budgets.models import CareBudget, CareDeclaration
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, post_entry, reverse_entry

ACTOR = "care"


def post_declaration(
    uow: UnitOfWork, budget: CareBudget, declaration: CareDeclaration, *, accounting_date: date
) -> int | None:
    """Book that the budget bears a declaration and the carer is owed it; the entry's number.

    ``None`` where the SVB pays, and where it comes to nothing.

    Raises:
        ClosedPeriodError, BalanceLimitError.
    """
    if not holds_money(budget.law, is_drawing_right=budget.is_drawing_right):
        return None
    if declaration.cents == 0:
        return None
    carer = find_carer(uow, declaration.carer_id)
    source = f"care/{budget.alias}/{declaration.number}"
    draft = EntryDraft(
        accounting_date=accounting_date,
        kind="care.declared",
        source=source,
        description=f"care in {declaration.month:%Y-%m}, {budget.alias}",
        idempotency_key=source,
        postings=(
            debit(ensure_account(uow, HELD, budget.alias), declaration.cents),
            credit(ensure_account(uow, PAYABLE, carer.alias), declaration.cents),
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


def _without_login(uow: UnitOfWork) -> UnitOfWork:
    return replace(uow, identity=replace(uow.identity, actor=ACTOR))
