"""Tables of what is decided by hand about a delivery, and of handing it out."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class SurplusRule(enum.StrEnum):
    """What becomes of units that came and that nobody ordered or tolerates."""

    STOCK = "stock"
    """They are the cooperative's stock by themselves."""
    ASK = "ask"
    """Somebody decides on each before the round is settled."""


class PledgeOrigin(enum.StrEnum):
    """How a pledge came about."""

    PLEDGED = "pledged"
    REPLACEMENT = "replacement"
    """For a product that came in place of the one that was pledged for."""
    EXTRA = "extra"
    """Given by a coordinator after closing, to a member who agreed."""


class HandOutcome(enum.StrEnum):
    """What became of the goods of one pledge at the hand-out."""

    COLLECTED = "collected"
    KEPT = "kept"
    """Not collected; kept apart for the member, with a note."""
    CHARGED = "charged"
    """Not collected and gone; the member pays all the same."""
    SOLD_ON = "sold_on"
    """Not collected; it went to someone else or to the stock, and the member pays nothing."""


_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in HandOutcome)


class ShareByHand(TenantTable, Base):
    """Units of a pledge that somebody set, instead of the rule; one at a time counts.

    Releasing it is a fact with a time, so that every decision stays readable beside what the
    rule came to.
    """

    __tablename__ = "share_by_hand"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("reason <> ''", name="reason_given"),
        Index(
            "ix_share_by_hand_one_counts",
            "cooperative_id",
            "pledge_id",
            unique=True,
            postgresql_where=text("released_at is null"),
        ),
        Index("ix_share_by_hand_cooperative_id_round_id", "cooperative_id", "round_id"),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    pledge_id: Mapped[int]
    quantity: Mapped[int]
    reason: Mapped[str]
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]


class PledgeWeight(TenantTable, Base):
    """What was weighed for one pledge of goods that are settled by weight."""

    __tablename__ = "pledge_weight"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint("grams > 0", name="grams_positive"),
        Index("ix_pledge_weight_cooperative_id_round_id", "cooperative_id", "round_id"),
    )

    pledge_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round_id: Mapped[int]
    grams: Mapped[int]
    weighed_at: Mapped[datetime]
    weighed_by: Mapped[str]


class PickupSlot(TenantTable, Base):
    """A time and place at which members collect; ``capacity`` is the most members, if any."""

    __tablename__ = "pickup_slot"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "round_id", "id"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("capacity >= 1", name="capacity_positive"),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str]
    capacity: Mapped[int | None]


class PickupChoice(TenantTable, Base):
    """The slot that a member chose for a round; the database keeps slots within capacity."""

    __tablename__ = "pickup_choice"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id", "slot_id"],
            ["pickup_slot.cooperative_id", "pickup_slot.round_id", "pickup_slot.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot_id: Mapped[int]
    chosen_at: Mapped[datetime]


class HandOut(TenantTable, Base):
    """What became of the goods of one pledge when they were handed out."""

    __tablename__ = "hand_out"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint(f"outcome in ({_OUTCOMES})", name="outcome_known"),
        CheckConstraint("outcome = 'collected' or note <> ''", name="not_collected_is_noted"),
        Index("ix_hand_out_cooperative_id_round_id", "cooperative_id", "round_id"),
    )

    pledge_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round_id: Mapped[int]
    outcome: Mapped[str]
    note: Mapped[str | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
