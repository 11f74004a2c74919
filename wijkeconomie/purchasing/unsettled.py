"""Rounds that lie unsettled: telling of them, and settling them by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.deadline_models import RoundPolicy
from wijkeconomie.purchasing.deadline_queries import round_policy
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.settling import SettleRound, settle_round

UNSETTLED = (RoundState.RECEIVED.value, RoundState.ALLOCATED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRoundPolicy:
    """After how many days unsettled rounds are told of, and settled by the clock (or never)."""

    nag_after_days: int
    settle_after_days: int | None


def set_round_policy(uow: UnitOfWork, command: SetRoundPolicy) -> None:
    """Say what happens with rounds that lie unsettled, for the whole cooperative.

    Raises:
        InvalidInputError: a number of days out of its range.
    """
    require_permission(uow.identity, "round.policy")
    if not 1 <= command.nag_after_days <= 60:
        raise InvalidInputError("this is 1 to 60", field="nag_after_days")
    if command.settle_after_days is not None and not 1 <= command.settle_after_days <= 90:
        raise InvalidInputError("this is 1 to 90", field="settle_after_days")
    values = {
        "nag_after_days": command.nag_after_days,
        "settle_after_days": command.settle_after_days,
    }
    before = round_policy(uow.session, uow.tenant)
    uow.session.execute(
        insert(RoundPolicy)
        .values(cooperative_id=uow.tenant, **values)
        .on_conflict_do_update(index_elements=["cooperative_id"], set_=values)
    )
    record_change(
        uow,
        subject="round-policy",
        action="set",
        before={name: getattr(before, name) for name in values},
        after=values,
    )


# A request to settle without charging waits for a person: the clock does not overtake him.
_TO_SETTLE = text(
    """
select r.id, r.received_at + make_interval(days => cast(:days as int)) from purchase_round r
where r.cooperative_id = :cooperative_id and r.state in ('received', 'allocated')
  and r.received_at + make_interval(days => cast(:days as int)) <= :now
  and (exists (select from supplier_invoice i where i.cooperative_id = r.cooperative_id
      and i.round_id = r.id and i.withdrawn_at is null)
    or not exists (select from delivery d where d.cooperative_id = r.cooperative_id
      and d.round_id = r.id and d.delivered_quantity > 0))
  and not exists (select from uncharged_request u where u.cooperative_id = r.cooperative_id
    and u.round_id = r.id and u.is_approved is null)
order by r.received_at, r.id
"""
)
_WAITING = text(
    """
select id, received_at from purchase_round
where cooperative_id = :cooperative_id and state in ('received', 'allocated')
  and received_at + make_interval(days => cast(:days as int)) <= :now
order by received_at, id
"""
)


def rounds_to_settle(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[str, datetime]]:
    """Received rounds that the clock settles now: those with an invoice, or without goods."""
    days = round_policy(session, cooperative_id).settle_after_days
    if days is None:
        return []
    key = {"cooperative_id": cooperative_id, "days": days, "now": now}
    return [(str(row[0]), row[1]) for row in session.execute(_TO_SETTLE, key)]


def settle_if_waiting(uow: UnitOfWork, round_id: int) -> bool:
    """Settle a received round by the clock; tell whether this call did it.

    Nobody accepts a difference for the cooperative here: a round whose invoice differs is
    refused as it is for a person, and waits for one.

    Raises:
        InvoiceDifferenceError, InvoiceMissingError, ClosedPeriodError: as for settling.
    """
    require_permission(uow.identity, "round.settle")
    found = locked_round(uow, round_id)
    if found.state not in UNSETTLED:
        return False
    settle_round(uow, SettleRound(round_id=round_id))
    return True


def rounds_to_tell_of(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[str, datetime]]:
    """Rounds that lie unsettled, each with how often it was time to say so: the last one only."""
    days = round_policy(session, cooperative_id).nag_after_days
    key = {"cooperative_id": cooperative_id, "days": days, "now": now}
    found = []
    for round_id, received_at in session.execute(_WAITING, key):
        number = (now - received_at) // timedelta(days=days)
        found.append((f"{round_id}/{number}", received_at + number * timedelta(days=days)))
    return found


def tell_of_waiting(uow: UnitOfWork, period: str) -> str:
    """Queue the letter to coordinators and treasurers that a round lies unsettled."""
    round_id = int(period.partition("/")[0])
    enqueue(
        uow,
        kind="mail.round-waiting",
        event_key=f"round/{period}/waiting",
        payload={"round_id": round_id},
    )
    return "told"
