"""Use cases of receiving: what came, line by line, each counted by whoever stands at the van."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.delivery_models import Delivery
from wijkeconomie.purchasing.locking import instant, locked_round, round_for
from wijkeconomie.purchasing.models import Product, PurchaseRound, RoundProduct
from wijkeconomie.purchasing.refusals import (
    LinesNotReceivedError,
    OverOrderError,
    ProductNotInRoundError,
    RoundStateError,
)
from wijkeconomie.purchasing.round_rules import may_enter_delivery, state_after


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveLine:
    """What came of one product: ``damaged`` are those of ``delivered`` that cannot be used.

    ``uncredited``: of the damaged and missing units those that the supplier charges all the
    same. ``grams``: what came together weighs, of weighed goods. ``None`` leaves either as it is.
    """

    round_id: int
    round_product_id: int
    delivered: int
    damaged: int = 0
    reason: str | None = None
    delivered_on: date | None = None
    uncredited: int | None = None
    grams: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveTheRest:
    """Say that these products came as they were ordered: all that nobody has counted yet."""

    round_id: int
    round_product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReceiving:
    """Say that every line has been entered. ``at`` is for imports."""

    round_id: int
    at: datetime | None = None


def receive_line(uow: UnitOfWork, command: ReceiveLine) -> None:
    """Enter what came of one product; again when it was wrong, until it has been shared.

    A product that came without being ordered gets a line with nothing ordered.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        ProductNotInRoundError: the round does not offer it.
        InvalidInputError: a negative number, more damaged than delivered, more charged than is
            damaged or missing, or a weight of goods that are not weighed.
        OverOrderError: more than was ordered came, and no reason is given.
        StaleVersionError: somebody else counted it, and otherwise, since it was seen.
    """
    require_permission(uow.identity, "round.receive")
    write_delivery(uow, _round_at_the_van(uow, command.round_id), command)


def receive_the_rest(uow: UnitOfWork, command: ReceiveTheRest) -> int:
    """Say that what was not counted came as it was ordered, undamaged; returns how many products.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        StaleVersionError: others wait to be counted than were shown, so nothing is said of any.
    """
    require_permission(uow.identity, "round.receive")
    found = _round_at_the_van(uow, command.round_id)
    waiting = uow.session.execute(
        select(Delivery.round_product_id, Delivery.ordered_quantity).where(
            Delivery.cooperative_id == uow.tenant,
            Delivery.round_id == found.id,
            Delivery.delivered_quantity.is_(None),
        )
    ).all()
    if {row.round_product_id for row in waiting} != set(command.round_product_ids):
        raise StaleVersionError(
            f"{len(waiting)} products wait to be counted now", waiting=len(waiting)
        )
    for row in waiting:
        line = ReceiveLine(
            round_id=found.id,
            round_product_id=row.round_product_id,
            delivered=row.ordered_quantity,
        )
        write_delivery(uow, found, line)
    return len(waiting)


def _round_at_the_van(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    """The round, held, while what comes may be entered."""
    found = locked_round(uow, round_id)
    if not may_enter_delivery(found.state):
        raise RoundStateError(
            f"round {found.code} is {found.state}; deliveries are entered once it is ordered",
            round=found.code,
            state=found.state,
            step="receive",
            needed="ordered",
        )
    return found


def write_delivery(uow: UnitOfWork, found: PurchaseRound, command: ReceiveLine) -> None:
    """Write one line of a round that the caller holds; as :func:`receive_line` beside that."""
    offered = _offered(uow, found, command.round_product_id)
    row = uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.cooperative_id == uow.tenant,
            Delivery.round_product_id == command.round_product_id,
        )
        .with_for_update()
    )
    _check(command, offered, ordered=0 if row is None else row.ordered_quantity)
    if row is None:
        row = _unordered_line(uow, found, offered)
    values = _said(uow, command, row, _uncredited(command, offered, row))
    if row.delivered_quantity is not None and all(
        getattr(row, name) == value for name, value in values.items()
    ):
        return
    if command.version is not None and command.version != row.version:
        raise StaleVersionError(
            f"{row.delivered_quantity} of {offered.name} were counted in the meantime",
            product=offered.name,
            delivered=row.delivered_quantity,
            damaged=row.damaged_quantity,
            version=row.version,
        )
    before = _facts(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    uow.session.flush()
    after = _facts(row)
    if before != after:
        record_change(
            uow,
            subject=f"delivery/{row.id}",
            action="received" if before["delivered"] is None else "changed",
            before=before,
            after=after,
            reason=row.reason,
        )


def _said(
    uow: UnitOfWork, command: ReceiveLine, row: Delivery, uncredited: int
) -> dict[str, object]:
    """What a line says once ``command`` is written, by column."""
    return {
        "delivered_quantity": command.delivered,
        "damaged_quantity": command.damaged,
        "uncredited_quantity": uncredited,
        "delivered_grams": row.delivered_grams if command.grams is None else command.grams,
        "reason": (command.reason or "").strip() or None,
        "delivered_on": command.delivered_on or row.delivered_on or local_date(uow.now, LOCAL_TIME),
    }


def _facts(row: Delivery) -> dict[str, object]:
    """What a line says, as the audit trail keeps it; what was never said is left out."""
    facts: dict[str, object] = {
        "delivered": row.delivered_quantity,
        "damaged": row.damaged_quantity,
        "reason": row.reason,
    }
    if row.uncredited_quantity:
        facts["uncredited"] = row.uncredited_quantity
    if row.delivered_grams is not None:
        facts["grams"] = row.delivered_grams
    return facts


def _uncredited(command: ReceiveLine, offered: RoundProduct, row: Delivery) -> int:
    """Units that are lost and charged; what was said before counts as far as it still can."""
    lost = command.damaged + max(row.ordered_quantity - command.delivered, 0)
    if command.uncredited is None:
        uncredited = min(row.uncredited_quantity, lost)
    else:
        uncredited = command.uncredited
    if not 0 <= uncredited <= lost or (uncredited and offered.grams_per_unit is not None):
        raise InvalidInputError(
            "not more is charged than is damaged or missing", field=f"uncredited-{offered.id}"
        )
    if command.grams is not None and (command.grams < 1 or offered.grams_per_unit is None):
        raise InvalidInputError("weigh goods that are weighed", field=f"grams-{offered.id}")
    return uncredited


def _offered(uow: UnitOfWork, found: PurchaseRound, round_product_id: int) -> RoundProduct:
    offered = uow.session.scalar(
        select(RoundProduct).where(
            RoundProduct.cooperative_id == uow.tenant,
            RoundProduct.round_id == found.id,
            RoundProduct.id == round_product_id,
        )
    )
    if offered is None:
        raise ProductNotInRoundError(
            f"round {found.code} does not offer {round_product_id}", round=found.code
        )
    return offered


def _check(command: ReceiveLine, offered: RoundProduct, *, ordered: int) -> None:
    for name in ("delivered", "damaged"):
        if getattr(command, name) < 0:
            raise InvalidInputError("a number is not negative", field=f"{name}-{offered.id}")
    if command.damaged > command.delivered:
        raise InvalidInputError("not more is damaged than came", field=f"damaged-{offered.id}")
    # In whose place a replacement came is known, and reason enough.
    is_ordered = offered.replaces_id is None
    if command.delivered > ordered and is_ordered and not (command.reason or "").strip():
        raise OverOrderError(
            f"{command.delivered} came of {offered.name}, {ordered} were ordered: say why",
            product=offered.name,
            ordered=ordered,
            delivered=command.delivered,
            field=f"reason-{offered.id}",
        )


def _unordered_line(uow: UnitOfWork, found: PurchaseRound, offered: RoundProduct) -> Delivery:
    product = uow.session.scalars(
        select(Product.code).where(
            Product.cooperative_id == uow.tenant, Product.id == offered.product_id
        )
    ).one()
    row = Delivery(
        cooperative_id=uow.tenant,
        code=f"{found.code}-{product}",
        round_id=found.id,
        round_product_id=offered.id,
        ordered_quantity=0,
        damaged_quantity=0,
        uncredited_quantity=0,
        version=0,
    )
    uow.session.add(row)
    return row


def finish_receiving(uow: UnitOfWork, command: FinishReceiving) -> int:
    """Say that the delivery is complete; returns the round's id.

    Raises:
        RoundStateError: the round is not ordered.
        LinesNotReceivedError: names the products that have not been entered.
    """
    require_permission(uow.identity, "round.receive")
    moment = instant(uow, command.at)
    found = round_for(uow, command.round_id, "receive")
    missing = uow.session.scalars(
        select(RoundProduct.name)
        .join(
            Delivery,
            (Delivery.cooperative_id == RoundProduct.cooperative_id)
            & (Delivery.round_product_id == RoundProduct.id),
        )
        .where(
            RoundProduct.cooperative_id == uow.tenant,
            RoundProduct.round_id == found.id,
            Delivery.delivered_quantity.is_(None),
        )
        .order_by(RoundProduct.position)
    ).all()
    if missing:
        raise LinesNotReceivedError(
            f"enter what came of {', '.join(missing)}", products=", ".join(missing)
        )
    found.received_at = moment
    before, found.state = found.state, state_after("receive")
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action=found.state,
        before={"state": before},
        after={"state": found.state},
    )
    return found.id
