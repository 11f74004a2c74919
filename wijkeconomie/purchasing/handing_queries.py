"""Reads of what each member gets of a round, of pick-up times, and of what was handed out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.handing_models import HandOutcome, PledgeOrigin
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_queries import settlement_input, shares


@dataclass(frozen=True, slots=True)
class SlotView:
    """A pick-up time with how many members chose it."""

    id: int
    starts_at: datetime
    ends_at: datetime
    place: str
    capacity: int | None
    taken: int

    @property
    def is_full(self) -> bool:
        """Whether nobody fits any more."""
        return self.capacity is not None and self.taken >= self.capacity


@dataclass(frozen=True, slots=True)
class SharedLine:
    """What one pledge gets: ``computed`` by the rule, ``quantity`` in the end."""

    pledge_id: int
    member_id: int
    member_code: str
    member_name: str
    round_product_id: int
    product_name: str
    unit: str
    ordered: int
    origin: PledgeOrigin
    computed: int
    quantity: int
    by_hand_reason: str | None
    """Why it was set by hand; ``None`` where the rule decides."""
    grams_per_unit: int | None
    grams: int | None
    outcome: HandOutcome | None
    note: str | None

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody set the quantity."""
        return self.by_hand_reason is not None

    @property
    def waits(self) -> bool:
        """Whether it still has to be handed out, or decided on."""
        return self.quantity > 0 and self.outcome in {None, HandOutcome.KEPT}

    @property
    def lacks_weight(self) -> bool:
        """Whether it is settled by weight and was not weighed for this member."""
        return self.grams_per_unit is not None and self.quantity > 0 and self.grams is None


@dataclass(frozen=True, slots=True)
class Collector:
    """A member with what he collects, and when."""

    member_id: int
    code: str
    name: str
    slot: SlotView | None
    lines: tuple[SharedLine, ...]

    @property
    def waiting(self) -> tuple[SharedLine, ...]:
        """Lines that were not handed out or decided on."""
        return tuple(line for line in self.lines if line.waits)


_SLOTS = text(
    """
select s.id, s.starts_at, s.ends_at, s.place, s.capacity, count(c.member_id)
from pickup_slot s
left join pickup_choice c on c.cooperative_id = s.cooperative_id and c.round_id = s.round_id
  and c.slot_id = s.id
where s.cooperative_id = :cooperative_id and s.round_id = :round_id
group by s.cooperative_id, s.id
order by s.starts_at, s.id
"""
)


def slots(session: Session, cooperative_id: int, round_id: int) -> list[SlotView]:
    """The pick-up times of a round, the first one first."""
    found = session.execute(_SLOTS, {"cooperative_id": cooperative_id, "round_id": round_id})
    return [SlotView(*row) for row in found]


def chosen_slots(session: Session, cooperative_id: int, round_id: int) -> dict[int, int]:
    """The slot that each member chose, by member."""
    found = session.execute(
        text(
            "select member_id, slot_id from pickup_choice"
            " where cooperative_id = :cooperative_id and round_id = :round_id"
        ),
        {"cooperative_id": cooperative_id, "round_id": round_id},
    )
    return {row[0]: row[1] for row in found}


_BY_HAND = text(
    "select pledge_id, reason from share_by_hand where cooperative_id = :cooperative_id"
    " and round_id = :round_id and released_at is null"
)
_WEIGHED = text(
    "select pledge_id, grams from pledge_weight"
    " where cooperative_id = :cooperative_id and round_id = :round_id"
)
_OUTCOMES = text(
    "select pledge_id, outcome, note from hand_out"
    " where cooperative_id = :cooperative_id and round_id = :round_id"
)
_PLEDGES = text(
    """
select x.id, x.member_id, member.code,
  concat_ws(' ', member.first_name, member.infix, member.last_name), x.round_product_id, o.name,
  o.unit, coalesce(x.allotted_quantity, x.quantity), x.origin, o.grams_per_unit
from pledge x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
where x.cooperative_id = :cooperative_id and x.round_id = :round_id and x.withdrawn_at is null
order by member.code, o.position
"""
)


def reasons_by_hand(session: Session, cooperative_id: int, round_id: int) -> dict[int, str]:
    """Why shares of a round were set by hand, by pledge; none where the rule decides."""
    key = {"cooperative_id": cooperative_id, "round_id": round_id}
    return {row[0]: row[1] for row in session.execute(_BY_HAND, key)}


def shared_lines(session: Session, round_: PurchaseRound) -> list[SharedLine]:
    """What every pledge of a round gets: as it was settled, or as it would be now.

    By member number and product; lines of nothing included.
    """
    key = {"cooperative_id": round_.cooperative_id, "round_id": round_.id}
    units = _units(session, round_)
    reasons = reasons_by_hand(session, round_.cooperative_id, round_.id)
    weights = {row[0]: row[1] for row in session.execute(_WEIGHED, key)}
    outcomes = {row[0]: (row[1], row[2]) for row in session.execute(_OUTCOMES, key)}
    lines = []
    for row in session.execute(_PLEDGES, key):
        computed, quantity = units.get(row[0], (0, 0))
        outcome, note = outcomes.get(row[0], (None, None))
        lines.append(
            SharedLine(
                pledge_id=row[0],
                member_id=row[1],
                member_code=row[2],
                member_name=row[3],
                round_product_id=row[4],
                product_name=row[5],
                unit=row[6],
                ordered=row[7],
                origin=PledgeOrigin(row[8]),
                computed=computed,
                quantity=quantity,
                by_hand_reason=reasons.get(row[0]),
                grams_per_unit=row[9],
                grams=weights.get(row[0]),
                outcome=None if outcome is None else HandOutcome(outcome),
                note=note,
            )
        )
    return lines


def _units(session: Session, round_: PurchaseRound) -> Mapping[int, tuple[int, int]]:
    """Units by the rule and in the end, by pledge."""
    if round_.state == RoundState.SETTLED.value:
        settled = shares(session, round_.cooperative_id, round_.id, round_.settlement_version)
        return {
            share.pledge_id: (
                share.explanation["q"].get("h", share.delivered),
                share.delivered,
            )
            for share in settled
        }
    result = compute_settlement(settlement_input(session, round_))
    return {share.pledge: (share.computed, share.delivered) for share in result.shares}


def collectors(session: Session, round_: PurchaseRound) -> list[Collector]:
    """Who collects what: by pick-up time, then by member number; who gets nothing is left out."""
    by_id = {slot.id: slot for slot in slots(session, round_.cooperative_id, round_.id)}
    chosen = chosen_slots(session, round_.cooperative_id, round_.id)
    own: dict[int, list[SharedLine]] = {}
    for line in shared_lines(session, round_):
        if line.quantity or line.outcome is not None:
            own.setdefault(line.member_id, []).append(line)
    found = [
        Collector(
            member_id,
            lines[0].member_code,
            lines[0].member_name,
            by_id.get(chosen.get(member_id, 0)),
            tuple(lines),
        )
        for member_id, lines in own.items()
    ]
    places = {slot: number for number, slot in enumerate(by_id)}
    return sorted(
        found,
        key=lambda each: (len(places) if each.slot is None else places[each.slot.id], each.code),
    )


_HANDED = text(
    """
select r.id, coalesce(max(s.ends_at), r.received_at + interval '24 hours')
from purchase_round r
left join pickup_slot s on s.cooperative_id = r.cooperative_id and s.round_id = r.id
where r.cooperative_id = :cooperative_id and r.state in ('received', 'allocated', 'settled')
  and r.received_at > cast(:now as timestamptz) - interval '60 days'
  and (s.id is not null or exists (
    select from hand_out h where h.cooperative_id = r.cooperative_id and h.round_id = r.id))
  and exists (
    select from pledge x
    left join hand_out h on h.cooperative_id = x.cooperative_id and h.pledge_id = x.id
    where x.cooperative_id = r.cooperative_id and x.round_id = r.id and x.withdrawn_at is null
      and (h.pledge_id is null or h.outcome = 'kept'))
group by r.cooperative_id, r.id
having coalesce(max(s.ends_at), r.received_at + interval '24 hours') <= :now
order by r.id
"""
)


def uncollected(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[queries.RoundView, int]]:
    """Rounds whose hand-out is over, with how many members did not collect something.

    Only rounds of the last two months that are handed out by a list: with pick-up times, or
    with something checked off.
    """
    found = []
    over = session.execute(_HANDED, {"cooperative_id": cooperative_id, "now": now}).all()
    for round_id, _end in over:
        round_ = session.get_one(PurchaseRound, (cooperative_id, round_id))
        waiting = sum(1 for each in collectors(session, round_) if each.waiting)
        if waiting:
            found.append((queries.round_by_id(session, cooperative_id, round_id), waiting))
    return found


_TO_CHOOSE = text(
    """
select distinct r.id from purchase_round r
join pickup_slot s on s.cooperative_id = r.cooperative_id and s.round_id = r.id
join pledge x on x.cooperative_id = r.cooperative_id and x.round_id = r.id
where r.cooperative_id = :cooperative_id and x.member_id = :member_id and x.withdrawn_at is null
  and r.state in ('closed', 'ordered', 'received', 'allocated', 'settled') and s.starts_at > :now
  and not exists (
    select from pickup_choice c where c.cooperative_id = r.cooperative_id
      and c.round_id = r.id and c.member_id = x.member_id)
order by r.id
"""
)


def rounds_to_choose_for(
    session: Session, cooperative_id: int, member_id: int, now: datetime
) -> list[queries.RoundView]:
    """Rounds for which a member has not said yet when he collects."""
    ids = session.scalars(
        _TO_CHOOSE, {"cooperative_id": cooperative_id, "member_id": member_id, "now": now}
    ).all()
    return [queries.round_by_id(session, cooperative_id, round_id) for round_id in ids]
