"""Reads about one merchant: his fees over time, and what was changed about him."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class FeeView:
    """A fee and the first day on which it counts; ``date.min`` for that of the contract."""

    valid_from: date
    fee_basis_points: int


_FEES = text(
    """
select f.valid_from, f.fee_basis_points
from merchant m
cross join lateral (
  select cast(null as date), m.fee_basis_points
  union all
  select f.valid_from, f.fee_basis_points from merchant_fee f
  where f.cooperative_id = m.cooperative_id and f.merchant_id = m.id
) as f (valid_from, fee_basis_points)
where m.cooperative_id = :id and m.code = :code
order by f.valid_from nulls first
"""
)


def fees_of_merchant(session: Session, cooperative_id: int, code: str) -> list[FeeView]:
    """The fees of a merchant, that of his contract first; none of who is not on the list."""
    rows = session.execute(_FEES, {"id": cooperative_id, "code": code})
    return [FeeView(valid_from or date.min, fee) for valid_from, fee in rows]
