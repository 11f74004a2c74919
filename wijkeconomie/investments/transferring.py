"""Use cases of passing units on: a member offers, another accepts, the board approves if asked."""

from __future__ import annotations

from collections.abc import Sequence
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
from wijkeconomie.investments.accounts import CAPITAL, credit_accounts, units_party
from wijkeconomie.investments.campaigns import hold_project, in_state
from wijkeconomie.investments.models import (
    Instrument,
    InvestmentProject,
    Participation,
    ParticipationState,
    TransferRule,
    TransferState,
    UnitTransfer,
)
from wijkeconomie.investments.refusals import (
    CampaignFullError,
    MembersOnlyError,
    NoUnitsError,
    TransferStateError,
    UnitsNotTransferredError,
)
from wijkeconomie.investments.room import units_left_for
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance
from wijkeconomie.ledger.service import lock_books, post_entry
from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferUnits(Command):
    """Units of a member for another one. What that one pays for them is between the two."""

    project_code: str
    seller_id: int
    buyer_code: str
    units: int


def offer_units(uow: UnitOfWork, command: OfferUnits) -> int:
    """Offer units that count to another member; nothing moves until he accepts. Returns its id.

    Raises:
        NotFoundError: no such project or member.
        UnitsNotTransferredError: units of this project are not passed on.
        NoUnitsError: he holds fewer, beside what he offered before.
        InvalidInputError: no units, or to himself.
        MembersOnlyError, CampaignFullError: the other is no member, or may hold no more.
    """
    _require_own(uow, command.seller_id)
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    project = hold_project(uow, command.project_code)
    if project.transfers == TransferRule.NONE:
        raise UnitsNotTransferredError(f"units of {project.code} stay", project=project.code)
    if command.units < 1:
        raise InvalidInputError("pass one unit or more on", field="units")
    buyer = uow.session.scalar(
        select(Member).where(Member.cooperative_id == uow.tenant, Member.code == command.buyer_code)
    )
    if buyer is None:
        raise NotFoundError(f"there is no member {command.buyer_code}", member=command.buyer_code)
    if buyer.id == command.seller_id:
        raise InvalidInputError("choose someone else", field="member")
    _require_room(uow, project, buyer, command.units)
    held = _held(uow, project, command.seller_id)
    left = sum(each.units for each in held) - _under_way(uow, project, command.seller_id)
    if command.units > left:
        raise NoUnitsError(f"{max(left, 0)} units are left", project=project.code)
    transfer = UnitTransfer(
        cooperative_id=uow.tenant,
        project_id=project.id,
        seller_id=command.seller_id,
        buyer_id=buyer.id,
        units=command.units,
        state=TransferState.OFFERED,
        offered_on=local_date(uow.now, LOCAL_TIME),
    )
    uow.session.add(transfer)
    uow.session.flush()
    _record(uow, transfer, "offered")
    remember(uow, command, result=transfer.id)
    return transfer.id


def accept_units(uow: UnitOfWork, transfer_id: int) -> TransferState:
    """Accept units as who gets them; they move at once where nobody has to approve.

    Raises:
        NotFoundError: no such offer to this member.
        TransferStateError: it does not wait for him.
        MembersOnlyError, CampaignFullError, NoUnitsError: things changed meanwhile.
    """
    transfer, project = _hold(uow, transfer_id)
    _require_party(uow, transfer.buyer_id, transfer_id)
    _require_state(transfer, TransferState.OFFERED)
    transfer.answered_on = local_date(uow.now, LOCAL_TIME)
    transfer.state = TransferState.ACCEPTED
    _record(uow, transfer, "accepted")
    if project.transfers == TransferRule.FREE:
        _move(uow, project, transfer)
    uow.session.flush()
    return TransferState(transfer.state)


def withdraw_units(uow: UnitOfWork, transfer_id: int) -> None:
    """Take an offer back as who made it, or turn it down as who got it, before it has moved.

    Raises:
        NotFoundError, TransferStateError.
    """
    transfer, _project = _hold(uow, transfer_id)
    if uow.identity.member_id not in {transfer.seller_id, transfer.buyer_id}:
        raise NotFoundError(f"there is no transfer {transfer_id}", id=transfer_id)
    _require_state(transfer, TransferState.OFFERED, TransferState.ACCEPTED)
    transfer.state = TransferState.WITHDRAWN
    uow.session.flush()
    _record(uow, transfer, "withdrawn")


def approve_units(uow: UnitOfWork, transfer_id: int) -> None:
    """Approve a transfer for the board: from today on the units are those of the other.

    Raises:
        PermissionDeniedError: also to who is a party to it.
        NotFoundError, TransferStateError, MembersOnlyError, CampaignFullError, NoUnitsError.
        ClosedPeriodError.
    """
    transfer, project = _decidable(uow, transfer_id)
    _move(uow, project, transfer)
    uow.session.flush()


def refuse_units(uow: UnitOfWork, transfer_id: int, *, reason: str) -> None:
    """Refuse a transfer for the board, with the reason why.

    Raises:
        PermissionDeniedError, NotFoundError, TransferStateError; InvalidInputError: no reason.
    """
    transfer, _project = _decidable(uow, transfer_id)
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    transfer.state, transfer.reason = TransferState.REFUSED, reason.strip()
    uow.session.flush()
    _record(uow, transfer, "refused")


def _require_own(uow: UnitOfWork, member_id: int) -> None:
    require_permission(uow.identity, "investment.subscribe")
    if member_id != uow.identity.member_id and not may(uow.identity, "investment.change"):
        raise PermissionDeniedError(
            "someone passes his own units on", permission="investment.change", roles="board"
        )


def _require_party(uow: UnitOfWork, member_id: int, transfer_id: int) -> None:
    require_permission(uow.identity, "investment.subscribe")
    if member_id != uow.identity.member_id:
        raise NotFoundError(f"there is no transfer {transfer_id}", id=transfer_id)


def _require_room(uow: UnitOfWork, project: InvestmentProject, buyer: Member, units: int) -> None:
    if not is_member_on(buyer.joined_on, buyer.left_on, local_date(uow.now, LOCAL_TIME)):
        raise MembersOnlyError("units go to members", project=project.code)
    left = units_left_for(uow, project, buyer.id)
    if left is not None and units > left:
        raise CampaignFullError(
            f"one member holds {project.maximum_units} units at most",
            project=project.code,
            left=left,
        )


def _held(uow: UnitOfWork, project: InvestmentProject, member_id: int) -> Sequence[Participation]:
    issued = in_state(uow, project, ParticipationState.ISSUED)
    return [each for each, _code in issued if each.member_id == member_id]


def _under_way(uow: UnitOfWork, project: InvestmentProject, member_id: int) -> int:
    return int(
        uow.session.scalar(
            select(func.coalesce(func.sum(UnitTransfer.units), 0)).where(
                UnitTransfer.cooperative_id == uow.tenant,
                UnitTransfer.project_id == project.id,
                UnitTransfer.seller_id == member_id,
                UnitTransfer.state.in_((TransferState.OFFERED, TransferState.ACCEPTED)),
            )
        )
        or 0
    )


def _hold(uow: UnitOfWork, transfer_id: int) -> tuple[UnitTransfer, InvestmentProject]:
    known = uow.session.get(UnitTransfer, (uow.tenant, transfer_id))
    if known is None:
        raise NotFoundError(f"there is no transfer {transfer_id}", id=transfer_id)
    code = uow.session.get_one(InvestmentProject, (uow.tenant, known.project_id)).code
    # Everything about a project waits for its row, so that two who decide go one after the other.
    project = hold_project(uow, code)
    uow.session.refresh(known)
    return known, project


def _decidable(uow: UnitOfWork, transfer_id: int) -> tuple[UnitTransfer, InvestmentProject]:
    require_permission(uow.identity, "investment.change")
    transfer, project = _hold(uow, transfer_id)
    if uow.identity.member_id in {transfer.seller_id, transfer.buyer_id}:
        raise PermissionDeniedError(
            "nobody approves his own", permission="investment.change", roles="board"
        )
    _require_state(transfer, TransferState.ACCEPTED)
    return transfer, project


def _require_state(transfer: UnitTransfer, *states: TransferState) -> None:
    if transfer.state not in states:
        raise TransferStateError(f"transfer {transfer.id} is {transfer.state}")


def _record(uow: UnitOfWork, transfer: UnitTransfer, action: str) -> None:
    record_change(
        uow,
        subject=f"unit_transfer/{transfer.id}",
        action=f"units {action}",
        after={"units": transfer.units},
        reason=transfer.reason,
    )


def _move(uow: UnitOfWork, project: InvestmentProject, transfer: UnitTransfer) -> None:
    """Let units be those of the other from today on, with their part of what is left of them."""
    lock_books(uow)
    seller, buyer = (
        uow.session.get_one(Member, (uow.tenant, member_id))
        for member_id in (transfer.seller_id, transfer.buyer_id)
    )
    _require_room(uow, project, buyer, transfer.units)
    held = _held(uow, project, seller.id)
    total = sum(each.units for each in held)
    if transfer.units > total:
        raise NoUnitsError(f"{seller.code} holds {total} units", project=project.code)
    day = local_date(uow.now, LOCAL_TIME)
    transfer.moved_cents = _post(uow, project, transfer, (seller.code, buyer.code), total)
    transfer.state, transfer.moved_on = TransferState.MOVED, day
    left = transfer.units
    for each in held:
        taken = min(each.units, left)
        if taken:
            _split(uow, project, each, {buyer.id: taken, seller.id: each.units - taken}, day)
        left -= taken
    uow.session.flush()
    _record(uow, transfer, "moved")


def _split(
    uow: UnitOfWork,
    project: InvestmentProject,
    origin: Participation,
    units_of: dict[int, int],
    day: date,
) -> None:
    """End a participation on a day, and let others with the same units go on from it."""
    number = uow.session.scalar(
        select(func.count())
        .select_from(Participation)
        .where(Participation.cooperative_id == uow.tenant, Participation.project_id == project.id)
    )
    origin.state, origin.ended_on = ParticipationState.TRANSFERRED, day
    uow.session.flush()
    parts = [(member_id, units) for member_id, units in units_of.items() if units]
    uow.session.add_all(
        Participation(
            cooperative_id=uow.tenant,
            code=f"{project.code}-{(number or 0) + position:04d}",
            project_id=project.id,
            member_id=member_id,
            units=units,
            unit_price_cents=origin.unit_price_cents,
            cents=units * origin.unit_price_cents,
            state=ParticipationState.ISSUED,
            bought_on=origin.bought_on if member_id == origin.member_id else day,
            paid_on=origin.paid_on,
            issued_on=day,
            origin_id=origin.id,
        )
        for position, (member_id, units) in enumerate(parts, start=1)
    )
    uow.session.flush()


def _post(
    uow: UnitOfWork,
    project: InvestmentProject,
    transfer: UnitTransfer,
    members: tuple[str, str],
    held_units: int,
) -> int:
    """Book what is left of the units from one member to the other; how much that is."""
    parties = [units_party(project.code, code) for code in members]
    accounts = credit_accounts(uow, CAPITAL[Instrument(project.instrument)], parties)
    seller, buyer = (accounts[party] for party in parties)
    left = -account_balance(uow.session, uow.tenant, seller)
    cents = allocate(left, [transfer.units, held_units - transfer.units])[0]
    if cents:
        post_entry(
            uow,
            EntryDraft(
                accounting_date=local_date(uow.now, LOCAL_TIME),
                kind="units.transferred",
                source=f"project/{project.code}/transfer/{transfer.id}",
                description=f"Project {project.code}, {transfer.units} units to {members[1]}",
                idempotency_key=f"unit-transfer/{transfer.id}",
                postings=(debit(seller, cents), credit(buyer, cents)),
            ),
        )
    return cents
