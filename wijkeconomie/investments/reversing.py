"""Use cases of putting right: a result that was shared wrongly, a payment noted by mistake."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import CAPITAL, OWED, credit_accounts, units_party
from wijkeconomie.investments.building import figures
from wijkeconomie.investments.campaigns import hold_project, refresh_counts
from wijkeconomie.investments.models import (
    Instrument,
    InvestmentProject,
    Participation,
    ParticipationState,
    ProjectResult,
    ResultShare,
    TransferState,
    UnitTransfer,
)
from wijkeconomie.investments.participating import hold_participation, payment_entry
from wijkeconomie.investments.refusals import (
    ParticipationStateError,
    PaymentFollowedError,
    ResultFollowedError,
)
from wijkeconomie.investments.rules import can_do_without
from wijkeconomie.ledger.queries import balances, entry
from wijkeconomie.ledger.service import lock_books, reverse_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date


def turn_back_result(uow: UnitOfWork, project_code: str, year: int, *, reason: str) -> None:
    """Turn back the result of a year, today, while nothing followed; it can be shared anew.

    A surplus is owed no more, so nobody may have been paid of it. What a loss took comes back to
    the capital of who held the units, so they must hold them still.

    Raises:
        NotFoundError: no such project, or no result of that year that stands.
        InvalidInputError: no reason. ClosedPeriodError.
        ResultFollowedError: the context tells a member who was paid, when there is one.
    """
    require_permission(uow.identity, "investment.change")
    _require_reason(reason)
    project = hold_project(uow, project_code)
    result = _standing(uow, project, year)
    lock_books(uow)
    if result.cents > 0:
        _require_unpaid(uow, result)
    elif result.cents < 0:
        _require_held(uow, project, result)
    today = local_date(uow.now, LOCAL_TIME)
    if result.entry_number is not None:
        # Posted first: a result is turned back together with its entry, or not at all.
        result.reversal_number = reverse_entry(
            uow,
            result.entry_number,
            accounting_date=today,
            idempotency_key=f"project-result/{result.id}/reversed",
            description=f"Project {project.code}, result of {year} turned back",
        ).number
    result.reversed_on = today
    uow.session.flush()
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="result turned back",
        before={"year": year, "cents": result.cents},
        reason=reason.strip(),
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")


def _standing(uow: UnitOfWork, project: InvestmentProject, year: int) -> ProjectResult:
    found = uow.session.scalar(
        select(ProjectResult)
        .where(
            ProjectResult.cooperative_id == uow.tenant,
            ProjectResult.project_id == project.id,
            ProjectResult.year == year,
            ProjectResult.reversed_on.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"no result of {year} was shared", project=project.code, year=year)
    return found


def _require_unpaid(uow: UnitOfWork, result: ProjectResult) -> None:
    shares = dict(
        uow.session.execute(
            select(Member.code, ResultShare.cents)
            .join(
                ResultShare,
                (ResultShare.cooperative_id == Member.cooperative_id)
                & (ResultShare.member_id == Member.id),
            )
            .where(ResultShare.cooperative_id == uow.tenant, ResultShare.result_id == result.id)
        ).all()
    )
    accounts = credit_accounts(uow, OWED, list(shares))
    owed = balances(uow.session, uow.tenant, list(accounts.values()))
    for member, cents in sorted(shares.items()):
        if -owed.get(accounts[member], 0) < cents:
            raise ResultFollowedError(f"{member} was paid of this result", member=member)


def _require_held(uow: UnitOfWork, project: InvestmentProject, result: ProjectResult) -> None:
    moved = uow.session.scalar(
        select(func.count())
        .select_from(Participation)
        .where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            Participation.ended_on >= result.accounting_date,
            Participation.state.in_((ParticipationState.TRANSFERRED, ParticipationState.RELEASED)),
        )
    )
    if moved:
        raise ResultFollowedError(f"units of {project.code} were passed on or released since")


def turn_back_payment(uow: UnitOfWork, code: str, *, reason: str) -> None:
    """Turn back a payment that was noted on the wrong participation, while nothing followed.

    The units are taken and unpaid again. It stays when a bank line told of it, when other units
    count by it, when its money was spent, and when a result was shared over it.

    Raises:
        NotFoundError; InvalidInputError: no reason. ClosedPeriodError.
        ParticipationStateError: it is not paid, or got its units from someone else.
        PaymentFollowedError.
    """
    require_permission(uow.identity, "investment.change")
    _require_reason(reason)
    participation, project, member = hold_participation(uow, code)
    is_paid = participation.state in {ParticipationState.PAID, ParticipationState.ISSUED}
    if not is_paid or participation.origin_id is not None:
        raise ParticipationStateError(
            f"participation {code} is {participation.state}", participation=code
        )
    if participation.state == ParticipationState.ISSUED:
        _require_nothing_followed(uow, project, participation, member)
    number = payment_entry(uow, participation)
    reverse_entry(
        uow,
        number,
        accounting_date=local_date(uow.now, LOCAL_TIME),
        idempotency_key=f"entry/{number}/reversed",
        description=f"Participation {code}, payment turned back",
    )
    participation.state = ParticipationState.SUBSCRIBED
    participation.paid_on = participation.issued_on = None
    participation.payments_reversed += 1
    try:
        with uow.session.begin_nested():
            uow.session.flush()
            uow.session.execute(text("set constraints turned_back immediate"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "WE075":
            raise
        raise PaymentFollowedError(f"the bank told of the payment of {code}") from error
    refresh_counts(uow, project)
    record_change(
        uow,
        subject=f"participation/{participation.id}",
        action="payment turned back",
        reason=reason.strip(),
    )


def _require_nothing_followed(
    uow: UnitOfWork, project: InvestmentProject, participation: Participation, member: str
) -> None:
    account = credit_accounts(
        uow, CAPITAL[Instrument(project.instrument)], [units_party(project.code, member)]
    )[units_party(project.code, member)]
    booked = entry(uow.session, uow.tenant, payment_entry(uow, participation))
    if account not in {posting.account_code for posting in booked.postings}:
        raise PaymentFollowedError("the campaign was granted with this payment")
    if project.closed_on is not None or not can_do_without(figures(project), participation.units):
        raise PaymentFollowedError(f"project {project.code} goes on with these units")
    shared = uow.session.scalar(
        select(func.count())
        .select_from(ProjectResult)
        .where(
            ProjectResult.cooperative_id == uow.tenant,
            ProjectResult.project_id == project.id,
            ProjectResult.reversed_on.is_(None),
            ProjectResult.accounting_date >= participation.issued_on,
        )
    )
    offered = uow.session.scalar(
        select(func.count())
        .select_from(UnitTransfer)
        .where(
            UnitTransfer.cooperative_id == uow.tenant,
            UnitTransfer.project_id == project.id,
            UnitTransfer.seller_id == participation.member_id,
            UnitTransfer.state.in_((TransferState.OFFERED, TransferState.ACCEPTED)),
        )
    )
    if shared or offered:
        raise PaymentFollowedError("a result was shared over these units, or they are offered")
