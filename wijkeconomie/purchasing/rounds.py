"""Use cases that plan a round and take it from draft to ordered, or cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.closing import fix_outcome
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.locking import instant, locked_round, round_for
from wijkeconomie.purchasing.models import (
    FreightKey,
    PurchaseRound,
    RoundState,
    ShortageRule,
    Supplier,
)
from wijkeconomie.purchasing.notices import tell_members, tell_supplier, withdraw_order
from wijkeconomie.purchasing.past_terms import PastTerms
from wijkeconomie.purchasing.refusals import (
    DeadlinePassedError,
    GoodsCameError,
    NothingPledgedError,
    SupplierMinimumError,
)
from wijkeconomie.purchasing.round_products import copy_products, products_for_round
from wijkeconomie.purchasing.round_rules import Step, state_after


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRound:
    """A round to be: instants are aware, ``closes_at`` is the first moment that is too late.

    ``code``: ``None`` takes the next number of the cooperative. ``product_ids``: ``None``
    takes all that the supplier offers; else exactly these, in this order.
    """

    theme: str
    supplier_id: int
    opens_at: datetime
    closes_at: datetime
    delivery_on: date
    freight_excl_cents: int = 0
    freight_key: FreightKey = FreightKey.VALUE
    shortage_rule: ShortageRule = ShortageRule.PRO_RATA
    surplus_rule: SurplusRule = SurplusRule.STOCK
    product_ids: tuple[int, ...] | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRound:
    """Close a round; before its deadline too. ``at`` is for imports.

    ``is_fixed``: its prices and quantities came about elsewhere and are written already; only
    with ``at``.
    """

    round_id: int
    at: datetime | None = None
    is_fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRound:
    """Order at the supplier what was pledged. ``at`` is for imports.

    ``below_minimum_reason``: why the supplier takes an order that is below its minimum.
    """

    round_id: int
    at: datetime | None = None
    below_minimum_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRound:
    """Cancel a round that has not been settled, with the reason its members are told."""

    round_id: int
    reason: str
    at: datetime | None = None


def plan_round(
    uow: UnitOfWork, command: PlanRound, past: Mapping[int, PastTerms] | None = None
) -> int:
    """Plan a round as a draft with its own copy of prices and terms; returns its id.

    ``past``, for imports: the terms that each product had in a round of the past, by product.

    Raises:
        NotFoundError: no such supplier or product.
        InvalidInputError: times in the wrong order, a negative freight, nothing to offer, a
            product of another supplier.
    """
    require_permission(uow.identity, "round.plan")
    if past is not None:
        require_permission(uow.identity, "city.import")
    check_times(command.opens_at, command.closes_at)
    _check_plan(command)
    supplier = uow.session.get(Supplier, (uow.tenant, command.supplier_id))
    if supplier is None:
        raise NotFoundError(
            f"there is no supplier {command.supplier_id}", supplier_id=command.supplier_id
        )
    products = products_for_round(
        uow, command.supplier_id, command.product_ids, is_past=past is not None
    )
    planned = PurchaseRound(
        cooperative_id=uow.tenant,
        code=command.code or _next_code(uow),
        theme=command.theme.strip(),
        supplier_id=command.supplier_id,
        state=RoundState.DRAFT.value,
        opens_at=command.opens_at,
        closes_at=command.closes_at,
        delivery_on=command.delivery_on,
        freight_excl_cents=command.freight_excl_cents,
        freight_key=command.freight_key.value,
        shortage_rule=command.shortage_rule.value,
        surplus_rule=command.surplus_rule.value,
        created_by=uow.actor,
        minimum_net_cents=supplier.minimum_net_cents,
    )
    uow.session.add(planned)
    uow.session.flush()
    copy_products(uow, planned.id, products, past)
    record_change(
        uow,
        subject=f"round/{planned.id}",
        action="planned",
        after={
            "code": planned.code,
            "closes_at": planned.closes_at.isoformat(),
            "freight_excl_cents": planned.freight_excl_cents,
            "products": len(products),
        },
    )
    return planned.id


def open_round(uow: UnitOfWork, round_id: int, *, at: datetime | None = None) -> int:
    """Open a draft for pledges, from its opening time on; returns its id.

    Raises:
        RoundStateError: it is no draft, or its opening time has not come.
        DeadlinePassedError: its closing time has passed.
    """
    require_permission(uow.identity, "round.open")
    moment = instant(uow, at)
    found = round_for(uow, round_id, "open")
    if moment >= found.closes_at:
        raise DeadlinePassedError(
            f"round {found.code} was to close at {found.closes_at.isoformat()}",
            round=found.code,
            closes_at=found.closes_at.isoformat(),
        )
    # Opened by hand before its time, it opens now: members see what the coordinator did.
    found.opens_at = min(found.opens_at, moment)
    found.opened_at = moment
    take_step(uow, found, "open")
    return found.id


def close_round(uow: UnitOfWork, command: CloseRound) -> int:
    """Close an open round: no member can change anything any more; returns its id.

    Prices and quantities are fixed with it: the lowest price of each ladder that is earned
    by those who accept it, and whole packs where the supplier sells no others.

    Raises:
        RoundStateError: it is not open.
    """
    require_permission(uow.identity, "round.close")
    moment = instant(uow, command.at)
    is_live = command.at is None
    found = round_for(uow, command.round_id, "close")
    touched: Sequence[int] = ()
    if is_live or not command.is_fixed:
        touched = fix_outcome(uow, found, moment, checks_credit=is_live)
    finish_closing(uow, found, moment, touched, is_live=is_live)
    return command.round_id


def finish_closing(
    uow: UnitOfWork, found: PurchaseRound, at: datetime, touched: Sequence[int], *, is_live: bool
) -> None:
    """Close a round that the caller holds, once ``closing.fix_outcome`` has fixed it.

    Members whose order became another one (``touched``) are told.
    """
    found.closed_at = at
    take_step(uow, found, "close")
    if is_live:
        tell_members(uow, "dropped", found.id, touched)


def open_if_due(uow: UnitOfWork, round_id: int) -> bool:
    """Open a draft whose opening time has come and deadline has not; tell whether it was done."""
    require_permission(uow.identity, "round.open")
    found = locked_round(uow, round_id)
    is_due = found.opens_at <= uow.now < found.closes_at
    if found.state != RoundState.DRAFT.value or not is_due:
        return False
    found.opened_at = uow.now
    take_step(uow, found, "open")
    return True


def order_round(uow: UnitOfWork, command: OrderRound) -> int:
    """Fix what is ordered, product by product, and queue the order to the supplier.

    Ordered is the sum of the pledges as closing left them; a line for each product that
    anyone pledged for is made, to be received later. Returns the round's id.

    Raises:
        RoundStateError: it is not closed.
        NothingPledgedError: there are no pledges.
        SupplierMinimumError: the supplier takes no order this small, and no reason is given.
    """
    require_permission(uow.identity, "round.order")
    moment = instant(uow, command.at)
    found = round_for(uow, command.round_id, "order")
    lines = uow.session.execute(
        _ORDER_LINES,
        {"cooperative_id": uow.tenant, "round_id": found.id, "code": found.code},
    ).all()
    if not lines:
        raise NothingPledgedError(
            f"nobody pledged anything in round {found.code}", round=found.code
        )
    reason = (command.below_minimum_reason or "").strip() or None
    if command.at is None:
        _require_minimum(uow, found, reason)
    found.ordered_at = moment
    take_step(uow, found, "order", reason=reason)
    supplier_email = select(Supplier.email).where(
        Supplier.cooperative_id == uow.tenant, Supplier.id == found.supplier_id
    )
    # Without an address the coordinator hands over the downloaded order; importing the past
    # sends nothing to anyone.
    if uow.session.scalar(supplier_email) and command.at is None:
        tell_supplier(uow, found.id)
    return found.id


def _require_minimum(uow: UnitOfWork, found: PurchaseRound, reason: str | None) -> None:
    ordered = queries.round_by_id(uow.session, uow.tenant, found.id).pledged_net_cents
    least = found.minimum_net_cents
    if least is not None and ordered < least and reason is None:
        raise SupplierMinimumError(
            f"{ordered} cents are ordered; the supplier takes orders from {least}",
            round=found.code,
            minimum_cents=least,
            ordered_cents=ordered,
            short_cents=least - ordered,
            field="below_minimum_reason",
        )


def cancel_round(uow: UnitOfWork, command: CancelRound) -> int:
    """Cancel a round for good and tell everyone who pledged; returns its id.

    Raises:
        RoundStateError: it has been settled or cancelled.
        GoodsCameError: goods or an invoice came, so that somebody has to pay.
        InvalidInputError: no reason is given.
    """
    require_permission(uow.identity, "round.cancel")
    reason = command.reason.strip()
    if not reason:
        raise InvalidInputError("say why the round is cancelled", field="reason")
    moment = instant(uow, command.at)
    found = round_for(uow, command.round_id, "cancel")
    if command.at is None:
        _require_nothing_came(uow, found)
    cancel_held(uow, found, reason, moment, is_live=command.at is None)
    return found.id


def cancel_held(
    uow: UnitOfWork, found: PurchaseRound, reason: str, at: datetime, *, is_live: bool
) -> None:
    """Cancel a round that the caller holds, and tell everyone who pledged.

    A supplier who has the order, or may have it, is told too that it does not go on.
    """
    found.cancelled_at = at
    found.cancel_reason = reason
    take_step(uow, found, "cancel", reason=reason)
    if is_live:
        pledgers = queries.pledging_members(uow.session, uow.tenant, found.id)
        tell_members(uow, "cancelled", found.id, pledgers)
        if found.ordered_at is not None:
            withdraw_order(uow, found.id)


def _require_nothing_came(uow: UnitOfWork, found: PurchaseRound) -> None:
    """Goods that came, or an invoice, are paid by somebody: that is settled, never cancelled."""
    came = uow.session.scalar(
        text(
            "select exists (select from delivery where cooperative_id = :cooperative_id"
            " and round_id = :round_id and delivered_quantity > 0)"
            " or exists (select from supplier_invoice where cooperative_id = :cooperative_id"
            " and round_id = :round_id and withdrawn_at is null)"
        ),
        {"cooperative_id": uow.tenant, "round_id": found.id},
    )
    if came:
        raise GoodsCameError(
            f"goods came in round {found.code}, or an invoice: settle it", round=found.code
        )


_ORDER_LINES = text(
    """
insert into delivery (cooperative_id, code, round_id, round_product_id, ordered_quantity)
select :cooperative_id, :code || '-' || product.code, :round_id, offered.id, wanted.quantity
from (
  select round_product_id, sum(coalesce(allotted_quantity, quantity))::bigint as quantity
  from pledge
  where cooperative_id = :cooperative_id and round_id = :round_id and withdrawn_at is null
  group by round_product_id
) as wanted
join round_product offered on offered.cooperative_id = :cooperative_id
  and offered.id = wanted.round_product_id
join product on product.cooperative_id = :cooperative_id and product.id = offered.product_id
order by offered.position
returning id
"""
)


def take_step(
    uow: UnitOfWork, found: PurchaseRound, step: Step, *, reason: str | None = None
) -> None:
    """Take a step with a round that the caller holds, and write it down."""
    before, found.state = found.state, state_after(step)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action=found.state,
        before={"state": before},
        after={"state": found.state},
        reason=reason,
    )


def check_times(opens_at: datetime, closes_at: datetime) -> None:
    """Refuse moments that a round cannot have.

    Raises:
        InvalidInputError: a moment without a timezone, or a closing that is not after opening.
    """
    for field, moment in (("opens_at", opens_at), ("closes_at", closes_at)):
        if moment.tzinfo is None:
            raise InvalidInputError("a moment carries its timezone", field=field)
    if closes_at <= opens_at:
        raise InvalidInputError("a round closes after it opens", field="closes_at")


def _check_plan(command: PlanRound) -> None:
    if command.freight_excl_cents < 0:
        raise InvalidInputError("freight is not negative", field="freight_excl_cents")
    if not command.theme.strip():
        raise InvalidInputError("say what the round is about", field="theme")
    if command.code is not None and not command.code.strip():
        raise InvalidInputError("a code is not empty", field="code")


def _next_code(uow: UnitOfWork) -> str:
    """The cooperative's code with the next number; two planners at once wait for each other."""
    name = f"round-code/{uow.tenant}"
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    cooperative = uow.session.scalar(select(Cooperative.code).where(Cooperative.id == uow.tenant))
    highest = uow.session.scalar(
        text(
            "select max(cast(substring(code from '-R([0-9]{1,9})$') as bigint))"
            " from purchase_round where cooperative_id = :cooperative_id"
        ),
        {"cooperative_id": uow.tenant},
    )
    return f"{cooperative}-R{(highest or 0) + 1:02d}"
