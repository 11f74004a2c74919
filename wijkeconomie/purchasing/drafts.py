"""Use cases of a round that is still a draft: everything may change, for nobody ordered yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.ladders import LadderError, ladder
from wijkeconomie.purchasing.deadline_models import RoundDeadline
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
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.round_products import copy_products, products_for_round, terms_now
from wijkeconomie.purchasing.rounds import check_times
from wijkeconomie.purchasing.suppliers import change_price


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftProduct:
    """A product of a draft. ``price_excl_cents``: ``None`` keeps the price it has in the round."""

    product_id: int
    price_excl_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A draft as it should be; what is ``None`` stays as it is.

    ``products``: exactly these, in this order; one that is new comes at its terms of today.
    ``prices_stay``: another price is that of the product from now on, so of future rounds too;
    else it is for this round only.
    """

    round_id: int
    theme: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    delivery_on: date | None = None
    freight_excl_cents: int | None = None
    freight_key: FreightKey | None = None
    shortage_rule: ShortageRule | None = None
    surplus_rule: SurplusRule | None = None
    products: tuple[DraftProduct, ...] | None = None
    prices_stay: bool = False


def change_draft(uow: UnitOfWork, command: ChangeDraft) -> None:
    """Change a round that was not opened yet.

    Raises:
        NotFoundError: no such round or product.
        RoundStateError: it is no draft: members may have ordered at its terms.
        InvalidInputError: names the field; of a price ``price-<id of the product>``.
    """
    require_permission(uow.identity, "round.plan")
    found = _draft(uow, command.round_id)
    before = _told(found)
    _take_over(uow, found, command)
    priced: dict[str, object] = {}
    if command.products is not None:
        priced = _offer(uow, found, command.products, stay=command.prices_stay)
    uow.session.flush()
    after = _told(found)
    changed = [name for name, value in after.items() if before[name] != value]
    if changed or priced:
        record_change(
            uow,
            subject=f"round/{found.id}",
            action="draft-changed",
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed} | priced,
        )


def renew_in_drafts(uow: UnitOfWork, product_id: int) -> list[str]:
    """Let drafts that offer a product take over its terms of today; the codes of those rounds.

    Open rounds keep theirs: members ordered at them.
    """
    require_permission(uow.identity, "round.plan")
    product = uow.session.get_one(Product, (uow.tenant, product_id))
    drafts = uow.session.scalars(
        select(PurchaseRound)
        .where(
            PurchaseRound.cooperative_id == uow.tenant,
            PurchaseRound.state == RoundState.DRAFT.value,
            PurchaseRound.id.in_(
                select(RoundProduct.round_id).where(
                    RoundProduct.cooperative_id == uow.tenant,
                    RoundProduct.product_id == product_id,
                )
            ),
        )
        .order_by(PurchaseRound.id)
        .with_for_update()
    ).all()
    for found in drafts:
        [row] = [each for each in _rows(uow, found) if each.product_id == product_id]
        if row.price_units == product.price_units:
            for name, value in terms_now(product).items():
                setattr(row, name, value)
        else:
            # What the price of a copy is for never changes: it gets another copy.
            uow.session.delete(row)
            uow.session.flush()
            copy_products(uow, found.id, [product], first_position=row.position)
        record_change(
            uow,
            subject=f"round/{found.id}",
            action="draft-changed",
            after={product.code: product.price_excl_cents},
        )
    uow.session.flush()
    return [found.code for found in drafts]


def _draft(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    found = locked_round(uow, round_id)
    if found.state != RoundState.DRAFT.value:
        raise RoundStateError(
            f"round {found.code} is {found.state}; only a draft can be changed",
            round=found.code,
            state=found.state,
            step="change",
            needed=RoundState.DRAFT.value,
        )
    return found


def _take_over(uow: UnitOfWork, found: PurchaseRound, command: ChangeDraft) -> None:
    opens_at = command.opens_at or found.opens_at
    closes_at = command.closes_at or found.closes_at
    check_times(opens_at, closes_at)
    if command.theme is not None:
        if not command.theme.strip():
            raise InvalidInputError("say what the round is about", field="theme")
        found.theme = command.theme.strip()
    if (command.freight_excl_cents or 0) < 0:
        raise InvalidInputError("freight is not negative", field="freight_excl_cents")
    found.opens_at, found.closes_at = opens_at, closes_at
    found.delivery_on = command.delivery_on or found.delivery_on
    if command.freight_excl_cents is not None:
        found.freight_excl_cents = command.freight_excl_cents
    for name in ("freight_key", "shortage_rule", "surplus_rule"):
        said = getattr(command, name)
        if said is not None:
            setattr(found, name, said.value)
    agreed = uow.session.get(RoundDeadline, (uow.tenant, found.id))
    if agreed is not None:
        agreed.planned_closes_at = closes_at


def _rows(uow: UnitOfWork, found: PurchaseRound) -> Sequence[RoundProduct]:
    return uow.session.scalars(
        select(RoundProduct)
        .where(RoundProduct.cooperative_id == uow.tenant, RoundProduct.round_id == found.id)
        .order_by(RoundProduct.position)
        .execution_options(populate_existing=True)
    ).all()


def _offer(
    uow: UnitOfWork, found: PurchaseRound, wanted: Sequence[DraftProduct], *, stay: bool
) -> dict[str, object]:
    """Make the round offer what is wanted; what changed, for the audit trail."""
    ids = [each.product_id for each in wanted]
    products = products_for_round(uow, found.supplier_id, ids)
    before = {row.product_id: row for row in _rows(uow, found)}
    for product_id, row in before.items():
        if product_id not in ids:
            uow.session.delete(row)
    uow.session.flush()
    copy_products(uow, found.id, [each for each in products if each.id not in before])
    rows = {row.product_id: row for row in _rows(uow, found)}
    prices = {each.product_id: each.price_excl_cents for each in wanted}
    told: dict[str, object] = {}
    for position, product in enumerate(products, start=1):
        row = rows[product.id]
        row.position = position
        price = prices[product.id]
        if price is not None and price != row.list_price_excl_cents:
            _price(row, price)
            told[f"price of {product.code}"] = price
            if stay:
                change_price(uow, product, price, row.price_units)
    if list(before) != [product.id for product in products]:
        told["products"] = [product.code for product in products]
    return told


def _price(row: RoundProduct, price: int) -> None:
    field = f"price-{row.product_id}"
    if price < 0:
        raise InvalidInputError("a price is not negative", field=field)
    try:
        ladder(price, row.ladder_quantities, row.ladder_prices_cents)
    except LadderError as error:
        raise InvalidInputError(str(error), field=field) from error
    row.price_excl_cents = row.list_price_excl_cents = price


def _told(found: PurchaseRound) -> dict[str, Any]:
    names = ("theme", "freight_excl_cents", "freight_key", "shortage_rule", "surplus_rule")
    moments = ("opens_at", "closes_at", "delivery_on")
    return {name: getattr(found, name) for name in names} | {
        name: getattr(found, name).isoformat() for name in moments
    }
