"""Reads of circulation: what was issued, redeemed and expired, its cover, and the year's volume.

All of it is what the books say; nothing is counted beside them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.vouchers.rules import Level, cover_level, volume_level, year_before


@dataclass(frozen=True, slots=True)
class Circulation:
    """Vouchers of one unit up to now: ``issued = outstanding + redeemed + expired``, always."""

    unit: str
    issued: int
    redeemed: int
    expired: int
    outstanding: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost and nothing came from nowhere."""
        return self.issued == self.outstanding + self.redeemed + self.expired


@dataclass(frozen=True, slots=True)
class MonthOfCirculation:
    """What one month did to vouchers of a unit, and what was outstanding at its end."""

    month: date
    issued: int
    redeemed: int
    expired: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class Cover:
    """What holders and merchants can claim in euro, against the bank account of vouchers."""

    outstanding_cents: int
    merchants_cents: int
    bank_cents: int

    @property
    def owed_cents(self) -> int:
        """All that can be claimed."""
        return self.outstanding_cents + self.merchants_cents

    @property
    def short_cents(self) -> int:
        """What is missing on the account; 0 when nothing is."""
        return max(self.owed_cents - self.bank_cents, 0)

    @property
    def level(self) -> Level:
        """How the meter stands."""
        return cover_level(self.owed_cents, self.bank_cents)


@dataclass(frozen=True, slots=True)
class Volume:
    """What was paid with vouchers in the twelve months that end with a day."""

    since: date
    cents: int

    @property
    def level(self) -> Level:
        """How the meter stands."""
        return volume_level(self.cents)


_MOVEMENTS = text(
    """
select a.unit, date_trunc('month', e.accounting_date)::date as month, e.kind,
  sum(p.amount)::bigint as amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.key = 'vouchers_outstanding'
  and a.party is not null
group by a.unit, month, e.kind order by a.unit, month
"""
)
_KINDS = {
    "voucher.issued": "issued",
    # Issued by mistake: it counts as not issued, so that the law of conservation stays as it is.
    "voucher.withdrawn": "issued",
    "voucher.redeemed": "redeemed",
    "voucher.refunded": "redeemed",
    "voucher.expired": "expired",
}


def _movements(session: Session, cooperative_id: int) -> dict[str, dict[date, dict[str, int]]]:
    found: dict[str, dict[date, dict[str, int]]] = defaultdict(dict)
    for unit, month, kind, amount in session.execute(
        _MOVEMENTS, {"cooperative_id": cooperative_id}
    ):
        own = found[unit].setdefault(month, defaultdict(int))
        name = _KINDS.get(kind)
        if name is not None:
            own[name] += -amount if name == "issued" else amount
        own["outstanding"] -= amount
    return found


def circulation(session: Session, cooperative_id: int) -> list[Circulation]:
    """Vouchers by unit, as the postings of their accounts tell."""
    return [
        Circulation(
            unit,
            *(
                sum(own[name] for own in months.values())
                for name in ("issued", "redeemed", "expired", "outstanding")
            ),
        )
        for unit, months in sorted(_movements(session, cooperative_id).items())
    ]


def months_of_circulation(
    session: Session, cooperative_id: int, months: list[date]
) -> dict[str, list[MonthOfCirculation]]:
    """Vouchers by unit in each of some months, which follow upon each other."""
    return {
        unit: _months(moved, months)
        for unit, moved in sorted(_movements(session, cooperative_id).items())
    }


def _months(moved: dict[date, dict[str, int]], months: list[date]) -> list[MonthOfCirculation]:
    outstanding = sum(own["outstanding"] for month, own in moved.items() if month < months[0])
    found = []
    for month in months:
        own = moved.get(month, defaultdict(int))
        outstanding += own["outstanding"]
        found.append(
            MonthOfCirculation(month, own["issued"], own["redeemed"], own["expired"], outstanding)
        )
    return found


_KEPT = text(
    """
select
  coalesce(-sum(b.balance) filter (where a.key = 'vouchers_outstanding'), 0)::bigint,
  -- What one shop owes us does not pay another.
  coalesce(sum(greatest(-b.balance, 0)) filter (where a.key = 'merchants'), 0)::bigint,
  coalesce(sum(b.balance) filter (where a.key = 'voucher_bank'
    -- What payout runs to merchants ordered has left the account as good as.
    or a.key = 'payments_underway' and a.party like 'W%'), 0)::bigint
from account a
join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
where a.cooperative_id = :cooperative_id and a.unit = 'EUR'
  and a.key in ('vouchers_outstanding', 'merchants', 'voucher_bank', 'payments_underway')
"""
)


def cover(session: Session, cooperative_id: int) -> Cover:
    """What can be claimed, and what is there."""
    return Cover(*session.execute(_KEPT, {"cooperative_id": cooperative_id}).one())


def volume(session: Session, cooperative_id: int, day: date) -> Volume:
    """What was paid to merchants in the twelve months that end with a day, refunds not."""
    since = year_before(day)
    cents = session.scalar(
        text(
            "select coalesce(sum(amount_minor - refunded_minor), 0)::bigint"
            " from voucher_redemption where cooperative_id = :cooperative_id"
            " and refusal is null and unit = 'EUR' and redeemed_on between :since and :day"
        ),
        {"cooperative_id": cooperative_id, "since": since, "day": day},
    )
    return Volume(since, cents or 0)
