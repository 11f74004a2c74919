"""What members bought from the stock, as lines of their statements explain it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.stock_rules import SaleAmounts, sale_explanation
from wijkeconomie.reports.statement import ShareDetail

_SALES = text(
    """
select booked.number, booked.sign, product.code, product.name, product.unit, sale.units,
  sale.vat_basis_points, sale.net_cents, sale.vat_cents
from stock_sale sale
join product
  on product.cooperative_id = sale.cooperative_id and product.id = sale.product_id
left join stock_movement back on back.cooperative_id = sale.cooperative_id
  and back.product_id = sale.product_id and back.number = sale.back_number
cross join lateral (
  values (sale.entry_number, 1), (back.entry_number, -1)
) as booked (number, sign)
where sale.cooperative_id = :cooperative_id and booked.number = any(cast(:numbers as bigint[]))
"""
)


def sale_details(
    session: Session, cooperative_id: int, numbers: Sequence[int]
) -> dict[int, tuple[ShareDetail, ...]]:
    """The sales that entries book or turn back, by the number of the entry."""
    if not numbers:
        return {}
    key = {"cooperative_id": cooperative_id, "numbers": list(numbers)}
    found: dict[int, tuple[ShareDetail, ...]] = {}
    for number, sign, code, name, unit, units, rate, net, vat in session.execute(_SALES, key):
        amounts = SaleAmounts(rate, net, vat)
        found[number] = (
            ShareDetail(
                code,
                name,
                unit,
                units,
                sign * units,
                rate,
                sign * net,
                0,
                sign * vat,
                sign * amounts.gross_cents,
                sale_explanation(units, amounts),
            ),
        )
    return found
