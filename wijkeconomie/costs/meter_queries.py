"""Reads of meters for the page on which they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class MeterView:
    """A meter with what it showed last; ``ended_on`` where it is its holder's no longer."""

    id: int
    code: str
    key_name: str
    member: str
    unit: str
    read_on: date | None
    value: str | None
    is_estimate: bool | None
    ended_on: date | None


_METERS = text(
    """
select meter.id, meter.code, k.name, m.code, meter.unit, last.read_on, last.value,
  last.is_estimate, meter.ended_on
from meter
join allocation_key k on k.cooperative_id = meter.cooperative_id and k.id = meter.key_id
join member m on m.cooperative_id = meter.cooperative_id and m.id = meter.member_id
left join lateral (
  select r.read_on, r.value, r.is_estimate from meter_reading r
  where r.cooperative_id = meter.cooperative_id and r.meter_id = meter.id
  order by r.read_on desc limit 1
) last on true
where meter.cooperative_id = :id
order by k.name, m.code, meter.code, meter.starts_on nulls first
"""
)


def meters(session: Session, cooperative_id: int) -> list[MeterView]:
    """All meters, by key and member; also those that ended."""
    return [MeterView(*row) for row in session.execute(_METERS, {"id": cooperative_id})]


def meter_view(session: Session, cooperative_id: int, meter_id: int) -> MeterView:
    """One meter.

    Raises:
        NotFoundError: there is none with this id.
    """
    for meter in meters(session, cooperative_id):
        if meter.id == meter_id:
            return meter
    raise NotFoundError(f"there is no meter {meter_id}", meter=meter_id)
