"""The use case of sharing a year's surplus or loss over the units of a project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import (
    CAPITAL,
    OWED,
    RESULT_OF_YEAR,
    RESULT_TO_MEMBERS,
    credit_accounts,
    debit_account,
    units_party,
)
from wijkeconomie.investments.campaigns import hold_project
from wijkeconomie.investments.models import (
    Instrument,
    InvestmentProject,
    Participation,
    ParticipationState,
    ProjectResult,
    ResultShare,
)
from wijkeconomie.investments.refusals import (
    LossAboveCapitalError,
    LossBeforeTransferError,
    LossNotBorneError,
    NoUnitsError,
    ResultSharedError,
)
from wijkeconomie.investments.rules import share_result
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.queries import balances
from wijkeconomie.ledger.service import post_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareResult:
    """What a project earned in a year, or lost when negative."""

    project_code: str
    year: int
    cents: int
    accounting_date: date
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A member with units that count; the capital that is left of them, in cents."""

    member_id: int
    code: str
    units: int
    left_cents: int


@dataclass(frozen=True, slots=True)
class HolderShare:
    """What a result brings a holder; negative for a loss, of which the capital left is told."""

    holder: Holder
    cents: int

    @property
    def left_after_cents(self) -> int:
        """What is left of his capital then."""
        return self.holder.left_cents + min(self.cents, 0)


def preview_result(uow: UnitOfWork, command: ShareResult) -> list[HolderShare]:
    """Tell what sharing a result would bring each holder, by member number, and do nothing.

    Raises:
        As ``share_project_result``, but ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, command.project_code)
    return _shares(uow, project, command)


def share_project_result(uow: UnitOfWork, command: ShareResult) -> int:
    """Share a year's result over the units; returns its id.

    A surplus becomes a debt to the members, to be paid out. A loss is taken off the capital of
    own capital, of nobody more than is left of his. Equal units share equally, give or take the
    cent that rounding takes, which goes by member number.

    Raises:
        NotFoundError: no such project. ClosedPeriodError.
        InvalidInputError: the year begins after the accounting date.
        ResultSharedError: the year was shared before.
        NoUnitsError: nobody holds units.
        LossNotBorneError: the participations are loans.
        LossBeforeTransferError: units were passed on or released since.
        LossAboveCapitalError: the context tells what is left.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, command.project_code)
    found = _shares(uow, project, command)
    result = ProjectResult(
        cooperative_id=uow.tenant,
        project_id=project.id,
        year=command.year,
        cents=command.cents,
        units=sum(each.holder.units for each in found),
        accounting_date=command.accounting_date,
        decision=command.decision,
        entry_number=_post(uow, project, command, found),
    )
    uow.session.add(result)
    uow.session.flush()
    uow.session.add_all(
        ResultShare(
            cooperative_id=uow.tenant,
            result_id=result.id,
            member_id=each.holder.member_id,
            units=each.holder.units,
            cents=each.cents,
        )
        for each in found
    )
    uow.session.flush()
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="result shared",
        after={"year": command.year, "cents": command.cents},
    )
    return result.id


def _shares(uow: UnitOfWork, project: InvestmentProject, command: ShareResult) -> list[HolderShare]:
    if not 2000 <= command.year <= command.accounting_date.year:
        raise InvalidInputError("a year is shared once it has begun", field="year")
    _require_new(uow, project, command.year)
    holders = holders_on(uow, project, command.accounting_date)
    if not holders:
        raise NoUnitsError(f"nobody holds units of {project.code}", project=project.code)
    if command.cents < 0:
        _require_capital_stayed(uow, project, command.accounting_date)
        _require_bearable(project, holders, -command.cents)
    shares = share_result(
        command.cents,
        [holder.units for holder in holders],
        [holder.left_cents for holder in holders],
    )
    return [HolderShare(*each) for each in zip(holders, shares, strict=True)]


def _require_new(uow: UnitOfWork, project: InvestmentProject, year: int) -> None:
    known = uow.session.scalar(
        select(ProjectResult.id).where(
            ProjectResult.cooperative_id == uow.tenant,
            ProjectResult.project_id == project.id,
            ProjectResult.year == year,
            ProjectResult.reversed_on.is_(None),
        )
    )
    if known is not None:
        raise ResultSharedError(
            f"the result of {project.code} in {year} was shared", project=project.code, year=year
        )


def holders_on(uow: UnitOfWork, project: InvestmentProject, on: date) -> list[Holder]:
    """Members whose units counted at the end of a day, by member number: those of the register.

    Who left shares until his money is released: as long as it is in the project it bears risk.
    What was passed on or released after that day counts for who held it then.
    """
    rows = uow.session.execute(
        select(Member.id, Member.code, func.sum(Participation.units))
        .join(
            Participation,
            (Participation.cooperative_id == Member.cooperative_id)
            & (Participation.member_id == Member.id),
        )
        .where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            # What was passed on or released since was his on that day.
            Participation.state.in_(
                (
                    ParticipationState.ISSUED,
                    ParticipationState.TRANSFERRED,
                    ParticipationState.RELEASED,
                )
            ),
            Participation.ended_on.is_(None) | (Participation.ended_on > on),
            Participation.issued_on <= on,
        )
        .group_by(Member.id, Member.code)
    ).all()
    key = CAPITAL[Instrument(project.instrument)]
    parties = {code: units_party(project.code, code) for _, code, _ in rows}
    accounts = credit_accounts(uow, key, list(parties.values())) if parties else {}
    left = balances(uow.session, uow.tenant, list(accounts.values()))
    return [
        Holder(member_id, code, int(units), -left.get(accounts[parties[code]], 0))
        for member_id, code, units in sorted(rows, key=lambda row: row[1])
    ]


def _require_capital_stayed(uow: UnitOfWork, project: InvestmentProject, on: date) -> None:
    """A loss is taken off capital, which units that were passed on or released took along."""
    last = uow.session.scalar(
        select(func.max(Participation.ended_on)).where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            Participation.state.in_((ParticipationState.TRANSFERRED, ParticipationState.RELEASED)),
        )
    )
    if last is not None and on < last:
        raise LossBeforeTransferError(
            f"units of {project.code} were passed on or released on {last}",
            project=project.code,
            date=last.isoformat(),
        )


def _require_bearable(project: InvestmentProject, holders: list[Holder], loss: int) -> None:
    if project.instrument != Instrument.EQUITY:
        raise LossNotBorneError(f"{project.code} is a loan", project=project.code)
    left = sum(holder.left_cents for holder in holders)
    if loss > left:
        raise LossAboveCapitalError(
            f"project {project.code} has {left} cents of capital left",
            project=project.code,
            left_cents=left,
        )


def _post(
    uow: UnitOfWork,
    project: InvestmentProject,
    command: ShareResult,
    found: list[HolderShare],
) -> int | None:
    if not command.cents:
        return None
    is_surplus = command.cents > 0
    key = OWED if is_surplus else CAPITAL[Instrument(project.instrument)]
    parties = [
        each.holder.code if is_surplus else units_party(project.code, each.holder.code)
        for each in found
    ]
    accounts = credit_accounts(uow, key, parties)
    counter = debit_account(uow, RESULT_TO_MEMBERS if is_surplus else RESULT_OF_YEAR)
    lines: list[PostingDraft] = [debit(counter, command.cents)]
    lines += [
        credit(accounts[party], each.cents) for party, each in zip(parties, found, strict=True)
    ]
    return post_entry(
        uow,
        EntryDraft(
            accounting_date=command.accounting_date,
            kind="result.shared",
            source=f"project/{project.code}/{command.year}",
            description=f"Project {project.code}, result of {command.year}",
            idempotency_key=_key(uow, project, command.year),
            postings=tuple(lines),
        ),
    ).number


def _key(uow: UnitOfWork, project: InvestmentProject, year: int) -> str:
    """The key of the entry: a year that is shared anew after it was turned back has another."""
    earlier = uow.session.scalar(
        select(func.count())
        .select_from(ProjectResult)
        .where(
            ProjectResult.cooperative_id == uow.tenant,
            ProjectResult.project_id == project.id,
            ProjectResult.year == year,
        )
    )
    key = f"project/{project.id}/result/{year}"
    return f"{key}/{earlier + 1}" if earlier else key
