"""Reads of rounds that repeat, their deliveries and the breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing.free_days import holiday_on
from wijkeconomie.purchasing.repeating_models import DeliveryBreak, RepeatingRound, Skipped
from wijkeconomie.purchasing.repeating_rules import Planned, Rhythm, makes_at, nominal_days, planned

LOOK_AHEAD = 6
"""Deliveries to come that a page shows."""


def rhythm_of(row: RepeatingRound) -> Rhythm:
    """The rhythm of a repeating round, for the rules."""
    return Rhythm(
        first_on=row.first_delivery_on,
        last_on=row.last_delivery_on,
        every_weeks=row.every_weeks,
        opens_days_before=row.opens_days_before,
        opens_time=row.opens_time,
        closes_days_before=row.closes_days_before,
        closes_time=row.closes_time,
        ahead_days=row.ahead_days,
        on_holiday=row.on_holiday,  # type: ignore[arg-type]
    )


def repeating_rounds(session: Session, cooperative_id: int) -> Sequence[RepeatingRound]:
    """The rounds that repeat and were not stopped, by code."""
    return session.scalars(
        select(RepeatingRound)
        .where(RepeatingRound.cooperative_id == cooperative_id, RepeatingRound.stopped_at.is_(None))
        .order_by(RepeatingRound.code)
    ).all()


def repeating_round(session: Session, cooperative_id: int, code: str) -> RepeatingRound:
    """The repeating round with this code, stopped or not.

    Raises:
        NotFoundError: there is none.
    """
    found = session.scalar(
        select(RepeatingRound).where(
            RepeatingRound.cooperative_id == cooperative_id, RepeatingRound.code == code
        )
    )
    if found is None:
        raise NotFoundError(f"there is no repeating round {code}", code=code)
    return found


def delivery_breaks(session: Session, cooperative_id: int, since: date) -> Sequence[DeliveryBreak]:
    """Breaks that were not withdrawn and last to ``since`` or longer, the first one first."""
    return session.scalars(
        select(DeliveryBreak)
        .where(
            DeliveryBreak.cooperative_id == cooperative_id,
            DeliveryBreak.withdrawn_at.is_(None),
            DeliveryBreak.last_day >= since,
        )
        .order_by(DeliveryBreak.first_day, DeliveryBreak.id)
    ).all()


def breaks_of(breaks: Sequence[DeliveryBreak], supplier_id: int) -> Callable[[date], str | None]:
    """Why a supplier does not deliver on a day, if he does not."""
    own = [each for each in breaks if each.supplier_id in {None, supplier_id}]

    def break_on(day: date) -> str | None:
        return next((each.reason for each in own if each.first_day <= day <= each.last_day), None)

    return break_on


def last_handled(session: Session, cooperative_id: int) -> dict[int, date]:
    """The last day of the rhythm that was dealt with, by repeating round."""
    found = session.execute(
        text(
            "select repeating_id, max(nominal_on) from repeated_delivery"
            " where cooperative_id = :cooperative_id group by repeating_id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return {row[0]: row[1] for row in found}


def plan_for(session: Session, row: RepeatingRound, nominal_on: date) -> Planned:
    """What becomes of one delivery by the breaks and holidays as they are known now."""
    breaks = delivery_breaks(session, row.cooperative_id, date.min)
    return planned(
        rhythm_of(row),
        nominal_on,
        holiday_on=holiday_on,
        break_on=breaks_of(breaks, row.supplier_id),
        timezone=LOCAL_TIME,
    )


def deliveries_to_make(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[str, date, datetime]]:
    """Code, day of the rhythm and moment of the deliveries whose round is to be made now."""
    handled = last_handled(session, cooperative_id)
    due = []
    for row in repeating_rounds(session, cooperative_id):
        rhythm = rhythm_of(row)
        for day in nominal_days(rhythm, handled.get(row.id)):
            moment = makes_at(rhythm, day, LOCAL_TIME)
            if moment > now:
                break
            due.append((row.code, day, moment))
    return due


def deliveries_to_come(
    session: Session, row: RepeatingRound, *, count: int = LOOK_AHEAD
) -> list[Planned]:
    """The next deliveries for which no round was made yet, with what would become of them."""
    after = last_handled(session, row.cooperative_id).get(row.id)
    days = islice(nominal_days(rhythm_of(row), after), count)
    return [plan_for(session, row, day) for day in days]


@dataclass(frozen=True, slots=True)
class MadeDelivery:
    """What became of a delivery: a round, or why it was left out."""

    nominal_on: date
    round_code: str | None
    delivery_on: date | None
    skipped: Skipped | None
    note: str | None


def deliveries_made(
    session: Session, cooperative_id: int, repeating_id: int, *, limit: int = 20
) -> list[MadeDelivery]:
    """The deliveries that were dealt with, the last one first."""
    found = session.execute(
        text(
            "select d.nominal_on, r.code, r.delivery_on, d.skipped, d.note"
            " from repeated_delivery d left join purchase_round r"
            " on r.cooperative_id = d.cooperative_id and r.id = d.round_id"
            " where d.cooperative_id = :cooperative_id and d.repeating_id = :repeating_id"
            " order by d.nominal_on desc limit :limit"
        ),
        {"cooperative_id": cooperative_id, "repeating_id": repeating_id, "limit": limit},
    )
    return [
        MadeDelivery(row[0], row[1], row[2], Skipped(row[3]) if row[3] else None, row[4])
        for row in found
    ]


def note_of_round(
    session: Session, cooperative_id: int, round_id: int
) -> tuple[str, str | None] | None:
    """The code of the repeating round that a round came from, and why it moved, if it did."""
    found = session.execute(
        text(
            "select p.code, d.note from repeated_delivery d join repeating_round p"
            " on p.cooperative_id = d.cooperative_id and p.id = d.repeating_id"
            " where d.cooperative_id = :cooperative_id and d.round_id = :round_id"
        ),
        {"cooperative_id": cooperative_id, "round_id": round_id},
    ).one_or_none()
    return None if found is None else (found[0], found[1])
