"""Closing a round of 1,000 members and 100 products with ladders, against raw SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import text

from benchmarks.measuring import Row, compare
from benchmarks.world import World
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    PlanRound,
    close_round,
    open_round,
    plan_round,
)
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

MEMBERS = 1000
PRODUCTS = 100
RUNS = 3
RUNGS = ((1000, 900), (2000, 850))

_MEMBERS = text(
    "insert into member (cooperative_id, code, initials, first_name, last_name, street,"
    " house_number, postcode, city, joined_on, share_units)"
    " select :id, 'L' || lpad(n::text, 6, '0'), 'B.', 'Bench', 'Lid', 'Straat', '1', '1000AA',"
    " 'Stad', '2019-01-01', 1 from generate_series(1, :count) n"
)
# One in five names a maximum, spread over the rungs; one in eight tolerates more.
_PLEDGES = text(
    """
insert into pledge (cooperative_id, code, round_id, round_product_id, member_id, quantity,
  tolerance, max_price_excl_cents, pledged_at, changed_at)
select :id, :round || '-' || m.code || '-' || o.position, :round, o.id, m.id,
  1 + (m.id * 7 + o.position) % 4, case when (m.id + o.position) % 8 = 0 then 1 else 0 end,
  case when (m.id * 3 + o.position) % 5 = 0
    then (array[900, 850, 800])[1 + ((m.id + o.position) % 3)::int] end, :at, :at
from member m join round_product o on o.cooperative_id = m.cooperative_id
where m.cooperative_id = :id and o.round_id = :round
"""
)
_RAW_PRODUCTS = (
    "select id, position, list_price_excl_cents, ladder_quantities, ladder_prices_cents"
    " from round_product where cooperative_id = %s and round_id = %s"
)
_RAW_PLEDGES = (
    "select id, round_product_id, member_id, quantity, tolerance, max_price_excl_cents"
    " from pledge where cooperative_id = %s and round_id = %s and withdrawn_at is null"
)
_OUTCOME = (
    "select o.position, o.price_excl_cents, x.member_id, x.dropout is not null,"
    " x.allotted_quantity from pledge x join round_product o"
    " on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id"
    " where x.cooperative_id = %s and x.round_id = %s"
)
_RAW_PRICES = (
    "update round_product o set price_excl_cents = c.price, closing = '{}'"
    " from unnest(%s::bigint[], %s::bigint[]) c (id, price)"
    " where o.cooperative_id = %s and o.id = c.id"
)
_RAW_DROP = (
    "update pledge set withdrawn_at = now(), changed_at = now(), version = version + 1,"
    " dropout = 'price' where cooperative_id = %s and id = any(%s::bigint[])"
)
_RAW_ALLOT = (
    "update pledge x set allotted_quantity = c.quantity"
    " from unnest(%s::bigint[], %s::bigint[]) c (id, quantity)"
    " where x.cooperative_id = %s and x.id = c.id"
)


@dataclass(frozen=True, slots=True)
class _Results:
    """What closing came to: prices by position, and pledges by position and member."""

    prices: dict[int, int]
    dropped: set[tuple[int, int]]
    allotted: dict[tuple[int, int], int]


def ladder_rows(world: World) -> list[Row]:
    """Measure what the clock does when the deadline of a big round passes."""
    with world.begin() as uow:
        supplier_id = _offer(uow)
    # Every turn closes a round of its own: the two ways do the same work on equal rounds.
    waiting = [_filled_round(world, supplier_id) for _ in range(2 * (RUNS + 1))]
    world.raw.execute("analyze pledge")
    world.raw.commit()
    turn = count()
    results: list[_Results] = []

    def ours(_run: int) -> None:
        with world.begin() as uow:
            round_id = close_round(uow, CloseRound(round_id=waiting[next(turn)]))
        if not results:
            results.append(_results(world, round_id))

    def reference(_run: int) -> None:
        _close_plainly(world, waiting[next(turn)], results[0])

    name = f"a round closed of {MEMBERS:,} members x {PRODUCTS} products with ladders"
    return [compare(name, goal=0.67, ours=ours, reference=reference, runs=RUNS)]


def _offer(uow: UnitOfWork) -> int:
    uow.session.execute(_MEMBERS, {"id": uow.tenant, "count": MEMBERS})
    supplier_id = save_supplier(uow, SaveSupplier(code="S1", name="Bench"))
    for number in range(PRODUCTS):
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code=f"P{number:03d}",
                name=f"Product {number}",
                unit="stuk",
                price_excl_cents=1000,
                vat_basis_points=900,
                pack_size=12 if number % 4 == 0 else 1,
                # One in four is sold by the dozen only: there the pledges are made to fit.
                # The lowest price is within reach of half of the products.
                terms=SaleTerms(
                    sells_loose=number % 4 != 0,
                    ladder=(*RUNGS, (2300 + 4 * number, 800)),
                ),
            ),
        )
    return supplier_id


def _filled_round(world: World, supplier_id: int) -> int:
    now = datetime.now(UTC)
    with world.begin() as uow:
        round_id = plan_round(
            uow,
            PlanRound(
                theme="bench",
                supplier_id=supplier_id,
                opens_at=now,
                closes_at=now + timedelta(days=1),
                delivery_on=(now + timedelta(days=3)).date(),
            ),
        )
        open_round(uow, round_id)
        uow.session.execute(_PLEDGES, {"id": uow.tenant, "round": round_id, "at": now})
    return round_id


def _results(world: World, round_id: int) -> _Results:
    rows: list[tuple[int, int, int, bool, int | None]] = world.raw.execute(
        _OUTCOME, (world.cooperative_id, round_id)
    ).fetchall()  # type: ignore[assignment]
    world.raw.commit()
    found = _Results(
        {row[0]: row[1] for row in rows},
        {(row[0], row[2]) for row in rows if row[3]},
        {(row[0], row[2]): row[4] for row in rows if row[4] is not None},
    )
    assert found.dropped
    assert found.allotted
    assert len(set(found.prices.values())) > 1
    return found


def _close_plainly(world: World, round_id: int, known: _Results) -> None:
    """Read the pledges and write results that are known already: no thinking, no audit trail."""
    key = (world.cooperative_id, round_id)
    with world.raw.transaction():
        world.raw.execute(
            "select 1 from purchase_round where cooperative_id = %s and id = %s for update", key
        )
        positions = {row[0]: row[1] for row in world.raw.execute(_RAW_PRODUCTS, key).fetchall()}
        pledges = world.raw.execute(_RAW_PLEDGES, key).fetchall()
        keys = [((positions[row[1]], row[2]), row[0]) for row in pledges]
        dropped = [pledge for which, pledge in keys if which in known.dropped]
        allotted = [
            (pledge, known.allotted[which]) for which, pledge in keys if which in known.allotted
        ]
        prices = [known.prices[position] for position in positions.values()]  # type: ignore[index]
        world.raw.execute(_RAW_PRICES, (list(positions), prices, world.cooperative_id))
        world.raw.execute(_RAW_DROP, (world.cooperative_id, dropped))
        ids, quantities = zip(*allotted, strict=True)
        world.raw.execute(_RAW_ALLOT, (list(ids), list(quantities), world.cooperative_id))
        world.raw.execute(
            "update purchase_round set state = 'cancelled' where cooperative_id = %s and id = %s",
            key,
        )
