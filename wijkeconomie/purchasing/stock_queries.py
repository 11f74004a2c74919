"""Reads of the stock: what lies there, what it is worth, and everything that moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.purchasing.stock_models import MovementKind


@dataclass(frozen=True, slots=True)
class StockLine:
    """What lies in stock of one product, at what it cost."""

    product_id: int
    product_code: str
    product_name: str
    unit: str
    vat_basis_points: int | None
    units: int
    value_cents: int
    deposit_cents: int
    """On the packaging of a unit, beside its price."""


_LEVELS = """
select product.id, product.code, product.name, product.unit, product.vat_basis_points,
  coalesce(item.units, 0), coalesce(item.value_cents, 0), product.deposit_cents
from product
left join stock_item item
  on item.cooperative_id = product.cooperative_id and item.product_id = product.id
where product.cooperative_id = :cooperative_id
"""
_ALL = text(
    _LEVELS
    + " and item.movements > 0 and (:with_empty or item.units > 0)"
    + " order by product.name, product.id"
)
_ONE = text(_LEVELS + " and product.code = :code")
_OF_ROUND = text(
    "select o.id, item.units from round_product o join stock_item item"
    " on item.cooperative_id = o.cooperative_id and item.product_id = o.product_id"
    " where o.cooperative_id = :cooperative_id and o.round_id = :round_id and item.units > 0"
)


def stock_list(
    session: Session, cooperative_id: int, *, with_empty: bool = False
) -> list[StockLine]:
    """What lies in stock, by name; ``with_empty`` also what did before and is gone."""
    key = {"cooperative_id": cooperative_id, "with_empty": with_empty}
    return [StockLine(*row) for row in session.execute(_ALL, key)]


def stock_of(session: Session, cooperative_id: int, product_code: str) -> StockLine:
    """What lies in stock of one product, also when that is nothing.

    Raises:
        NotFoundError: there is no such product.
    """
    key = {"cooperative_id": cooperative_id, "code": product_code}
    row = session.execute(_ONE, key).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no product {product_code}", product=product_code)
    return StockLine(*row)


def stock_of_round(session: Session, cooperative_id: int, round_id: int) -> dict[int, int]:
    """Units in stock of the products that a round offers, by the product of the round."""
    key = {"cooperative_id": cooperative_id, "round_id": round_id}
    return {row[0]: row[1] for row in session.execute(_OF_ROUND, key)}


@dataclass(frozen=True, slots=True)
class MovementView:
    """A movement of one product; what was sold to whom where it is a sale."""

    number: int
    kind: MovementKind
    units: int
    value_cents: int
    happened_on: date
    entry_number: int | None
    reason: str | None
    round_code: str | None
    member_code: str | None
    member_name: str | None
    gross_cents: int | None
    is_taken_back: bool
    deposit_cents: int | None
    """Beside the gross amount of a sale."""


_MOVEMENTS = text(
    """
select x.number, x.kind, x.units, x.value_cents, x.happened_on, x.entry_number, x.reason, r.code,
  member.code, concat_ws(' ', member.first_name, member.infix, member.last_name),
  sale.gross_cents, sale.back_number is not null, sale.deposit_cents
from stock_movement x
left join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
left join stock_sale sale on sale.cooperative_id = x.cooperative_id
  and sale.product_id = x.product_id and x.number in (sale.number, sale.back_number)
left join member on member.cooperative_id = sale.cooperative_id and member.id = sale.member_id
where x.cooperative_id = :cooperative_id and x.product_id = :product_id
order by x.number desc limit :limit
"""
)


def stock_movements(
    session: Session, cooperative_id: int, product_id: int, *, limit: int = 200
) -> list[MovementView]:
    """What moved of one product, the newest first."""
    key = {"cooperative_id": cooperative_id, "product_id": product_id, "limit": limit}
    return [
        MovementView(
            *[
                *row[:1],
                MovementKind(row[1]),
                *row[2:9],
                row[9] if row[8] is not None else None,
                *row[10:],
            ]
        )
        for row in session.execute(_MOVEMENTS, key)
    ]


def booked_value(session: Session, cooperative_id: int) -> int:
    """What the account for stock stands at: the same as the list comes to."""
    return int(
        session.scalar(
            text(
                "select coalesce(sum(b.balance), 0)::bigint from account a join account_balance b"
                " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
                " where a.cooperative_id = :cooperative_id and a.key = 'stock' and a.unit = 'EUR'"
            ),
            {"cooperative_id": cooperative_id},
        )
        or 0
    )
