"""Reads of what happens at the closing time of a round, and of rounds that wait for someone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.miss_rules import Miss, missed_in


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """What happens at a round's closing time, and where that stands."""

    on_miss: OnMiss
    prolong_days: int
    most_prolongations: int
    when_spent: Literal["cancel", "ask"]
    target_net_cents: int | None
    heeds_product_minimum: bool
    topup_hours: int | None
    planned_closes_at: datetime
    prolonged: int
    asked_at: datetime | None
    missed: Mapping[str, Any] | None
    topup_since: datetime | None
    reminder_hours: int | None

    @property
    def is_asked(self) -> bool:
        """Whether a coordinator has to decide."""
        return self.asked_at is not None

    @property
    def misses(self) -> tuple[Miss, ...]:
        """What was missed, when a coordinator was asked."""
        return () if self.missed is None else missed_in(self.missed)[1]

    @property
    def reached_cents(self) -> int:
        """What would have been ordered then, without VAT and freight."""
        return 0 if self.missed is None else missed_in(self.missed)[0]


_DEADLINE = text(
    """
select d.on_miss, d.prolong_days, d.most_prolongations, d.when_spent, d.target_net_cents,
  d.heeds_product_minimum, d.topup_hours, d.planned_closes_at, d.prolonged, d.asked_at, d.missed,
  r.topup_since, d.reminder_hours
from round_deadline d
join purchase_round r on r.cooperative_id = d.cooperative_id and r.id = d.round_id
where d.cooperative_id = :cooperative_id and d.round_id = :round_id
"""
)


def round_deadline(session: Session, cooperative_id: int, round_id: int) -> DeadlineView | None:
    """What happens at the closing time of a round; ``None`` where it just closes."""
    found = session.execute(
        _DEADLINE, {"cooperative_id": cooperative_id, "round_id": round_id}
    ).one_or_none()
    return None if found is None else DeadlineView(OnMiss(found[0]), *found[1:])


def rounds_that_ask(session: Session, cooperative_id: int) -> list[tuple[str, str, datetime]]:
    """Code, theme and moment of asking of the rounds about which a coordinator has to decide."""
    found = session.execute(
        text(
            "select r.code, r.theme, d.asked_at from round_deadline d join purchase_round r"
            " on r.cooperative_id = d.cooperative_id and r.id = d.round_id"
            " where d.cooperative_id = :cooperative_id and d.asked_at is not null"
            " and r.state = 'open' order by d.asked_at, r.id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return [(row[0], row[1], row[2]) for row in found]


def products_below_minimum(session: Session, cooperative_id: int, round_id: int) -> tuple[str, ...]:
    """The names of products whose pledges fell out by the supplier's minimum."""
    return tuple(
        session.scalars(
            text(
                "select o.name from round_product o where o.cooperative_id = :cooperative_id"
                " and o.round_id = :round_id and exists (select from pledge x"
                " where x.cooperative_id = o.cooperative_id and x.round_product_id = o.id"
                " and x.dropout = 'minimum') order by o.position"
            ),
            {"cooperative_id": cooperative_id, "round_id": round_id},
        )
    )


@dataclass(frozen=True, slots=True)
class PolicyView:
    """After how many days unsettled rounds are told of, and settled by the clock."""

    nag_after_days: int = 7
    settle_after_days: int | None = None


def round_policy(session: Session, cooperative_id: int) -> PolicyView:
    """The policy of a cooperative, or the defaults."""
    found = session.execute(
        text(
            "select nag_after_days, settle_after_days from round_policy"
            " where cooperative_id = :cooperative_id"
        ),
        {"cooperative_id": cooperative_id},
    ).one_or_none()
    return PolicyView() if found is None else PolicyView(*found)
