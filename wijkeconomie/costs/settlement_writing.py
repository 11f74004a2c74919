"""Writing settlements of costs in one statement with their shares, and what subsidies pay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import text
from sqlalchemy.orm.attributes import set_committed_value

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import DividedCost

BLOCK = 1000
"""So many members share a row of shares."""

# What arrives as text is cast once: the driver would look at each of a hundred thousand numbers.
_WRITE = text(
    """
with told as (
  select * from jsonb_to_recordset(cast(:settlements as jsonb)) as t (cost_id bigint,
    version bigint, key_version_id bigint, total_cents bigint,
    subsidy_cents bigint, part_totals bigint[], weight_sums text[], weight_scales text[],
    start bigint, member_count bigint, held_cents bigint, free_weight text, carry_mean text,
    entry_number bigint, proof text, secret text)
), written as (
  insert into cost_settlement (cooperative_id, cost_id, version, run_id, key_version_id,
    accounting_date, total_cents, subsidy_cents, part_totals, weight_sums,
    weight_scales, start, member_count, held_cents, free_weight, carry_mean, entry_number,
    proof, secret)
  select :cooperative_id, cost_id, version, :run_id, key_version_id,
    :accounting_date, total_cents, subsidy_cents, part_totals, weight_sums, weight_scales,
    start, member_count, held_cents, free_weight, carry_mean, entry_number,
    decode(proof, 'hex'), decode(secret, 'hex')
  from told
  returning id, cost_id
), shares as (
  insert into cost_share_block (cooperative_id, settlement_id, position, member_ids, weights,
    variable_weights, minimum_cents, cap_cents, carried, cents, subsidy_cents, is_estimated)
  select :cooperative_id, written.id, b.position, cast(b.member_ids as bigint[]),
    cast(b.weights as text[]), cast(b.variable_weights as text[]),
    cast(b.minimum_cents as bigint[]), cast(b.cap_cents as bigint[]),
    cast(b.carried as text[]), cast(b.cents as bigint[]), cast(b.subsidy_cents as bigint[]),
    cast(b.is_estimated as boolean[])
  from unnest(cast(:block_costs as bigint[]), cast(:positions as bigint[]),
    cast(:member_ids as text[]), cast(:weights as text[]), cast(:variable_weights as text[]),
    cast(:minimum_cents as text[]), cast(:cap_cents as text[]), cast(:carried as text[]),
    cast(:cents as text[]), cast(:subsidies as text[]), cast(:estimates as text[]))
    as b (cost_id, position, member_ids, weights, variable_weights, minimum_cents, cap_cents,
    carried, cents, subsidy_cents, is_estimated)
  join written on written.cost_id = b.cost_id
)
update shared_cost set settled_version = told.version
from told
where shared_cost.cooperative_id = :cooperative_id and shared_cost.id = told.cost_id
"""
)
# What one cost used of one subsidy, where any helped: most months have none.
_WRITE_USES = text(
    """
with told as (
  select * from unnest(cast(:use_costs as bigint[]), cast(:versions as bigint[]),
    cast(:subsidies as bigint[]), cast(:positions as bigint[]), cast(:cents as text[]))
    as t (cost_id, version, subsidy_id, position, cents)
), written as (
  insert into cost_subsidy_block (cooperative_id, settlement_id, subsidy_id, position, cents)
  select :cooperative_id, s.id, told.subsidy_id, told.position, cast(told.cents as bigint[])
  from told
  join cost_settlement s on s.cooperative_id = :cooperative_id and s.cost_id = told.cost_id
    and s.version = told.version
  returning subsidy_id, (select sum(c) from unnest(cents) c) as cents
)
update subsidy set used_cents = used_cents + used.cents
from (select subsidy_id, sum(cents)::bigint as cents from written group by subsidy_id) used
where subsidy.cooperative_id = :cooperative_id and subsidy.id = used.subsidy_id
"""
)


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """The run that settlements belong to, and the accounting date of their entries."""

    run_id: int
    accounting_date: date


def write_settlements(
    uow: UnitOfWork, by: WrittenBy, settled: Sequence[tuple[DividedCost, int | None]]
) -> None:
    """Write settlements with their shares; their costs are settled and subsidies used after it.

    Args:
        settled: each cost once, with the number of its entry, ``None`` where it was nothing.
    """
    if not settled:
        return
    uow.session.flush()
    uow.session.execute(
        _WRITE,
        {
            "cooperative_id": uow.tenant,
            "run_id": by.run_id,
            "accounting_date": by.accounting_date,
            "settlements": json.dumps([_told(*each) for each in settled]),
            **_columns([row for divided, _ in settled for row in _blocks(divided)]),
        },
    )
    _write_uses(uow, [divided for divided, _ in settled])
    for divided, _ in settled:
        set_committed_value(divided.cost, "settled_version", divided.head.version)


def _write_uses(uow: UnitOfWork, settled: Sequence[DividedCost]) -> None:
    rows = [
        (divided.cost.id, divided.head.version, use.subsidy.id, position, array_text(part))
        for divided in settled
        for use in divided.uses
        for position, part in enumerate(_parts(use.cents.tolist()))
    ]
    if not rows:
        return
    names = ("use_costs", "versions", "subsidies", "positions", "cents")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    uow.session.execute(_WRITE_USES, {"cooperative_id": uow.tenant, **columns})
    for divided in settled:
        for use in divided.uses:
            used = use.subsidy.used_cents + use.total_cents
            set_committed_value(use.subsidy, "used_cents", used)


def _parts(column: Sequence[object]) -> Iterator[Sequence[object]]:
    """A column as the rows of shares hold it."""
    for start in range(0, len(column), BLOCK):
        yield column[start : start + BLOCK]


def _told(divided: DividedCost, entry_number: int | None) -> dict[str, object]:
    by = divided.by
    return {
        "cost_id": divided.cost.id,
        "version": divided.head.version,
        "key_version_id": by.version.id,
        "total_cents": divided.cost.gross_cents,
        "subsidy_cents": int(divided.subsidy_cents.sum()),
        "part_totals": list(divided.shares.part_totals),
        "weight_sums": [str(part.total) for part in by.terms.parts],
        "weight_scales": [str(part.scale) for part in by.terms.parts],
        "start": by.terms.start,
        "member_count": len(by.members),
        "held_cents": divided.shares.held_cents,
        "free_weight": _written(divided.shares.free_weight),
        "carry_mean": _written(divided.shares.carry_mean or None),
        "entry_number": entry_number,
        "proof": divided.proof.hex(),
        "secret": divided.secret.hex(),
    }


def _written(number: int | Fraction | None) -> str | None:
    return None if number is None else str(number)


_BLOCK_COLUMNS = (
    "block_costs",
    "positions",
    "member_ids",
    "weights",
    "variable_weights",
    "minimum_cents",
    "cap_cents",
    "carried",
    "cents",
    "subsidies",
    "estimates",
)


def _columns(rows: Sequence[tuple[object, ...]]) -> dict[str, list[object]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(_BLOCK_COLUMNS)}


def _blocks(divided: DividedCost) -> Iterator[tuple[object, ...]]:
    """The shares of a settlement, a thousand members a row, in order of ``_BLOCK_COLUMNS``."""
    columns: tuple[Sequence[object] | None, ...] = (
        divided.by.members.ids,
        divided.columns.weights,
        divided.columns.variable_weights,
        divided.columns.minimums,
        divided.columns.caps,
        divided.columns.carried,
        divided.columns.cents,
        divided.columns.subsidy_cents,
        divided.by.is_estimated,
    )
    for position, start in enumerate(range(0, len(divided.columns.cents), BLOCK)):
        parts = [
            None if column is None else array_text(column[start : start + BLOCK])
            for column in columns
        ]
        yield divided.cost.id, position, *parts
