"""Reads of what was delivered, invoiced and settled in a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.models import PurchaseRound, ShortageRule
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """What was ordered and what came of one product; ``delivered`` is ``None`` until entered."""

    round_product_id: int
    product_code: str
    product_name: str
    unit: str
    price_excl_cents: int
    ordered: int
    delivered: int | None
    damaged: int
    delivered_on: date | None
    reason: str | None
    uncredited: int
    """Of the damaged and missing units those that the supplier charges all the same."""
    delivered_grams: int | None
    stock: int | None
    """Units that somebody said the cooperative keeps."""
    grams_per_unit: int | None
    """What a unit of weighed goods is expected to weigh."""
    shortage_rule: ShortageRule | None
    """Where it differs from the round's."""
    replaces_id: int | None
    """The product of the round in whose place it came."""
    pack_size: int = 1
    supplier_unit: str | None = None
    """What the supplier calls a pack."""
    version: int = 0
    """How many times it was counted; 0 until somebody did."""
    replaces: str | None = None
    """The name of the product in whose place it came."""

    @property
    def usable(self) -> int:
        """Units that can be handed out."""
        return (self.delivered or 0) - self.damaged


_DELIVERIES = text(
    """
select x.round_product_id, product.code, o.name, o.unit, o.price_excl_cents, x.ordered_quantity,
  x.delivered_quantity, x.damaged_quantity, x.delivered_on, x.reason, x.uncredited_quantity,
  x.delivered_grams, x.stock_quantity, o.grams_per_unit, o.shortage_rule, o.replaces_id,
  o.pack_size, o.supplier_unit, x.version, missing.name
from delivery x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
left join round_product missing on missing.cooperative_id = o.cooperative_id
  and missing.id = o.replaces_id
where x.cooperative_id = :cooperative_id and x.round_id = :round_id
order by o.position
"""
)


def deliveries(session: Session, cooperative_id: int, round_id: int) -> list[DeliveryView]:
    """The ordered lines of a round and what came of them, in the order of its products."""
    found = session.execute(_DELIVERIES, {"cooperative_id": cooperative_id, "round_id": round_id})
    return [
        DeliveryView(*[*row[:14], ShortageRule(row[14]) if row[14] else None, *row[15:]])
        for row in found
    ]


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """The supplier's invoice that counts for a round."""

    code: str
    invoiced_on: date
    net_cents: int
    vat_cents: int
    gross_cents: int
    note: str | None
    deposit_cents: int | None = None
    """Deposits beside the gross amount; ``None``: those of what came."""


def invoice(session: Session, cooperative_id: int, round_id: int) -> InvoiceView | None:
    """The invoice of a round that was not withdrawn, if there is one."""
    found = session.execute(
        text(
            "select code, invoiced_on, net_cents, vat_cents, gross_cents, note, deposit_cents"
            " from supplier_invoice where cooperative_id = :cooperative_id"
            " and round_id = :round_id and withdrawn_at is null"
        ),
        {"cooperative_id": cooperative_id, "round_id": round_id},
    ).one_or_none()
    return None if found is None else InvoiceView(*found)


@dataclass(frozen=True, slots=True)
class SettlementView:
    """One version of a settlement. ``reversal_number`` is set once it was corrected."""

    version: int
    entry_number: int | None
    reversal_number: int | None
    settled_at: datetime
    settled_by: str
    accounting_date: date
    supplier_gross_cents: int
    members_gross_cents: int
    cooperative_gross_cents: int
    reason: str | None
    is_uncharged: bool
    """Whether two people decided that the members pay nothing."""
    deposit_due_cents: int
    """Deposits on packaging that the supplier asks beside the gross amount."""
    deposit_members_cents: int
    """Deposits that members pay beside it."""

    @property
    def supplier_payable_cents(self) -> int:
        """What the supplier gets, deposits included."""
        return self.supplier_gross_cents + self.deposit_due_cents

    @property
    def members_payable_cents(self) -> int:
        """What the members pay together, deposits included."""
        return self.members_gross_cents + self.deposit_members_cents

    @property
    def cooperative_payable_cents(self) -> int:
        """What is left for the cooperative, deposits included."""
        return self.supplier_payable_cents - self.members_payable_cents


_SETTLEMENTS = text(
    """
select s.version, s.entry_number, s.reversal_number, s.settled_at, s.settled_by,
  s.accounting_date, s.supplier_gross_cents, s.members_gross_cents, s.cooperative_gross_cents,
  s.reason, s.uncharged_request_id is not null, coalesce(d.due_cents, 0),
  coalesce((
    select sum(charge.cents) from deposit_charge charge
    where charge.cooperative_id = s.cooperative_id and charge.round_id = s.round_id
      and charge.version = s.version
  ), 0)::bigint
from round_settlement s
left join deposit_settlement d on d.cooperative_id = s.cooperative_id
  and d.round_id = s.round_id and d.version = s.version
where s.cooperative_id = :cooperative_id and s.round_id = :round_id
order by s.version
"""
)


def settlements(session: Session, cooperative_id: int, round_id: int) -> list[SettlementView]:
    """Every version of a round's settlement, the first one first."""
    key = {"cooperative_id": cooperative_id, "round_id": round_id}
    found = session.execute(_SETTLEMENTS, key)
    return [SettlementView(*row) for row in found]


@dataclass(frozen=True, slots=True)
class ShareView:
    """What a pledge became in one version of a settlement."""

    pledge_id: int
    member_id: int
    member_code: str
    member_name: str
    product_code: str
    product_name: str
    unit: str
    pledged: int
    delivered: int
    net_cents: int
    freight_cents: int
    vat_cents: int
    gross_cents: int
    explanation: Mapping[str, Any]


_SHARES = text(
    """
select share.pledge_id, member.id, member.code,
  concat_ws(' ', member.first_name, member.infix, member.last_name), product.code, o.name, o.unit,
  x.quantity, share.delivered_quantity, share.net_cents, share.freight_cents, share.vat_cents,
  share.gross_cents, share.explanation
from pledge_share share
join pledge x on x.cooperative_id = share.cooperative_id and x.id = share.pledge_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where share.cooperative_id = :cooperative_id and share.round_id = :round_id
  and share.version = :version
  and (cast(:member_id as bigint) is null or x.member_id = :member_id)
order by member.code, o.position
"""
)


def shares(
    session: Session,
    cooperative_id: int,
    round_id: int,
    version: int,
    *,
    member_id: int | None = None,
) -> list[ShareView]:
    """The shares of one version, of everyone or of one member, by member and product."""
    found = session.execute(
        _SHARES,
        {
            "cooperative_id": cooperative_id,
            "round_id": round_id,
            "version": version,
            "member_id": member_id,
        },
    )
    return [ShareView(*row) for row in found]


def paid_by_member(session: Session, cooperative_id: int, member_id: int) -> dict[int, int]:
    """What a member pays for each settled round with deposits, by the id of the round."""
    found = session.execute(
        text(
            "select share.round_id, sum(share.gross_cents + coalesce(deposit.cents, 0))::bigint"
            " from pledge_share share"
            " left join deposit_charge deposit on deposit.cooperative_id = share.cooperative_id"
            " and deposit.round_id = share.round_id and deposit.version = share.version"
            " and deposit.pledge_id = share.pledge_id"
            " join purchase_round r on r.cooperative_id = share.cooperative_id"
            " and r.id = share.round_id and r.settlement_version = share.version"
            " join pledge x on x.cooperative_id = share.cooperative_id and x.id = share.pledge_id"
            " where share.cooperative_id = :cooperative_id and x.member_id = :member_id"
            " group by share.round_id"
        ),
        {"cooperative_id": cooperative_id, "member_id": member_id},
    )
    return {row[0]: row[1] for row in found}


_PRODUCT_INPUTS = text(
    """
select o.id, o.price_excl_cents, o.vat_basis_points,
  coalesce(x.delivered_quantity - x.damaged_quantity, 0), o.list_price_excl_cents,
  o.shortage_rule, r.surplus_rule = 'stock', x.stock_quantity, coalesce(x.uncredited_quantity, 0),
  o.grams_per_unit, x.delivered_grams, o.replaces_id, o.price_units
from round_product o
join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id
left join delivery x on x.cooperative_id = o.cooperative_id and x.round_product_id = o.id
where o.cooperative_id = :cooperative_id and o.round_id = :round_id
  and (x.id is not null or o.id = any(cast(:also as bigint[])) or exists (
    select from pledge p where p.cooperative_id = o.cooperative_id
      and p.round_product_id = o.id and p.withdrawn_at is null))
order by o.position
"""
)
# Codes are compared byte by byte, so that every installation breaks ties alike.
_PLEDGE_INPUTS = text(
    """
select id, member_id, round_product_id, coalesce(allotted_quantity, quantity) as taken,
  (extract(epoch from pledged_at) * 1000000)::bigint, quantity,
  greatest(quantity + tolerance - coalesce(allotted_quantity, quantity), 0), origin, instead_of_id
from pledge
where cooperative_id = :cooperative_id and round_id = :round_id and withdrawn_at is null
order by code collate "C"
"""
)
# What was set by hand, weighed or added later is little beside the pledges: it is read apart.
_LATER = text(
    """
select x.id, (extract(epoch from more.at) * 1000000)::bigint, more.units
from pledge x, unnest(x.later_at, x.later_quantities) with ordinality as more (at, units, number)
where x.cooperative_id = :cooperative_id and x.round_id = :round_id and x.withdrawn_at is null
  and x.later_quantities <> '{}'
order by x.id, more.number
"""
)
_BY_HAND = text(
    "select pledge_id, quantity from share_by_hand where cooperative_id = :cooperative_id"
    " and round_id = :round_id and released_at is null"
)
_WEIGHED = text(
    "select pledge_id, grams from pledge_weight"
    " where cooperative_id = :cooperative_id and round_id = :round_id"
)


def settlement_input(
    session: Session,
    round_: PurchaseRound,
    usable: Mapping[int, int] | None = None,
) -> SettlementInput:
    """A round as the rules take it: pledges in order of their codes, products in theirs.

    ``usable`` replaces the usable units of some products, to see what would follow.
    """
    key = {"cooperative_id": round_.cooperative_id, "round_id": round_.id}
    instead = usable or {}
    by_hand = {row[0]: row[1] for row in session.execute(_BY_HAND, key)}
    weighed = {row[0]: row[1] for row in session.execute(_WEIGHED, key)}
    later: dict[int, list[tuple[int, int]]] = {}
    for pledge_id, turn, units in session.execute(_LATER, key):
        later.setdefault(pledge_id, []).append((turn, units))
    return SettlementInput(
        products=tuple(
            ProductInput(row[0], row[1], row[2], instead.get(row[0], row[3]), *row[4:])
            for row in session.execute(_PRODUCT_INPUTS, key | {"also": list(instead)})
        ),
        pledges=tuple(
            _pledge_input(row, by_hand, weighed, later)
            for row in session.execute(_PLEDGE_INPUTS, key)
        ),
        freight_excl_cents=round_.freight_excl_cents,
        freight_key=round_.freight_key,  # type: ignore[arg-type]
        shortage_rule=round_.shortage_rule,  # type: ignore[arg-type]
    )


def _pledge_input(
    row: Sequence[Any],
    by_hand: Mapping[int, int],
    weighed: Mapping[int, int],
    later: Mapping[int, Sequence[tuple[int, int]]],
) -> PledgeInput:
    key = row[0]
    more = tuple(later.get(key, ()))
    return PledgeInput(*[*row[:7], by_hand.get(key), weighed.get(key), *row[7:], more])
