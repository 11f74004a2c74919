"""What the database holds of rounds beyond the plain files, as rows of the folder."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import TextClause, text

from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    INVOICE_DEPOSITS,
    PRODUCT_TERMS,
    ROUND_DEPOSITS,
    ROUND_TERMS,
)

_OF_ROUND = "(cast(:code as text) is null or r.code = :code)"

DETAIL_SELECTS: Mapping[str, TextClause] = {
    PRODUCT_TERMS.file: text(
        """
select cooperative.code as coop_id, x.code as sku, x.price_excl_cents, x.price_units,
  x.supplier_unit, x.deposit_cents
from product x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and (cast(:code as text) is null or x.code = :code)
  and (x.price_units > 1 or x.deposit_cents > 0 or x.supplier_unit is not null)
order by x.id
"""
    ),
    ROUND_TERMS.file: text(
        f"""
select r.code as round_id, r.surplus_rule, u.reason as uncharged_reason,
  u.asked_by as uncharged_asked_by, u.decided_by as uncharged_approved_by
from purchase_round r
left join round_settlement s on s.cooperative_id = r.cooperative_id and s.round_id = r.id
  and s.version = r.settlement_version
left join uncharged_request u on u.cooperative_id = s.cooperative_id
  and u.id = s.uncharged_request_id
where r.cooperative_id = :cooperative_id and {_OF_ROUND}
  and r.state in ('settled', 'cancelled') and (r.surplus_rule <> 'stock' or u.id is not null)
order by r.id
"""
    ),
    ROUND_DEPOSITS.file: text(
        f"""
select r.code as round_id, product.code as sku, o.deposit_cents
from round_product o
join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where o.cooperative_id = :cooperative_id and {_OF_ROUND}
  and r.state in ('settled', 'cancelled') and o.deposit_cents > 0
  and (exists (select from pledge p where p.cooperative_id = o.cooperative_id
      and p.round_product_id = o.id)
    or exists (select from delivery d where d.cooperative_id = o.cooperative_id
      and d.round_product_id = o.id))
order by r.id, o.position
"""
    ),
    DECISIONS.file: text(
        f"""
select p.code as pledge_id, r.code as round_id, x.quantity, x.reason
from share_by_hand x
join pledge p on p.cooperative_id = x.cooperative_id and p.id = x.pledge_id
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and r.state = 'settled'
  and x.released_at is null and p.withdrawn_at is null
order by r.id, p.id
"""
    ),
    DELIVERY_DECISIONS.file: text(
        f"""
select r.code as round_id, product.code as sku,
  coalesce(x.uncredited_quantity, 0) as uncredited_quantity, x.stock_quantity
from delivery x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and r.state = 'settled'
  and (x.uncredited_quantity > 0 or x.stock_quantity is not null)
order by r.id, o.position
"""
    ),
    INVOICE_DEPOSITS.file: text(
        f"""
select x.code as invoice_id, r.code as round_id, x.deposit_cents
from supplier_invoice x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and x.withdrawn_at is null
  and r.state = 'settled' and x.deposit_cents is not null
order by r.id, x.id
"""
    ),
}
