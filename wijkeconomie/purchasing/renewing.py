"""Use case of a cancelled round that is made again, with the orders of its members.

A round never goes back to an earlier state: letters went out and prices were fixed. What can be
done instead is this: cancel it, and make it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.covering import uncovered_pledges
from wijkeconomie.purchasing.deadline_models import RoundDeadline
from wijkeconomie.purchasing.deadlines import set_deadline, terms_in
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import (
    FreightKey,
    Product,
    PurchaseRound,
    RoundProduct,
    RoundState,
    ShortageRule,
)
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.rounds import PlanRound, open_round, plan_round


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewRound:
    """Make a cancelled round again; it opens now."""

    round_id: int
    closes_at: datetime
    delivery_on: date


# Same terms: then an order says the same as before. The turn of each pledge stays what it was
# among the others: a microsecond apart, from the moment on which the round opens.
_TAKE_OVER = text(
    """
with taken as (
  insert into pledge (cooperative_id, code, round_id, round_product_id, member_id, quantity,
    tolerance, max_price_excl_cents, pledged_at, changed_at)
  select x.cooperative_id, :code || '-' || m.code || '-' || n.position, n.round_id, n.id,
    x.member_id, x.quantity, x.tolerance, x.max_price_excl_cents,
    cast(:now as timestamptz) + interval '1 microsecond'
      * (row_number() over (order by x.pledged_at, x.code collate "C") - 1), :now
  from pledge x
  join member m on m.cooperative_id = x.cooperative_id and m.id = x.member_id
  join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
  join round_product n on n.cooperative_id = o.cooperative_id and n.round_id = :renewed
    and n.product_id = o.product_id
  where x.cooperative_id = :cooperative_id and x.round_id = :cancelled
    and x.withdrawn_at is null and x.origin = 'pledged'
    and m.joined_on <= :today and (m.left_on is null or m.left_on >= :today)
    and (n.list_price_excl_cents, n.price_units, n.ladder_quantities, n.ladder_prices_cents,
      n.deposit_cents, n.unit, n.pack_size, n.sells_loose)
      = (o.list_price_excl_cents, o.price_units, o.ladder_quantities, o.ladder_prices_cents,
      o.deposit_cents, o.unit, o.pack_size, o.sells_loose)
    and (n.vat_basis_points, n.grams_per_unit, n.minimum_quantity)
      is not distinct from (o.vat_basis_points, o.grams_per_unit, o.minimum_quantity)
    and (n.max_per_member is null or x.quantity + x.tolerance <= n.max_per_member)
  returning id, quantity
)
insert into audit_record (cooperative_id, recorded_at, actor, subject, action, before, after,
  reason)
select :cooperative_id, :now, :actor, 'pledge/' || id, 'made', jsonb_build_object('quantity', 0),
  jsonb_build_object('quantity', quantity), :reason
from taken
"""
)
_NOT_COVERED = text(
    "update pledge set withdrawn_at = :now, changed_at = :now, version = version + 1"
    " where cooperative_id = :cooperative_id and round_id = :renewed"
    " and id = any(cast(:ids as bigint[]))"
)
_MEMBERS = text(
    """
select m.id from member m where m.cooperative_id = :cooperative_id and m.id in (
  select member_id from pledge where cooperative_id = :cooperative_id
    and round_id = :cancelled and withdrawn_at is null)
order by m.id for update
"""
)


def renew_round(uow: UnitOfWork, command: RenewRound) -> int:
    """Make a cancelled round again with the products that are offered still; returns its id.

    It opens now. Orders are taken over where price and terms of the product are what they were
    and the member's account covers them; whoever ordered is told what was, and what is to be
    ordered anew.

    Raises:
        RoundStateError: it was not cancelled, or was made again already.
        InvalidInputError: moments that cannot be, or nothing is offered any more.
        DeadlinePassedError: the closing time has passed.
    """
    require_permission(uow.identity, "pledge.make-for-others")
    found = locked_round(uow, command.round_id)
    again = renewed_as(uow.session, uow.tenant, found.id)
    if found.state != RoundState.CANCELLED.value or again is not None:
        raise RoundStateError(
            f"round {found.code} is {found.state}" if again is None else f"{again} is in its place",
            round=found.code,
            state=found.state,
            step="renew",
            needed=RoundState.CANCELLED.value,
        )
    renewed = _plan(uow, found, command)
    members = uow.session.scalars(
        _MEMBERS, {"cooperative_id": uow.tenant, "cancelled": found.id}
    ).all()
    _take_over_orders(uow, found, renewed)
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="renewed",
        after={"round": renewed.code, "members": len(members)},
    )
    tell_members(uow, "renewed", renewed.id, members)
    return renewed.id


def renewed_as(session: Session, cooperative_id: int, round_id: int) -> str | None:
    """The code of the round that was made in the place of a cancelled one, if any."""
    return session.scalar(
        select(PurchaseRound.code).where(
            PurchaseRound.cooperative_id == cooperative_id, PurchaseRound.instead_of_id == round_id
        )
    )


def _plan(uow: UnitOfWork, found: PurchaseRound, command: RenewRound) -> PurchaseRound:
    agreed = found.agreed_freight_excl_cents
    products = _still_offered(uow, found)
    if not products:
        raise InvalidInputError("nothing of it is offered any more", field="product_ids")
    renewed_id = plan_round(
        uow,
        PlanRound(
            theme=found.theme,
            supplier_id=found.supplier_id,
            opens_at=uow.now,
            closes_at=command.closes_at,
            delivery_on=command.delivery_on,
            freight_excl_cents=found.freight_excl_cents if agreed is None else agreed,
            freight_key=FreightKey(found.freight_key),
            shortage_rule=ShortageRule(found.shortage_rule),
            surplus_rule=SurplusRule(found.surplus_rule),
            product_ids=products,
        ),
    )
    terms = uow.session.get(RoundDeadline, (uow.tenant, found.id))
    if terms is not None:
        set_deadline(uow, renewed_id, terms_in(terms))
    open_round(uow, renewed_id)
    renewed = uow.session.get_one(PurchaseRound, (uow.tenant, renewed_id))
    renewed.instead_of_id = found.id
    uow.session.flush()
    return renewed


def _still_offered(uow: UnitOfWork, found: PurchaseRound) -> tuple[int, ...]:
    return tuple(
        uow.session.scalars(
            select(Product.id)
            .join(
                RoundProduct,
                (RoundProduct.cooperative_id == Product.cooperative_id)
                & (RoundProduct.product_id == Product.id),
            )
            .where(
                Product.cooperative_id == uow.tenant,
                Product.is_offered,
                RoundProduct.round_id == found.id,
                RoundProduct.replaces_id.is_(None),
            )
            .order_by(RoundProduct.position)
        )
    )


def _take_over_orders(uow: UnitOfWork, found: PurchaseRound, renewed: PurchaseRound) -> None:
    key = {
        "cooperative_id": uow.tenant,
        "cancelled": found.id,
        "renewed": renewed.id,
        "now": uow.now,
    }
    uow.session.execute(
        _TAKE_OVER,
        key
        | {
            "code": renewed.code,
            "today": local_date(uow.now, LOCAL_TIME),
            "actor": uow.actor,
            "reason": found.code,
        },
    )
    uncovered = uncovered_pledges(uow, renewed)
    if uncovered:
        uow.session.execute(_NOT_COVERED, key | {"ids": list(uncovered)})


@dataclass(frozen=True, slots=True)
class RenewedOrder:
    """A member's order in a round that was made again: what stands, and what to order anew."""

    taken_over: tuple[queries.PledgeView, ...]
    to_order: tuple[queries.PledgeView, ...]


def renewed_order(
    session: Session, cooperative_id: int, renewed: PurchaseRound, member_id: int
) -> RenewedOrder:
    """What a member ordered in the cancelled round, by whether he has it in the renewed one."""
    key = (session, cooperative_id)
    now = queries.pledges(*key, renewed.id, member_id=member_id)
    before = queries.pledges(*key, renewed.instead_of_id or 0, member_id=member_id)
    standing = {each.product_code for each in now}
    missing = tuple(each for each in before if each.product_code not in standing)
    return RenewedOrder(tuple(now), missing)
