"""When a round of the folder took its steps: as it tells, or at the times of its plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from wijkeconomie.money.periods import LOCAL_TIME, midnight_utc
from wijkeconomie.network.interchange.round_rows import RoundRows


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundMoments:
    """The moments of the steps that a round took; ``None`` where it did not take one.

    ``accounting_date``: of its settlement, where that is not the date of the invoice.
    """

    opened: datetime | None = None
    closed: datetime | None = None
    ordered: datetime | None = None
    received: datetime | None = None
    allocated: datetime | None = None
    settled: datetime | None = None
    cancelled: datetime | None = None
    cancel_reason: str | None = None
    accounting_date: date | None = None


def moments_of(rows: RoundRows) -> RoundMoments:
    """When the steps were taken.

    By its plain rows alone a round opens and closes at its times and is ordered or cancelled
    when it closes; it is received once the last goods came, and settled once the invoice did.
    """
    if (told := rows.details.moments) is not None:
        return RoundMoments(
            opened=told["opened_at"],
            closed=told["closed_at"],
            ordered=told["ordered_at"],
            received=told["received_at"],
            allocated=told["allocated_at"],
            settled=told["settled_at"],
            cancelled=told["cancelled_at"],
            cancel_reason=told["cancel_reason"],
            accounting_date=told["accounting_date"],
        )
    opens, closes = rows.round["opens"], rows.round["closes"]
    if not rows.is_delivered:
        return RoundMoments(opened=opens, closed=closes, cancelled=closes)
    received = max([closes, *(_midnight(row["delivered_on"]) for row in rows.deliveries)])
    settled = max([received, *(_midnight(row["invoice_date"]) for row in rows.invoices[:1])])
    return RoundMoments(
        opened=opens, closed=closes, ordered=closes, received=received, settled=settled
    )


def _midnight(day: date) -> datetime:
    return midnight_utc(day, LOCAL_TIME)
