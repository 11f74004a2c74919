"""Tables of what leaves the members' own pages: links to rounds and calendars."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable


class RoundLink(TenantTable, Base):
    """The link by which everyone may look at a round; a coordinator gives it and takes it back.

    The link is meant to be passed on and printed, so it is kept as it is.
    """

    __tablename__ = "round_link"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "token"),
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str]
    shared_at: Mapped[datetime]
    shared_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]


class CalendarFeed(TenantTable, Base):
    """The link by which a calendar program reads a member's rounds; only a hash of it is kept."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "token_hash"),
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token_hash: Mapped[str | None]
    """``None`` when the member ended it."""
    created_at: Mapped[datetime]
