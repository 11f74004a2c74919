"""Pledges of rounds that are over, as an import tells them, with what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.deciding import round_that_can_be_shared
from wijkeconomie.purchasing.handing_models import PledgeOrigin
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import PurchaseRound, RoundProduct
from wijkeconomie.purchasing.pledge_writing import write_past_pledges
from wijkeconomie.purchasing.pledges import (
    PledgeLine,
    checked_line,
    offered_products,
    require_active,
    require_open,
)
from wijkeconomie.purchasing.refusals import DuplicatePledgeError, ProductNotInRoundError

BATCH = 2000

Origin = Literal["pledged", "replacement", "extra"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPledge:
    """A pledge of a round that is long over, as an import tells it.

    ``allotted_quantity`` and ``dropout`` are what closing made of it. ``later``: what was added
    after the first claim, oldest first. ``withdrawn_at``: ``None`` takes the moment of the
    pledge. ``was_member``: a membership that says otherwise now was changed since.
    ``instead_of``: the code of the pledge that a replacement stands for.
    """

    code: str
    member_id: int
    round_product_id: int
    quantity: int
    pledged_at: datetime
    is_withdrawn: bool = False
    withdrawn_at: datetime | None = None
    tolerance: int = 0
    max_price_excl_cents: int | None = None
    later: tuple[tuple[datetime, int], ...] = ()
    allotted_quantity: int | None = None
    dropout: str | None = None
    origin: Origin = "pledged"
    instead_of: str | None = None
    was_member: bool = False


@dataclass(slots=True)
class _PastRound:
    """What past pledges of one round are judged by; read once."""

    found: PurchaseRound
    offered: dict[int, RoundProduct]
    members: dict[int, Member]
    seen: set[tuple[int, int]] = field(default_factory=set)


def record_past_pledges(uow: UnitOfWork, round_id: int, pledges: Sequence[PastPledge]) -> int:
    """Record the pledges of a round that an import tells of; how many.

    The same rules as for a live pledge, each at its own moment; only credit is not asked,
    since the past has happened. What closing made of a pledge is a fact, not computed again.

    Raises:
        As :func:`pledges.save_pledges`, and DuplicatePledgeError for a second one of the same
        product.
    """
    require_permission(uow.identity, "city.import")
    past = _past_round(uow, locked_round(uow, round_id), pledges)
    # A large round is written in parts, so that its rows need not all be in memory.
    for start in range(0, len(pledges), BATCH):
        part = pledges[start : start + BATCH]
        rows = [_past_row(past, pledge) for pledge in part]
        write_past_pledges(uow, past.found.id, rows)
    _record(uow, past, len(pledges))
    return len(pledges)


def record_past_gifts(uow: UnitOfWork, round_id: int, pledges: Sequence[PastPledge]) -> int:
    """Record what came about after ordering: replacements and extras of an ordered round.

    An extra gets what is set by hand afterwards. Returns how many.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        NotFoundError: no such member, or no pledge that a replacement stands for.
        ProductNotInRoundError, DuplicatePledgeError, InvalidInputError.
    """
    require_permission(uow.identity, "city.import")
    found = round_that_can_be_shared(uow, round_id)
    past = _past_round(uow, found, pledges)
    originals = _pledge_ids(uow, found.id)
    rows = []
    for pledge in pledges:
        if pledge.round_product_id not in past.offered:
            raise ProductNotInRoundError(
                f"round {found.code} does not offer {pledge.round_product_id}", round=found.code
            )
        row = _row(past, pledge)
        if pledge.origin == PledgeOrigin.REPLACEMENT.value:
            if pledge.instead_of not in originals:
                raise NotFoundError(f"round {found.code} has no pledge {pledge.instead_of}")
            row["instead_of"] = originals[pledge.instead_of]
        rows.append(row)
    if rows:
        write_past_pledges(uow, found.id, rows)
    _record(uow, past, len(rows))
    return len(rows)


def _past_round(uow: UnitOfWork, found: PurchaseRound, pledges: Sequence[PastPledge]) -> _PastRound:
    wanted = {pledge.member_id for pledge in pledges}
    members = uow.session.scalars(
        select(Member).where(Member.cooperative_id == uow.tenant, Member.id.in_(wanted))
    )
    offered = offered_products(uow, found.id)
    return _PastRound(found, offered, {member.id: member for member in members})


def _record(uow: UnitOfWork, past: _PastRound, count: int) -> None:
    if count:
        record_change(
            uow,
            subject=f"round/{past.found.id}",
            action="pledges-recorded",
            after={"pledges": count},
        )


def _pledge_ids(uow: UnitOfWork, round_id: int) -> dict[str, int]:
    found = uow.session.execute(
        text(
            "select code, id from pledge where cooperative_id = :cooperative_id"
            " and round_id = :round_id and origin = 'pledged'"
        ),
        {"cooperative_id": uow.tenant, "round_id": round_id},
    )
    return {row[0]: row[1] for row in found}


def _past_row(past: _PastRound, pledge: PastPledge) -> dict[str, object]:
    require_open(past.found, pledge.pledged_at)
    line = PledgeLine(
        pledge.round_product_id,
        pledge.quantity,
        tolerance=pledge.tolerance,
        max_price_excl_cents=pledge.max_price_excl_cents,
    )
    checked_line(line, past.offered, past.found)
    row = _row(past, pledge)
    if not pledge.was_member:
        require_active(past.members[pledge.member_id], pledge.pledged_at)
    return row


def _row(past: _PastRound, pledge: PastPledge) -> dict[str, object]:
    member = past.members.get(pledge.member_id)
    if member is None:
        raise NotFoundError(f"there is no member {pledge.member_id}", member_id=pledge.member_id)
    if pledge.quantity < 1:
        raise InvalidInputError("a pledge is for at least 1", field="quantity")
    key = (member.id, pledge.round_product_id)
    if key in past.seen:
        name = past.offered[pledge.round_product_id].name
        raise DuplicatePledgeError(f"{member.code} pledged for {name} already", member=member.code)
    past.seen.add(key)
    withdrawn_at = (pledge.withdrawn_at or pledge.pledged_at) if pledge.is_withdrawn else None
    return {
        "code": pledge.code,
        "product": pledge.round_product_id,
        "member": member.id,
        "quantity": pledge.quantity,
        "pledged_at": pledge.pledged_at.isoformat(),
        "withdrawn_at": withdrawn_at.isoformat() if withdrawn_at is not None else None,
        "tolerance": pledge.tolerance,
        "most": pledge.max_price_excl_cents,
        "allotted": pledge.allotted_quantity,
        "dropout": pledge.dropout,
        "origin": pledge.origin,
        "instead_of": None,
        "later_at": [moment.isoformat() for moment, _units in pledge.later],
        "later_quantities": [units for _moment, units in pledge.later],
    }
