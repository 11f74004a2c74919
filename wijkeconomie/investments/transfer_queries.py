"""Reads of units that members pass on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class TransferView:
    """Units that one member passes on to another; ``moved_cents`` is what was left of them."""

    id: int
    project_code: str
    project: str
    seller_id: int
    seller_code: str
    seller: str
    buyer_id: int
    buyer_code: str
    buyer: str
    units: int
    state: str
    offered_on: date
    moved_on: date | None
    moved_cents: int | None
    reason: str | None


_TRANSFERS = text(
    """
select t.id, p.code, p.name, s.id, s.code, concat_ws(' ', s.first_name, s.infix, s.last_name),
  b.id, b.code, concat_ws(' ', b.first_name, b.infix, b.last_name), t.units, t.state,
  t.offered_on, t.moved_on, t.moved_cents, t.reason
from unit_transfer t
join investment_project p on p.cooperative_id = t.cooperative_id and p.id = t.project_id
join member s on s.cooperative_id = t.cooperative_id and s.id = t.seller_id
join member b on b.cooperative_id = t.cooperative_id and b.id = t.buyer_id
where t.cooperative_id = :id
  and (cast(:project as text) is null or p.code = :project)
  and (cast(:member as bigint) is null or :member in (t.seller_id, t.buyer_id))
  and (cast(:transfer as bigint) is null or t.id = :transfer)
  and (not :is_open or t.state in ('offered', 'accepted'))
order by t.id desc limit 200
"""
)


def unit_transfers(
    session: Session,
    cooperative_id: int,
    *,
    project_code: str | None = None,
    member_id: int | None = None,
    is_open: bool = False,
) -> list[TransferView]:
    """Transfers of a project or of a member, the last first; only those that wait if asked."""
    values = {
        "id": cooperative_id,
        "project": project_code,
        "member": member_id,
        "transfer": None,
        "is_open": is_open,
    }
    return [TransferView(*row) for row in session.execute(_TRANSFERS, values)]


def unit_transfer(session: Session, cooperative_id: int, transfer_id: int) -> TransferView:
    """One transfer.

    Raises:
        NotFoundError: there is none.
    """
    values = {
        "id": cooperative_id,
        "project": None,
        "member": None,
        "transfer": transfer_id,
        "is_open": False,
    }
    row = session.execute(_TRANSFERS, values).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no transfer {transfer_id}", id=transfer_id)
    return TransferView(*row)
