"""The terms that a product had in a round of the past, as an import tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTerms:
    """A product as a round had it, under the names of ``round_product``.

    ``price_excl_cents`` is the price that the round reached, ``closing`` how that came about
    (``ladder_queries.closing_record``); ``None`` where nothing had to be chosen.
    """

    name: str
    unit: str
    price_excl_cents: int
    list_price_excl_cents: int
    vat_basis_points: int | None
    pack_size: int
    max_per_member: int | None
    price_units: int = 1
    supplier_unit: str | None = None
    sells_loose: bool = True
    minimum_quantity: int | None = None
    ladder_quantities: list[int] = field(default_factory=list)
    ladder_prices_cents: list[int] = field(default_factory=list)
    closing: dict[str, Any] | None = None
    shortage_rule: str | None = None
    grams_per_unit: int | None = None
    deposit_cents: int = 0


_REPLACE = text(
    """
update round_product o set replaces_id = other.id
from round_product other
where o.cooperative_id = :cooperative_id and o.round_id = :round_id and o.id = :id
  and other.cooperative_id = o.cooperative_id and other.round_id = o.round_id
  and other.id = :replaced_id
"""
)


def record_past_replacements(uow: UnitOfWork, round_id: int, replaced: Mapping[int, int]) -> None:
    """Say which products of a round came in place of which, by their numbers in the round."""
    require_permission(uow.identity, "city.import")
    for offered_id, replaced_id in replaced.items():
        uow.session.execute(
            _REPLACE,
            {
                "cooperative_id": uow.tenant,
                "round_id": round_id,
                "id": offered_id,
                "replaced_id": replaced_id,
            },
        )
    uow.session.expire_all()
