"""Use case of correcting hours that stand on a month list: a new version, for the holder again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from wijkeconomie.budgets.declaring import (
    MOST_MINUTES,
    Declared,
    as_refusal,
    find_agreement,
    open_declaration,
)
from wijkeconomie.budgets.keeping import find_carer
from wijkeconomie.budgets.models import CareDeclaration, DeclarationState
from wijkeconomie.budgets.refusals import DeclarationStateError
from wijkeconomie.budgets.rules import care_cents
from wijkeconomie.core.permissions import may
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectHours:
    """What a declaration should have said; no minutes at all says that nobody worked."""

    declaration_id: int
    minutes: int
    reason: str


def correct_hours(uow: UnitOfWork, command: CorrectHours) -> Declared:
    """Write down another version of hours that went to whoever pays; it waits for the holder.

    Until he approves what was listed stands, and only what the correction asks more weighs on
    the budget. Approved, it takes the place of the earlier version, and the next list tells the
    difference. A correction that stands on a list can be corrected again.

    Raises:
        NotFoundError: no such declaration, or not one of the carer's own.
        InvalidInputError: no reason, more minutes than a month has, or as many as before.
        DeclarationStateError: it is on no list, or a correction waits already.
        OverBudgetError, OverFenceError: too little is left; nothing was changed.
    """
    if not command.reason.strip():
        raise InvalidInputError("say why", field="reason")
    if not 0 <= command.minutes <= MOST_MINUTES:
        raise InvalidInputError("a month has not so many minutes", field="minutes")
    row = open_declaration(
        uow, command.declaration_id, "hours-corrected", DeclarationState.APPROVED
    )
    is_carer = find_carer(uow, row.carer_id).member_id == uow.identity.member_id
    if not is_carer and not may(uow.identity, "care.administer"):
        raise NotFoundError(
            f"there is no declaration {command.declaration_id}", id=command.declaration_id
        )
    if row.list_id is None:
        raise DeclarationStateError("what is on no list is turned back and declared anew")
    if command.minutes == row.minutes:
        raise InvalidInputError("it says so already", field="minutes")
    return _insert(uow, row, command)


def _insert(uow: UnitOfWork, row: CareDeclaration, command: CorrectHours) -> Declared:
    cents = care_cents(command.minutes, row.hourly_rate_cents)
    version = CareDeclaration(
        cooperative_id=uow.tenant,
        code=f"D-{secrets.token_hex(5)}",
        budget_id=row.budget_id,
        agreement_id=row.agreement_id,
        holder_id=row.holder_id,
        carer_id=row.carer_id,
        month=row.month,
        minutes=command.minutes,
        hourly_rate_cents=row.hourly_rate_cents,
        claimed_cents=cents,
        cents=cents,
        state=DeclarationState.SUBMITTED.value,
        declared_at=uow.now,
        declared_by=uow.actor,
        corrects_id=row.id,
        correction_reason=command.reason.strip(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(version)
            uow.session.flush()
    except DBAPIError as error:
        raise as_refusal(error, find_agreement(uow, row.agreement_id)) from error
    return Declared(version.id, version.code, version.cents)
