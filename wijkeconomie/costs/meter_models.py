"""Tables of meters: whose they were when, what they showed, and up to where usage was shared."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, own_key


class Meter(TenantTable, Base):
    """A meter at a member's, which a key reads, for as long as it was his.

    The next holder of the same device has a row of his own, and so has the device that replaces
    it. The database lets two rows of one number share no day.
    """

    __tablename__ = "meter"
    __table_args__ = (
        Index(
            "uq_meter_held",
            "cooperative_id",
            "code",
            unique=True,
            postgresql_where=text("ended_on is null"),
        ),
        own_key("key_id", of="allocation_key"),
        own_key("member_id", of="member"),
        CheckConstraint("ended_on > starts_on", name="ends_after_start"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    key_id: Mapped[int]
    member_id: Mapped[int]
    unit: Mapped[str]
    starts_on: Mapped[date | None]
    """The first day; absent for who always had it."""
    ended_on: Mapped[date | None]
    """The first day on which it was no longer his."""


class MeterReading(TenantTable, Base):
    """What a meter showed at the start of a day; never lower than before, but for estimates."""

    __tablename__ = "meter_reading"
    __table_args__ = (own_key("meter_id", of="meter"),)

    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    read_on: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[str]
    is_estimate: Mapped[bool] = mapped_column(server_default="false", default=False)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class MeterClosing(TenantTable, Base):
    """The value up to which usage was shared at the end of a month: there the next one begins.

    So what was estimated too low or too high is caught up with the next reading.
    """

    __tablename__ = "meter_closing"
    __table_args__ = (own_key("meter_id", of="meter"),)

    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    closed_on: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[str]
    is_estimate: Mapped[bool]
