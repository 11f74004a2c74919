"""Surplus of a round that becomes stock when it is settled, and changes with its corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.refusals import StockGoneError
from wijkeconomie.purchasing.stock_models import MovementKind, StockItem
from wijkeconomie.purchasing.stock_moving import (
    Movement,
    hold_stock,
    level_of,
    move,
    post_movement,
)
from wijkeconomie.purchasing.stock_rules import (
    KeptUnits,
    Level,
    difference_lines,
    level_after,
)

_NOTHING = Level(0, 0)

_EARLIER = text(
    """
select product_id, sum(units)::bigint, sum(value_cents)::bigint from stock_movement
where cooperative_id = :cooperative_id and round_id = :round_id and kind = 'round'
group by product_id
"""
)
_PRODUCTS = text(
    """
select o.id, product.id, product.code, o.name from round_product o
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where o.cooperative_id = :cooperative_id and o.round_id = :round_id
"""
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a round keeps of one product, and what it kept before; the stock is held."""

    item: StockItem
    product_code: str
    round_id: int
    before: Level
    now: Level


def stock_arrival(
    uow: UnitOfWork, found: PurchaseRound, kept: Sequence[KeptUnits]
) -> list[Arrival]:
    """Hold the stock of the products of which a round keeps units, or kept some before.

    Raises:
        StockGoneError: the round keeps less than before, and what it kept has left the stock.
    """
    key = {"cooperative_id": uow.tenant, "round_id": found.id}
    before = (
        {row[0]: Level(row[1], row[2]) for row in uow.session.execute(_EARLIER, key)}
        if found.settlement_version
        else {}
    )
    if not kept and not before:
        return []
    products = {row[0]: row[1:] for row in uow.session.execute(_PRODUCTS, key)}
    names = {row[0]: (row[1], row[2]) for row in products.values()}
    now = {products[each.round_product_id][0]: each for each in kept}
    arrivals = []
    for product_id, item in hold_stock(uow, before.keys() | now.keys()).items():
        code, name = names[product_id]
        was, each = before.get(product_id, _NOTHING), now.get(product_id)
        is_now = _NOTHING if each is None else Level(each.units, each.value_cents)
        if item.units + is_now.units < was.units:
            raise StockGoneError(
                f"{was.units - is_now.units} of {name} go back, and {item.units} lie in stock",
                product=name,
                units=was.units - is_now.units,
                left=item.units,
            )
        arrivals.append(Arrival(item, code, found.id, was, is_now))
    return arrivals


def put_in_stock(
    uow: UnitOfWork,
    arrivals: Sequence[Arrival],
    on: date,
    *,
    entry_number: int | None,
    reversal_number: int | None,
) -> None:
    """Write what a settlement that was just booked changes in stock.

    What the version before it kept goes by the entry that reversed it. Value of goods that are
    gone does not stay: it is booked as a difference in price (``stock.revalued``).

    Args:
        arrivals: those of :func:`stock_arrival`.
    """
    for each in arrivals:
        _level, rest = level_after(
            level_of(each.item),
            each.now.units - each.before.units,
            each.now.value_cents - each.before.value_cents,
        )
        # Only the outcome of all of it has to be a level that can be.
        with uow.session.no_autoflush:
            back = Level(-each.before.units, -each.before.value_cents)
            _move_round(uow, each, back, on, entry_number=reversal_number)
            _move_round(uow, each, each.now, on, entry_number=entry_number)
            if rest:
                _revalue(uow, each, rest, on)
        uow.session.flush()


def _move_round(
    uow: UnitOfWork, each: Arrival, level: Level, on: date, *, entry_number: int | None
) -> None:
    if level != _NOTHING:
        moved = Movement(
            kind=MovementKind.ROUND,
            units=level.units,
            value_cents=level.value_cents,
            on=on,
            round_id=each.round_id,
        )
        move(uow, each.item, moved, entry_number=entry_number if level.value_cents else None)


def _revalue(uow: UnitOfWork, each: Arrival, rest: int, on: date) -> None:
    lines = difference_lines(rest)
    booked = post_movement(
        uow, each.item, "stock.revalued", lines, on=on, product_code=each.product_code
    )
    gone = Movement(
        kind=MovementKind.REVALUED, units=0, value_cents=-rest, on=on, round_id=each.round_id
    )
    move(uow, each.item, gone, entry_number=booked)
