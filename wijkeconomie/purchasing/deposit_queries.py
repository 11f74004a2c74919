"""Reads of deposits: what members still have in packaging, and what suppliers still hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What a member or supplier has to get, or give, for packaging that is still out."""

    code: str
    name: str
    cents: int


_BALANCES = """
select party.code, {name}, (b.balance * {sign})::bigint
from account a
join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
join {table} party on party.cooperative_id = a.cooperative_id and party.code = a.party
where a.cooperative_id = :cooperative_id and a.key = '{key}' and a.unit = 'EUR'
  and b.balance <> 0
order by party.code
"""
_OF_MEMBERS = text(
    _BALANCES.format(
        name="concat_ws(' ', party.first_name, party.infix, party.last_name)",
        sign=-1,
        table="member",
        key="member_deposits",
    )
)
_OF_SUPPLIERS = text(_BALANCES.format(name="party.name", sign=1, table="supplier", key="packaging"))


def member_deposits(session: Session, cooperative_id: int) -> list[Outstanding]:
    """What each member paid in deposits and did not get back, by number; nobody with nothing."""
    found = session.execute(_OF_MEMBERS, {"cooperative_id": cooperative_id})
    return [Outstanding(*row) for row in found]


def supplier_deposits(session: Session, cooperative_id: int) -> list[Outstanding]:
    """What was paid to each supplier in deposits and did not come back."""
    found = session.execute(_OF_SUPPLIERS, {"cooperative_id": cooperative_id})
    return [Outstanding(*row) for row in found]


@dataclass(frozen=True, slots=True)
class ReturnView:
    """Packaging that came back, of a member or to a supplier."""

    id: int
    returned_on: date
    party_code: str
    party_name: str
    is_supplier: bool
    product_name: str | None
    units: int | None
    cents: int
    note: str | None
    is_undone: bool


_RETURNS = text(
    """
select x.id, x.returned_on, coalesce(member.code, supplier.code),
  coalesce(supplier.name, concat_ws(' ', member.first_name, member.infix, member.last_name)),
  x.supplier_id is not null, product.name, x.units, x.cents, x.note, x.reversal_number is not null
from empties_return x
left join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
left join supplier on supplier.cooperative_id = x.cooperative_id and supplier.id = x.supplier_id
left join product on product.cooperative_id = x.cooperative_id and product.id = x.product_id
where x.cooperative_id = :cooperative_id order by x.id desc limit :limit
"""
)


def empties_returns(session: Session, cooperative_id: int, *, limit: int = 100) -> list[ReturnView]:
    """What came back, the newest first."""
    key = {"cooperative_id": cooperative_id, "limit": limit}
    return [ReturnView(*row) for row in session.execute(_RETURNS, key)]


@dataclass(frozen=True, slots=True)
class DepositProduct:
    """A product with a deposit on its packaging."""

    id: int
    code: str
    name: str
    deposit_cents: int


def deposit_products(session: Session, cooperative_id: int) -> list[DepositProduct]:
    """Products of which packaging can come back, by name."""
    found = session.execute(
        text(
            "select id, code, name, deposit_cents from product"
            " where cooperative_id = :cooperative_id and deposit_cents > 0 order by name, id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return [DepositProduct(*row) for row in found]


def supplier_id(session: Session, cooperative_id: int, code: str) -> int:
    """The supplier with this code.

    Raises:
        NotFoundError: there is none.
    """
    found = session.scalar(
        text("select id from supplier where cooperative_id = :cooperative_id and code = :code"),
        {"cooperative_id": cooperative_id, "code": code},
    )
    if found is None:
        raise NotFoundError(f"there is no supplier {code}", supplier=code)
    return int(found)


@dataclass(frozen=True, slots=True)
class OwnDeposit:
    """The deposit that a member paid on the units of one product of a round."""

    product_name: str
    unit: str
    units: int
    each_cents: int
    cents: int


def own_deposits(
    session: Session, cooperative_id: int, round_id: int, version: int, member_id: int
) -> list[OwnDeposit]:
    """What a member paid in deposits in one version of a round, in the order of its products."""
    found = session.execute(
        text(
            "select o.name, o.unit, charge.units, charge.each_cents, charge.cents"
            " from deposit_charge charge join pledge x"
            " on x.cooperative_id = charge.cooperative_id and x.id = charge.pledge_id"
            " join round_product o"
            " on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id"
            " where charge.cooperative_id = :cooperative_id and charge.round_id = :round_id"
            " and charge.version = :version and x.member_id = :member_id order by o.position"
        ),
        {
            "cooperative_id": cooperative_id,
            "round_id": round_id,
            "version": version,
            "member_id": member_id,
        },
    )
    return [OwnDeposit(*row) for row in found]
