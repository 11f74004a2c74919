"""Use cases of campaigns: opened, granted as soon as enough is paid, closed or failed in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import (
    CAPITAL,
    DEPOSITS,
    OWED,
    credit_accounts,
    units_party,
)
from wijkeconomie.investments.models import (
    Instrument,
    InvestmentProject,
    Participation,
    ParticipationState,
    ProjectState,
    TransferRule,
)
from wijkeconomie.investments.refusals import (
    CampaignNotOpenError,
    ProjectExistsError,
    ProspectusNeededError,
)
from wijkeconomie.investments.rules import DECIDED_AFTER, is_enough, needs_prospectus
from wijkeconomie.investments.telling import CampaignEvent, tell
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date

LONGEST_CODE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCampaign:
    """A project and how the money for it is gathered.

    ``stage_units`` equal to ``target_units`` is all or nothing; fewer are stages.
    """

    code: str
    name: str
    instrument: Instrument
    unit_price_cents: int
    target_units: int
    stage_units: int
    opens_on: date
    closes_on: date | None = None
    explanation: str = ""
    maximum_units: int | None = None
    repayment_months: int = 12
    repayment_cents_per_year: int | None = None
    prospectus: str | None = None
    transfers: TransferRule = TransferRule.APPROVAL


def open_campaign(uow: UnitOfWork, command: OpenCampaign) -> int:
    """Set up a campaign; members can take part from its first day on. Returns its id.

    Raises:
        InvalidInputError: a value that has no meaning; names the field.
        ProspectusNeededError: the offers of a year pass the exempt amount.
        ProjectExistsError: another project has the code.
    """
    require_permission(uow.identity, "investment.change")
    _check(command)
    hold_offers(uow)
    _check_offer(uow, command)
    project = InvestmentProject(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        explanation=command.explanation,
        instrument=command.instrument,
        unit_price_cents=command.unit_price_cents,
        target_units=command.target_units,
        stage_units=command.stage_units,
        maximum_units=command.maximum_units,
        opens_on=command.opens_on,
        closes_on=command.closes_on,
        repayment_months=command.repayment_months,
        repayment_cents_per_year=command.repayment_cents_per_year,
        prospectus=command.prospectus,
        transfers=command.transfers.value,
        state=ProjectState.GATHERING,
        created_at=uow.now,
        created_by=uow.actor,
    )
    uow.session.add(project)
    flush_or_refuse(uow, f"there is a project {command.code}")
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="opened",
        after={"code": command.code, "target_units": command.target_units},
    )
    return project.id


def _check(command: OpenCampaign) -> None:
    is_right = {
        "code": 0 < len(command.code) <= LONGEST_CODE and command.code == command.code.strip(),
        "name": bool(command.name.strip()),
        "unit_price_cents": command.unit_price_cents > 0,
        "target_units": command.target_units > 0,
        "stage_units": 1 <= command.stage_units <= command.target_units,
        "maximum_units": command.maximum_units is None
        or 1 <= command.maximum_units <= command.target_units,
        "closes_on": command.closes_on >= command.opens_on
        if command.closes_on
        else command.stage_units == 1,
        "repayment_months": 0 <= command.repayment_months <= 600,
        "repayment_cents_per_year": command.repayment_cents_per_year is None
        or command.repayment_cents_per_year > 0,
    }
    for field, fits in is_right.items():
        if not fits:
            raise InvalidInputError("this value cannot be that of a campaign", field=field)


def hold_offers(uow: UnitOfWork) -> None:
    """One campaign is opened at a time, so that two do not both seem to stay below the limit."""
    uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('investments/' || :tenant, 0))"),
        {"tenant": str(uow.tenant)},
    )


def _check_offer(uow: UnitOfWork, command: OpenCampaign) -> None:
    if command.prospectus:
        return
    cents = command.unit_price_cents * command.target_units
    if needs_prospectus(earlier_offers(uow), command.opens_on, cents):
        raise ProspectusNeededError(
            "offers of twelve months pass the exempt amount", offered_cents=cents
        )


def earlier_offers(uow: UnitOfWork) -> list[tuple[date, int]]:
    """Day of opening and target in cents of the campaigns without a prospectus."""
    project = InvestmentProject
    rows = uow.session.execute(
        select(project.opens_on, project.unit_price_cents * project.target_units).where(
            project.cooperative_id == uow.tenant, project.prospectus.is_(None)
        )
    )
    return [(opens_on, cents) for opens_on, cents in rows]


def hold_project(uow: UnitOfWork, code: str) -> InvestmentProject:
    """A project by its code, held until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    found = uow.session.scalar(
        select(InvestmentProject)
        .where(InvestmentProject.cooperative_id == uow.tenant, InvestmentProject.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no project {code}", project=code)
    return found


def refresh_counts(uow: UnitOfWork, project: InvestmentProject) -> None:
    """Read again what the triggers counted."""
    uow.session.flush()
    uow.session.refresh(project, ["taken_units", "raised_units", "drawn_cents"])


def in_state(
    uow: UnitOfWork, project: InvestmentProject, state: ParticipationState
) -> Sequence[tuple[Participation, str]]:
    """The participations of a project in a state with the numbers of their members, in order."""
    uow.session.flush()
    rows = uow.session.execute(
        select(Participation, Member.code)
        .join(
            Member,
            (Member.cooperative_id == Participation.cooperative_id)
            & (Member.id == Participation.member_id),
        )
        .where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            Participation.state == state,
        )
        .order_by(Member.code, Participation.id)
        .execution_options(populate_existing=True)
    )
    return [(participation, code) for participation, code in rows]


def grant_when_enough(uow: UnitOfWork, project: InvestmentProject) -> bool:
    """Let the participations count once the first stage is paid; whether that is so now."""
    if project.state != ProjectState.GATHERING:
        return False
    paid = in_state(uow, project, ParticipationState.PAID)
    if not is_enough(sum(each.units for each, _ in paid), project.stage_units):
        return False
    on = max(each.paid_on for each, _ in paid if each.paid_on)
    project.state, project.granted_on = ProjectState.GRANTED, on
    uow.session.flush()
    _post_moved(
        uow,
        project,
        paid,
        to=CAPITAL[Instrument(project.instrument)],
        kind="campaign.granted",
        on=on,
    )
    _move(uow, project, ParticipationState.PAID, ParticipationState.ISSUED, issued_on=on)
    refresh_counts(uow, project)
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="granted",
        after={"units": project.raised_units},
    )
    if on >= local_date(project.created_at, LOCAL_TIME):  # else it came with an old register
        tell(uow, project, CampaignEvent.GRANTED)
    return True


def close_campaign(uow: UnitOfWork, code: str) -> ProjectState:
    """Decide a campaign whose last day has passed: it goes on to be built, or money goes back.

    What was taken and never paid lapses. Of a failed campaign every paid cent becomes a debt to
    who paid it, to be paid out by the treasurer.

    Raises:
        NotFoundError: no such project.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, code)
    if project.closed_on is not None or project.closes_on is None:
        return ProjectState(project.state)
    on = project.closes_on + DECIDED_AFTER
    _end(uow, project, on)
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="closed",
        after={"state": project.state, "units": project.raised_units},
    )
    return ProjectState(project.state)


def call_off_campaign(uow: UnitOfWork, code: str, *, reason: str) -> None:
    """End a campaign before its first stage is paid: every paid cent becomes a debt to who paid.

    Raises:
        NotFoundError: no such project.
        InvalidInputError: no reason.
        CampaignNotOpenError: its participations count already, or it has ended.
    """
    require_permission(uow.identity, "investment.change")
    if not reason.strip():
        raise InvalidInputError("members are told why", field="reason")
    project = hold_project(uow, code)
    if project.state != ProjectState.GATHERING or project.closed_on is not None:
        raise CampaignNotOpenError(f"project {code} was decided", project=code)
    _end(uow, project, local_date(uow.now, LOCAL_TIME))
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="called off",
        reason=reason.strip().rstrip("."),
    )


def _end(uow: UnitOfWork, project: InvestmentProject, on: date) -> None:
    _move(uow, project, ParticipationState.SUBSCRIBED, ParticipationState.WITHDRAWN, ended_on=on)
    if project.state == ProjectState.GATHERING:
        _fail(uow, project, on)
    project.closed_on = on
    refresh_counts(uow, project)


def _fail(uow: UnitOfWork, project: InvestmentProject, on: date) -> None:
    paid = in_state(uow, project, ParticipationState.PAID)
    project.state = ProjectState.FAILED
    tell(uow, project, CampaignEvent.FAILED)
    if paid:
        _post_moved(uow, project, paid, to=OWED, kind="campaign.failed", on=on)
    _move(uow, project, ParticipationState.PAID, ParticipationState.REFUNDED, ended_on=on)


def _move(
    uow: UnitOfWork,
    project: InvestmentProject,
    before: ParticipationState,
    after: ParticipationState,
    **days: date,
) -> None:
    """Carry all participations of a project that are in one state to another, in one statement."""
    uow.session.execute(
        update(Participation)
        .where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            Participation.state == before,
        )
        .values(state=after, **days)
        .execution_options(synchronize_session="fetch")
    )


def _post_moved(
    uow: UnitOfWork,
    project: InvestmentProject,
    paid: Sequence[tuple[Participation, str]],
    *,
    to: str,
    kind: str,
    on: date,
) -> None:
    """Book what was paid from the deposits to what it has become, in one entry."""
    by_member: dict[str, int] = {}
    for each, member in paid:
        by_member[member] = by_member.get(member, 0) + each.cents
    parts = {member: units_party(project.code, member) for member in by_member}
    deposits = credit_accounts(uow, DEPOSITS, list(parts.values()))
    targets = {member: member if to == OWED else part for member, part in parts.items()}
    accounts = credit_accounts(uow, to, list(targets.values()))
    lines: list[PostingDraft] = []
    for member, cents in by_member.items():
        lines += [
            debit(deposits[parts[member]], cents),
            credit(accounts[targets[member]], cents),
        ]
    post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind=kind,
            source=f"project/{project.code}",
            description=f"Project {project.code}, {sum(each.units for each, _ in paid)} units",
            idempotency_key=f"project/{project.id}/{kind}",
            postings=tuple(lines),
        ),
    )


def flush_or_refuse(uow: UnitOfWork, taken: str) -> None:
    """Write what was added.

    Raises:
        ProjectExistsError: ``taken`` tells what was there already.
    """
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        raise ProjectExistsError(taken) from error
