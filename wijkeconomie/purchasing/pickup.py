"""Use cases of pick-up times: a coordinator offers them, members choose one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.handing_models import PickupChoice, PickupSlot
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.refusals import RoundStateError, SlotFullError


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSlot:
    """A time and place to collect; instants are aware. ``capacity``: ``None`` for no limit."""

    round_id: int
    starts_at: datetime
    ends_at: datetime
    place: str
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseSlot:
    """When a member collects; ``None`` takes the choice back."""

    round_id: int
    member_id: int
    slot_id: int | None


def add_slot(uow: UnitOfWork, command: AddSlot) -> int:
    """Offer a time to collect; returns it.

    Raises:
        RoundStateError: the round was cancelled.
        InvalidInputError: no place, an end before the start, or room for nobody.
    """
    require_permission(uow.identity, "round.hand-out")
    found = _round(uow, command.round_id)
    for field in ("starts_at", "ends_at"):
        if getattr(command, field).tzinfo is None:
            raise InvalidInputError("a moment carries its timezone", field=field)
    if command.ends_at <= command.starts_at:
        raise InvalidInputError("it ends after it starts", field="ends_at")
    if not command.place.strip():
        raise InvalidInputError("say where", field="place")
    if command.capacity is not None and command.capacity < 1:
        raise InvalidInputError("there is room for at least one", field="capacity")
    slot = PickupSlot(
        cooperative_id=uow.tenant,
        round_id=found.id,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        place=command.place.strip(),
        capacity=command.capacity,
    )
    uow.session.add(slot)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="slot-added",
        after={
            "starts_at": command.starts_at.isoformat(),
            "ends_at": command.ends_at.isoformat(),
            "place": slot.place,
            "capacity": command.capacity,
        },
    )
    return slot.id


def remove_slot(uow: UnitOfWork, round_id: int, slot_id: int) -> None:
    """Withdraw a time that nobody chose.

    Raises:
        NotFoundError: the round has no such time.
        InvalidInputError: members chose it already.
    """
    require_permission(uow.identity, "round.hand-out")
    found = _round(uow, round_id)
    slot = _slot(uow, found, slot_id)
    if _taken(uow, slot):
        raise InvalidInputError("members chose this time already", field=f"slot-{slot_id}")
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="slot-removed",
        before={"starts_at": slot.starts_at.isoformat(), "place": slot.place},
    )
    uow.session.delete(slot)
    uow.session.flush()


def choose_slot(uow: UnitOfWork, command: ChooseSlot) -> None:
    """Choose when to collect, or change or take back the choice.

    Raises:
        RoundStateError: the round was cancelled.
        NotFoundError: no such time, or the member ordered nothing in the round.
        InvalidInputError: that time is over.
        SlotFullError: as many members as fit chose it before.
    """
    is_own = command.member_id == uow.identity.member_id
    require_permission(uow.identity, "pledge.make" if is_own else "pledge.make-for-others")
    found = locked_round(uow, command.round_id, is_shared=True)
    _require_not_cancelled(found)
    if command.member_id not in queries.pledging_members(uow.session, uow.tenant, found.id):
        raise NotFoundError(
            f"this member ordered nothing in round {found.code}", member_id=command.member_id
        )
    # The slot is locked before its choices are counted: two who want the last place wait.
    slot = None if command.slot_id is None else _slot(uow, found, command.slot_id)
    row = uow.session.get(
        PickupChoice, (uow.tenant, found.id, command.member_id), with_for_update=True
    )
    before = None if row is None else row.slot_id
    if before == command.slot_id:
        return
    if slot is None:
        uow.session.delete(row)
    else:
        _require_room(uow, slot)
        if row is None:
            row = PickupChoice(
                cooperative_id=uow.tenant, round_id=found.id, member_id=command.member_id
            )
            uow.session.add(row)
        row.slot_id, row.chosen_at = slot.id, uow.now
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}/member/{command.member_id}",
        action="slot-chosen",
        before={"slot": before},
        after={"slot": command.slot_id},
    )


def _require_room(uow: UnitOfWork, slot: PickupSlot) -> None:
    if slot.ends_at <= uow.now:
        raise InvalidInputError("this time is over", field="slot")
    if slot.capacity is not None and _taken(uow, slot) >= slot.capacity:
        raise SlotFullError(
            f"{slot.capacity} members collect at that time", capacity=slot.capacity, field="slot"
        )


def _round(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    found = locked_round(uow, round_id)
    _require_not_cancelled(found)
    return found


def _require_not_cancelled(found: PurchaseRound) -> None:
    if found.state == RoundState.CANCELLED.value:
        raise RoundStateError(
            f"round {found.code} was cancelled",
            round=found.code,
            state=found.state,
            step="collect",
            needed="ordered",
        )


def _slot(uow: UnitOfWork, found: PurchaseRound, slot_id: int) -> PickupSlot:
    slot = uow.session.scalar(
        select(PickupSlot)
        .where(
            PickupSlot.cooperative_id == uow.tenant,
            PickupSlot.round_id == found.id,
            PickupSlot.id == slot_id,
        )
        .with_for_update()
    )
    if slot is None:
        raise NotFoundError(f"round {found.code} has no such time", slot_id=slot_id)
    return slot


def _taken(uow: UnitOfWork, slot: PickupSlot) -> int:
    return (
        uow.session.scalar(
            select(func.count())
            .select_from(PickupChoice)
            .where(
                PickupChoice.cooperative_id == uow.tenant,
                PickupChoice.round_id == slot.round_id,
                PickupChoice.slot_id == slot.id,
            )
        )
        or 0
    )
