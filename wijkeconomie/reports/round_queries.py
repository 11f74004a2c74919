"""Reads of what became of a settled round: its members, products, invoice and deposits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.reports.statement import InvoiceBlock, MemberShare, ProductTotal, RoundBlock


@dataclass(frozen=True, slots=True)
class VersionDeposits:
    """The deposits of one version of a settlement.

    ``due_cents`` is what the supplier gets; ``entry_number`` books the difference with the
    version before, ``None`` where there is none.
    """

    version: int
    due_cents: int
    entry_number: int | None


_MEMBERS = text(
    """
select m.code, concat_ws(' ', m.first_name, m.infix, m.last_name), sum(ps.net_cents)::bigint,
  sum(ps.freight_cents)::bigint, sum(ps.vat_cents)::bigint, sum(ps.gross_cents)::bigint,
  coalesce(sum(dc.cents), 0)::bigint
from pledge_share ps
left join deposit_charge dc on dc.cooperative_id = ps.cooperative_id
  and dc.round_id = ps.round_id and dc.version = ps.version and dc.pledge_id = ps.pledge_id
join pledge pl on pl.cooperative_id = ps.cooperative_id and pl.id = ps.pledge_id
join member m on m.cooperative_id = pl.cooperative_id and m.id = pl.member_id
where ps.cooperative_id = :cooperative_id and ps.round_id = :round_id and ps.version = :version
group by m.cooperative_id, m.id order by m.code
"""
)
_PRODUCTS = text(
    """
select p.code, rp.name, rp.unit, rp.price_excl_cents, rp.vat_basis_points,
  coalesce(shares.pledged, 0)::bigint, coalesce(d.delivered_quantity, 0)::bigint,
  coalesce(d.damaged_quantity, 0)::bigint, coalesce(shares.delivered, 0)::bigint,
  coalesce(shares.net, 0)::bigint, rp.price_units
from round_product rp
join product p on p.cooperative_id = rp.cooperative_id and p.id = rp.product_id
left join delivery d on d.cooperative_id = rp.cooperative_id and d.round_product_id = rp.id
left join (
  select pl.round_product_id, sum(pl.quantity) as pledged,
    sum(ps.delivered_quantity) as delivered, sum(ps.net_cents) as net
  from pledge_share ps
  join pledge pl on pl.cooperative_id = ps.cooperative_id and pl.id = ps.pledge_id
  where ps.cooperative_id = :cooperative_id and ps.round_id = :round_id
    and ps.version = :version
  group by pl.round_product_id
) shares on shares.round_product_id = rp.id
where rp.cooperative_id = :cooperative_id and rp.round_id = :round_id
  and (shares.pledged is not null or d.delivered_quantity > 0)
order by rp.position, p.code
"""
)
_INVOICE = text(
    """
select code, invoiced_on, net_cents, vat_cents, gross_cents, note from supplier_invoice
where cooperative_id = :cooperative_id and round_id = :round_id and gross_cents = :gross
order by withdrawn_at desc nulls first, id desc limit 1
"""
)
_VERSIONS = text(
    """
select version, due_cents, entry_number from deposit_settlement
where cooperative_id = :cooperative_id and round_id = :round_id
  and version = any(cast(:versions as int[]))
order by version
"""
)


def round_deposits(
    session: Session, cooperative_id: int, round_id: int, versions: Iterable[int]
) -> dict[int, VersionDeposits]:
    """The deposits of some versions of a round's settlement; none where it had none."""
    found = session.execute(
        _VERSIONS,
        {
            "cooperative_id": cooperative_id,
            "round_id": round_id,
            "versions": sorted(set(versions)),
        },
    )
    return {row[0]: VersionDeposits(*row) for row in found}


def round_block(
    session: Session,
    cooperative_id: int,
    head: Any,
    event: Any,
    deposits: Mapping[int, VersionDeposits],
) -> RoundBlock:
    """What became of a round in the version that ``event`` settled."""
    own_deposits = deposits.get(event.version)
    own = {"cooperative_id": cooperative_id, "round_id": head.id}
    version = own | {"version": event.version}
    invoice = session.execute(_INVOICE, own | {"gross": event.supplier_gross}).one_or_none()
    return RoundBlock(
        code=head.code,
        theme=head.theme,
        supplier_code=head.supplier_code,
        supplier_name=head.supplier_name,
        delivery_on=head.delivery_on,
        freight_excl_cents=head.freight_excl_cents,
        freight_key=head.freight_key,
        version=event.version,
        supplier_gross_cents=event.supplier_gross,
        members_gross_cents=event.members_gross,
        cooperative_gross_cents=event.cooperative_gross,
        invoice=InvoiceBlock(*invoice) if invoice is not None else None,
        members=tuple(MemberShare(*row) for row in session.execute(_MEMBERS, version)),
        products=tuple(ProductTotal(*row) for row in session.execute(_PRODUCTS, version)),
        deposit_due_cents=0 if own_deposits is None else own_deposits.due_cents,
    )
