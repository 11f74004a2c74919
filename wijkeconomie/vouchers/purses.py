"""Reads for a till: what vouchers hold, which merchants accept them, what was answered before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.round_trips import Read


@dataclass(frozen=True, slots=True)
class Holding:
    """A voucher with what it holds now."""

    id: int
    code: str
    scheme_id: int
    holder_id: int
    fund_id: int | None
    paid_by: str
    unit: str
    vat_basis_points: int | None
    usable_from: date
    expires_on: date
    balance: int
    account_code: str
    only_at: frozenset[int]
    """The merchants it is for; none means all of the list."""


@dataclass(frozen=True, slots=True)
class Till:
    """A merchant who may accept vouchers; ``stopped_on`` is the first day on which he does not."""

    id: int
    code: str
    name: str
    stopped_on: date | None
    account_code: str | None = None
    """Where he is owed euros; absent until he was for the first time."""


@dataclass(frozen=True, slots=True)
class KnownCode:
    """A payment code as it was made."""

    id: int
    holder_id: int
    voucher_id: int | None
    unit: str
    maximum_minor: int
    valid_until: datetime
    is_withdrawn: bool
    redemption_id: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt to redeem that was answered, with what it was about."""

    asked_by: str
    idempotency_key: str
    id: int
    code: str
    merchant_code: str
    merchant_name: str
    voucher_code: str | None
    holder_id: int
    unit: str
    amount_minor: int
    redeemed_on: date
    refusal: str | None
    balance_after_minor: int
    payment_code_id: int | None


_HOLDING = """
select v.id, v.code, v.scheme_id, v.holder_id, v.fund_id, v.paid_by, s.unit, s.vat_basis_points,
  v.usable_from, v.expires_on, -b.balance, a.code,
  array(select e.merchant_id from scheme_merchant e
    where e.cooperative_id = v.cooperative_id and e.scheme_id = v.scheme_id)
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join lateral (
  -- "From this id on, the first" names the primary key, whatever the statistics say.
  select x.id, x.code from account x
  where x.cooperative_id = v.cooperative_id and x.id >= v.account_id order by x.id limit 1
) a on a.id = v.account_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :cooperative_id and {chosen}
"""
_BY_CODE = text(_HOLDING.format(chosen="v.code = any(cast(:codes as text[]))"))
_BY_ID = text(_HOLDING.format(chosen="v.id = any(cast(:ids as bigint[]))"))
_BY_HOLDER = text(
    _HOLDING.format(chosen="v.holder_id = any(cast(:holders as bigint[])) and b.balance < 0")
    + " order by v.expires_on, v.id"
)


def _holding(row: Sequence[Any]) -> Holding:
    return Holding(*[*row[:-1], frozenset(row[-1])])


def holdings_by_code(
    session: Session, cooperative_id: int, codes: Sequence[str]
) -> dict[str, Holding]:
    """Vouchers by their codes; unknown ones are left out."""
    read = read_holdings(cooperative_id, codes)
    found: dict[str, Holding] = read.parse(session.execute(read.statement, read.values).all())
    return found


def read_holdings(cooperative_id: int, codes: Sequence[str]) -> Read:
    """To read vouchers by their codes."""
    values = {"cooperative_id": cooperative_id, "codes": list(codes)}
    return Read(_BY_CODE, values, lambda rows: {row[1]: _holding(row) for row in rows})


def holdings_by_id(session: Session, cooperative_id: int, ids: Iterable[int]) -> dict[int, Holding]:
    """Vouchers by their ids."""
    rows = session.execute(_BY_ID, {"cooperative_id": cooperative_id, "ids": array_text(ids)})
    return {row[0]: _holding(row) for row in rows}


def wallets(
    session: Session, cooperative_id: int, holders: Iterable[int]
) -> dict[int, list[Holding]]:
    """What holds something, by member, in the order in which it is spent."""
    found: dict[int, list[Holding]] = defaultdict(list)
    rows = session.execute(
        _BY_HOLDER, {"cooperative_id": cooperative_id, "holders": array_text(holders)}
    )
    for row in rows:
        found[row[3]].append(_holding(row))
    return found


_TILLS = text(
    """
select m.id, m.code, m.name, m.stopped_on, a.code as account_code from merchant m
left join account a on a.cooperative_id = m.cooperative_id and a.key = 'merchants'
  and a.party = m.code and a.unit = 'EUR'
where m.cooperative_id = :cooperative_id and m.code = any(cast(:codes as text[]))
"""
)


def read_tills(cooperative_id: int, codes: Sequence[str]) -> Read:
    """To read merchants by their codes; who is not on the list is left out."""
    values = {"cooperative_id": cooperative_id, "codes": list(codes)}
    return Read(_TILLS, values, lambda rows: {row[1]: Till(*row) for row in rows})


def known_codes(
    session: Session, cooperative_id: int, hashes: Sequence[str]
) -> dict[str, KnownCode]:
    """Payment codes by their hashes, held until the transaction ends."""
    rows = session.execute(
        text(
            "select code_hash, id, holder_id, voucher_id, unit, maximum_minor, valid_until,"
            " withdrawn_at is not null, redemption_id from payment_code"
            " where cooperative_id = :cooperative_id"
            " and code_hash = any(cast(:hashes as text[])) order by id for update"
        ),
        {"cooperative_id": cooperative_id, "hashes": list(hashes)},
    )
    return {row[0]: KnownCode(*row[1:]) for row in rows}


_ANSWERED = text(
    """
select r.asked_by, r.idempotency_key, r.id, r.code, m.code, m.name, v.code, r.holder_id, r.unit,
  r.amount_minor, r.redeemed_on, r.refusal, r.balance_after_minor, r.payment_code_id
from unnest((select cast(:actors as text[])), (select cast(:keys as text[]))) as asked (actor, key)
join lateral (
  -- "From this key on, the first" names the right index, whatever the statistics say.
  select x.* from voucher_redemption x
  where x.cooperative_id = :cooperative_id
    and (x.asked_by, x.idempotency_key) >= (asked.actor, asked.key)
  order by x.asked_by, x.idempotency_key limit 1
) r on r.asked_by = asked.actor and r.idempotency_key = asked.key
join merchant m on m.cooperative_id = r.cooperative_id and m.id = r.merchant_id
left join voucher v on v.cooperative_id = r.cooperative_id and v.id = r.voucher_id
"""
)


def read_answers(cooperative_id: int, asked: Sequence[tuple[str, str]]) -> Read:
    """To read earlier answers by actor and idempotency key."""
    values: dict[str, Any] = {
        "cooperative_id": cooperative_id,
        "actors": [actor for actor, _ in asked],
        "keys": [key for _, key in asked],
    }
    return Read(_ANSWERED, values, lambda rows: {(r[0], r[1]): Answered(*r) for r in rows})


def merchants_of_login(session: Session, cooperative_id: int, login_id: int) -> list[Till]:
    """The merchants at whose till a login works, by name."""
    rows = session.execute(
        text(
            "select m.id, m.code, m.name, m.stopped_on from merchant m"
            " join merchant_contact c on c.cooperative_id = m.cooperative_id"
            " and c.merchant_id = m.id"
            " join login on login.email = c.email"
            " where m.cooperative_id = :cooperative_id and login.id = :login order by m.name"
        ),
        {"cooperative_id": cooperative_id, "login": login_id},
    )
    return [Till(*row) for row in rows]
