"""Use cases that put a settled round right: a reversal, and a new version beside the old one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.service import reverse_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.deciding import Decision, write_decision
from wijkeconomie.purchasing.invoicing import RecordInvoice, write_invoice
from wijkeconomie.purchasing.locking import round_for
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.receiving import ReceiveLine, write_delivery
from wijkeconomie.purchasing.settlement_models import RoundSettlement
from wijkeconomie.purchasing.settlement_preview import SettlementPreview, preview_of
from wijkeconomie.purchasing.settling import (
    require_decided,
    require_invoice,
    require_seen,
    write_settlement,
)
from wijkeconomie.purchasing.stock_arriving import stock_arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectRound:
    """Put a settled round right: other deliveries, decisions, another invoice, and why.

    ``accounting_date``: of the reversal and of what replaces it; ``None`` is today.
    ``seen``: the mark of the differences that were shown (``settlement_preview.figures_seen``);
    where it is given, other amounts than those are not booked.
    """

    round_id: int
    reason: str
    lines: tuple[ReceiveLine, ...] = ()
    invoice: RecordInvoice | None = None
    accounting_date: date | None = None
    accepted_difference_cents: int | None = None
    seen: str | None = None
    decisions: tuple[Decision, ...] = ()


def preview_correction(uow: UnitOfWork, command: CorrectRound) -> SettlementPreview:
    """What a correction would change, member by member.

    Makes the changes in a savepoint and undoes them: what is shown is what would be booked.

    Raises:
        As :func:`correct_round`, except for the invoice: its difference is shown.
    """
    savepoint = uow.session.begin_nested()
    try:
        found, on = _change_facts(uow, command)
        return preview_of(uow, found, on)
    finally:
        savepoint.rollback()


def correct_round(uow: UnitOfWork, command: CorrectRound) -> int:
    """Reverse what was booked and book it anew from corrected facts; returns the new version.

    The first entry stays as it is; its reversal names it. Only members whose amount changes
    are told.

    Raises:
        RoundStateError: not settled. InvalidInputError: no reason is given.
        FiguresChangedError: other differences would be booked than were shown.
        StockGoneError: surplus of the round has left the stock, and would have been less.
        UndecidedUnitsError, GoodsNotWeighedError, InvoiceMissingError, InvoiceDifferenceError,
            ClosedPeriodError: as for settling.
    """
    found, on = _change_facts(uow, command)
    preview = preview_of(uow, found, on)
    require_decided(uow, preview)
    require_seen(found, preview, command.seen)
    require_invoice(found, preview, command.accepted_difference_cents)
    # What lies in stock is held before the books are.
    stock_arrival(uow, found, preview.stock)
    _reverse(uow, found, on)
    version = write_settlement(uow, found, preview, on, reason=command.reason.strip())
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="corrected",
        after={"version": version},
        reason=command.reason.strip(),
    )
    told = [member.member_id for member in preview.members if member.difference_cents]
    tell_members(uow, "corrected", found.id, told, version=version)
    return version


def _change_facts(uow: UnitOfWork, command: CorrectRound) -> tuple[PurchaseRound, date]:
    require_permission(uow.identity, "round.correct")
    if not command.reason.strip():
        raise InvalidInputError("say why the round is corrected", field="reason")
    found = round_for(uow, command.round_id, "correct")
    for line in command.lines:
        write_delivery(uow, found, line)
    for decision in command.decisions:
        write_decision(uow, found, decision)
    if command.invoice is not None:
        write_invoice(uow, found, command.invoice)
    return found, command.accounting_date or local_date(uow.now, LOCAL_TIME)


def _reverse(uow: UnitOfWork, found: PurchaseRound, on: date) -> None:
    """Reverse the entry of the valid version, if it has one, and note that on the version."""
    settlement = uow.session.get_one(
        RoundSettlement, (uow.tenant, found.id, found.settlement_version)
    )
    if settlement.entry_number is None:
        return
    settlement.reversal_number = reverse_entry(
        uow,
        settlement.entry_number,
        accounting_date=on,
        idempotency_key=f"round/{found.id}/reversed/{found.settlement_version}",
        description=f"Round {found.code}, version {found.settlement_version} reversed",
    ).number
    uow.session.flush()
