"""Tables of deadlines: what happens when a round misses its minimum, and when it lies unsettled."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable

LONGEST_TOPUP_H = 96
LONGEST_REMINDER_H = 168
MOST_PROLONGATIONS = 12
LONGEST_PROLONGATION_DAYS = 28


class OnMiss(enum.StrEnum):
    """What happens when too little was ordered at the closing time."""

    CANCEL = "cancel"
    PROLONG = "prolong"
    ASK = "ask"


class MissTerms:
    """What a round does on a miss of its minimum; of a round, and of one that repeats."""

    on_miss: Mapped[str] = mapped_column(server_default="ask", default="ask")
    prolong_days: Mapped[int] = mapped_column(server_default="2", default=2)
    most_prolongations: Mapped[int] = mapped_column(server_default="1", default=1)
    when_spent: Mapped[str] = mapped_column(server_default="ask", default="ask")
    """What happens on a miss once it was prolonged as often as it may be."""
    target_net_cents: Mapped[int | None]
    """What the members want to order together at least, without VAT and freight."""
    heeds_product_minimum: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Whether a product that falls out by its minimum is a miss of the whole round."""
    topup_hours: Mapped[int | None]
    """How long members may fill packs that are not full, after the closing time."""
    reminder_hours: Mapped[int | None]
    """How long before the closing time who ordered nothing is reminded; ``None``: never."""


def miss_checks() -> tuple[CheckConstraint, ...]:
    """The constraints that go with :class:`MissTerms`."""
    return (
        CheckConstraint("on_miss in ('cancel', 'prolong', 'ask')", name="on_miss_known"),
        CheckConstraint("when_spent in ('cancel', 'ask')", name="when_spent_known"),
        CheckConstraint(
            f"prolong_days between 1 and {LONGEST_PROLONGATION_DAYS}", name="prolong_days_in_range"
        ),
        CheckConstraint(
            f"most_prolongations between 0 and {MOST_PROLONGATIONS}",
            name="most_prolongations_in_range",
        ),
        CheckConstraint("target_net_cents > 0", name="target_positive"),
        CheckConstraint(
            f"topup_hours between 1 and {LONGEST_TOPUP_H}", name="topup_hours_in_range"
        ),
        CheckConstraint(
            f"reminder_hours between 1 and {LONGEST_REMINDER_H}", name="reminder_hours_in_range"
        ),
    )


class RoundDeadline(TenantTable, MissTerms, Base):
    """What happens at the closing time of one round; a round without it just closes."""

    __tablename__ = "round_deadline"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        *miss_checks(),
        CheckConstraint("prolonged between 0 and most_prolongations", name="prolonged_as_allowed"),
        CheckConstraint("(asked_at is null) = (missed is null)", name="asked_about_a_miss"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    planned_closes_at: Mapped[datetime]
    """The closing time before any prolongation."""
    prolonged: Mapped[int] = mapped_column(server_default="0", default=0)
    """How often the clock has prolonged it; what a coordinator does by hand is not counted."""
    asked_at: Mapped[datetime | None]
    """Since when a coordinator has to decide."""
    missed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What was missed when the coordinator was asked (``miss_rules.record_of``)."""


class RoundPolicy(TenantTable, Base):
    """What a cooperative does with rounds that lie unsettled; one row, or the defaults."""

    __tablename__ = "round_policy"
    __table_args__ = (
        CheckConstraint("nag_after_days between 1 and 60", name="nag_in_range"),
        CheckConstraint("settle_after_days between 1 and 90", name="settle_in_range"),
    )

    nag_after_days: Mapped[int] = mapped_column(server_default="7", default=7)
    settle_after_days: Mapped[int | None]
    """After how many days a received round is settled by the clock; ``None``: never."""
