"""Reads of rounds that wait for the clock: to be opened, closed, or reminded of."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


def round_at(round_id: int, moment: datetime) -> str:
    """What work for a round is known by that is done once for each of its moments."""
    return f"{round_id}/{moment.astimezone(UTC).isoformat()}"


_TO_REMIND = text(
    """
select r.id, r.closes_at - agreed.ahead, r.closes_at from purchase_round r
left join round_deadline d on d.cooperative_id = r.cooperative_id and d.round_id = r.id
cross join lateral (
  select make_interval(
    hours => (case when d.round_id is null then 24 else d.reminder_hours end)::int
  ) as ahead
) agreed
where r.cooperative_id = :cooperative_id and r.state = 'open' and r.closes_at > :now
  and r.closes_at - agreed.ahead <= :now and r.opens_at <= r.closes_at - 2 * agreed.ahead
  and r.topup_since is null
order by r.closes_at, r.id
"""
)


def rounds_due_to_open(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[int, datetime]]:
    """Drafts whose opening time has come and closing time has not, with it, oldest first."""
    condition = "state = 'draft' and opens_at <= :now and closes_at > :now"
    return _due(session, cooperative_id, now, "opens_at", condition)


def rounds_due_to_close(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[int, datetime]]:
    """Open rounds whose deadline has passed, with it, oldest first."""
    return _due(session, cooperative_id, now, "closes_at", "state = 'open' and closes_at <= :now")


def rounds_due_to_remind(
    session: Session, cooperative_id: int, now: datetime
) -> list[tuple[int, datetime, datetime]]:
    """Open rounds of which the reminder is due, its moment and the closing time; no short ones.

    It comes a day before the closing time, or as long before it as is agreed for the round; not in
    rounds that are open less than twice as long.
    """
    found = session.execute(_TO_REMIND, {"cooperative_id": cooperative_id, "now": now})
    return [(row[0], row[1], row[2]) for row in found]


def members_without_pledge(
    session: Session, cooperative_id: int, round_id: int, day: date
) -> list[int]:
    """Members on a day who ordered nothing in a round."""
    return list(
        session.scalars(
            text(
                "select id from member m where cooperative_id = :id and joined_on <= :day"
                " and (left_on is null or left_on >= :day) and not exists (select from pledge p"
                " where p.cooperative_id = m.cooperative_id and p.round_id = :round"
                " and p.member_id = m.id and p.withdrawn_at is null) order by id"
            ),
            {"id": cooperative_id, "round": round_id, "day": day},
        )
    )


def _due(
    session: Session, cooperative_id: int, now: datetime, moment: str, condition: str
) -> list[tuple[int, datetime]]:
    return [
        (row[0], row[1])
        for row in session.execute(
            text(
                f"select id, {moment} from purchase_round where cooperative_id = :cooperative_id"
                f" and {condition} order by closes_at, id"
            ),
            {"cooperative_id": cooperative_id, "now": now},
        )
    ]
