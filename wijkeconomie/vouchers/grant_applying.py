"""Use cases of applications for carers' grants: apply, withdraw, turn down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg.errors import UniqueViolation
from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.grant_models import (
    ApplicationState,
    GrantApplication,
    GrantPayout,
    GrantReceiver,
    GrantRefusal,
    GrantRound,
    GrantState,
)
from wijkeconomie.vouchers.grant_refusals import (
    GrantAppliedError,
    GrantBudgetFullError,
    GrantCarersFullError,
    GrantOtherRoundError,
    GrantWindowError,
)
from wijkeconomie.vouchers.grant_rules import BudgetRule, wanted_cents
from wijkeconomie.vouchers.granting import held_round, require_state, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Command):
    """An application of a carer.

    It has the keyed hash of the person cared for and nothing else of him: commands are
    remembered by a plain hash of what they say.
    """

    round_code: str
    carer_id: int
    receiver_hash: str
    payout: GrantPayout


def apply_for_grant(uow: UnitOfWork, command: Apply) -> int:
    """Apply, for oneself or (a coordinator) for a carer who has no phone; returns its id.

    Raises:
        PermissionDeniedError: for someone else, by who may not.
        NotFoundError: no such round or member.
        InvalidInputError: the round does not pay that way, or there is no bank account.
        GrantWindowError, GrantAppliedError, GrantCarersFullError, GrantOtherRoundError,
        GrantBudgetFullError.
    """
    is_own = command.carer_id == uow.identity.member_id
    require_permission(uow.identity, "grant.apply" if is_own else "grant.apply-for-others")
    if find_earlier_result(uow, command) is not None:
        return _applied_before(uow, command)
    round_ = held_round(uow, command.round_code)
    today = local_date(uow.now, LOCAL_TIME)
    _require_window(round_, today)
    _require_payout(uow, round_, command)
    receiver = _receiver(uow, round_, command.receiver_hash)
    slot = 0 if round_.is_one_per_carer else receiver.id
    _require_first(uow, round_, command.carer_id, slot)
    _count(round_, receiver, 1)
    application = GrantApplication(
        cooperative_id=uow.tenant,
        round_id=round_.id,
        receiver_id=receiver.id,
        member_id=command.carer_id,
        carer_slot=slot,
        year=round_.year,
        payout=command.payout,
        is_typed_in=not is_own,
        applied_on=today,
        state=ApplicationState.APPLIED,
    )
    uow.session.add(application)
    # In another round of the year the same carer or person can come in at the same moment.
    _flush_or_refuse(uow, GrantAppliedError("this carer applied before"))
    # Of the round, not of the application: what is never erased does not point at anyone's.
    record_change(uow, subject=f"grant_round/{round_.id}", action="application received")
    remember(uow, command, result=round_.id)
    return application.id


def _applied_before(uow: UnitOfWork, command: Apply) -> int:
    """What the first of two equal commands made; it can have been withdrawn since."""
    found = uow.session.scalar(
        select(GrantApplication.id)
        .join(GrantReceiver, GrantReceiver.id == GrantApplication.receiver_id)
        .where(
            GrantApplication.cooperative_id == uow.tenant,
            GrantReceiver.cooperative_id == uow.tenant,
            GrantApplication.member_id == command.carer_id,
            GrantReceiver.receiver_hash == command.receiver_hash,
        )
    )
    if found is None:
        raise NotFoundError("this application was withdrawn")
    return found


def _require_window(round_: GrantRound, today: date) -> None:
    # By the day, not by the state: the worker may look a minute late.
    is_open = round_.state in {GrantState.PLANNED, GrantState.OPEN}
    if not (is_open and round_.opens_on <= today <= round_.closes_on):
        raise GrantWindowError(
            f"one can apply from {round_.opens_on} to {round_.closes_on}",
            opens_on=round_.opens_on.isoformat(),
            closes_on=round_.closes_on.isoformat(),
        )


def _require_payout(uow: UnitOfWork, round_: GrantRound, command: Apply) -> None:
    allowed = {
        GrantPayout.ACCOUNT: round_.pays_to_account,
        GrantPayout.BANK: round_.pays_to_bank,
        GrantPayout.VOUCHER: round_.scheme_id is not None,
    }
    if not allowed[command.payout]:
        raise InvalidInputError("the round does not pay that way", field="payout")
    carer = uow.session.get(Member, (uow.tenant, command.carer_id))
    if carer is None or carer.left_on is not None:
        raise NotFoundError("there is no such member")
    if command.payout is GrantPayout.BANK and carer.iban is None:
        raise InvalidInputError("the member has no bank account", field="iban")


def _receiver(uow: UnitOfWork, round_: GrantRound, receiver_hash: str) -> GrantReceiver:
    """The person cared for, as known in this year or new in this round."""
    found = uow.session.scalar(
        select(GrantReceiver).where(
            GrantReceiver.cooperative_id == uow.tenant,
            GrantReceiver.year == round_.year,
            GrantReceiver.receiver_hash == receiver_hash,
        )
    )
    if found is not None:
        if found.round_id != round_.id:
            raise GrantOtherRoundError("another round of this year has this person")
        return found
    last = uow.session.scalar(
        select(func.max(GrantReceiver.number)).where(
            GrantReceiver.cooperative_id == uow.tenant, GrantReceiver.round_id == round_.id
        )
    )
    receiver = GrantReceiver(
        cooperative_id=uow.tenant,
        round_id=round_.id,
        year=round_.year,
        number=(last or 0) + 1,
        receiver_hash=receiver_hash,
        carer_count=0,
        carer_limit=round_.carer_limit,
        cap_cents=round_.person_cap_cents,
    )
    uow.session.add(receiver)
    _flush_or_refuse(uow, GrantOtherRoundError("another round of this year has this person"))
    return receiver


def _flush_or_refuse(uow: UnitOfWork, refusal: DomainError) -> None:
    """Write what is new, or refuse where a unique key of the year knows it already."""
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        raise refusal from error


def _require_first(uow: UnitOfWork, round_: GrantRound, carer_id: int, slot: int) -> None:
    """Once in a round; and once in a year, where what another round refused does not count."""
    found = uow.session.scalar(
        select(GrantApplication.id).where(
            GrantApplication.cooperative_id == uow.tenant,
            GrantApplication.member_id == carer_id,
            GrantApplication.carer_slot == slot,
            or_(
                GrantApplication.round_id == round_.id,
                (GrantApplication.year == round_.year)
                & (GrantApplication.state != ApplicationState.REFUSED),
            ),
        )
    )
    if found is not None:
        raise GrantAppliedError("this carer applied before")


def _count(round_: GrantRound, receiver: GrantReceiver, change: int) -> None:
    """One carer more or less for a person, and what the round comes to by it."""
    carers = receiver.carer_count + change
    if change > 0 and receiver.carer_limit is not None and carers > receiver.carer_limit:
        raise GrantCarersFullError(
            f"{receiver.carer_limit} carers applied for this person", maximum=receiver.carer_limit
        )
    terms = terms_of(round_)
    more = wanted_cents(terms, carers) - wanted_cents(terms, receiver.carer_count)
    is_full = round_.reserved_cents >= round_.budget_cents
    if more > 0 and is_full and terms.budget_rule is BudgetRule.FIRST_COME:
        raise GrantBudgetFullError("the budget is spoken for")
    receiver.carer_count = carers
    round_.reserved_cents += more


def withdraw_application(uow: UnitOfWork, application_id: int) -> None:
    """Take an application back while the window is open; nothing of it is kept.

    Raises:
        NotFoundError: there is none.
        PermissionDeniedError: it is someone else's.
        GrantWindowError, GrantStateError.
    """
    require_permission(uow.identity, "grant.apply")
    application, round_ = _held(uow, application_id)
    if application.member_id != uow.identity.member_id:
        require_permission(uow.identity, "grant.apply-for-others")
    _require_window(round_, local_date(uow.now, LOCAL_TIME))
    if application.state != ApplicationState.APPLIED:
        raise PermissionDeniedError("it was decided before", permission="grant.apply", roles="")
    receiver = uow.session.get_one(GrantReceiver, (uow.tenant, application.receiver_id))
    _count(round_, receiver, -1)
    uow.session.delete(application)
    uow.session.flush()
    _forget_if_alone(uow, receiver)
    record_change(uow, subject=f"grant_round/{round_.id}", action="application withdrawn")


def _forget_if_alone(uow: UnitOfWork, receiver: GrantReceiver) -> None:
    others = uow.session.scalar(
        select(func.count()).where(
            GrantApplication.cooperative_id == uow.tenant,
            GrantApplication.receiver_id == receiver.id,
        )
    )
    if not others:
        uow.session.execute(
            delete(GrantReceiver).where(
                GrantReceiver.cooperative_id == uow.tenant, GrantReceiver.id == receiver.id
            )
        )


def refuse_application(uow: UnitOfWork, application_id: int, reason: GrantRefusal) -> None:
    """Turn an application down before the round is decided; the reason is one of a few.

    Raises:
        NotFoundError: there is none that waits.
        InvalidInputError: only the decision itself tells that the budget is spent.
        GrantStateError: the round was decided.
    """
    require_permission(uow.identity, "grant.review")
    if reason is GrantRefusal.BUDGET_SPENT:
        raise InvalidInputError("the decision tells this", field="reason")
    application, round_ = _held(uow, application_id)
    require_state(round_, GrantState.PLANNED, GrantState.OPEN, GrantState.CLOSED)
    if application.state != ApplicationState.APPLIED:
        raise NotFoundError("there is no such application that waits")
    receiver = uow.session.get_one(GrantReceiver, (uow.tenant, application.receiver_id))
    _count(round_, receiver, -1)
    application.state, application.refusal = ApplicationState.REFUSED, reason
    uow.session.flush()
    record_change(
        uow,
        subject=f"grant_round/{round_.id}",
        action="application refused",
        reason=reason.value,
    )


def _held(uow: UnitOfWork, application_id: int) -> tuple[GrantApplication, GrantRound]:
    """An application with its round, both as they are when it is our turn."""
    code = uow.session.scalar(
        select(GrantRound.code)
        .join(GrantApplication, GrantApplication.round_id == GrantRound.id)
        .where(
            GrantRound.cooperative_id == uow.tenant,
            GrantApplication.cooperative_id == uow.tenant,
            GrantApplication.id == application_id,
        )
    )
    if code is None:
        raise NotFoundError("there is no such application")
    round_ = held_round(uow, code)
    application = uow.session.scalar(
        select(GrantApplication).where(
            GrantApplication.cooperative_id == uow.tenant, GrantApplication.id == application_id
        )
    )
    if application is None:
        raise NotFoundError("there is no such application")
    return application, round_
