"""Reads of what a draft offers, and what it could offer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ProductOfDraft:
    """A product that a draft offers, or could; prices are for so many units together."""

    id: int
    code: str
    name: str
    unit: str
    is_in_round: bool
    price_cents: int
    """In the round, or today's where it is not in it."""
    price_units: int
    price_now_cents: int
    price_units_now: int

    @property
    def is_other_now(self) -> bool:
        """Whether the product has another price by now than the round took over."""
        now = (self.price_now_cents, self.price_units_now)
        return now != (self.price_cents, self.price_units)


_PRODUCTS = text(
    """
select p.id, p.code, coalesce(o.name, p.name), coalesce(o.unit, p.unit), o.id is not null,
  coalesce(o.list_price_excl_cents, p.price_excl_cents), coalesce(o.price_units, p.price_units),
  p.price_excl_cents, p.price_units
from product p
left join round_product o on o.cooperative_id = p.cooperative_id and o.product_id = p.id
  and o.round_id = :round_id
where p.cooperative_id = :cooperative_id and (o.id is not null or p.is_offered and p.supplier_id = (
  select supplier_id from purchase_round where cooperative_id = :cooperative_id and id = :round_id
))
order by o.position nulls last, p.id
"""
)


def products_of_draft(session: Session, cooperative_id: int, round_id: int) -> list[ProductOfDraft]:
    """What a draft offers, in its order, and then what else its supplier offers now."""
    key = {"cooperative_id": cooperative_id, "round_id": round_id}
    return [ProductOfDraft(*row) for row in session.execute(_PRODUCTS, key)]


def rounds_with_other_terms(
    session: Session, cooperative_id: int, product_id: int
) -> list[tuple[str, str]]:
    """Code and theme of drafts and open rounds in which a product has another price than now."""
    found = session.execute(
        text(
            "select r.code, r.theme from round_product o"
            " join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id"
            " join product p on p.cooperative_id = o.cooperative_id and p.id = o.product_id"
            " where o.cooperative_id = :cooperative_id and o.product_id = :product_id"
            " and r.state in ('draft', 'open') and (o.list_price_excl_cents, o.price_units,"
            " o.ladder_quantities, o.ladder_prices_cents, coalesce(o.vat_basis_points, -1))"
            " is distinct from (p.price_excl_cents, p.price_units, p.ladder_quantities,"
            " p.ladder_prices_cents, coalesce(p.vat_basis_points, -1)) order by r.code"
        ),
        {"cooperative_id": cooperative_id, "product_id": product_id},
    )
    return [(row[0], row[1]) for row in found]
