"""Use cases of settling: what a round comes to, and booking it once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.accounts import account_codes
from wijkeconomie.purchasing.deposit_settling import write_deposits
from wijkeconomie.purchasing.locking import instant, round_for
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.refusals import (
    FiguresChangedError,
    GoodsNotWeighedError,
    InvoiceDifferenceError,
    InvoiceMissingError,
    UndecidedUnitsError,
)
from wijkeconomie.purchasing.round_rules import state_after
from wijkeconomie.purchasing.settlement_models import RoundSettlement
from wijkeconomie.purchasing.settlement_preview import (
    SettlementPreview,
    accounting_date_of,
    preview_of,
    require_agreement,
)
from wijkeconomie.purchasing.stock_arriving import put_in_stock, stock_arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRound:
    """Book a received round.

    ``accounting_date``: ``None`` takes the date of the invoice, or today without one.
    ``accepted_difference_cents``: the exact difference between invoice and delivery that the
    cooperative bears; positive when the invoice is higher. ``seen``: the mark of the preview
    that was shown (``settlement_preview.figures_seen``); where it is given, other amounts than
    those are not booked. ``at`` is for imports.
    """

    round_id: int
    accounting_date: date | None = None
    accepted_difference_cents: int | None = None
    seen: str | None = None
    at: datetime | None = None


def allocate_round(uow: UnitOfWork, round_id: int, *, at: datetime | None = None) -> int:
    """Say that the goods have been shared: deliveries can no longer change; returns the id.

    Raises:
        RoundStateError: the round has not been received, or is further.
        UndecidedUnitsError, GoodsNotWeighedError: somebody has to decide or weigh first.
    """
    require_permission(uow.identity, "round.settle")
    moment = instant(uow, at)
    found = round_for(uow, round_id, "allocate")
    require_decided(uow, preview_of(uow, found, accounting_date_of(uow, found, None)))
    found.allocated_at = moment
    before, found.state = found.state, state_after("allocate")
    uow.session.flush()
    _record_state(uow, found, before)
    return found.id


def preview_settlement(
    uow: UnitOfWork, round_id: int, *, accounting_date: date | None = None
) -> SettlementPreview:
    """What settling a received or settled round comes to; nothing is written.

    Raises:
        PermissionDeniedError, NotFoundError.
    """
    require_permission(uow.identity, "round.read-all-pledges")
    queries.round_by_id(uow.session, uow.tenant, round_id)
    found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
    return preview_of(uow, found, accounting_date_of(uow, found, accounting_date))


def settle_round(uow: UnitOfWork, command: SettleRound) -> int:
    """Book a round: shares, one journal entry and the state, all or nothing; returns version 1.

    Members' shares and the cooperative's are the supplier's invoice to the cent; each share
    keeps the explanation of itself. A round in which nothing came and nothing was charged is
    settled without an entry.

    Raises:
        RoundStateError: not received, or settled already.
        UndecidedUnitsError, GoodsNotWeighedError: somebody has to decide or weigh first.
        FiguresChangedError: other amounts would be booked than were shown.
        InvoiceMissingError: something came or was charged and there is no invoice.
        InvoiceDifferenceError: the invoice differs and exactly that was not accepted.
        ClosedPeriodError: the month of the accounting date is closed.
    """
    require_permission(uow.identity, "round.settle")
    moment = instant(uow, command.at)
    found = round_for(uow, command.round_id, "settle")
    on = accounting_date_of(uow, found, command.accounting_date)
    preview = preview_of(uow, found, on)
    require_decided(uow, preview)
    require_seen(found, preview, command.seen)
    require_invoice(found, preview, command.accepted_difference_cents)
    version = write_settlement(uow, found, preview, on, reason=None)
    found.settled_at = moment
    before, found.state = found.state, state_after("settle")
    uow.session.flush()
    _record_state(uow, found, before)
    if command.at is None:
        told = [share.member for share in preview.result.shares]
        tell_members(uow, "settled", found.id, told, version=version)
    return version


def require_decided(uow: UnitOfWork, preview: SettlementPreview) -> None:
    """Refuse while units wait for a decision, or weighed goods for their weight."""
    waiting = {**preview.result.open_units, **dict.fromkeys(preview.result.unweighed, 0)}
    if not waiting:
        return
    names = queries.product_names(uow.session, uow.tenant, waiting)
    for key, units in preview.result.open_units.items():
        raise UndecidedUnitsError(
            f"{units} of {names[key]} wait for a decision", product=names[key], units=units
        )
    for key in preview.result.unweighed:
        raise GoodsNotWeighedError(f"weigh {names[key]}", product=names[key])


def require_seen(found: PurchaseRound, preview: SettlementPreview, seen: str | None) -> None:
    """Refuse to book other amounts than those of the preview that was shown, if one was."""
    if seen is not None and seen != preview.seen:
        raise FiguresChangedError("look at what each member pays first", round=found.code)


def require_invoice(
    found: PurchaseRound, preview: SettlementPreview, accepted_cents: int | None
) -> None:
    """Refuse unless the invoice is what was computed, or exactly its difference is accepted."""
    if preview.matches_invoice:
        return
    if preview.invoice is None:
        expected = preview.expected_payable_cents
        raise InvoiceMissingError(
            f"round {found.code} comes to {expected} cents: enter the invoice",
            round=found.code,
            expected_cents=expected,
        )
    if accepted_cents != preview.whole_difference_cents:
        expected, invoiced = preview.expected_payable_cents, preview.supplier_payable_cents
        raise InvoiceDifferenceError(
            f"the invoice is {invoiced} cents, deliveries and prices come to {expected}",
            expected_cents=expected,
            invoiced_cents=invoiced,
            difference_cents=preview.whole_difference_cents,
        )


def write_settlement(
    uow: UnitOfWork,
    found: PurchaseRound,
    preview: SettlementPreview,
    on: date,
    *,
    reason: str | None,
    uncharged_id: int | None = None,
) -> int:
    """Post the next version of a round that the caller holds, with its shares; its number.

    ``uncharged_id``: the approved request, where ``preview`` charges the members nothing.
    """
    require_agreement(preview)
    version = found.settlement_version + 1
    kind = "round.settled" if uncharged_id is None else "round.uncharged"
    # What lies in stock is held before the books are, here as in a sale.
    arrival = stock_arrival(uow, found, preview.stock)
    entry_number = _post(uow, found, preview, on, kind)
    uow.session.add(
        RoundSettlement(
            cooperative_id=uow.tenant,
            round_id=found.id,
            version=version,
            entry_number=entry_number,
            settled_at=uow.now,
            settled_by=uow.actor,
            accounting_date=on,
            supplier_gross_cents=preview.supplier_gross_cents,
            members_gross_cents=preview.result.members_gross_cents,
            cooperative_gross_cents=preview.cooperative_gross_cents,
            reason=reason,
            uncharged_request_id=uncharged_id,
        )
    )
    uow.session.flush()
    _record_shares(uow, found.id, version, preview)
    write_deposits(uow, found, preview.deposits, preview.deposit_entry, on, version=version)
    # From here on the version counts, and nothing is added to it any more.
    found.settlement_version = version
    uow.session.flush()
    before = uow.session.get(RoundSettlement, (uow.tenant, found.id, version - 1))
    put_in_stock(
        uow,
        arrival,
        on,
        entry_number=entry_number,
        reversal_number=None if before is None else before.reversal_number,
    )
    return version


_SHARES = text(
    """
insert into pledge_share (cooperative_id, round_id, version, pledge_id, delivered_quantity,
  net_cents, freight_cents, vat_cents, gross_cents, explanation)
select :cooperative_id, :round_id, :version, share.*
from unnest(cast(:pledges as bigint[]), cast(:delivered as bigint[]), cast(:net as bigint[]),
  cast(:freight as bigint[]), cast(:vat as bigint[]), cast(:gross as bigint[]),
  cast(:explanations as jsonb[])) as share
"""
)


def _record_shares(
    uow: UnitOfWork, round_id: int, version: int, preview: SettlementPreview
) -> None:
    """Write all shares in one statement: the database looks at them together."""
    shares = preview.result.shares
    uow.session.execute(
        _SHARES,
        {
            "cooperative_id": uow.tenant,
            "round_id": round_id,
            "version": version,
            "pledges": array_text(share.pledge for share in shares),
            "delivered": array_text(share.delivered for share in shares),
            "net": array_text(share.net_cents for share in shares),
            "freight": array_text(share.freight_cents for share in shares),
            "vat": array_text(share.vat_cents for share in shares),
            "gross": array_text(share.gross_cents for share in shares),
            "explanations": [json.dumps(share.explanation) for share in shares],
        },
    )


def _post(
    uow: UnitOfWork, found: PurchaseRound, preview: SettlementPreview, on: date, kind: str
) -> int | None:
    if not preview.lines:
        return None
    version = found.settlement_version + 1
    codes = account_codes(uow, preview.lines)
    draft = EntryDraft(
        accounting_date=on,
        kind=kind,
        source=f"round/{found.code}/{version}",
        description=f"Round {found.code}, version {version}",
        idempotency_key=f"round/{found.id}/settled/{version}",
        postings=tuple(
            PostingDraft(codes[line.account_key, line.party], line.amount_cents)
            for line in preview.lines
        ),
    )
    return post_entry(uow, draft).number


def _record_state(uow: UnitOfWork, found: PurchaseRound, before: str) -> None:
    record_change(
        uow,
        subject=f"round/{found.id}",
        action=found.state,
        before={"state": before},
        after={"state": found.state},
    )
