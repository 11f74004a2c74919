"""Use cases of deciding by hand what became of a delivery, beside what the rule computes.

Nothing here computes or stores a share: it stores what somebody decided. The computation takes
that as given each time it runs, so that counting again never loses it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.credit_checks import within_credit
from wijkeconomie.purchasing.delivery_models import Delivery
from wijkeconomie.purchasing.handing_models import PledgeWeight, ShareByHand, SurplusRule
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import Pledge, PurchaseRound, RoundProduct, ShortageRule
from wijkeconomie.purchasing.refusals import ProductNotInRoundError, RoundStateError
from wijkeconomie.purchasing.round_rules import may_enter_delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SetShare:
    """What a pledge gets, whatever the rule says, and why; ``None`` leaves it to the rule again.

    ``asks_credit``: not where the member gets so much already, or got it long ago.
    """

    round_id: int
    pledge_id: int
    quantity: int | None
    reason: str = ""
    asks_credit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAsStock:
    """How many units of a product the cooperative keeps; ``None``: not decided."""

    round_id: int
    round_product_id: int
    quantity: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighPledge:
    """What was weighed for a pledge, in grams; ``None`` takes it back."""

    round_id: int
    pledge_id: int
    grams: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseRules:
    """How a round is shared when too little or too much comes; ``None`` leaves it as it is.

    ``products``: rules of single products, ``None`` for the round's.
    """

    round_id: int
    shortage_rule: ShortageRule | None = None
    surplus_rule: SurplusRule | None = None
    products: tuple[tuple[int, ShortageRule | None], ...] = ()


Decision = SetShare | KeepAsStock | WeighPledge


def decide(uow: UnitOfWork, command: Decision) -> None:
    """Write down a decision about what came; it stays until somebody takes it back.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        NotFoundError, ProductNotInRoundError: the round has no such pledge or product.
        InvalidInputError: a negative number, no reason, or goods that are not weighed.
        CreditLimitError: the member would get more than he ordered, and his account does not
            cover it.
    """
    require_permission(uow.identity, "round.receive")
    found = round_that_can_be_shared(uow, command.round_id)
    write_decision(uow, found, command)


def round_that_can_be_shared(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    """The round, held, while what came of it may still be counted and shared.

    Raises:
        RoundStateError: it has not been ordered, or was shared already.
    """
    found = locked_round(uow, round_id)
    if not may_enter_delivery(found.state):
        raise RoundStateError(
            f"round {found.code} is {found.state}; goods are shared once it is ordered",
            round=found.code,
            state=found.state,
            step="share",
            needed="ordered or received",
        )
    return found


def write_decision(uow: UnitOfWork, found: PurchaseRound, command: Decision) -> None:
    """Write a decision on a round that the caller holds; as :func:`decide` besides."""
    if isinstance(command, SetShare):
        _set_share(uow, found, command)
    elif isinstance(command, KeepAsStock):
        _keep_as_stock(uow, found, command)
    else:
        _weigh(uow, found, command)


def _set_share(uow: UnitOfWork, found: PurchaseRound, command: SetShare) -> None:
    pledge = standing_pledge(uow, found, command.pledge_id)
    reason = command.reason.strip()
    if command.quantity is not None and command.quantity < 0:
        raise InvalidInputError("a number is not negative", field=f"share-{pledge.id}")
    if command.quantity is not None and not reason:
        raise InvalidInputError("say why", field=f"why-{pledge.id}")
    standing = uow.session.scalar(
        select(ShareByHand)
        .where(
            ShareByHand.cooperative_id == uow.tenant,
            ShareByHand.pledge_id == pledge.id,
            ShareByHand.released_at.is_(None),
        )
        .with_for_update()
    )
    if standing is None and command.quantity is None:
        return
    if standing is not None and (command.quantity, reason) == (standing.quantity, standing.reason):
        return
    with _covered(uow, found, pledge, standing, command):
        _write_share(uow, pledge, standing, command)
    record_change(
        uow,
        subject=f"pledge/{pledge.id}",
        action="released" if command.quantity is None else "set-by-hand",
        before={"by_hand": None if standing is None else standing.quantity},
        after={"by_hand": command.quantity},
        reason=reason or None,
    )


def _covered(
    uow: UnitOfWork,
    found: PurchaseRound,
    pledge: Pledge,
    standing: ShareByHand | None,
    command: SetShare,
) -> AbstractContextManager[None]:
    """Look at the member's credit where he gets more than what is reserved for him.

    A settled round reserves nothing: a correction tells what he really got.
    """
    ordered = pledge.allotted_quantity or pledge.quantity
    before = ordered if standing is None else standing.quantity
    after = ordered if command.quantity is None else command.quantity
    if command.asks_credit and after > before and may_enter_delivery(found.state):
        return within_credit(uow, pledge.member_id)
    return nullcontext()


def _write_share(
    uow: UnitOfWork, pledge: Pledge, standing: ShareByHand | None, command: SetShare
) -> None:
    if standing is not None:
        standing.released_at = uow.now
        standing.released_by = uow.actor
        uow.session.flush()
    if command.quantity is None:
        return
    uow.session.add(
        ShareByHand(
            cooperative_id=uow.tenant,
            round_id=pledge.round_id,
            pledge_id=pledge.id,
            quantity=command.quantity,
            reason=command.reason.strip(),
            set_at=uow.now,
            set_by=uow.actor,
        )
    )
    uow.session.flush()


def _keep_as_stock(uow: UnitOfWork, found: PurchaseRound, command: KeepAsStock) -> None:
    if command.quantity is not None and command.quantity < 0:
        raise InvalidInputError(
            "a number is not negative", field=f"stock-{command.round_product_id}"
        )
    row = uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.cooperative_id == uow.tenant,
            Delivery.round_id == found.id,
            Delivery.round_product_id == command.round_product_id,
        )
        .with_for_update()
    )
    if row is None:
        raise ProductNotInRoundError(
            f"nothing of {command.round_product_id} came in round {found.code}", round=found.code
        )
    if row.stock_quantity == command.quantity:
        return
    before, row.stock_quantity = row.stock_quantity, command.quantity
    uow.session.flush()
    record_change(
        uow,
        subject=f"delivery/{row.id}",
        action="kept-as-stock",
        before={"stock": before},
        after={"stock": command.quantity},
    )


def _weigh(uow: UnitOfWork, found: PurchaseRound, command: WeighPledge) -> None:
    pledge = standing_pledge(uow, found, command.pledge_id)
    product = uow.session.get_one(RoundProduct, (uow.tenant, pledge.round_product_id))
    field = f"grams-of-{pledge.id}"
    if product.grams_per_unit is None:
        raise InvalidInputError("this is not settled by weight", field=field)
    if command.grams is not None and command.grams < 1:
        raise InvalidInputError("a weight is more than nothing", field=field)
    row = uow.session.get(PledgeWeight, (uow.tenant, pledge.id), with_for_update=True)
    before = None if row is None else row.grams
    if before == command.grams:
        return
    if command.grams is None:
        uow.session.delete(row)
    elif row is None:
        uow.session.add(
            PledgeWeight(
                cooperative_id=uow.tenant,
                pledge_id=pledge.id,
                round_id=found.id,
                grams=command.grams,
                weighed_at=uow.now,
                weighed_by=uow.actor,
            )
        )
    else:
        row.grams, row.weighed_at, row.weighed_by = command.grams, uow.now, uow.actor
    uow.session.flush()
    record_change(
        uow,
        subject=f"pledge/{pledge.id}",
        action="weighed",
        before={"grams": before},
        after={"grams": command.grams},
    )


def standing_pledge(uow: UnitOfWork, found: PurchaseRound, pledge_id: int) -> Pledge:
    """A pledge of a round that was not withdrawn.

    Raises:
        NotFoundError: the round has no such pledge.
    """
    pledge = uow.session.scalar(
        select(Pledge).where(
            Pledge.cooperative_id == uow.tenant,
            Pledge.round_id == found.id,
            Pledge.id == pledge_id,
            Pledge.withdrawn_at.is_(None),
        )
    )
    if pledge is None:
        raise NotFoundError(f"round {found.code} has no pledge {pledge_id}", pledge_id=pledge_id)
    return pledge


def choose_rules(uow: UnitOfWork, command: ChooseRules) -> None:
    """Choose how a round or single products of it are shared; until it has been shared.

    Raises:
        RoundStateError: the round was shared, settled or cancelled.
        ProductNotInRoundError: the round does not offer a product.
    """
    require_permission(uow.identity, "round.receive")
    found = locked_round(uow, command.round_id)
    if found.state in {"allocated", "settled", "cancelled"}:
        raise RoundStateError(
            f"round {found.code} is {found.state}; it has been shared",
            round=found.code,
            state=found.state,
            step="share",
            needed="received",
        )
    before = {"shortage_rule": found.shortage_rule, "surplus_rule": found.surplus_rule}
    if command.shortage_rule is not None:
        found.shortage_rule = command.shortage_rule.value
    if command.surplus_rule is not None:
        found.surplus_rule = command.surplus_rule.value
    after = {"shortage_rule": found.shortage_rule, "surplus_rule": found.surplus_rule}
    offered = {
        row.id: row
        for row in uow.session.scalars(
            select(RoundProduct).where(
                RoundProduct.cooperative_id == uow.tenant, RoundProduct.round_id == found.id
            )
        )
    }
    for product_id, rule in command.products:
        if product_id not in offered:
            raise ProductNotInRoundError(
                f"round {found.code} does not offer {product_id}", round=found.code
            )
        row, value = offered[product_id], None if rule is None else rule.value
        if row.shortage_rule != value:
            before[f"product/{product_id}"] = row.shortage_rule or "round"
            after[f"product/{product_id}"] = value or "round"
            row.shortage_rule = value
    uow.session.flush()
    if before != after:
        record_change(
            uow, subject=f"round/{found.id}", action="rules-chosen", before=before, after=after
        )
