"""Writing down the parts of cents that members carry on to the next settlement of a key."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork

_WRITE = text(
    """
insert into allocation_carry (cooperative_id, key_id, member_id, cents)
select :cooperative_id, :key_id, told.member_id, told.cents
from unnest(cast(:member_ids as bigint[]), cast(:cents as text[])) as told (member_id, cents)
on conflict (cooperative_id, key_id, member_id) do update set cents = excluded.cents
"""
)


def write_carried(uow: UnitOfWork, key_id: int, carried: Mapping[int, Fraction]) -> None:
    """What each member carries on, by his id, in the place of what he carried before."""
    if carried:
        uow.session.execute(
            _WRITE,
            {
                "cooperative_id": uow.tenant,
                "key_id": key_id,
                "member_ids": array_text(carried),
                "cents": array_text(carried.values()),
            },
        )
