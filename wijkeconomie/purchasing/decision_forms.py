"""Decisions by hand on a form: who gets how much of a product, weights, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import settlement_queries
from wijkeconomie.purchasing.deciding import Decision, KeepAsStock, SetShare, WeighPledge
from wijkeconomie.purchasing.handing_queries import SharedLine, shared_lines
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_queries import DeliveryView
from wijkeconomie.purchasing.settlement_results import SettlementResult


@dataclass(frozen=True, slots=True)
class SharedProduct:
    """A product that came, with what everyone gets of it."""

    delivery: DeliveryView
    lines: tuple[SharedLine, ...]
    left: int
    """Units that go to nobody."""
    open_units: int
    """Units that wait for a decision; negative where too many were given by hand."""
    lacks_weight: bool

    @property
    def is_settled_by_weight(self) -> bool:
        """Whether it is weighed."""
        return self.delivery.grams_per_unit is not None


def shared_products(uow: UnitOfWork, found: RoundView) -> list[SharedProduct]:
    """Every product of a round that was ordered or came, with its lines."""
    row = uow.session.get_one(PurchaseRound, (uow.tenant, found.id))
    result: SettlementResult = compute_settlement(
        settlement_queries.settlement_input(uow.session, row)
    )
    own: dict[int, list[SharedLine]] = {}
    for line in shared_lines(uow.session, row):
        own.setdefault(line.round_product_id, []).append(line)
    return [
        SharedProduct(
            each,
            tuple(own.get(each.round_product_id, ())),
            result.cooperative.surplus.get(each.round_product_id, 0),
            result.open_units.get(each.round_product_id, 0),
            each.round_product_id in result.unweighed,
        )
        for each in settlement_queries.deliveries(uow.session, uow.tenant, found.id)
    ]


def read_decisions(
    reader: FormReader, round_id: int, product: SharedProduct, *, reason: str = ""
) -> list[Decision]:
    """What a form with ``share-<pledge>``, ``grams-of-<pledge>`` and ``stock-<product>`` decides.

    An empty field leaves it to the rule again; one that is not on the form changes nothing.

    Args:
        reason: counts where ``why-<product>`` is empty.
    """
    key = product.delivery.round_product_id
    why = reader.text(f"why-{key}", is_required=False) or reason
    found: list[Decision] = []
    for line in product.lines:
        share = _share(reader, round_id, line, why)
        if share is not None:
            found.append(share)
            if share.quantity is not None and not why:
                reader.errors.append((f"why-{key}", _("Say why, so that members understand.")))
        weight = f"grams-of-{line.pledge_id}"
        if product.is_settled_by_weight and weight in request.form:
            grams = reader.count(weight, if_empty=None)
            found.append(WeighPledge(round_id=round_id, pledge_id=line.pledge_id, grams=grams))
    if f"stock-{key}" in request.form:
        stock = reader.count(f"stock-{key}", if_empty=None)
        found.append(KeepAsStock(round_id=round_id, round_product_id=key, quantity=stock))
    return found


def _share(reader: FormReader, round_id: int, line: SharedLine, why: str) -> SetShare | None:
    name = f"share-{line.pledge_id}"
    if name not in request.form:
        return None
    quantity = reader.count(name, if_empty=None)
    if quantity == (line.quantity if line.is_by_hand else None):
        return None
    return SetShare(round_id=round_id, pledge_id=line.pledge_id, quantity=quantity, reason=why)
