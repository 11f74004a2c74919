"""Use cases of the hand-out: check off who collected, and decide on what was not collected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.deciding import (
    KeepAsStock,
    SetShare,
    round_that_can_be_shared,
    standing_pledge,
    write_decision,
)
from wijkeconomie.purchasing.delivery_models import Delivery
from wijkeconomie.purchasing.handing_models import HandOut, HandOutcome, PledgeOrigin
from wijkeconomie.purchasing.handing_queries import SharedLine, shared_lines
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.replacing import GiveExtra, give_extra

HANDED_OUT_IN = (RoundState.RECEIVED, RoundState.ALLOCATED, RoundState.SETTLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOff:
    """What was collected; ``is_undone`` takes a check-off by mistake back."""

    round_id: int
    pledge_ids: tuple[int, ...]
    is_undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCollected:
    """What becomes of goods that were not collected, and why.

    ``SOLD_ON``: they go to ``to_member_id``, or to the cooperative's stock without one, and the
    member pays nothing. ``CHARGED``: he pays all the same. ``KEPT``: they wait for him.
    """

    round_id: int
    pledge_id: int
    outcome: HandOutcome
    note: str
    to_member_id: int | None = None


def check_off(uow: UnitOfWork, command: CheckOff) -> None:
    """Check off what members collected; sending it again changes nothing.

    Raises:
        RoundStateError: the delivery has not been counted yet, or the round was cancelled.
        NotFoundError: the round has no such pledge.
    """
    require_permission(uow.identity, "round.hand-out")
    found = _round_at_hand_out(uow, command.round_id)
    for pledge_id in command.pledge_ids:
        standing_pledge(uow, found, pledge_id)
        outcome = None if command.is_undone else HandOutcome.COLLECTED
        _record(uow, found, pledge_id, outcome, None)


def resolve_uncollected(uow: UnitOfWork, command: NotCollected) -> None:
    """Decide on goods that a member did not collect.

    Selling on changes who gets what, and nothing else: what other members have been given
    stays as it is, by hand where the rule would shift it.

    Raises:
        RoundStateError: the delivery has not been counted; or, to sell on, the round has been
            shared or settled: then correct it.
        NotFoundError: the round has no such pledge.
        InvalidInputError: no note, nothing to decide on, or a buyer who is the member himself.
        CreditLimitError: the buyer's account does not cover it.
    """
    require_permission(uow.identity, "round.hand-out")
    note = command.note.strip()
    if not note:
        raise InvalidInputError("say what was agreed", field=f"note-{command.pledge_id}")
    found = _round_at_hand_out(uow, command.round_id)
    standing_pledge(uow, found, command.pledge_id)
    if command.outcome is HandOutcome.COLLECTED:
        raise InvalidInputError("this was not collected", field=f"outcome-{command.pledge_id}")
    if command.outcome is HandOutcome.SOLD_ON:
        _sell_on(uow, round_that_can_be_shared(uow, found.id), command, note)
    _record(uow, found, command.pledge_id, command.outcome, note)


def _sell_on(uow: UnitOfWork, found: PurchaseRound, command: NotCollected, note: str) -> None:
    before = shared_lines(uow.session, found)
    sold = next(line for line in before if line.pledge_id == command.pledge_id)
    if not sold.quantity or command.to_member_id == sold.member_id:
        raise InvalidInputError("there is nothing to sell on", field=f"to-{command.pledge_id}")
    write_decision(
        uow,
        found,
        SetShare(round_id=found.id, pledge_id=sold.pledge_id, quantity=0, reason=note),
    )
    touched = {sold.pledge_id}
    if command.to_member_id is None:
        _to_stock(uow, found, sold)
    else:
        key = (command.to_member_id, sold.round_product_id)
        own = [line for line in before if (line.member_id, line.round_product_id) == key]
        touched.add(_to_member(uow, found, sold, command, own))
    _keep_the_others(uow, found, before, touched, note)


def _to_stock(uow: UnitOfWork, found: PurchaseRound, sold: SharedLine) -> None:
    row = uow.session.scalars(
        select(Delivery).where(
            Delivery.cooperative_id == uow.tenant,
            Delivery.round_product_id == sold.round_product_id,
        )
    ).one()
    kept = (row.stock_quantity or 0) + sold.quantity
    write_decision(
        uow,
        found,
        KeepAsStock(round_id=found.id, round_product_id=sold.round_product_id, quantity=kept),
    )


def _to_member(
    uow: UnitOfWork,
    found: PurchaseRound,
    sold: SharedLine,
    command: NotCollected,
    own: Sequence[SharedLine],
) -> int:
    """Give it to a member, on top of what he gets of the product; returns the pledge."""
    quantity = sold.quantity + sum(line.quantity for line in own)
    reason = command.note.strip()
    if own and own[0].origin is not PledgeOrigin.EXTRA:
        pledge_id = own[0].pledge_id
        more = SetShare(round_id=found.id, pledge_id=pledge_id, quantity=quantity, reason=reason)
        write_decision(uow, found, more)
        return pledge_id
    extra = GiveExtra(
        round_id=found.id,
        round_product_id=sold.round_product_id,
        member_id=command.to_member_id or 0,
        quantity=quantity,
        reason=reason,
    )
    return give_extra(uow, extra)


def _keep_the_others(
    uow: UnitOfWork,
    found: PurchaseRound,
    before: Sequence[SharedLine],
    touched: set[int],
    note: str,
) -> None:
    """Set by hand what the rule would now give otherwise, until nothing shifts any more."""
    known = {line.pledge_id: line.quantity for line in before}
    while True:
        shifted = [
            line
            for line in shared_lines(uow.session, found)
            if line.pledge_id not in touched and line.quantity != known.get(line.pledge_id)
        ]
        if not shifted:
            return
        for line in shifted:
            touched.add(line.pledge_id)
            kept = SetShare(
                round_id=found.id,
                pledge_id=line.pledge_id,
                quantity=known[line.pledge_id],
                reason=note,
                asks_credit=False,
            )
            write_decision(uow, found, kept)


def _record(
    uow: UnitOfWork,
    found: PurchaseRound,
    pledge_id: int,
    outcome: HandOutcome | None,
    note: str | None,
) -> None:
    row = uow.session.get(HandOut, (uow.tenant, pledge_id), with_for_update=True)
    before = None if row is None else row.outcome
    if row is not None and (before, row.note) == (outcome and outcome.value, note):
        return
    if outcome is None:
        if row is None:
            return
        if before == HandOutcome.SOLD_ON.value:
            raise InvalidInputError("this was sold on", field=f"outcome-{pledge_id}")
        uow.session.delete(row)
    else:
        if row is None:
            row = HandOut(cooperative_id=uow.tenant, pledge_id=pledge_id, round_id=found.id)
            uow.session.add(row)
        row.outcome, row.note = outcome.value, note
        row.recorded_at, row.recorded_by = uow.now, uow.actor
    uow.session.flush()
    record_change(
        uow,
        subject=f"pledge/{pledge_id}",
        action="handed-out",
        before={"outcome": before},
        after={"outcome": None if outcome is None else outcome.value},
        reason=note,
    )


def _round_at_hand_out(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    found = locked_round(uow, round_id)
    if found.state not in {state.value for state in HANDED_OUT_IN}:
        raise RoundStateError(
            f"round {found.code} is {found.state}; it is handed out once it has been received",
            round=found.code,
            state=found.state,
            step="hand out",
            needed="received",
        )
    return found
