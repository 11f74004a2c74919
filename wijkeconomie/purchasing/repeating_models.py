"""Tables of rounds that repeat, the deliveries they made, and breaks in which none come."""

from __future__ import annotations

import enum
from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.purchasing.deadline_models import MissTerms, miss_checks


class OnHoliday(enum.StrEnum):
    """What happens with a delivery that falls on a public holiday."""

    SKIP = "skip"
    BEFORE = "before"
    AFTER = "after"
    AS_USUAL = "as_usual"


class Skipped(enum.StrEnum):
    """Why a delivery was left out."""

    BREAK = "break"
    HOLIDAY = "holiday"
    LATE = "late"
    """Its closing time had passed before anything could be made: the clock stood still."""


class RepeatingRound(TenantTable, MissTerms, Base):
    """A round that comes back every so many weeks, with the products and prices of its day.

    Deliveries are counted from ``first_delivery_on``; opening and closing are counted back
    from the delivery, at hours of the clock in the Netherlands.
    """

    __tablename__ = "repeating_round"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        *miss_checks(),
        CheckConstraint("every_weeks between 1 and 13", name="every_weeks_in_range"),
        CheckConstraint(
            "closes_days_before between 0 and 60 and opens_days_before between 0 and 60",
            name="days_before_in_range",
        ),
        CheckConstraint(
            "(opens_days_before, closes_time) > (closes_days_before, opens_time)",
            name="closes_after_opening",
        ),
        CheckConstraint("ahead_days between 0 and 14", name="ahead_in_range"),
        CheckConstraint("last_delivery_on >= first_delivery_on", name="last_after_first"),
        CheckConstraint("freight_excl_cents >= 0", name="freight_not_negative"),
        CheckConstraint("freight_key in ('value', 'quantity', 'equal')", name="freight_key_known"),
        CheckConstraint(
            "shortage_rule in ('pro_rata', 'first_pledged', 'manual')", name="shortage_known"
        ),
        CheckConstraint("surplus_rule in ('stock', 'ask')", name="surplus_known"),
        CheckConstraint(
            "on_holiday in ('skip', 'before', 'after', 'as_usual')", name="on_holiday_known"
        ),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    theme: Mapped[str]
    supplier_id: Mapped[int]
    category: Mapped[str | None]
    """Only what the supplier offers in this category; ``None``: everything he offers."""
    every_weeks: Mapped[int] = mapped_column(server_default="1", default=1)
    first_delivery_on: Mapped[date]
    last_delivery_on: Mapped[date | None]
    opens_days_before: Mapped[int]
    opens_time: Mapped[time]
    closes_days_before: Mapped[int]
    closes_time: Mapped[time]
    ahead_days: Mapped[int] = mapped_column(server_default="1", default=1)
    """How many days before it opens a round is made, for a coordinator to look at."""
    on_holiday: Mapped[str] = mapped_column(server_default="skip", default="skip")
    freight_excl_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    freight_key: Mapped[str] = mapped_column(server_default="value", default="value")
    shortage_rule: Mapped[str] = mapped_column(server_default="pro_rata", default="pro_rata")
    surplus_rule: Mapped[str] = mapped_column(server_default="stock", default="stock")
    created_by: Mapped[str]
    stopped_at: Mapped[datetime | None]


class RepeatedDelivery(TenantTable, Base):
    """What became of one delivery of a repeating round: a round, or why it was left out."""

    __tablename__ = "repeated_delivery"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "repeating_id"],
            ["repeating_round.cooperative_id", "repeating_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        CheckConstraint("skipped in ('break', 'holiday', 'late')", name="skipped_known"),
        CheckConstraint("(round_id is null) = (skipped is not null)", name="round_or_reason"),
        Index("ix_repeated_delivery_cooperative_id_round_id", "cooperative_id", "round_id"),
    )

    repeating_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    nominal_on: Mapped[date] = mapped_column(primary_key=True)
    """The day that the rhythm names; the delivery itself may be moved for a holiday."""
    round_id: Mapped[int | None]
    skipped: Mapped[str | None]
    note: Mapped[str | None]
    """The holiday or break that moved or skipped it."""
    made_at: Mapped[datetime]


class DeliveryBreak(TenantTable, Base):
    """Days without deliveries, of one supplier or of all."""

    __tablename__ = "delivery_break"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"], ["supplier.cooperative_id", "supplier.id"]
        ),
        CheckConstraint("last_day >= first_day", name="ends_after_start"),
        Index(
            "ix_delivery_break_standing",
            "cooperative_id",
            "last_day",
            postgresql_where=text("withdrawn_at is null"),
        ),
    )

    id: Mapped[SurrogateKey]
    supplier_id: Mapped[int | None]
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str]
    created_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
