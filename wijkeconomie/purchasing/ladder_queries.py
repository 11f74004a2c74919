"""Reads of price ladders in a round: where the group stands, and how closing came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.money.ladders import (
    Demand,
    LadderOutcome,
    Rung,
    RungOutcome,
    best_outcome,
    ladder,
    missing_quantity,
)
from wijkeconomie.money.ordering import OrderTerms


@dataclass(frozen=True, slots=True)
class ProductLadder:
    """A product of a round: its rungs, its packs and minimum, and what the group wants.

    ``outcome`` is what closing would choose by the pledges of this moment, or what it chose.
    """

    round_product_id: int
    terms: OrderTerms
    outcome: LadderOutcome
    is_fixed: bool

    @property
    def has_choice(self) -> bool:
        """Whether closing has anything to choose or to fill."""
        return len(self.outcome.rungs) > 1 or self.terms != OrderTerms()

    @property
    def missing_to_next(self) -> int:
        """Units until the next lower price; 0 on the lowest rung."""
        following = self.outcome.following
        return 0 if following is None else missing_quantity(following, self.terms)

    @property
    def missing_to_order(self) -> int:
        """Units until anything, or the pack that was begun, can be ordered; 0 when all can."""
        reached = self.outcome.reached
        if not reached.wanted or reached.ordered >= reached.wanted:
            return 0
        size = self.terms.pack_size
        begun = max(-(-reached.wanted // size), -(-self.terms.minimum // size)) * size
        whole = RungOutcome(
            Rung(begun, reached.rung.price_cents), reached.wanted, reached.tolerance, 0, 0
        )
        return missing_quantity(whole, self.terms)


def closing_record(outcome: LadderOutcome) -> dict[str, Any]:
    """An outcome as ``round_product.closing`` keeps it.

    ``at`` is the position that counts; of each rung from, price, wanted, tolerance, pledges
    and ordered, in this order.
    """
    return {
        "at": outcome.position,
        "rungs": [
            [
                each.rung.from_quantity,
                each.rung.price_cents,
                each.wanted,
                each.tolerance,
                each.pledges,
                each.ordered,
            ]
            for each in outcome.rungs
        ],
    }


def outcome_of(record: Mapping[str, Any]) -> LadderOutcome:
    """The outcome that a closing kept."""
    rungs = tuple(RungOutcome(Rung(row[0], row[1]), *row[2:]) for row in record["rungs"])
    return LadderOutcome(rungs, record["at"])


# Sums of pledges with one maximum decide as the pledges themselves would.
_PRODUCTS = text(
    """
select id, list_price_excl_cents, ladder_quantities, ladder_prices_cents,
  case when sells_loose then 1 else pack_size end, coalesce(minimum_quantity, 0), closing
from round_product where cooperative_id = :cooperative_id and round_id = :round_id
order by position
"""
)
_DEMANDS = text(
    """
select round_product_id, sum(quantity)::bigint, max_price_excl_cents, sum(tolerance)::bigint,
  count(*)
from pledge
where cooperative_id = :cooperative_id and round_id = :round_id and withdrawn_at is null
group by round_product_id, max_price_excl_cents
"""
)


def round_ladders(
    session: Session, cooperative_id: int, round_id: int, *, is_open: bool
) -> list[ProductLadder]:
    """Where every product of a round stands, in the order of the round.

    Args:
        is_open: take the pledges of this moment; else what closing kept, where it kept any.
    """
    key = {"cooperative_id": cooperative_id, "round_id": round_id}
    demands: dict[int, list[Demand]] = {}
    for row in session.execute(_DEMANDS, key):
        demands.setdefault(row[0], []).append(Demand(*row[1:]))
    found = []
    for product_id, price, quantities, prices, pack, minimum, closing in session.execute(
        _PRODUCTS, key
    ):
        terms = OrderTerms(pack, minimum)
        is_fixed = not is_open and closing is not None
        outcome = (
            outcome_of(closing)
            if is_fixed
            else best_outcome(ladder(price, quantities, prices), demands.get(product_id, ()), terms)
        )
        found.append(ProductLadder(product_id, terms, outcome, is_fixed))
    return found
