"""What the database holds of rounds beyond the plain files, as rows of the folder."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import TextClause, text

from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    PRODUCT_TERMS,
    ROUND_DEPOSITS,
    ROUND_MOMENTS,
    ROUND_PLEDGES,
    ROUND_PRODUCTS,
    ROUND_TERMS,
    SUPPLIER_TERMS,
)

CANCEL_REASON = "Geannuleerd"
"""The plain files do not tell why a round was cancelled."""

_OF_ROUND = "(cast(:code as text) is null or r.code = :code)"
OF_KIND = "(r.state in ('settled', 'cancelled')) = cast(:is_finished as boolean)"
"""Rounds that are finished, or those that are not."""
_GOES_ON = "not cast(:is_finished as boolean)"
_ZONE = f"'{LOCAL_TIME.key}'"
_ASKED = """(
    exists (select from pledge p where p.cooperative_id = o.cooperative_id
      and p.round_product_id = o.id)
    or exists (select from delivery d where d.cooperative_id = o.cooperative_id
      and d.round_product_id = o.id))"""

DETAIL_SELECTS: Mapping[str, TextClause] = {
    SUPPLIER_TERMS.file: text(
        """
select cooperative.code as coop_id, x.code as supplier_id, x.email, x.minimum_net_cents
from supplier x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and (cast(:code as text) is null or x.code = :code)
  and (x.email is not null or x.minimum_net_cents is not null)
order by x.id
"""
    ),
    PRODUCT_TERMS.file: text(
        """
select cooperative.code as coop_id, x.code as sku, x.price_excl_cents, x.price_units,
  x.supplier_unit, x.deposit_cents, nullif(not x.sells_loose, false) as only_packs,
  x.minimum_quantity, x.ladder_quantities, x.ladder_prices_cents, x.grams_per_unit,
  nullif(not x.is_offered, false) as not_offered
from product x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and (cast(:code as text) is null or x.code = :code)
  and (x.price_units > 1 or x.deposit_cents > 0 or x.supplier_unit is not null
    or not x.sells_loose or x.minimum_quantity is not null or x.ladder_quantities <> '{}'
    or x.grams_per_unit is not null or not x.is_offered)
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
  and {OF_KIND} and (r.surplus_rule <> 'stock' or u.id is not null)
order by r.id
"""
    ),
    # A round that went by its plain rows opened, closed and was ordered at their times, was
    # received when the last goods came and settled when the invoice was there too. Where a day
    # lies before the step it belongs to, its row tells that this is how it was.
    ROUND_MOMENTS.file: text(
        f"""
select r.code as round_id, r.opened_at, r.closed_at, r.ordered_at,
  case when r.state <> 'cancelled' then r.received_at end as received_at,
  case r.state when 'allocated' then r.allocated_at end as allocated_at, r.settled_at,
  r.cancelled_at, r.cancel_reason,
  case when first.accounting_date <> invoice.invoiced_on then first.accounting_date end
    as accounting_date
from purchase_round r
left join round_settlement first on first.cooperative_id = r.cooperative_id
  and first.round_id = r.id and first.version = 1
left join supplier_invoice invoice on invoice.cooperative_id = r.cooperative_id
  and invoice.round_id = r.id and invoice.withdrawn_at is null
cross join lateral (
  select min(d.delivered_on) as first_on,
    greatest(r.closes_at, max(d.delivered_on)::timestamp at time zone {_ZONE}) as received_at
  from delivery d where d.cooperative_id = r.cooperative_id and d.round_id = r.id
    and r.state = 'settled'
) as came
where r.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and ({_GOES_ON} or (r.opened_at, r.closed_at) is distinct from (r.opens_at, r.closes_at)
    or (r.state = 'settled' and (
      (r.ordered_at, r.received_at, r.settled_at) is distinct from (r.closes_at,
        came.received_at, greatest(came.received_at,
          invoice.invoiced_on::timestamp at time zone {_ZONE}))
      or first.accounting_date <> invoice.invoiced_on
      or least(came.first_on, r.delivery_on) < (r.closes_at at time zone {_ZONE})::date
      or invoice.invoiced_on < (r.opens_at at time zone {_ZONE})::date))
    or (r.state = 'cancelled' and (
      (r.cancelled_at, r.cancel_reason) is distinct from (r.closes_at, :plain_reason)
      or r.ordered_at is not null
      or r.delivery_on < (r.closes_at at time zone {_ZONE})::date)))
order by r.id
"""
    ).bindparams(plain_reason=CANCEL_REASON),
    ROUND_PRODUCTS.file: text(
        f"""
select r.code as round_id, product.code as sku, o.name, o.unit, o.price_excl_cents,
  o.list_price_excl_cents, o.ladder_quantities, o.ladder_prices_cents,
  case when o.closing is not null then array[(o.closing ->> 'at')::bigint] || array(
    select part.value::bigint
    from jsonb_array_elements(o.closing -> 'rungs') with ordinality as rung (parts, number)
    cross join jsonb_array_elements_text(rung.parts) with ordinality as part (value, number)
    order by rung.number, part.number) end as closing,
  o.price_units, o.vat_basis_points, o.pack_size, nullif(not o.sells_loose, false) as only_packs,
  o.supplier_unit, o.minimum_quantity, o.max_per_member, o.grams_per_unit, o.shortage_rule,
  replaced.code as replaces
from round_product o
join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
left join round_product other on other.cooperative_id = o.cooperative_id
  and other.id = o.replaces_id
left join product replaced on replaced.cooperative_id = other.cooperative_id
  and replaced.id = other.product_id
where o.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and ({_GOES_ON} or {_ASKED} and ((o.name, o.unit, o.price_excl_cents,
      o.list_price_excl_cents, o.price_units, o.vat_basis_points, o.pack_size,
      o.max_per_member, o.supplier_unit, r.supplier_id)
    is distinct from (product.name, product.unit, product.price_excl_cents,
      product.price_excl_cents, product.price_units, product.vat_basis_points,
      product.pack_size, product.max_per_member, product.supplier_unit, product.supplier_id)
    or not o.sells_loose or o.minimum_quantity is not null or o.ladder_quantities <> '{{}}'
    or o.closing is not null or o.grams_per_unit is not null or o.shortage_rule is not null
    or o.replaces_id is not null))
order by r.id, case when {_GOES_ON} then o.position else 0 end, product.code collate "C"
"""
    ),
    ROUND_PLEDGES.file: text(
        f"""
select x.code as pledge_id, r.code as round_id, x.origin, original.code as instead_of,
  x.tolerance, x.max_price_excl_cents, x.later_at, x.later_quantities, x.allotted_quantity,
  x.dropout, nullif(x.withdrawn_at, x.pledged_at) as withdrawn_at, weight.grams
from pledge x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
left join pledge original on original.cooperative_id = x.cooperative_id
  and original.id = x.instead_of_id
left join pledge_weight weight on weight.cooperative_id = x.cooperative_id
  and weight.pledge_id = x.id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and (x.origin <> 'pledged' or x.tolerance > 0 or x.max_price_excl_cents is not null
    or x.later_quantities <> '{{}}' or x.allotted_quantity is not null or x.dropout is not null
    or x.withdrawn_at <> x.pledged_at or weight.grams is not null
    or (x.pledged_at at time zone {_ZONE})::date
      not between member.joined_on and coalesce(member.left_on, 'infinity'))
order by r.id, x.origin <> 'pledged', x.id
"""
    ),
    ROUND_DEPOSITS.file: text(
        f"""
select r.code as round_id, product.code as sku, o.deposit_cents
from round_product o
join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where o.cooperative_id = :cooperative_id and {_OF_ROUND}
  and {OF_KIND} and ({_GOES_ON} or {_ASKED}) and o.deposit_cents > 0
order by r.id, product.code collate "C"
"""
    ),
    DECISIONS.file: text(
        f"""
select p.code as pledge_id, r.code as round_id, x.quantity, x.reason
from share_by_hand x
join pledge p on p.cooperative_id = x.cooperative_id and p.id = x.pledge_id
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and r.state <> 'cancelled' and x.released_at is null and p.withdrawn_at is null
order by r.id, p.origin <> 'pledged', p.id
"""
    ),
    DELIVERY_DECISIONS.file: text(
        f"""
select r.code as round_id, product.code as sku,
  x.uncredited_quantity, x.stock_quantity, x.delivered_grams as grams
from delivery x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = o.cooperative_id and product.id = o.product_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and r.state <> 'cancelled' and x.delivered_quantity is not null
  and (x.uncredited_quantity > 0 or x.stock_quantity is not null
    or x.delivered_grams is not null)
order by r.id, o.position
"""
    ),
}
