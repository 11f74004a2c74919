"""Use cases of meters: who has one since when, and readings that can be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keys import flush_or_refuse, key_by_code, weight_of
from wijkeconomie.costs.meter_models import Meter, MeterReading
from wijkeconomie.costs.meter_rules import Reading, doubt, pace
from wijkeconomie.costs.models import AllocationKey
from wijkeconomie.costs.refusals import ImplausibleReadingError
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.weights import parse_weight, weight_text


def save_meter(
    uow: UnitOfWork,
    code: str,
    *,
    key_code: str,
    member_id: int,
    unit: str,
    starts_on: date | None = None,
) -> int:
    """Write down a meter of a member that a key reads; returns its id.

    Args:
        starts_on: the first day; ``None`` when it always was his.

    Raises:
        NotFoundError: no such key.
        CostExistsError: the meter is somebody's on these days.
    """
    require_permission(uow.identity, "cost.change")
    key = key_by_code(uow, key_code)
    meter = Meter(
        cooperative_id=uow.tenant,
        code=code,
        key_id=key.id,
        member_id=member_id,
        unit=unit,
        starts_on=starts_on,
    )
    uow.session.add(meter)
    flush_or_refuse(uow, f"there is a meter {code}")
    record_change(
        uow,
        subject=f"meter/{meter.id}",
        action="saved",
        after={"code": code, "member": member_id, "starts_on": _told(starts_on)},
    )
    return meter.id


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHolder:
    """Who has the meter next, and what it shows then: the same device, or one in its place."""

    member_id: int
    code: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndMeter:
    """A meter that is no longer its holder's from a day on, and what it shows that morning.

    ``following`` is whoever has it next: another member the same meter, or the same member the
    one that replaces it. ``is_confirmed`` accepts unusual usage.
    """

    meter_id: int
    ended_on: date
    value: str
    following: NextHolder | None = None
    is_confirmed: bool = False


def end_meter(uow: UnitOfWork, command: EndMeter) -> int | None:
    """Read a meter for the last time and let it go; the id of the one that follows.

    Usage before the day is its holder's, from that day on whose it is next.

    Raises:
        NotFoundError: no such meter.
        InvalidInputError: it ended before, or was read after that day, or a value is no number.
        ImplausibleReadingError: as :func:`record_readings`.
        CostExistsError: the number that follows is somebody's.
    """
    require_permission(uow.identity, "cost.change")
    meter = _held(uow, command.meter_id)
    last = uow.session.scalar(
        select(MeterReading.read_on)
        .where(MeterReading.cooperative_id == uow.tenant, MeterReading.meter_id == meter.id)
        .order_by(MeterReading.read_on.desc())
        .limit(1)
    )
    starts_on = meter.starts_on or date.min
    if command.ended_on <= starts_on or (last is not None and command.ended_on < last):
        raise InvalidInputError("a meter ends after it began and was read", field="ended_on")
    record_readings(
        uow,
        [
            RecordReading(
                meter_id=meter.id,
                read_on=command.ended_on,
                value=command.value,
                is_confirmed=command.is_confirmed,
            )
        ],
    )
    meter.ended_on = command.ended_on
    uow.session.flush()
    record_change(
        uow,
        subject=f"meter/{meter.id}",
        action="ended",
        after={"ended_on": command.ended_on.isoformat(), "value": command.value},
    )
    if command.following is None:
        return None
    return _follow(uow, meter, command.ended_on, command.following)


def _held(uow: UnitOfWork, meter_id: int) -> Meter:
    meter = uow.session.get(Meter, (uow.tenant, meter_id), with_for_update=True)
    if meter is None:
        raise NotFoundError(f"there is no meter {meter_id}", meter=meter_id)
    if meter.ended_on is not None:
        raise InvalidInputError(f"meter {meter.code} ended before", field="ended_on")
    return meter


def _follow(uow: UnitOfWork, meter: Meter, day: date, following: NextHolder) -> int:
    key = uow.session.get_one(AllocationKey, (uow.tenant, meter.key_id))
    found = save_meter(
        uow,
        following.code,
        key_code=key.code,
        member_id=following.member_id,
        unit=meter.unit,
        starts_on=day,
    )
    record_readings(uow, [RecordReading(meter_id=found, read_on=day, value=following.value)])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReading:
    """What a meter showed at the start of a day; ``is_confirmed`` accepts unusual usage."""

    meter_id: int
    read_on: date
    value: str
    is_estimate: bool = False
    is_confirmed: bool = False


def record_readings(uow: UnitOfWork, commands: Sequence[RecordReading]) -> None:
    """Write down readings, each in place of one of the same day: all of them, or none.

    Raises:
        InvalidInputError: a value is not a number.
        ImplausibleReadingError: lower than a reading before it or higher than one after it, of a
            day that has not come or on which the meter was not there; or usage that is unusual
            and that nobody confirmed. The context names the meter.
    """
    require_permission(uow.identity, "cost.change")
    for command in commands:
        _record(uow, command)


def _record(uow: UnitOfWork, command: RecordReading) -> None:
    meter = uow.session.get(Meter, (uow.tenant, command.meter_id))
    if meter is None:
        raise NotFoundError(f"there is no meter {command.meter_id}", meter=command.meter_id)
    value = weight_of(command.value, "value")
    if value < 0:
        raise InvalidInputError("a meter shows no number below zero", field="value")
    _check_day(uow, meter, command.read_on)
    new = Reading(command.read_on, value, command.is_estimate)
    known = _readings(uow, meter.id)
    reason = doubt(
        new,
        [each for each in known if each.read_on != command.read_on],
        others=_paces(uow, meter) if len(known) < 3 else (),
    )
    if reason is not None and not (command.is_confirmed and reason.can_be_confirmed):
        raise ImplausibleReadingError(
            f"meter {meter.code}: {command.value} on {command.read_on} is {reason.kind}",
            meter=meter.code,
            reason=reason.kind,
            value=reason.value,
        )
    before = next((each for each in known if each.read_on == command.read_on), None)
    _write(uow, command)
    record_change(
        uow,
        subject=f"meter/{meter.id}",
        action="read",
        before=None if before is None else _shown(before),
        after=_shown(new),
    )


def _check_day(uow: UnitOfWork, meter: Meter, day: date) -> None:
    if day > local_date(uow.now, LOCAL_TIME):
        reason = "later"
    elif day < (meter.starts_on or date.min) or day > (meter.ended_on or date.max):
        reason = "outside"
    else:
        return
    raise ImplausibleReadingError(
        f"meter {meter.code} cannot have been read on {day}", meter=meter.code, reason=reason
    )


def _readings(uow: UnitOfWork, meter_id: int) -> list[Reading]:
    rows = uow.session.execute(
        select(MeterReading.read_on, MeterReading.value, MeterReading.is_estimate)
        .where(MeterReading.cooperative_id == uow.tenant, MeterReading.meter_id == meter_id)
        .order_by(MeterReading.read_on)
    )
    return [Reading(row.read_on, parse_weight(row.value), row.is_estimate) for row in rows]


# The first and last reading of each other meter of the key that counts the same.
_OTHERS = text(
    """
select r.first_on, r.last_on, low.value as first_value, high.value as last_value
from meter m
cross join lateral (select min(read_on) as first_on, max(read_on) as last_on
  from meter_reading x where x.cooperative_id = m.cooperative_id and x.meter_id = m.id) r
join meter_reading low on low.cooperative_id = m.cooperative_id and low.meter_id = m.id
  and low.read_on = r.first_on
join meter_reading high on high.cooperative_id = m.cooperative_id and high.meter_id = m.id
  and high.read_on = r.last_on
where m.cooperative_id = :cooperative_id and m.key_id = :key_id and m.unit = :unit
  and m.id <> :id and r.first_on < r.last_on
"""
)


def _paces(uow: UnitOfWork, meter: Meter) -> list[Fraction]:
    """What each other meter of the key counted a day, from its first to its last reading."""
    rows = uow.session.execute(
        _OTHERS,
        {
            "cooperative_id": uow.tenant,
            "key_id": meter.key_id,
            "unit": meter.unit,
            "id": meter.id,
        },
    )
    return [
        pace(
            Reading(row.first_on, parse_weight(row.first_value)),
            Reading(row.last_on, parse_weight(row.last_value)),
        )
        for row in rows
    ]


def _write(uow: UnitOfWork, command: RecordReading) -> None:
    statement = insert(MeterReading)
    uow.session.execute(
        statement.on_conflict_do_update(
            index_elements=["cooperative_id", "meter_id", "read_on"],
            set_={
                name: getattr(statement.excluded, name)
                for name in ("value", "is_estimate", "recorded_at", "recorded_by")
            },
        ),
        {
            "cooperative_id": uow.tenant,
            "meter_id": command.meter_id,
            "read_on": command.read_on,
            "value": command.value,
            "is_estimate": command.is_estimate,
            "recorded_at": uow.now,
            "recorded_by": uow.actor,
        },
    )


def _shown(reading: Reading) -> dict[str, object]:
    return {
        "read_on": reading.read_on.isoformat(),
        "value": weight_text(reading.value),
        "is_estimate": reading.is_estimate,
    }


def _told(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
