"""Reads of rounds, what they offer and what was pledged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import Dropout, FreightKey, RoundState, ShortageRule
from wijkeconomie.purchasing.round_rules import most_tolerance


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round as it stands. Instants are aware; ``closes_at`` is the first that is too late."""

    id: int
    code: str
    theme: str
    state: RoundState
    supplier_id: int
    supplier_code: str
    supplier_name: str
    opens_at: datetime
    closes_at: datetime
    delivery_on: date
    freight_excl_cents: int
    freight_key: FreightKey
    shortage_rule: ShortageRule
    settlement_version: int
    opened_at: datetime | None
    closed_at: datetime | None
    ordered_at: datetime | None
    received_at: datetime | None
    settled_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    minimum_net_cents: int | None
    """The smallest order the supplier takes, without VAT and freight."""
    pledgers: int
    """Members with a pledge that was not withdrawn."""
    pledged_net_cents: int
    """Their pledges at the prices of the round, without VAT and freight."""
    surplus_rule: SurplusRule = SurplusRule.STOCK
    agreed_freight_excl_cents: int | None = None
    freight_reason: str | None = None


# A product's price is for ``price_units``: the supplier's total of it is rounded once, half up, as
# ``unit_prices.quoted_cents`` does.
_ROUNDS = """
select r.id, r.code, r.theme, r.state, r.supplier_id, s.code as supplier_code,
  s.name as supplier_name, r.opens_at, r.closes_at, r.delivery_on, r.freight_excl_cents,
  r.freight_key, r.shortage_rule, r.settlement_version, r.opened_at, r.closed_at, r.ordered_at,
  r.received_at, r.settled_at, r.cancelled_at, r.cancel_reason, r.minimum_net_cents,
  pledged.pledgers, pledged.net as pledged_net_cents, r.surplus_rule,
  r.agreed_freight_excl_cents, r.freight_reason
from purchase_round r
join supplier s on s.cooperative_id = r.cooperative_id and s.id = r.supplier_id
cross join lateral (
  select count(taken.member_id) as pledgers, coalesce(sum(
    (2 * o.price_excl_cents * taken.units + o.price_units) / (2 * o.price_units)), 0)::bigint as net
  from (
    -- Products with their units, and members: each pledge is read once.
    select x.round_product_id, x.member_id,
      sum(coalesce(x.allotted_quantity, x.quantity))::bigint as units
    from pledge x
    where x.cooperative_id = r.cooperative_id and x.round_id = r.id and x.withdrawn_at is null
      and x.origin = 'pledged'
    group by grouping sets (x.round_product_id, x.member_id)
  ) as taken
  left join round_product o on o.cooperative_id = r.cooperative_id and o.id = taken.round_product_id
) as pledged
where r.cooperative_id = :cooperative_id
"""
_ROUNDS_BY_STATE = text(
    f"{_ROUNDS} and r.state = any(cast(:states as text[]))"
    " order by r.closes_at desc, r.id desc limit :limit"
)
_ROUND_BY_CODE = text(f"{_ROUNDS} and r.code = :code")
_ROUND_BY_ID = text(f"{_ROUNDS} and r.id = :round_id")


def rounds(
    session: Session,
    cooperative_id: int,
    *,
    states: Collection[RoundState] = tuple(RoundState),
    limit: int = 200,
) -> list[RoundView]:
    """Rounds in any of ``states``, the one that closes last first."""
    found = session.execute(
        _ROUNDS_BY_STATE,
        {
            "cooperative_id": cooperative_id,
            "states": [state.value for state in states],
            "limit": limit,
        },
    )
    return [_round_view(row) for row in found.mappings()]


def round_by_code(session: Session, cooperative_id: int, code: str) -> RoundView:
    """The round with this code.

    Raises:
        NotFoundError: there is none in this cooperative.
    """
    found = (
        session.execute(_ROUND_BY_CODE, {"cooperative_id": cooperative_id, "code": code})
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise NotFoundError(f"there is no round {code}", code=code)
    return _round_view(found)


def round_by_id(session: Session, cooperative_id: int, round_id: int) -> RoundView:
    """The round with this id.

    Raises:
        NotFoundError: there is none in this cooperative.
    """
    found = (
        session.execute(_ROUND_BY_ID, {"cooperative_id": cooperative_id, "round_id": round_id})
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise NotFoundError(f"there is no round {round_id}", round_id=round_id)
    return _round_view(found)


def _round_view(row: RowMapping) -> RoundView:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    values["state"] = RoundState(values["state"])
    values["freight_key"] = FreightKey(values["freight_key"])
    values["shortage_rule"] = ShortageRule(values["shortage_rule"])
    values["surplus_rule"] = SurplusRule(values["surplus_rule"])
    return RoundView(**values)


@dataclass(frozen=True, slots=True)
class OfferedProduct:
    """A product of a round with what was pledged for it by everyone."""

    id: int
    """Number of the product within the round, which pledges and deliveries refer to."""
    code: str
    name: str
    unit: str
    category: str | None
    position: int
    price_excl_cents: int
    vat_basis_points: int | None
    pack_size: int
    max_per_member: int | None
    list_price_excl_cents: int
    """The first price of the ladder; ``price_excl_cents`` is the one that counts now."""
    sells_loose: bool
    minimum_quantity: int | None
    pledged: int
    """By everyone; after closing what their pledges became."""
    pledgers: int
    price_units: int = 1
    """For how many units together the prices are."""
    supplier_unit: str | None = None
    """What the supplier calls a pack."""
    deposit_cents: int = 0
    """On the packaging of a unit, beside the price."""

    @property
    def most_tolerance(self) -> int:
        """Units of tolerance that can be of use; 0 where everything can be ordered."""
        return most_tolerance(
            sells_loose=self.sells_loose,
            pack_size=self.pack_size,
            minimum_quantity=self.minimum_quantity,
        )


_OFFERED = text(
    """
select o.id, product.code, o.name, o.unit, product.category, o.position, o.price_excl_cents,
  o.vat_basis_points, o.pack_size, o.max_per_member, o.list_price_excl_cents, o.sells_loose,
  o.minimum_quantity, coalesce(sum(coalesce(x.allotted_quantity, x.quantity)), 0)::bigint,
  count(x.id), o.price_units, o.supplier_unit, o.deposit_cents
from round_product o
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
left join pledge x on x.cooperative_id = o.cooperative_id and x.round_product_id = o.id
  and x.withdrawn_at is null
where o.cooperative_id = :cooperative_id and o.round_id = :round_id
group by o.cooperative_id, o.id, product.code, product.category
order by o.position
"""
)


def offered_products(session: Session, cooperative_id: int, round_id: int) -> list[OfferedProduct]:
    """What a round offers, in its order."""
    found = session.execute(_OFFERED, {"cooperative_id": cooperative_id, "round_id": round_id})
    return [OfferedProduct(*row) for row in found]


@dataclass(frozen=True, slots=True)
class PledgeView:
    """A pledge with the names a page needs. ``withdrawn_at`` is ``None`` while it stands."""

    id: int
    code: str
    round_product_id: int
    product_code: str
    product_name: str
    unit: str
    member_id: int
    member_code: str
    member_name: str
    quantity: int
    pledged_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None
    version: int
    tolerance: int
    max_price_excl_cents: int | None
    allotted_quantity: int | None
    """What closing made of it, where that differs from ``quantity``."""
    dropout: Dropout | None


_PLEDGES = text(
    """
select x.id, x.code, x.round_product_id, product.code as product_code, o.name as product_name,
  o.unit, x.member_id, member.code as member_code,
  concat_ws(' ', member.first_name, member.infix, member.last_name) as member_name,
  x.quantity, x.pledged_at, x.changed_at, x.withdrawn_at, x.version, x.tolerance,
  x.max_price_excl_cents,
  x.allotted_quantity, x.dropout
from pledge x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
where x.cooperative_id = :cooperative_id and x.round_id = :round_id
  and (cast(:member_id as bigint) is null or x.member_id = :member_id)
  and (:with_withdrawn or x.withdrawn_at is null)
order by member.code, o.position
"""
)


def pledges(
    session: Session,
    cooperative_id: int,
    round_id: int,
    *,
    member_id: int | None = None,
    with_withdrawn: bool = False,
) -> list[PledgeView]:
    """The pledges of a round, of everyone or of one member, by member number and product."""
    found = session.execute(
        _PLEDGES,
        {
            "cooperative_id": cooperative_id,
            "round_id": round_id,
            "member_id": member_id,
            "with_withdrawn": with_withdrawn,
        },
    )
    return [
        PledgeView(**{**row, "dropout": Dropout(row["dropout"]) if row["dropout"] else None})
        for row in found.mappings()
    ]


def pledging_members(session: Session, cooperative_id: int, round_id: int) -> list[int]:
    """The ids of the members with a pledge in a round that they did not withdraw."""
    return list(
        session.scalars(
            text(
                "select distinct member_id from pledge where cooperative_id = :cooperative_id"
                " and round_id = :round_id and withdrawn_at is null order by member_id"
            ),
            {"cooperative_id": cooperative_id, "round_id": round_id},
        )
    )


@dataclass(frozen=True, slots=True)
class MemberName:
    """Who a member is on a page."""

    code: str
    name: str


def member_name(session: Session, cooperative_id: int, member_id: int) -> MemberName:
    """The number and name of a member.

    Raises:
        NotFoundError: there is none in this cooperative.
    """
    found = session.execute(
        text(
            "select code, concat_ws(' ', first_name, infix, last_name) from member"
            " where cooperative_id = :cooperative_id and id = :id"
        ),
        {"cooperative_id": cooperative_id, "id": member_id},
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no member {member_id}", member_id=member_id)
    return MemberName(*found)


# Half a cent is rounded up as in ``money.vat.vat_on``; prices are not negative. While a round
# is open the most that can be owed is reserved: tolerance in full, at today's price or the
# member's maximum; after closing what the pledge became, or what somebody set by hand. Of a
# replacement only what was set beyond it, since the pledge in whose place it came is reserved.
# A part of a cent counts as a whole one (``unit_prices.most_cents``).
_RESERVED = """
select {columns} coalesce(sum(line.net
  + (2 * line.net * coalesce(line.rate, 0) + 10000) / 20000 + line.units * line.deposit),
  0)::bigint
from (
  select taken.units, o.vat_basis_points as rate, o.deposit_cents as deposit, x.member_id,
    (taken.units * least(o.price_excl_cents, x.max_price_excl_cents) + o.price_units - 1)
      / o.price_units as net
  from pledge x
  join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
  join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
  left join share_by_hand hand on hand.cooperative_id = x.cooperative_id
    and hand.pledge_id = x.id and hand.released_at is null
  cross join lateral (
    select case when r.state in ('draft', 'open') then x.quantity + x.tolerance
      when x.origin = 'replacement' then greatest(hand.quantity - x.quantity, 0)
      else coalesce(hand.quantity, x.allotted_quantity, x.quantity) end as units
  ) as taken
  where x.cooperative_id = :cooperative_id and {which}
    and x.withdrawn_at is null and (x.origin <> 'replacement' or hand.quantity > x.quantity)
    and r.state not in ('settled', 'cancelled')
) as line {grouping}
"""
_RESERVED_OF_ONE = text(_RESERVED.format(columns="", which="x.member_id = :member_id", grouping=""))
_RESERVED_OF_ALL = text(
    _RESERVED.format(
        columns="line.member_id,",
        which="x.round_id <> :except_round",
        grouping="group by line.member_id",
    )
)


def reserved_cents(session: Session, cooperative_id: int, member_id: int) -> int:
    """What a member's pledges in unsettled rounds come to at most, with VAT and deposits.

    Without freight, of which the part depends on who else orders, more weight and replacements.
    """
    return int(
        session.scalar(_RESERVED_OF_ONE, {"cooperative_id": cooperative_id, "member_id": member_id})
        or 0
    )


def reserved_by_member(
    session: Session, cooperative_id: int, *, except_round: int
) -> dict[int, int]:
    """What unsettled rounds but one reserve of each member's account; who has none is absent."""
    key = {"cooperative_id": cooperative_id, "except_round": except_round}
    return {row[0]: row[1] for row in session.execute(_RESERVED_OF_ALL, key)}


def owed_cents(session: Session, cooperative_id: int, member_code: str) -> int:
    """What a member owes the cooperative on his account; negative when he has money there."""
    return ledger.party_balance(session, cooperative_id, "member_account", member_code)


def product_names(
    session: Session, cooperative_id: int, round_product_ids: Iterable[int]
) -> dict[int, str]:
    """The names of products of rounds."""
    found = session.execute(
        text(
            "select id, name from round_product where cooperative_id = :cooperative_id"
            " and id = any(cast(:ids as bigint[]))"
        ),
        {"cooperative_id": cooperative_id, "ids": list(round_product_ids)},
    )
    return {row[0]: row[1] for row in found}


def product_ids_by_code(session: Session, cooperative_id: int, round_id: int) -> dict[str, int]:
    """The numbers that products have within a round, by product code."""
    found = session.execute(
        text(
            "select product.code, o.id from round_product o join product"
            " on product.cooperative_id = o.cooperative_id and product.id = o.product_id"
            " where o.cooperative_id = :cooperative_id and o.round_id = :round_id"
        ),
        {"cooperative_id": cooperative_id, "round_id": round_id},
    )
    return {row[0]: row[1] for row in found}
