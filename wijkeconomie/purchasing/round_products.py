"""What a round offers: products of its supplier, copied with their terms of the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import insert, select

from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Product, RoundProduct
from wijkeconomie.purchasing.past_terms import PastTerms


def products_for_round(
    uow: UnitOfWork, supplier_id: int, product_ids: Sequence[int] | None, *, is_past: bool = False
) -> list[Product]:
    """The products of a round: those that are named, in their order, or all that are offered.

    ``is_past``, for imports: another supplier may have taken a product over since.

    Raises:
        NotFoundError: no such product.
        InvalidInputError: none, or one of another supplier.
    """
    statement = select(Product).where(Product.cooperative_id == uow.tenant)
    if product_ids is None:
        offered = statement.where(Product.supplier_id == supplier_id, Product.is_offered)
        chosen = list(uow.session.scalars(offered.order_by(Product.id)))
    else:
        by_id = {
            product.id: product
            for product in uow.session.scalars(statement.where(Product.id.in_(product_ids)))
        }
        if missing := [key for key in product_ids if key not in by_id]:
            raise NotFoundError(f"there is no product {missing[0]}", product_id=missing[0])
        chosen = [by_id[key] for key in dict.fromkeys(product_ids)]
    if not chosen:
        raise InvalidInputError("a round offers at least one product", field="product_ids")
    foreign = [item for item in chosen if item.supplier_id != supplier_id]
    if foreign and not is_past:
        raise InvalidInputError(
            f"product {foreign[0].code} is of another supplier", field="product_ids"
        )
    return chosen


def terms_now(product: Product) -> dict[str, object]:
    """What a round takes over of a product: its name, price and terms of this moment."""
    return {
        "name": product.name,
        "unit": product.unit,
        "price_excl_cents": product.price_excl_cents,
        "list_price_excl_cents": product.price_excl_cents,
        "vat_basis_points": product.vat_basis_points,
        "pack_size": product.pack_size,
        "max_per_member": product.max_per_member,
        "sells_loose": product.sells_loose,
        "minimum_quantity": product.minimum_quantity,
        "ladder_quantities": product.ladder_quantities,
        "ladder_prices_cents": product.ladder_prices_cents,
        "grams_per_unit": product.grams_per_unit,
        "price_units": product.price_units,
        "supplier_unit": product.supplier_unit,
        "deposit_cents": product.deposit_cents,
    }


def copy_products(
    uow: UnitOfWork,
    round_id: int,
    products: Sequence[Product],
    past: Mapping[int, PastTerms] | None = None,
    *,
    first_position: int = 1,
) -> None:
    """Give a round its own copies of products, in this order.

    ``past``, for imports: the terms of each product in a round of the past, by product.
    """
    if not products:
        return
    uow.session.execute(
        insert(RoundProduct),
        [
            {
                "cooperative_id": uow.tenant,
                "round_id": round_id,
                "product_id": product.id,
                "position": position,
                **terms_now(product),
                **(asdict(past[product.id]) if past else {}),
            }
            for position, product in enumerate(products, start=first_position)
        ],
    )
