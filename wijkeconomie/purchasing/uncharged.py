"""Settling a round without charging its members: one person asks, a second one decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.deposit_settling import deposit_entry
from wijkeconomie.purchasing.locking import round_for
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.refusals import (
    ConfirmationError,
    FiguresChangedError,
    InvoiceMissingError,
    SecondPersonError,
    UnchargedAskedError,
)
from wijkeconomie.purchasing.round_rules import state_after
from wijkeconomie.purchasing.settlement_models import UnchargedRequest
from wijkeconomie.purchasing.settlement_preview import (
    SettlementPreview,
    accounting_date_of,
    preview_of,
)
from wijkeconomie.purchasing.settling import write_settlement
from wijkeconomie.purchasing.uncharged_rules import uncharged_lines, uncharged_result


@dataclass(frozen=True, slots=True, kw_only=True)
class AskUncharged:
    """Ask to settle a round without charging: ``typed_code`` is its code, typed to confirm."""

    round_id: int
    reason: str
    typed_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideUncharged:
    """Decide on a request: approve it with the code of the round typed, or turn it down."""

    request_id: int
    is_approved: bool
    typed_code: str = ""


def ask_uncharged(uow: UnitOfWork, command: AskUncharged) -> int:
    """Ask that the cooperative pays a received round, and its members nothing; returns the id.

    Nothing is booked: a second person decides, and is told by mail.

    Raises:
        RoundStateError: the round was not received, or is settled.
        InvalidInputError: no reason. ConfirmationError: another code was typed.
        SecondPersonError: it is no person who asks.
        UnchargedAskedError: it was asked already.
        InvoiceMissingError: goods came and there is no invoice: what would be paid is not known.
    """
    require_permission(uow.identity, "round.settle-uncharged")
    _require_person(uow)
    found = round_for(uow, command.round_id, "settle")
    if not command.reason.strip():
        raise InvalidInputError("say why nobody is charged", field="reason")
    _require_typed(command.typed_code, found)
    if standing_request(uow, found.id) is not None:
        raise UnchargedAskedError(f"this was asked for round {found.code}", round=found.code)
    preview = preview_uncharged(uow, found)
    row = UnchargedRequest(
        cooperative_id=uow.tenant,
        round_id=found.id,
        reason=command.reason.strip(),
        amount_cents=preview.supplier_payable_cents,
        asked_by=uow.actor,
        asked_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="uncharged-asked",
        after={"amount_cents": row.amount_cents},
        reason=row.reason,
    )
    enqueue(
        uow,
        kind="mail.uncharged-asked",
        event_key=f"round/{found.id}/uncharged/{row.id}",
        payload={"request_id": row.id},
    )
    return row.id


def decide_uncharged(uow: UnitOfWork, command: DecideUncharged) -> int | None:
    """Approve a request, which settles the round at once, or turn it down; the version, if any.

    The supplier's invoice becomes a cost of the cooperative in full. Every pledge gets a share of
    nothing, and its member is told.

    Raises:
        NotFoundError: there is no request that waits.
        SecondPersonError: who asked does not approve (turning it down is fine).
        ConfirmationError: another code was typed.
        FiguresChangedError: the invoice, deposits and all, is not what was shown to who asked.
        RoundStateError: the round was settled in the meantime.
        ClosedPeriodError: the month of the invoice is closed.
    """
    require_permission(uow.identity, "round.settle-uncharged")
    _require_person(uow)
    row = uow.session.get(UnchargedRequest, (uow.tenant, command.request_id))
    if row is None or row.is_approved is not None:
        raise NotFoundError("no request waits under this number", request_id=command.request_id)
    found = round_for(uow, row.round_id, "settle")
    uow.session.refresh(row, with_for_update=True)
    if row.is_approved is not None:
        raise NotFoundError("no request waits under this number", request_id=command.request_id)
    if command.is_approved:
        if row.asked_by == uow.actor:
            raise SecondPersonError("somebody else than who asked approves", round=found.code)
        _require_typed(command.typed_code, found)
    row.decided_by, row.decided_at, row.is_approved = uow.actor, uow.now, command.is_approved
    uow.session.flush()
    if not command.is_approved:
        record_change(uow, subject=f"round/{found.id}", action="uncharged-refused")
        return None
    return _settle(uow, found, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastUncharged:
    """A round that was settled without charging its members elsewhere, and by whom."""

    round_id: int
    reason: str
    asked_by: str
    approved_by: str


def record_past_uncharged(uow: UnitOfWork, command: PastUncharged) -> int:
    """Settle a round as it was settled before it came here; the version. For imports.

    Nobody is told: that was done when it happened, which is the moment of ``uow``.

    Raises:
        RoundStateError: not received, or settled already. InvoiceMissingError: no invoice.
        SecondPersonError: one person did both.
        ClosedPeriodError: the month of the invoice is closed.
    """
    require_permission(uow.identity, "city.import")
    found = round_for(uow, command.round_id, "settle")
    if command.asked_by == command.approved_by:
        raise SecondPersonError("somebody else than who asked approves", round=found.code)
    row = UnchargedRequest(
        cooperative_id=uow.tenant,
        round_id=found.id,
        reason=command.reason,
        amount_cents=preview_uncharged(uow, found).supplier_payable_cents,
        asked_by=command.asked_by,
        asked_at=uow.now,
        decided_by=command.approved_by,
        decided_at=uow.now,
        is_approved=True,
    )
    uow.session.add(row)
    uow.session.flush()
    return _settle(uow, found, row, tells=False)


def standing_request(uow: UnitOfWork, round_id: int) -> UnchargedRequest | None:
    """The request about a round that waits, if there is one."""
    return uow.session.scalar(
        select(UnchargedRequest).where(
            UnchargedRequest.cooperative_id == uow.tenant,
            UnchargedRequest.round_id == round_id,
            UnchargedRequest.is_approved.is_(None),
        )
    )


def requests_for(session: Session, cooperative_id: int, actor: str) -> list[tuple[str, str, int]]:
    """Code, theme and cents of the requests that somebody else than ``actor`` made."""
    found = session.execute(
        text(
            "select r.code, r.theme, u.amount_cents from uncharged_request u join purchase_round r"
            " on r.cooperative_id = u.cooperative_id and r.id = u.round_id"
            " where u.cooperative_id = :cooperative_id and u.is_approved is null"
            " and u.asked_by <> :actor and r.state in ('received', 'allocated') order by u.id"
        ),
        {"cooperative_id": cooperative_id, "actor": actor},
    )
    return [(row[0], row[1], row[2]) for row in found]


def preview_uncharged(uow: UnitOfWork, found: PurchaseRound) -> SettlementPreview:
    """What settling without charging comes to; nothing is written.

    Raises:
        InvoiceMissingError: goods came and there is no invoice.
    """
    on = accounting_date_of(uow, found, None)
    charged = preview_of(uow, found, on)
    expected = charged.expected_payable_cents
    if charged.invoice is None and expected:
        raise InvoiceMissingError(
            f"round {found.code} comes to {expected} cents: enter the invoice",
            round=found.code,
            expected_cents=expected,
        )
    suppliers = [line.party for line in charged.lines if line.account_key == "suppliers"]
    deposits = charged.deposits.of_nobody()
    return replace(
        charged,
        result=uncharged_result(charged.result),
        lines=uncharged_lines(charged.supplier_gross_cents, suppliers[0] if suppliers else None),
        members=tuple(
            replace(member, gross_cents=0, deposit_cents=0) for member in charged.members
        ),
        stock=(),
        deposits=deposits,
        deposit_entry=deposit_entry(uow, found, deposits, found.settlement_version + 1),
    )


def _settle(
    uow: UnitOfWork, found: PurchaseRound, row: UnchargedRequest, *, tells: bool = True
) -> int:
    preview = preview_uncharged(uow, found)
    now_cents = preview.supplier_payable_cents
    if now_cents != row.amount_cents:
        raise FiguresChangedError(
            f"{row.amount_cents} cents were shown, it is {now_cents} now",
            shown_cents=row.amount_cents,
            now_cents=now_cents,
        )
    on = accounting_date_of(uow, found, None)
    version = write_settlement(uow, found, preview, on, reason=row.reason, uncharged_id=row.id)
    _mark_settled(uow, found, uow.now, row)
    if tells:
        told = [share.member for share in preview.result.shares]
        tell_members(uow, "uncharged", found.id, told, version=version)
    return version


def _mark_settled(
    uow: UnitOfWork, found: PurchaseRound, at: datetime, row: UnchargedRequest
) -> None:
    before, found.state = found.state, state_after("settle")
    found.settled_at = at
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="settled-uncharged",
        before={"state": before},
        after={"state": found.state, "amount_cents": row.amount_cents},
        reason=row.reason,
    )


def _require_person(uow: UnitOfWork) -> None:
    if uow.identity.login_id is None:
        raise SecondPersonError("this is asked and decided by people, who sign in")


def _require_typed(typed: str, found: PurchaseRound) -> None:
    if typed.strip().casefold() != found.code.casefold():
        raise ConfirmationError(
            f"type {found.code} to confirm", round=found.code, field="typed_code"
        )
