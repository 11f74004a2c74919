"""Reads of a merchant's history: what he took and gave back, his fees, and what he was paid.

Months come from the postings of his own account, so that they tie to what the books say he is
owed. No member's name stands in it: a merchant needs to know that he was paid, not by whom.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.money.periods import Period

COLUMNS = ("date", "kind", "code", "unit", "amount", "fee", "vat_on_fee", "paid_out")


@dataclass(frozen=True, slots=True)
class MonthOfMerchant:
    """What a month did to what a merchant is owed, in cents.

    ``settled_cents`` is what payouts covered: fee, its tax, and what went to his bank.
    ``other_cents`` is what a hand wrote in the books beside them.
    """

    month: date
    opening_cents: int
    taken_cents: int
    refunded_cents: int
    settled_cents: int
    other_cents: int
    fee_cents: int
    fee_vat_cents: int
    paid_cents: int

    @property
    def closing_cents(self) -> int:
        """What he is owed at the end of the month."""
        changed = self.taken_cents - self.refunded_cents - self.settled_cents
        return self.opening_cents + changed + self.other_cents


_MONTHS = text(
    """
select date_trunc('month', e.accounting_date)::date as month, e.kind,
  sum(p.amount)::bigint as amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :id and a.key = 'merchants' and a.party = :code and a.unit = 'EUR'
group by month, e.kind order by month
""".replace("::", r"\:\:")
)
_FEES = text(
    """
select date_trunc('month', p.paid_on)::date, sum(p.fee_cents)::bigint,
  sum(p.fee_vat_cents)::bigint, sum(p.paid_cents)::bigint
from merchant_payout p
join merchant m on m.cooperative_id = p.cooperative_id and m.id = p.merchant_id
where p.cooperative_id = :id and m.code = :code group by 1
""".replace("::", r"\:\:")
)


def months_of_merchant(session: Session, cooperative_id: int, code: str) -> list[MonthOfMerchant]:
    """Each month in which something happened, the latest first; in euros."""
    values = {"id": cooperative_id, "code": code}
    moved: dict[date, dict[str, int]] = defaultdict(dict)
    for month, kind, amount in session.execute(_MONTHS, values):
        moved[month][kind] = amount
    fees = {row[0]: row[1:] for row in session.execute(_FEES, values)}
    found: list[MonthOfMerchant] = []
    opening = 0
    for month, kinds in sorted(moved.items()):
        fee, vat, paid = fees.get(month, (0, 0, 0))
        known = [
            kinds.pop(kind, 0) for kind in ("voucher.redeemed", "voucher.refunded", "merchant.paid")
        ]
        found.append(
            MonthOfMerchant(
                month,
                opening,
                -known[0],
                known[1],
                known[2],
                -sum(kinds.values()),
                fee,
                vat,
                paid,
            )
        )
        opening = found[-1].closing_cents
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Movement:
    """Something a merchant took, gave back or was paid: ``taken``, ``refunded`` or ``paid``.

    ``code`` is of the payment, or the number of the payout, which is the invoice of its fee.
    """

    day: date
    kind: str
    code: str
    unit: str
    amount_minor: int
    fee_cents: int | None
    fee_vat_cents: int | None
    paid_cents: int | None


_MOVEMENTS = text(
    """
with own as (
  select r.id, r.code, r.unit, r.amount_minor, r.redeemed_on, r.refunded_minor
  from voucher_redemption r
  join merchant m on m.cooperative_id = r.cooperative_id and m.id = r.merchant_id
  where r.cooperative_id = :id and m.code = :code and r.refusal is null
    and r.redeemed_on < :end
)
select r.redeemed_on as day, 'taken' as kind, r.code, r.unit, r.amount_minor, cast(null as bigint),
  cast(null as bigint), cast(null as bigint), 1 as sorted, r.id as number
from own r where r.redeemed_on >= :start
union all
select e.accounting_date, 'refunded', r.code, r.unit, -sum(p.amount)::bigint, null, null, null, 2,
  e.number
from own r
join journal_entry e on e.cooperative_id = :id and e.source = 'redemption/' || r.code
  and e.kind = 'voucher.refunded'
join posting p on p.cooperative_id = e.cooperative_id and p.entry_number = e.number
join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
  and a.key = 'vouchers_outstanding'
where r.refunded_minor > 0 and e.accounting_date >= :start and e.accounting_date < :end
group by e.accounting_date, r.code, r.unit, e.number
union all
select p.paid_on, 'paid', p.number::text, 'EUR', p.gross_cents, p.fee_cents, p.fee_vat_cents,
  p.paid_cents, 3, p.number
from merchant_payout p
join merchant m on m.cooperative_id = p.cooperative_id and m.id = p.merchant_id
where p.cooperative_id = :id and m.code = :code and p.paid_on >= :start and p.paid_on < :end
order by day, sorted, number
""".replace("::", r"\:\:")
)


def movements(session: Session, cooperative_id: int, code: str, period: Period) -> list[Movement]:
    """All that happened in a period, the first first; also in local units."""
    rows = session.execute(
        _MOVEMENTS,
        {"id": cooperative_id, "code": code, "start": period.start, "end": period.end},
    )
    return [Movement(*row[:8]) for row in rows]


def history_csv(rows: Iterable[Movement]) -> bytes:
    """A row a movement, amounts with a point; what lowers what he is owed is below zero."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        sign = 1 if row.kind == "taken" else -1
        fees = (row.fee_cents, row.fee_vat_cents, row.paid_cents)
        writer.writerow(
            [
                row.day.isoformat(),
                row.kind,
                text_cell(row.code),
                row.unit,
                format_plain(sign * row.amount_minor),
                *("" if cents is None else format_plain(cents) for cents in fees),
            ]
        )
    return out.getvalue().encode()
