"""Use cases of money that goes back: what a leaving member had in a project, and paying out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import (
    CAPITAL,
    OWED,
    credit_accounts,
    debit_account,
    units_party,
)
from wijkeconomie.investments.campaigns import hold_project, in_state, refresh_counts
from wijkeconomie.investments.models import Instrument, Participation, ParticipationState
from wijkeconomie.investments.refusals import NothingOwedError, NoUnitsError
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Lines = tuple[PostingDraft, ...]


def release_units(
    uow: UnitOfWork, project_code: str, member_code: str, *, on: date | None = None
) -> int:
    """Turn what is left of a member's units into a debt that is paid out to him; returns cents.

    What is left is what he paid less the losses that were taken off. The clock does this when the
    project's rule says so; the board may do it earlier, as the statutes or the law ask of it.

    Args:
        on: the accounting date; today unless given.

    Raises:
        NotFoundError: no such project.
        NoUnitsError: the member holds no units of it that count.
        ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, project_code)
    held = [
        each
        for each, code in in_state(uow, project, ParticipationState.ISSUED)
        if code == member_code
    ]
    if not held:
        raise NoUnitsError(f"{member_code} holds no units", project=project_code)
    day = on or local_date(uow.now, LOCAL_TIME)
    key = CAPITAL[Instrument(project.instrument)]
    party = units_party(project.code, member_code)
    account = credit_accounts(uow, key, [party])[party]
    cents = -account_balance(uow.session, uow.tenant, account)
    if cents:
        owed = credit_accounts(uow, OWED, [member_code])[member_code]
        lines = (debit(account, cents), credit(owed, cents))
        post_entry(uow, _draft(held[0], project.code, member_code, day, lines))
    parts = allocate(cents, [each.units for each in held])
    for each, part in zip(held, parts, strict=True):
        each.state, each.ended_on = ParticipationState.RELEASED, day
        each.released_cents = part
    refresh_counts(uow, project)
    record_change(
        uow,
        subject=f"investment_project/{project.id}",
        action="units released",
        after={"member": member_code, "cents": cents},
    )
    return cents


def _draft(
    held: Participation, project_code: str, member_code: str, day: date, lines: Lines
) -> EntryDraft:
    return EntryDraft(
        accounting_date=day,
        kind="participation.released",
        source=f"project/{project_code}/{member_code}",
        description=f"Project {project_code}, units of {member_code} released",
        # He may take part again and leave again; a participation is released once.
        idempotency_key=f"participation/{held.id}/released",
        postings=lines,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PayMember(Command):
    """What the bank paid a member of what he is owed."""

    member_code: str
    cents: int
    paid_on: date
    underway: str | None = None
    """The payout run that orders it at the bank; without one the bank has paid."""


def pay_member(uow: UnitOfWork, command: PayMember) -> int:
    """Book that the bank paid a member; returns what he is owed still.

    The database refuses to pay anyone more than he is owed, whoever pays at the same moment.

    Raises:
        NothingOwedError: the context tells what he is owed.
        InvalidInputError: an amount that is none. ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    if command.cents <= 0:
        raise InvalidInputError("pay an amount", field="cents")
    account = credit_accounts(uow, OWED, [command.member_code])[command.member_code]
    owed = -account_balance(uow.session, uow.tenant, account)
    if command.cents > owed:
        raise NothingOwedError(
            f"{command.member_code} is owed {owed} cents",
            member=command.member_code,
            owed_cents=owed,
        )
    source = (
        debit_account(uow, "bank")
        if command.underway is None
        else debit_account(uow, "payments_underway", command.underway)
    )
    post_entry(
        uow,
        EntryDraft(
            accounting_date=command.paid_on,
            kind="member.paid",
            source=f"member/{command.member_code}",
            description=f"Paid to member {command.member_code}",
            idempotency_key=f"member/{command.member_code}/paid/{command.idempotency_key}",
            postings=(
                debit(account, command.cents),
                credit(source, command.cents),
            ),
        ),
    )
    remember(uow, command, result=owed - command.cents)
    return owed - command.cents
