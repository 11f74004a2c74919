"""Use cases of taking part: units are taken, paid, or given up before they are paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.cooperatives.rules import is_member_on
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import (
    CAPITAL,
    DEPOSITS,
    credit_accounts,
    debit_account,
    units_party,
)
from wijkeconomie.investments.campaigns import grant_when_enough, hold_project, refresh_counts
from wijkeconomie.investments.models import (
    Instrument,
    InvestmentProject,
    Participation,
    ParticipationState,
    ProjectState,
)
from wijkeconomie.investments.refusals import (
    CampaignFullError,
    CampaignNotOpenError,
    MembersOnlyError,
    ParticipationStateError,
)
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import number_of_key
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Command):
    """So many units of a project for a member, who pays for them later."""

    project_code: str
    member_id: int
    units: int


def subscribe(uow: UnitOfWork, command: Subscribe) -> str:
    """Take units for a member today; returns the number of the participation.

    A repeated command gets the first number again. Two who ask for the last unit at the same
    moment: one gets it, the other is refused.

    Raises:
        CampaignNotOpenError, CampaignFullError: the context tells how many units are left.
        MembersOnlyError: he is no member today.
        PermissionDeniedError: for someone else, without being the treasurer or the board.
    """
    _require_own(uow, command.member_id)
    if (earlier := find_earlier_result(uow, command)) is not None:
        return earlier
    today = local_date(uow.now, LOCAL_TIME)
    member = uow.session.get(Member, (uow.tenant, command.member_id))
    if member is None or not is_member_on(member.joined_on, member.left_on, today):
        raise MembersOnlyError("only members of that day take part", project=command.project_code)
    project = hold_project(uow, command.project_code)
    participation = _take(uow, project, member, command.units, today)
    record_change(
        uow,
        subject=f"participation/{participation.id}",
        action="taken",
        after={"units": command.units, "project": project.code},
    )
    remember(uow, command, result=participation.code)
    return participation.code


def _require_own(uow: UnitOfWork, member_id: int) -> None:
    require_permission(uow.identity, "investment.subscribe")
    if member_id != uow.identity.member_id and not may(uow.identity, "investment.change"):
        raise PermissionDeniedError(
            "someone takes part for himself", permission="investment.change", roles="board"
        )


def _take(
    uow: UnitOfWork, project: InvestmentProject, member: Member, units: int, on: date
) -> Participation:
    if units < 1:
        raise InvalidInputError("take one unit or more", field="units")
    is_open = (
        project.state != ProjectState.FAILED
        and project.closed_on is None
        and project.opens_on <= on
        and (project.closes_on is None or on <= project.closes_on)
    )
    if not is_open:
        raise CampaignNotOpenError(
            f"project {project.code} takes no participations on {on}", project=project.code
        )
    _require_room(uow, project, member, units)
    number = uow.session.scalar(
        select(func.count())
        .select_from(Participation)
        .where(Participation.cooperative_id == uow.tenant, Participation.project_id == project.id)
    )
    participation = Participation(
        cooperative_id=uow.tenant,
        code=f"{project.code}-{(number or 0) + 1:04d}",
        project_id=project.id,
        member_id=member.id,
        units=units,
        unit_price_cents=project.unit_price_cents,
        cents=units * project.unit_price_cents,
        state=ParticipationState.SUBSCRIBED,
        bought_on=on,
    )
    uow.session.add(participation)
    refresh_counts(uow, project)
    return participation


def _require_room(uow: UnitOfWork, project: InvestmentProject, member: Member, units: int) -> None:
    left = project.target_units - project.taken_units
    if project.maximum_units is not None:
        held = uow.session.scalar(
            select(func.coalesce(func.sum(Participation.units), 0)).where(
                Participation.cooperative_id == uow.tenant,
                Participation.project_id == project.id,
                Participation.member_id == member.id,
                Participation.state.not_in(
                    [ParticipationState.WITHDRAWN, ParticipationState.REFUNDED]
                ),
            )
        )
        left = min(left, project.maximum_units - int(held or 0))
    if units > left:
        raise CampaignFullError(
            f"project {project.code} has {left} units left for this member",
            project=project.code,
            left=left,
        )


def withdraw(uow: UnitOfWork, code: str) -> None:
    """Give up units that were not paid for.

    Raises:
        NotFoundError, ParticipationStateError; PermissionDeniedError: it is someone else's.
    """
    participation, project, _ = hold_participation(uow, code)
    _require_own(uow, participation.member_id)
    _require_state(participation, ParticipationState.SUBSCRIBED)
    participation.state = ParticipationState.WITHDRAWN
    participation.ended_on = local_date(uow.now, LOCAL_TIME)
    refresh_counts(uow, project)
    record_change(uow, subject=f"participation/{participation.id}", action="withdrawn")


def receive_payment(uow: UnitOfWork, code: str, paid_on: date, *, bank: str = "bank") -> bool:
    """Book that the bank received what a participation costs; whether it counts from now on.

    Before the first stage is paid the money is held for who paid it; the payment that fills the
    stage lets all participations count at once.

    Args:
        bank: the key of the account in the books on which the money came.

    Raises:
        NotFoundError, ParticipationStateError, ClosedPeriodError.
        InvalidInputError: the day lies before the participation was taken, or has yet to come.
    """
    require_permission(uow.identity, "investment.change")
    participation, project, member = hold_participation(uow, code)
    _require_state(participation, ParticipationState.SUBSCRIBED)
    if not participation.bought_on <= paid_on <= local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("a payment is between taking part and today", field="paid_on")
    _pay(uow, project, participation, member, paid_on, bank=bank)
    return participation.state == ParticipationState.ISSUED


def payment_entry(uow: UnitOfWork, participation: Participation) -> int:
    """The number of the entry that booked the payment of a participation."""
    return number_of_key(uow.session, uow.tenant, _payment_key(participation))


def _payment_key(participation: Participation) -> str:
    return f"participation/{participation.id}/paid"


def _pay(
    uow: UnitOfWork,
    project: InvestmentProject,
    participation: Participation,
    member: str,
    paid_on: date,
    *,
    bank: str = "bank",
) -> None:
    counts = project.state == ProjectState.GRANTED
    key = CAPITAL[Instrument(project.instrument)] if counts else DEPOSITS
    party = units_party(project.code, member)
    post_entry(
        uow,
        EntryDraft(
            accounting_date=paid_on,
            kind="participation.paid",
            source=f"participation/{participation.code}",
            description=f"Participation {participation.code}, {participation.units} units",
            idempotency_key=_payment_key(participation),
            postings=(
                debit(debit_account(uow, bank), participation.cents),
                credit(credit_accounts(uow, key, [party])[party], participation.cents),
            ),
        ),
    )
    participation.paid_on = paid_on
    if counts:
        participation.state, participation.issued_on = ParticipationState.ISSUED, paid_on
    else:
        participation.state = ParticipationState.PAID
    refresh_counts(uow, project)
    grant_when_enough(uow, project)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordParticipation:
    """Units that were bought and paid on a day of the past, as a register tells them."""

    project_code: str
    member_code: str
    units: int
    bought_on: date


def record_participation(uow: UnitOfWork, command: RecordParticipation) -> str:
    """Write a paid participation down with its own day; returns its number.

    Who it belongs to is not asked to have been a member that day: a register that moves in may
    tell of people who took part first and joined later.

    Raises:
        NotFoundError: no such project or member.
        CampaignNotOpenError, CampaignFullError, ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, command.project_code)
    member = uow.session.scalar(
        select(Member).where(
            Member.cooperative_id == uow.tenant, Member.code == command.member_code
        )
    )
    if member is None:
        raise NotFoundError(f"there is no member {command.member_code}", member=command.member_code)
    participation = _take(uow, project, member, command.units, command.bought_on)
    _pay(uow, project, participation, member.code, command.bought_on)
    return participation.code


def hold_participation(uow: UnitOfWork, code: str) -> tuple[Participation, InvestmentProject, str]:
    """A participation, its project (held first, so that nobody waits in a circle), its member.

    Raises:
        NotFoundError: there is none with this number.
    """
    project_code = uow.session.scalar(
        select(InvestmentProject.code)
        .join(
            Participation,
            (Participation.cooperative_id == InvestmentProject.cooperative_id)
            & (Participation.project_id == InvestmentProject.id),
        )
        .where(Participation.cooperative_id == uow.tenant, Participation.code == code)
    )
    if project_code is None:
        raise NotFoundError(f"there is no participation {code}", participation=code)
    project = hold_project(uow, project_code)
    participation, member = uow.session.execute(
        select(Participation, Member.code)
        .join(
            Member,
            (Member.cooperative_id == Participation.cooperative_id)
            & (Member.id == Participation.member_id),
        )
        .where(Participation.cooperative_id == uow.tenant, Participation.code == code)
        .execution_options(populate_existing=True)
    ).one()
    return participation, project, member


def _require_state(participation: Participation, state: ParticipationState) -> None:
    if participation.state != state:
        raise ParticipationStateError(
            f"participation {participation.code} is {participation.state}",
            participation=participation.code,
        )
