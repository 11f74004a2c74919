"""The page by which a member orders again what he had the last time."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue

from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.ladder_words import price_with_vat
from wijkeconomie.purchasing.last_orders import (
    LastOrder,
    Repeat,
    RepeatLine,
    last_order,
    product_numbers,
    repeat_of,
)
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_rules import pledge_estimate
from wijkeconomie.purchasing.unit_price_words import priced


@dataclass(frozen=True, slots=True)
class RepeatShown:
    """A line as the page shows it, prices with VAT."""

    line: RepeatLine
    was_cents: int
    price_cents: int
    total_cents: int

    @property
    def is_dearer(self) -> bool:
        """Whether a unit costs more than it did."""
        return self._now > self._then

    @property
    def is_cheaper(self) -> bool:
        """Whether a unit costs less than it did."""
        return self._now < self._then

    @property
    def was_words(self) -> str:
        """What it cost, and for how many units that was."""
        was = self.line.was
        return priced(self.was_cents, was.unit, was.was_price_units)

    # Both for the units of both, so that neither is divided.
    @property
    def _now(self) -> int:
        return self.price_cents * self.line.was.was_price_units

    @property
    def _then(self) -> int:
        return self.was_cents * self.line.product.price_units


def repeat_in(uow: UnitOfWork, found: RoundView, member_id: int) -> tuple[LastOrder, Repeat] | None:
    """A member's last order at the supplier of a round, at the terms of now."""
    last = last_order(uow.session, uow.tenant, member_id, found)
    if last is None:
        return None
    offered = queries.offered_products(uow.session, uow.tenant, found.id)
    own = queries.pledges(uow.session, uow.tenant, found.id, member_id=member_id)
    repeat = repeat_of(
        last,
        {product.id: product for product in offered},
        product_numbers(uow.session, uow.tenant, found.id),
        {pledge.round_product_id: pledge for pledge in own},
    )
    return last, repeat


@pages.get("/rounds/<round_code>/repeat")
def repeat_order(round_code: str) -> ResponseReturnValue:
    """What the last order would be now; nothing counts before the button is pressed.

    The button sends the form of the round's own page, so every rule is the same.
    """
    visit = current_visit()
    require_permission(visit.identity, "pledge.make")
    member_id = visit.identity.member_id
    if member_id is None:
        raise NotFoundError("only members order", round=round_code)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        is_open = found.state is RoundState.OPEN and uow.now < found.closes_at
        known = repeat_in(uow, found, member_id)
    lines = [_shown(line) for line in known[1].lines] if known else []
    return render_template(
        "purchasing/repeat_order.html",
        visit=visit,
        round=found,
        last=known[0] if known else None,
        gone=known[1].gone if known else (),
        again=[each for each in lines if not each.line.has_now],
        has_now=[each for each in lines if each.line.has_now],
        total_cents=sum(each.total_cents for each in lines if not each.line.has_now),
        is_open=is_open,
    )


def _shown(line: RepeatLine) -> RepeatShown:
    product = line.product
    price, rate = product.price_excl_cents, product.vat_basis_points
    return RepeatShown(
        line,
        price_with_vat(line.was.was_excl_cents, line.was.was_basis_points),
        price_with_vat(price, rate),
        pledge_estimate(line.quantity, price, rate, product.price_units, product.deposit_cents),
    )
