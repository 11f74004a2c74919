"""Reads of how far a round is: what each product still needs, and who joined when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.ladder_queries import ProductLadder, round_ladders
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import OfferedProduct, RoundView, offered_products


@dataclass(frozen=True, slots=True)
class ProductProgress:
    """How far a product is. ``wanted`` counts towards ``target``, its next step.

    Without a next step the target is ``None``: there is nothing left to reach.
    """

    product: OfferedProduct
    ladder: ProductLadder
    wanted: int
    target: int | None

    @property
    def percent(self) -> int:
        """How much of the target is reached, rounded down; 100 where nothing is left."""
        if self.target is None:
            return 100
        return min(self.wanted * 100 // self.target, 100)


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """How far a round is, by product and by day.

    ``joined`` counts members by the day of their first pledge that stands, all days from
    opening on in which anyone joined.
    """

    round: RoundView
    products: tuple[ProductProgress, ...]
    joined: tuple[tuple[date, int], ...]

    @property
    def minimum_percent(self) -> int | None:
        """How much of the supplier's smallest order is reached; ``None`` without one."""
        least = self.round.minimum_net_cents
        return None if least is None else min(self.round.pledged_net_cents * 100 // least, 100)


_JOINED = text(
    """
select first.day, count(*) from (
  select member_id, min((pledged_at at time zone 'Europe/Amsterdam')::date) as day
  from pledge
  where cooperative_id = :id and round_id = :round and withdrawn_at is null
  group by member_id
) as first
group by first.day order by first.day
"""
)


def round_progress(session: Session, cooperative_id: int, found: RoundView) -> RoundProgress:
    """How far a round is at this moment, products in its order."""
    is_open = found.state is RoundState.OPEN
    ladders = {
        each.round_product_id: each
        for each in round_ladders(session, cooperative_id, found.id, is_open=is_open)
    }
    joined = session.execute(_JOINED, {"id": cooperative_id, "round": found.id})
    return RoundProgress(
        found,
        tuple(
            _progress(product, ladders[product.id])
            for product in offered_products(session, cooperative_id, found.id)
        ),
        tuple((row[0], row[1]) for row in joined),
    )


def _progress(product: OfferedProduct, ladder: ProductLadder) -> ProductProgress:
    """First what lets anything be ordered, then the next lower price."""
    reached = ladder.outcome.reached
    if ladder.missing_to_order:
        return ProductProgress(
            product, ladder, reached.wanted, reached.wanted + ladder.missing_to_order
        )
    if reached.wanted == 0 and ladder.terms.minimum > 1:
        return ProductProgress(product, ladder, 0, ladder.terms.minimum)
    following = ladder.outcome.following
    if following is not None:
        return ProductProgress(product, ladder, following.wanted, following.rung.from_quantity)
    return ProductProgress(product, ladder, reached.wanted, None)
