"""Use cases of meters: readings that can be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keys import flush_or_refuse, key_by_code, weight_of
from wijkeconomie.costs.models import Meter, MeterReading
from wijkeconomie.costs.refusals import ImplausibleReadingError
from wijkeconomie.money.weights import parse_weight

PLAUSIBLE_FACTOR = 4
"""Usage of more than so many times the usual one must be confirmed."""


def save_meter(uow: UnitOfWork, code: str, *, key_code: str, member_id: int, unit: str) -> int:
    """Write down a meter of a member that a key reads; returns its id.

    Raises:
        NotFoundError: no such key.
        CostExistsError: another meter has the code.
    """
    require_permission(uow.identity, "cost.change")
    key = key_by_code(uow, key_code)
    meter = Meter(
        cooperative_id=uow.tenant, code=code, key_id=key.id, member_id=member_id, unit=unit
    )
    uow.session.add(meter)
    flush_or_refuse(uow, f"there is a meter {code}")
    return meter.id


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReading:
    """What a meter showed at the start of a day; ``is_confirmed`` accepts unusual usage."""

    meter_id: int
    read_on: date
    value: str
    is_estimate: bool = False
    is_confirmed: bool = False


def record_reading(uow: UnitOfWork, command: RecordReading) -> None:
    """Write down a reading, in place of one of the same day.

    Raises:
        InvalidInputError: the value is not a number.
        ImplausibleReadingError: lower than before or higher than after, or usage a day is more
            than four times what it was and nobody confirmed that.
    """
    require_permission(uow.identity, "cost.change")
    value = weight_of(command.value, "value")
    rows = uow.session.scalars(
        select(MeterReading)
        .where(
            MeterReading.cooperative_id == uow.tenant,
            MeterReading.meter_id == command.meter_id,
            MeterReading.read_on != command.read_on,
        )
        .order_by(MeterReading.read_on)
    ).all()
    before = [row for row in rows if row.read_on < command.read_on]
    after = [row for row in rows if row.read_on > command.read_on]
    if before and value < parse_weight(before[-1].value):
        raise ImplausibleReadingError(
            f"{command.value} is lower than {before[-1].value} of {before[-1].read_on}",
            earlier=before[-1].value,
        )
    if after and value > parse_weight(after[0].value):
        raise ImplausibleReadingError(
            f"{command.value} is higher than {after[0].value} of {after[0].read_on}",
            later=after[0].value,
        )
    if not command.is_confirmed and _is_unusual(before, command.read_on, value):
        raise ImplausibleReadingError(
            f"{command.value} is more than {PLAUSIBLE_FACTOR} times the usual usage: confirm it",
            value=command.value,
        )
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


def _is_unusual(before: Sequence[MeterReading], day: date, value: Fraction) -> bool:
    """Whether usage since the last reading is far above that between the readings before."""
    if len(before) < 2:
        return False
    first, last = before[0], before[-1]
    usual = (parse_weight(last.value) - parse_weight(first.value)) / (
        last.read_on - first.read_on
    ).days
    now = (value - parse_weight(last.value)) / (day - last.read_on).days
    return usual > 0 and now > PLAUSIBLE_FACTOR * usual
