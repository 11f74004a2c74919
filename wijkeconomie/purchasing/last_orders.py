"""What a member ordered at a supplier the last time, as an order in a round of now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.queries import OfferedProduct, PledgeView, RoundView


@dataclass(frozen=True, slots=True)
class LastLine:
    """A product of the last order. Prices are without VAT; ``was`` is what it then cost."""

    product_id: int
    name: str
    unit: str
    quantity: int
    tolerance: int
    was_excl_cents: int
    was_basis_points: int | None
    was_price_units: int = 1


@dataclass(frozen=True, slots=True)
class LastOrder:
    """A member's order in an earlier round."""

    round_code: str
    theme: str
    closed_at: datetime
    lines: tuple[LastLine, ...]


@dataclass(frozen=True, slots=True)
class RepeatLine:
    """A line of the last order that can be ordered again, at the terms of now.

    ``is_less``: it was more than a member may order now. ``has_now`` is what he ordered in
    this round already; such a line is shown and not ordered again.
    """

    product: OfferedProduct
    quantity: int
    tolerance: int
    was: LastLine
    has_now: int
    version: int

    @property
    def is_less(self) -> bool:
        """Whether the maximum of now takes something off."""
        return self.quantity < self.was.quantity


@dataclass(frozen=True, slots=True)
class Repeat:
    """The last order in a round of now: what can be had again, and what is offered no more."""

    lines: tuple[RepeatLine, ...]
    gone: tuple[LastLine, ...]


_LAST = text(
    """
select r.id, r.code, r.theme, r.closes_at
from purchase_round r
where r.cooperative_id = :id and r.supplier_id = :supplier
  and r.closes_at < :before and r.state <> 'draft' and exists (
    select from pledge x where x.cooperative_id = r.cooperative_id and x.round_id = r.id
      and x.member_id = :member and (x.withdrawn_at is null or x.dropout is not null))
order by r.closes_at desc, r.id desc limit 1
"""
)
_LINES = text(
    """
select o.product_id, o.name, o.unit, x.quantity, x.tolerance, o.price_excl_cents,
  o.vat_basis_points, o.price_units
from pledge x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
where x.cooperative_id = :id and x.round_id = :round and x.member_id = :member
  and (x.withdrawn_at is null or x.dropout is not null)
order by o.position
"""
)
_PRODUCTS = text(
    "select product_id, id from round_product where cooperative_id = :id and round_id = :round"
)


def last_order(
    session: Session, cooperative_id: int, member_id: int, found: RoundView
) -> LastOrder | None:
    """What a member asked for in the round before this one at its supplier.

    What fell out at closing comes along: he asked for it.
    """
    before = session.execute(
        _LAST,
        {
            "id": cooperative_id,
            "supplier": found.supplier_id,
            "before": found.closes_at,
            "member": member_id,
        },
    ).one_or_none()
    if before is None:
        return None
    key = {"id": cooperative_id, "round": before.id, "member": member_id}
    lines = tuple(LastLine(*row) for row in session.execute(_LINES, key))
    return LastOrder(before.code, before.theme, before.closes_at, lines)


def product_numbers(session: Session, cooperative_id: int, round_id: int) -> dict[int, int]:
    """The numbers that products have within a round, by product."""
    rows = session.execute(_PRODUCTS, {"id": cooperative_id, "round": round_id})
    return {row[0]: row[1] for row in rows}


def repeat_of(
    last: LastOrder,
    offered: dict[int, OfferedProduct],
    numbers: dict[int, int],
    own: dict[int, PledgeView],
) -> Repeat:
    """The last order at the terms of a round of now. Pure.

    Args:
        offered: what the round offers, by number within it.
        numbers: those numbers by product.
        own: what the member pledged in it already, by number.
    """
    lines: list[RepeatLine] = []
    gone: list[LastLine] = []
    for line in last.lines:
        product = offered.get(numbers.get(line.product_id, 0))
        if product is None:
            gone.append(line)
            continue
        most = product.max_per_member
        quantity = line.quantity if most is None else min(line.quantity, most)
        room = product.most_tolerance if most is None else most - quantity
        standing = own.get(product.id)
        lines.append(
            RepeatLine(
                product,
                quantity,
                min(line.tolerance, product.most_tolerance, room),
                line,
                standing.quantity if standing else 0,
                standing.version if standing else 0,
            )
        )
    return Repeat(tuple(lines), tuple(gone))
