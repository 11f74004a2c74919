"""Use cases of declarations: hours are claimed, approved by the holder, and turned back.

The database keeps what is used of a budget, under the lock of its row, and refuses to pass it
(migration 0011): a declaration weighs on the budget from the moment it is made.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy.exc import DBAPIError

from wijkeconomie.budgets.access import open_own_record, open_record, write_trail
from wijkeconomie.budgets.entries import (
    care_accounts,
    post_declaration,
    reverse_declaration,
    reverse_replaced,
)
from wijkeconomie.budgets.keeping import find_carer
from wijkeconomie.budgets.models import (
    AgreementStatus,
    CareAgreement,
    CareBudget,
    CareDeclaration,
    DeclarationState,
)
from wijkeconomie.budgets.refusals import (
    REFUSAL_OF,
    CareCodeTakenError,
    DeclarationStateError,
    OwnHoursError,
)
from wijkeconomie.budgets.rules import Objection, Terms, care_cents, objection
from wijkeconomie.core.permissions import may
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date

MOST_MINUTES = 31 * 24 * 60
_OBJECTION_OF_CONSTRAINT = {
    "ck_care_budget_used_within_budget": Objection.OVER_BUDGET,
    "ck_care_agreement_used_within_fence": Objection.OVER_FENCE,
}
_OBJECTION_OF_STATE = {
    "WE011": Objection.NOT_APPROVED,
    "WE012": Objection.OUTSIDE_PERIOD,
}
_STATE_OF_CORRECTION = {"WE034", "uq_care_declaration_corrects"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPart:
    """The part that one holder bears of a carer's time for several."""

    code: str
    minutes: int
    weight: int
    weight_sum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declare:
    """Hours of a carer in a month, on one agreement; ``code`` is made where it is left out."""

    agreement_id: int
    month: date
    minutes: int
    claimed_cents: int | None = None
    code: str | None = None
    shared: SharedPart | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration that was made: its id and number, and what the budget bears."""

    id: int
    code: str
    cents: int


def declare(uow: UnitOfWork, command: Declare) -> Declared:
    """Declare hours. They weigh on the budget at once, and wait for the holder's approval.

    Raises:
        NotFoundError: no such agreement, or not one of the carer's own.
        InvalidInputError: no minutes, or more than a month has; a month to come.
        AgreementNotApprovedError, OutsideCarePeriodError, CareAmountDiffersError.
        OverBudgetError, OverFenceError: too little is left; nothing was declared.
        CareCodeTakenError: another declaration has the number.
    """
    open_own_record(uow, "hours-declared", "agreement", command.agreement_id)
    agreement = find_agreement(uow, command.agreement_id)
    month = command.month.replace(day=1)
    if not 0 < command.minutes <= MOST_MINUTES:
        raise InvalidInputError("a month has some minutes of care", field="minutes")
    if month > local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("the month has not begun", field="month")
    found = objection(month, command.minutes, command.claimed_cents, terms_of(agreement))
    if found is not None:
        raise _refusal(found, agreement)
    if not may(uow.identity, "care.administer"):
        write_trail(uow, "hours-declared", holder_id=agreement.holder_id, subject=f"{month:%Y-%m}")
    return _insert(uow, agreement, command, month)


def terms_of(
    agreement: CareAgreement, *, left_cents: int | None = None, more_used_cents: int = 0
) -> Terms:
    """What declarations on an agreement are judged by.

    Args:
        left_cents: what is left of the budget, where that may be known.
        more_used_cents: what is about to be used beside what the agreement's row says.
    """
    fence = agreement.limit_cents
    return Terms(
        is_approved=agreement.status == AgreementStatus.APPROVED,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        hourly_rate_cents=agreement.hourly_rate_cents,
        left_cents=left_cents,
        fence_left_cents=(
            None if fence is None else fence - agreement.used_cents - more_used_cents
        ),
    )


def _refusal(found: Objection, agreement: CareAgreement) -> DomainError:
    """The refusal; it tells nobody what is left of the budget, for a carer may read it."""
    refusal, detail = REFUSAL_OF[found]
    return refusal(
        detail,
        from_month=f"{agreement.starts_on:%Y-%m}",
        until_month=f"{agreement.ends_on:%Y-%m}",
    )


def _insert(uow: UnitOfWork, agreement: CareAgreement, command: Declare, month: date) -> Declared:
    cents = care_cents(command.minutes, agreement.hourly_rate_cents)
    shared = command.shared
    row = CareDeclaration(
        cooperative_id=uow.tenant,
        code=command.code or f"D-{secrets.token_hex(5)}",
        budget_id=agreement.budget_id,
        agreement_id=agreement.id,
        holder_id=agreement.holder_id,
        carer_id=agreement.carer_id,
        month=month,
        minutes=command.minutes,
        hourly_rate_cents=agreement.hourly_rate_cents,
        claimed_cents=cents,
        cents=cents,
        state=DeclarationState.SUBMITTED.value,
        shared_code=shared and shared.code,
        shared_minutes=shared and shared.minutes,
        shared_weight=shared and str(shared.weight),
        shared_weight_sum=shared and str(shared.weight_sum),
        declared_at=uow.now,
        declared_by=uow.actor,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
            uow.session.flush()
    except DBAPIError as error:
        raise as_refusal(error, agreement) from error
    return Declared(row.id, row.code, row.cents)


def as_refusal(error: DBAPIError, agreement: CareAgreement) -> Exception:
    """What a complaint of the database means; an unknown one is a bug and stays as it is."""
    diagnosis = getattr(error.orig, "diag", None)
    constraint = str(getattr(diagnosis, "constraint_name", ""))
    state = str(getattr(error.orig, "sqlstate", ""))
    found = _OBJECTION_OF_CONSTRAINT.get(constraint) or _OBJECTION_OF_STATE.get(state)
    if found is not None:
        return _refusal(found, agreement)
    if {constraint, state} & _STATE_OF_CORRECTION:
        return DeclarationStateError("only what stands on a month list is corrected, once")
    if constraint == "uq_care_declaration_cooperative_id_code":
        return CareCodeTakenError("another declaration has this number")
    return error


def find_agreement(uow: UnitOfWork, agreement_id: int) -> CareAgreement:
    """An agreement that may be seen in this transaction, as it stands now.

    Raises:
        NotFoundError: there is none.
    """
    found = uow.session.get(CareAgreement, (uow.tenant, agreement_id), populate_existing=True)
    if found is None:
        raise NotFoundError(f"there is no agreement {agreement_id}", agreement=agreement_id)
    return found


def approve(uow: UnitOfWork, declaration_id: int, *, note: str | None = None) -> None:
    """Approve a declaration: by its holder, or by an administrator with his signed paper.

    Where the cooperative holds the money it owes the carer from now on. An approved correction
    takes the place of what it corrects, whose entry is reversed.

    Args:
        note: where the signed paper is; an administrator has to say so.

    Raises:
        NotFoundError: no such declaration, or not one of the holder's own.
        DeclarationStateError: it does not wait for approval.
        OwnHoursError: the visitor worked these hours himself.
        InvalidInputError: an administrator who names no paper.
    """
    row = _decidable(uow, declaration_id, "declaration-approved")
    _decide(uow, row, DeclarationState.APPROVED, _paper(uow, row, note))
    budget = uow.session.get_one(CareBudget, (uow.tenant, row.budget_id))
    if row.corrects_id is not None:
        reverse_replaced(uow, row, accounting_date=local_date(uow.now, LOCAL_TIME))
    row.entry_number = post_declaration(
        uow,
        budget,
        row,
        accounting_date=local_date(uow.now, LOCAL_TIME),
        accounts=care_accounts(uow, [budget], {row.carer_id}),
    )
    uow.session.flush()


def reject(uow: UnitOfWork, declaration_id: int, *, reason: str) -> None:
    """Reject a declaration; the budget is as it was before.

    Raises:
        NotFoundError, DeclarationStateError, OwnHoursError; InvalidInputError without a reason.
    """
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    row = _decidable(uow, declaration_id, "declaration-rejected")
    _decide(uow, row, DeclarationState.REJECTED, reason.strip())


def withdraw(uow: UnitOfWork, declaration_id: int) -> None:
    """Take a declaration back that was not approved yet: by its carer or an administrator.

    Raises:
        NotFoundError, DeclarationStateError.
    """
    row = open_declaration(uow, declaration_id, "declaration-withdrawn", DeclarationState.SUBMITTED)
    is_carer = find_carer(uow, row.carer_id).member_id == uow.identity.member_id
    if not is_carer and not may(uow.identity, "care.administer"):
        raise NotFoundError(f"there is no declaration {declaration_id}", id=declaration_id)
    _decide(uow, row, DeclarationState.WITHDRAWN, None)


def turn_back(uow: UnitOfWork, declaration_id: int, *, reason: str) -> None:
    """Turn an approved declaration back before it is on a list, and its entry with it.

    Raises:
        PermissionDeniedError: only an administrator may.
        NotFoundError; InvalidInputError without a reason.
        DeclarationStateError: it was not approved, is on a list, or corrects what was.
    """
    open_record(uow, "declaration-turned-back", "declaration", declaration_id)
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    row = _find(uow, declaration_id)
    is_free = row.list_id is None and row.corrects_id is None
    if row.state != DeclarationState.APPROVED or not is_free:
        raise DeclarationStateError("only what is approved and on no list is turned back")
    entry, row.entry_number = row.entry_number, None
    _decide(uow, row, DeclarationState.TURNED_BACK, reason.strip())
    if entry is not None:
        reverse_declaration(uow, entry, accounting_date=local_date(uow.now, LOCAL_TIME))


def _decidable(uow: UnitOfWork, declaration_id: int, action: str) -> CareDeclaration:
    """A declaration that waits and that the visitor may decide on: not as its carer.

    The database refuses an approval by the carer's own login as well (SQLSTATE WE072).
    """
    row = open_declaration(uow, declaration_id, action, DeclarationState.SUBMITTED)
    member_id = uow.identity.member_id
    if row.holder_id != member_id and not may(uow.identity, "care.administer"):
        raise NotFoundError(f"there is no declaration {declaration_id}", id=declaration_id)
    if member_id is not None and find_carer(uow, row.carer_id).member_id == member_id:
        raise OwnHoursError(f"declaration {row.code} is of who decides on it")
    return row


def open_declaration(
    uow: UnitOfWork, declaration_id: int, action: str, state: DeclarationState
) -> CareDeclaration:
    """A declaration in a state, held until the end; a line in the trail tells what for.

    Raises:
        NotFoundError, DeclarationStateError.
    """
    open_own_record(uow, action, "declaration", declaration_id)
    row = _find(uow, declaration_id)
    if row.state != state:
        raise DeclarationStateError(f"declaration {row.code} is {row.state}")
    if not may(uow.identity, "care.administer"):
        write_trail(uow, action, holder_id=row.holder_id, subject=row.code)
    return row


def _find(uow: UnitOfWork, declaration_id: int) -> CareDeclaration:
    found = uow.session.get(
        CareDeclaration,
        (uow.tenant, declaration_id),
        with_for_update=True,
        populate_existing=True,
    )
    if found is None:
        raise NotFoundError(f"there is no declaration {declaration_id}", id=declaration_id)
    return found


def _paper(uow: UnitOfWork, row: CareDeclaration, note: str | None) -> str | None:
    if row.holder_id != uow.identity.member_id and not (note or "").strip():
        raise InvalidInputError("say where the signed paper is", field="note")
    return (note or "").strip() or None


def _decide(
    uow: UnitOfWork, row: CareDeclaration, state: DeclarationState, note: str | None
) -> None:
    row.state = state.value
    row.decided_at, row.decided_by, row.decision_note = uow.now, uow.actor, note
    uow.session.flush()
