"""Use cases of stock that is not sold: writing off what is gone, and counting what is there."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.stock_models import MovementKind
from wijkeconomie.purchasing.stock_moving import (
    Movement,
    hold_stock,
    level_of,
    move,
    post_movement,
)
from wijkeconomie.purchasing.stock_rules import counted_value, difference_lines
from wijkeconomie.purchasing.stock_selling import held_item, product_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """Units that are gone, spoiled or given away, and why."""

    product_id: int
    units: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStock:
    """How many units somebody counted, beside how many the list said (``expected``).

    ``expected``: what the list said when it was counted; ``None`` takes what it says now.
    """

    product_id: int
    counted: int
    reason: str
    expected: int | None = None


def write_off(uow: UnitOfWork, command: WriteOff) -> int:
    """Take units out of the stock, as a cost of the cooperative; the number of the movement.

    Raises:
        NotFoundError: no such product. InvalidInputError: no units, or no reason.
        StockGoneError: fewer lie in stock. ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    product = product_of(uow, command.product_id)
    if command.units < 1:
        raise InvalidInputError("write off at least 1", field="units")
    reason = _reason(command.reason)
    item = held_item(uow, product, command.units)
    cost = level_of(item).cost_of(command.units)
    on = local_date(uow.now, LOCAL_TIME)
    entry = post_movement(
        uow, item, "stock.lost", difference_lines(cost), on=on, product_code=product.code
    )
    lost = Movement(
        kind=MovementKind.LOST, units=-command.units, value_cents=-cost, on=on, reason=reason
    )
    number = move(uow, item, lost, entry_number=entry)
    uow.session.flush()
    return number


def count_stock(uow: UnitOfWork, command: CountStock) -> int | None:
    """Say how many units there are; a difference is booked. The number of the movement, if any.

    What is missing costs the average of what lies there; what was found is worth that average,
    and nothing where none was known: no gain is booked on a guess.

    Raises:
        NotFoundError: no such product.
        InvalidInputError: a negative number, no reason, or a list that changed since.
        ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    product = product_of(uow, command.product_id)
    if command.counted < 0:
        raise InvalidInputError("a number is not negative", field="counted")
    [item] = hold_stock(uow, [product.id]).values()
    if command.expected not in {None, item.units}:
        raise InvalidInputError("the list changed since: count again", field="counted")
    more = command.counted - item.units
    if not more:
        return None
    reason = _reason(command.reason)
    value = counted_value(level_of(item), command.counted)
    on = local_date(uow.now, LOCAL_TIME)
    kind = "stock.found" if more > 0 else "stock.lost"
    entry = post_movement(
        uow, item, kind, difference_lines(-value), on=on, product_code=product.code
    )
    counted = Movement(kind=MovementKind.COUNT, units=more, value_cents=value, on=on, reason=reason)
    number = move(uow, item, counted, entry_number=entry)
    uow.session.flush()
    return number


def _reason(said: str) -> str:
    if not said.strip():
        raise InvalidInputError("say why", field="reason")
    return said.strip()
