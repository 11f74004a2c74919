"""The order of a round as the supplier gets it."""

from __future__ import annotations

from sqlalchemy import text

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.order_document import SupplierOrder, SupplierOrderLine
from wijkeconomie.purchasing.refusals import RoundStateError

_HEAD = text(
    """
select cooperative.name, cooperative.kvk, cooperative.iban
from cooperative where cooperative.id = :cooperative_id
"""
)
_LINES = text(
    """
select product.code, o.name, o.unit, x.ordered_quantity, o.pack_size, o.price_excl_cents,
  o.vat_basis_points, o.price_units, o.supplier_unit, o.deposit_cents
from delivery x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where x.cooperative_id = :cooperative_id and x.round_id = :round_id and x.ordered_quantity > 0
order by o.position
"""
)


def supplier_order(uow: UnitOfWork, round_code: str, *, contact: str = "") -> SupplierOrder:
    """The order of a round that has been ordered, for ``order_document`` to write out.

    Raises:
        NotFoundError: no such round.
        RoundStateError: it has not been ordered.
    """
    require_permission(uow.identity, "round.order")
    found = queries.round_by_code(uow.session, uow.tenant, round_code)
    if found.ordered_at is None:
        raise RoundStateError(
            f"round {found.code} has not been ordered",
            round=found.code,
            state=found.state.value,
            step="download",
            needed=RoundState.ORDERED.value,
        )
    key = {"cooperative_id": uow.tenant, "round_id": found.id}
    name, kvk, iban = uow.session.execute(_HEAD, {"cooperative_id": uow.tenant}).one()
    return SupplierOrder(
        cooperative_name=name,
        cooperative_kvk=kvk,
        cooperative_iban=iban,
        supplier_code=found.supplier_code,
        supplier_name=found.supplier_name,
        round_code=found.code,
        theme=found.theme,
        ordered_on=local_date(found.ordered_at, LOCAL_TIME),
        delivery_on=found.delivery_on,
        contact=contact,
        lines=tuple(
            SupplierOrderLine(
                sku=row[0],
                name=row[1],
                unit=row[2],
                quantity=row[3],
                pack_size=row[4],
                price_excl_cents=row[5],
                vat_basis_points=row[6],
                price_units=row[7],
                supplier_unit=row[8],
                deposit_each_cents=row[9],
            )
            for row in uow.session.execute(_LINES, key)
        ),
        # As it was ordered: what it turned out to be stands on the invoice.
        freight_excl_cents=found.freight_excl_cents
        if found.agreed_freight_excl_cents is None
        else found.agreed_freight_excl_cents,
    )
