"""Filling packs that are not full: what a member may still change after the closing time."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.models import PurchaseRound, RoundProduct
from wijkeconomie.purchasing.refusals import TopupOnlyFillsError
from wijkeconomie.purchasing.topup_rules import Ordered, open_units, topup_obstacle


def room_in_packs(
    uow: UnitOfWork, found: PurchaseRound, product_ids: Collection[int]
) -> dict[int, int]:
    """How many units each of these products has room for in the pack that was begun.

    Holds the products until the transaction ends, in order of their ids, so that two members
    who fill one pack at once cannot open another together. The round and the member are held
    already: rounds before members before products, everywhere.
    """
    uow.session.execute(
        select(RoundProduct.id)
        .where(
            RoundProduct.cooperative_id == uow.tenant,
            RoundProduct.round_id == found.id,
            RoundProduct.id.in_(product_ids),
        )
        .order_by(RoundProduct.id)
        .with_for_update(key_share=True)
    )
    return {
        each.round_product_id: open_units(each.outcome.reached.wanted, each.terms)
        if each.has_choice
        else 0
        for each in round_ladders(uow.session, uow.tenant, found.id, is_open=True)
    }


def require_filling(product: RoundProduct, before: Ordered, after: Ordered, room: int) -> None:
    """Refuse a change that takes something back or opens a pack.

    Raises:
        TopupOnlyFillsError: tells how many units the pack has room for.
    """
    obstacle = topup_obstacle(before, after, room)
    if obstacle is not None:
        raise TopupOnlyFillsError(
            f"only packs that are not full are filled now: {room} of {product.name} fit",
            product=product.name,
            room=room,
            obstacle=obstacle,
            field=f"quantity-{product.id}",
        )
