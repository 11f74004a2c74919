"""Reads of what members paid for each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Advance:
    """A cost that a member paid for the others, or money he gave another member or got from one.

    ``cents`` is what it does to what he owes: paying makes it less.
    """

    code: str
    description: str
    paid_on: date
    is_repayment: bool
    cents: int


_ADVANCES = text(
    """
select c.code, c.description, c.incurred_on, false, -c.gross_cents
from shared_cost c
where c.cooperative_id = :id and c.paid_by_member_id = :member and c.settled_version > 0
  and c.month >= :since
union all
select r.code, r.description, r.paid_on, true,
  case when r.paid_by_member_id = :member then -r.cents else r.cents end
from cost_repayment r
join journal_entry e on e.cooperative_id = r.cooperative_id and e.number = r.entry_number
where r.cooperative_id = :id and e.accounting_date >= :since
  and :member in (r.paid_by_member_id, r.paid_to_member_id)
order by 3 desc, 1
"""
)


def advances_of_member(
    session: Session, cooperative_id: int, member_id: int, since: date
) -> list[Advance]:
    """What a member paid for others, was paid back or paid back, the newest first.

    ``since``: from the month in which it was booked.
    """
    rows = session.execute(_ADVANCES, {"id": cooperative_id, "member": member_id, "since": since})
    return [Advance(*row) for row in rows]
