"""Reading the usage of a month from the meters of a key, or saying which were not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import text

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.meter_rules import Reading, Usage, is_read, usage
from wijkeconomie.costs.models import AllocationKey, AllocationKeyVersion
from wijkeconomie.costs.refusals import ReadingMissingError
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.money.weights import parse_weight

NAMED = 5
"""So many meters are named that were not read; of the others only how many."""


@dataclass(frozen=True, slots=True)
class MeteredUsage:
    """The usage of a month of one meter; ``last`` is the day at whose start it ends."""

    meter_id: int
    code: str
    member_id: int
    last: date
    usage: Usage


# Two readings before the end of the month, or all from the one that begins it, and two after it:
# as many as a line needs that goes on at either side.
_METERS = text(
    """
with held as (
  select m.id, m.code, m.member_id, greatest(:first, coalesce(m.starts_on, :first)) as first,
    least(:last, coalesce(m.ended_on, :last)) as last
  from meter m
  where m.cooperative_id = :cooperative_id and m.key_id = :key_id
    and m.member_id = any(cast(:members as bigint[]))
    and (m.starts_on is null or m.starts_on < :last)
    and (m.ended_on is null or m.ended_on > :first)
)
select held.id, held.code, held.member_id, held.first, held.last, r.read_on, r.value,
  r.is_estimate, c.closed_on, c.value as closed_value, c.is_estimate as closed_is_estimate
from held
left join lateral (
  select x.closed_on, x.value, x.is_estimate from meter_closing x
  where x.cooperative_id = :cooperative_id and x.meter_id = held.id and x.closed_on <= held.first
  order by x.closed_on desc limit 1
) c on true
left join meter_reading r on r.cooperative_id = :cooperative_id and r.meter_id = held.id
  and r.read_on >= coalesce(least(
    (select max(x.read_on) from meter_reading x where x.cooperative_id = :cooperative_id
      and x.meter_id = held.id and x.read_on <= held.first),
    (select x.read_on from meter_reading x where x.cooperative_id = :cooperative_id
      and x.meter_id = held.id and x.read_on < held.last
      order by x.read_on desc offset 1 limit 1)), '-infinity')
  and r.read_on <= coalesce(
    (select x.read_on from meter_reading x where x.cooperative_id = :cooperative_id
      and x.meter_id = held.id and x.read_on >= held.last
      order by x.read_on offset 1 limit 1), 'infinity')
order by held.code, held.id, r.read_on
"""
)


def metered_usage(
    uow: UnitOfWork,
    key: AllocationKey,
    version: AllocationKeyVersion,
    month: Period,
    member_ids: Sequence[int],
) -> list[MeteredUsage]:
    """The usage of a month of each meter of these members that the key reads, by number.

    A meter that was not read at the end of the month or later is waited for as long as the key
    says; after that its line goes on, and its usage is estimated.

    Raises:
        ReadingMissingError: a meter is waited for, or was read fewer than twice ever, so that
            there is nothing to estimate by.
    """
    rows = uow.session.execute(
        _METERS,
        {
            "cooperative_id": uow.tenant,
            "key_id": key.id,
            "members": list(member_ids),
            "first": month.start,
            "last": month.end,
        },
    )
    waits = local_date(uow.now, LOCAL_TIME) < month.end + timedelta(days=version.grace_days)
    found = list(_by_meter(rows))
    missing = [
        meter
        for meter, readings, _settled in found
        if len(readings) < 2 or (waits and not is_read(readings, meter.last))
    ]
    if missing:
        raise _missing(key, missing)
    return [
        MeteredUsage(
            meter.id,
            meter.code,
            meter.member_id,
            meter.last,
            usage(readings, meter.first, meter.last, settled),
        )
        for meter, readings, settled in found
    ]


def _by_meter(rows: Any) -> Iterator[tuple[Any, list[Reading], Reading | None]]:
    for _id, group in groupby(rows, key=lambda row: row.id):
        own = list(group)
        meter = own[0]
        settled = None
        if meter.closed_on is not None:
            settled = Reading(
                meter.closed_on, parse_weight(meter.closed_value), meter.closed_is_estimate
            )
        readings = [
            Reading(row.read_on, parse_weight(row.value), row.is_estimate)
            for row in own
            if row.read_on is not None
        ]
        yield meter, readings, settled


def _missing(key: AllocationKey, missing: Sequence[Any]) -> ReadingMissingError:
    codes = [meter.code for meter in missing]
    named = ", ".join(codes[:NAMED])
    if len(codes) > NAMED:
        named += f" +{len(codes) - NAMED}"
    day = min(meter.last for meter in missing).isoformat()
    return ReadingMissingError(
        f"key {key.code} needs readings of {day} or later: meter {named} was not read",
        key=key.code,
        meters=named,
        day=day,
    )


def weights_of(member_ids: Sequence[int], metered: Sequence[MeteredUsage]) -> list[Fraction]:
    """What each of these members used, by all his meters together."""
    used: dict[int, Fraction] = {}
    for each in metered:
        used[each.member_id] = used.get(each.member_id, Fraction(0)) + each.usage.used
    return [used.get(member_id, Fraction(0)) for member_id in member_ids]


_WRITE = text(
    """
insert into meter_closing (cooperative_id, meter_id, closed_on, value, is_estimate)
select :cooperative_id, told.* from unnest(cast(:meters as bigint[]), cast(:days as date[]),
  cast(:values as text[]), cast(:estimates as boolean[])) as told
on conflict (cooperative_id, meter_id, closed_on)
do update set value = excluded.value, is_estimate = excluded.is_estimate
"""
)


def write_closings(uow: UnitOfWork, metered: Sequence[MeteredUsage]) -> None:
    """Write down up to where usage was shared, by each meter; there its next month begins."""
    each = list({(one.meter_id, one.last): one for one in metered}.values())
    if each:
        uow.session.execute(
            _WRITE,
            {
                "cooperative_id": uow.tenant,
                "meters": [one.meter_id for one in each],
                "days": [one.last for one in each],
                "values": [str(one.usage.closing) for one in each],
                "estimates": [one.usage.is_estimate for one in each],
            },
        )
