"""Taking over declarations that another administration kept: many at once, each answered.

The same rules and the same guards as for live ones. What they object to is written down as
refused, with the reason; the rest counts as approved by its holder, on the last day of its month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from wijkeconomie.budgets.declaring import terms_of
from wijkeconomie.budgets.entries import care_accounts, post_declaration
from wijkeconomie.budgets.models import (
    CareAgreement,
    CareBudget,
    CareDeclaration,
    DeclarationState,
)
from wijkeconomie.budgets.rules import Objection, objection
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """A declaration as it was kept elsewhere, with the amount that stands there."""

    code: str
    agreement_id: int
    month: date
    minutes: int
    claimed_cents: int


def take_over(uow: UnitOfWork, claims: Sequence[TakeOver]) -> None:
    """Answer each claim in turn; the trail has been written by who calls.

    Raises:
        ClosedPeriodError: an amount counts for a month that is closed in the books.
    """
    require_permission(uow.identity, "care.administer")
    agreements = {
        row.id: row
        for row in uow.session.scalars(
            select(CareAgreement).where(
                CareAgreement.cooperative_id == uow.tenant,
                CareAgreement.id.in_({claim.agreement_id for claim in claims}),
            )
        )
    }
    # In order of their ids, as everyone locks budgets.
    budgets = {
        row.id: row
        for row in uow.session.scalars(
            select(CareBudget)
            .where(
                CareBudget.cooperative_id == uow.tenant,
                CareBudget.id.in_({row.budget_id for row in agreements.values()}),
            )
            .order_by(CareBudget.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    left = {row.id: row.budget_cents - row.used_cents for row in budgets.values()}
    used: Counter[int] = Counter()
    rows = []
    for claim in claims:
        agreement = agreements[claim.agreement_id]
        found = objection(
            claim.month,
            claim.minutes,
            claim.claimed_cents,
            terms_of(
                agreement,
                left_cents=left[agreement.budget_id],
                more_used_cents=used[agreement.id],
            ),
        )
        rows.append(_row(uow, claim, agreement, found))
        left[agreement.budget_id] -= rows[-1].cents
        used[agreement.id] += rows[-1].cents
    uow.session.add_all(rows)
    uow.session.flush()
    _post(uow, rows, budgets)


def _post(
    uow: UnitOfWork, rows: Sequence[CareDeclaration], budgets: Mapping[int, CareBudget]
) -> None:
    approved = [row for row in rows if row.state == DeclarationState.APPROVED]
    accounts = care_accounts(uow, list(budgets.values()), {row.carer_id for row in approved})
    numbers = [
        post_declaration(
            uow,
            budgets[row.budget_id],
            row,
            accounting_date=Period.month_of(row.month).end - timedelta(days=1),
            accounts=accounts,
        )
        for row in approved
    ]
    # Written together, after all have been posted: each statement before would write one.
    for row, number in zip(approved, numbers, strict=True):
        row.entry_number = number
    uow.session.flush()


def _row(
    uow: UnitOfWork, claim: TakeOver, agreement: CareAgreement, found: Objection | None
) -> CareDeclaration:
    is_right = found is None
    return CareDeclaration(
        cooperative_id=uow.tenant,
        code=claim.code,
        budget_id=agreement.budget_id,
        agreement_id=agreement.id,
        holder_id=agreement.holder_id,
        carer_id=agreement.carer_id,
        month=claim.month,
        minutes=claim.minutes,
        hourly_rate_cents=agreement.hourly_rate_cents,
        claimed_cents=claim.claimed_cents,
        cents=claim.claimed_cents if is_right else 0,
        state=(DeclarationState.APPROVED if is_right else DeclarationState.REFUSED).value,
        refusal=None if found is None else found.value,
        declared_at=uow.now,
        declared_by=uow.actor,
        decided_at=uow.now if is_right else None,
        decided_by=uow.actor if is_right else None,
    )
