"""Reads of payouts to merchants as the invoices of their fees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class FeePart:
    """What was taken under one fee, in cents."""

    fee_basis_points: int
    gross_cents: int


@dataclass(frozen=True, slots=True)
class PayoutInvoice:
    """A payout with all that its invoice tells; amounts in cents."""

    number: int
    merchant_code: str
    merchant_name: str
    paid_on: date
    created_at: datetime
    entry_number: int
    gross_cents: int
    fee_cents: int
    fee_vat_cents: int
    paid_cents: int
    parts: tuple[FeePart, ...]


_PAYOUT = text(
    """
select p.number, m.code as merchant_code, m.name as merchant_name, p.paid_on, p.created_at,
  p.entry_number, p.gross_cents, p.fee_cents, p.fee_vat_cents, p.paid_cents,
  array(select array[f.fee_basis_points, f.gross_cents] from merchant_payout_fee f
    where f.cooperative_id = p.cooperative_id and f.payout_id = p.id
    order by f.fee_basis_points) as parts
from merchant_payout p
join merchant m on m.cooperative_id = p.cooperative_id and m.id = p.merchant_id
where p.cooperative_id = :id and p.number = :number
"""
)


def payout_invoice(session: Session, cooperative_id: int, number: int) -> PayoutInvoice:
    """One payout with its parts by fee.

    Raises:
        NotFoundError: there is none with this number.
    """
    row = session.execute(_PAYOUT, {"id": cooperative_id, "number": number}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no payout {number}", payout=number)
    parts = tuple(FeePart(*part) for part in row.parts)
    return PayoutInvoice(**(row._asdict() | {"parts": parts}))
