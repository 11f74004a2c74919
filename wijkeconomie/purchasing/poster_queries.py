"""Reads of what the poster of a round shows."""

from __future__ import annotations

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.ladder_words import price_with_vat
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.poster import Poster, PosterProduct
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.unit_words import billed_unit


def poster_of(uow: UnitOfWork, found: RoundView, cooperative_name: str, link: str) -> Poster:
    """The poster of a round as it stands, with the link that its code leads to."""
    return Poster(
        cooperative_name=cooperative_name,
        theme=found.theme,
        supplier_name=found.supplier_name,
        closes_at=found.closes_at,
        delivery_on=found.delivery_on,
        products=_poster_products(uow, found),
        link=link,
        made_at=uow.now,
    )


def _poster_products(uow: UnitOfWork, found: RoundView) -> list[PosterProduct]:
    """All products, those with a ladder first: the offer is best there."""
    lowest = {
        each.round_product_id: min(rung.rung.price_cents for rung in each.outcome.rungs)
        for each in round_ladders(
            uow.session, uow.tenant, found.id, is_open=found.state is RoundState.OPEN
        )
    }
    products = [
        PosterProduct(
            each.name,
            billed_unit(each.unit, each.price_units),
            price_with_vat(each.list_price_excl_cents, each.vat_basis_points),
            price_with_vat(lowest[each.id], each.vat_basis_points),
        )
        for each in queries.offered_products(uow.session, uow.tenant, found.id)
    ]
    return sorted(products, key=lambda each: each.lowest_cents == each.price_cents)
