"""Holding what lies in stock, and writing a movement of it with its entry in the books.

Rows are held in this order everywhere, so that nobody waits in a circle: rounds, members, stock
by product, the books.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.purchasing.accounts import account_codes
from wijkeconomie.purchasing.stock_models import MovementKind, StockItem, StockMovement
from wijkeconomie.purchasing.stock_rules import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moves, when and why; units and value below zero go."""

    kind: MovementKind
    units: int
    value_cents: int
    on: date
    round_id: int | None = None
    reason: str | None = None


def hold_stock(uow: UnitOfWork, product_ids: Collection[int]) -> dict[int, StockItem]:
    """The stock of products, held until the transaction ends; a row is made where there is none."""
    wanted = sorted(set(product_ids))
    if not wanted:
        return {}
    rows = [{"cooperative_id": uow.tenant, "product_id": each} for each in wanted]
    uow.session.execute(insert(StockItem).on_conflict_do_nothing(), rows)
    found = uow.session.scalars(
        select(StockItem)
        .where(StockItem.cooperative_id == uow.tenant, StockItem.product_id.in_(wanted))
        .order_by(StockItem.product_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {item.product_id: item for item in found}


def level_of(item: StockItem) -> Level:
    """What lies there now."""
    return Level(item.units, item.value_cents)


def post_movement(
    uow: UnitOfWork,
    item: StockItem,
    kind: str,
    lines: tuple[EntryLine, ...],
    *,
    on: date,
    product_code: str,
) -> int | None:
    """Book the next movement of a product that the caller holds; no entry where nothing is due."""
    if not lines:
        return None
    number = item.movements + 1
    codes = account_codes(uow, lines)
    draft = EntryDraft(
        accounting_date=on,
        kind=kind,
        source=f"stock/{product_code}/{number}",
        description=f"Stock of {product_code}, movement {number}",
        idempotency_key=f"stock/{item.product_id}/{number}",
        postings=tuple(
            PostingDraft(codes[line.account_key, line.party], line.amount_cents) for line in lines
        ),
    )
    return post_entry(uow, draft).number


def move(uow: UnitOfWork, item: StockItem, movement: Movement, *, entry_number: int | None) -> int:
    """Write a movement of stock that the caller holds; returns its number.

    The level has to hold after it: the database refuses one below zero.
    """
    item.units += movement.units
    item.value_cents += movement.value_cents
    item.movements += 1
    uow.session.add(
        StockMovement(
            cooperative_id=uow.tenant,
            product_id=item.product_id,
            number=item.movements,
            kind=movement.kind.value,
            units=movement.units,
            value_cents=movement.value_cents,
            happened_on=movement.on,
            entry_number=entry_number,
            round_id=movement.round_id,
            reason=movement.reason,
            moved_at=uow.now,
            moved_by=uow.actor,
        )
    )
    return item.movements
