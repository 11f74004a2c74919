"""What invoices of settled rounds ask besides, or otherwise than, what came: rows of the folder.

A difference that was accepted is not stored by itself: it is what the invoice asks more than
deliveries and prices come to, which is computed for the rounds that can have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_queries import settlement_input

# What members got and paid is the whole of most invoices: nothing was left, lost or weighed, the
# cooperative bears nothing, and the VAT is that of the shares. There no difference is possible.
_INVOICES = text(
    """
select r.id as round_id, x.code as invoice_id, r.code, x.deposit_cents, x.net_cents, x.vat_cents,
  s.round_id is not null and s.uncharged_request_id is null and not (
    s.cooperative_gross_cents = 0 and given.vat_cents = x.vat_cents and given.units > 0
    and given.units = came.units and not came.is_uncertain) as may_differ
from supplier_invoice x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
left join round_settlement s on s.cooperative_id = r.cooperative_id and s.round_id = r.id
  and s.version = r.settlement_version
cross join lateral (
  select coalesce(sum(share.vat_cents), 0) as vat_cents,
    coalesce(sum(share.delivered_quantity), 0) as units
  from pledge_share share where share.cooperative_id = s.cooperative_id
    and share.round_id = s.round_id and share.version = s.version
) as given
cross join lateral (
  select coalesce(sum(d.delivered_quantity - d.damaged_quantity), 0) as units,
    coalesce(bool_or(d.uncredited_quantity > 0 or d.delivered_grams is not null), false)
      as is_uncertain
  from delivery d where d.cooperative_id = r.cooperative_id and d.round_id = r.id
) as came
where x.cooperative_id = :cooperative_id and x.withdrawn_at is null and r.state <> 'cancelled'
  and (r.state = 'settled') = cast(:is_finished as boolean)
  and (cast(:code as text) is null or r.code = :code)
order by r.id, x.id
"""
)


def invoice_terms(session: Session, key: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Values of the rows about invoices, only where one tells.

    ``key``: of which cooperative, of all rounds or that of one code, finished or going on.
    """
    found = session.execute(_INVOICES, key).all()
    for row in found:
        net = vat = 0
        if row.may_differ:
            round_ = session.get_one(PurchaseRound, (key["cooperative_id"], row.round_id))
            result = compute_settlement(settlement_input(session, round_))
            net, vat = row.net_cents - result.net_cents, row.vat_cents - result.vat_cents
            session.expunge(round_)
        if row.deposit_cents is not None or net or vat:
            differs = bool(net or vat)
            yield {
                "invoice_id": row.invoice_id,
                "round_id": row.code,
                "deposit_cents": row.deposit_cents,
                "net_difference_cents": net if differs else None,
                "vat_difference_cents": vat if differs else None,
            }
