"""Reads of what came of a round, product by product, with what everyone gets of it."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import settlement_queries
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
