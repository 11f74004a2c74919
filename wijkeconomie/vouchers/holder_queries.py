"""Reads of who holds vouchers: whom no letter reaches, and whose voucher can be withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

_NAME = "concat_ws(' ', m.first_name, m.infix, m.last_name)"


@dataclass(frozen=True, slots=True)
class HolderToVisit:
    """Someone without an e-mail address, with what of his expires on a day that is near."""

    member_code: str
    member_name: str
    address: str
    unit: str
    balance: int
    expires_on: date


_TO_VISIT = text(
    f"""
select m.code, {_NAME},
  concat_ws(' ', m.street, m.house_number, m.house_addition) || ', ' || m.city,
  s.unit, sum(-b.balance)::bigint, v.expires_on
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join member m on m.cooperative_id = v.cooperative_id and m.id = v.holder_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :id and b.balance < 0 and m.email is null
  and cast(:today as date) between v.expires_on - s.reminder_days::int and v.expires_on
group by m.cooperative_id, m.id, s.unit, v.expires_on
order by v.expires_on, m.code, s.unit
"""
)


def holders_to_visit(session: Session, cooperative_id: int, today: date) -> list[HolderToVisit]:
    """Who should hear that his vouchers expire soon, and gets no letter; the first day first."""
    rows = session.execute(_TO_VISIT, {"id": cooperative_id, "today": today})
    return [HolderToVisit(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class WholeVoucher:
    """A voucher of which nothing was used, so that it can be withdrawn."""

    code: str
    member_code: str
    member_name: str
    scheme: str
    unit: str
    face_minor: int
    issued_on: date
    paid_by: str


_WHOLE = text(
    f"""
select v.code, m.code, {_NAME}, s.name, s.unit, v.face_minor, v.issued_on, v.paid_by
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join member m on m.cooperative_id = v.cooperative_id and m.id = v.holder_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :id and -b.balance = v.face_minor and v.paid_by <> 'transfer'
  and (:search = '' or v.code = :search or m.code = :search
    or lower({_NAME}) like '%' || lower(:search) || '%')
order by v.issued_on desc, v.id desc limit :limit
"""
)


def whole_vouchers(
    session: Session, cooperative_id: int, *, search: str = "", limit: int = 50
) -> list[WholeVoucher]:
    """The last vouchers that can be withdrawn: by name, member number or their own code."""
    values = {"id": cooperative_id, "search": search, "limit": limit}
    return [WholeVoucher(*row) for row in session.execute(_WHOLE, values)]
