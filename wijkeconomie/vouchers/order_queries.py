"""Reads of orders of vouchers, and of the kinds that members can buy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its member sees it; ``code`` is the reference to pay by."""

    code: str
    member_code: str
    scheme: str
    cents: int
    state: str
    ordered_on: date
    paid_on: date | None
    voucher_code: str | None


_ORDERS = text(
    """
select o.code, m.code, s.name, o.cents, o.state, o.ordered_on, o.paid_on, o.voucher_code
from voucher_order o
join member m on m.cooperative_id = o.cooperative_id and m.id = o.member_id
join voucher_scheme s on s.cooperative_id = o.cooperative_id and s.id = o.scheme_id
where o.cooperative_id = :id and o.member_id = coalesce(:member, o.member_id)
  and (not :only_open or o.state = 'open')
order by o.id desc limit :limit
"""
)


def orders(
    session: Session,
    cooperative_id: int,
    *,
    member_id: int | None = None,
    only_open: bool = False,
    limit: int = 50,
) -> list[OrderView]:
    """The last orders, of one member or of all, the newest first."""
    values = {"id": cooperative_id, "member": member_id, "only_open": only_open, "limit": limit}
    return [OrderView(*row) for row in session.execute(_ORDERS, values)]


def kinds_for_sale(session: Session, cooperative_id: int) -> list[tuple[str, str]]:
    """The kinds that members can buy, code and name."""
    rows = session.execute(
        text(
            "select code, name from voucher_scheme where cooperative_id = :id and is_for_sale"
            " order by name, id"
        ),
        {"id": cooperative_id},
    )
    return [(row.code, row.name) for row in rows]
