"""Use cases of closing a month of the books, and of opening it again."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork


def close_period(uow: UnitOfWork, month: date, *, reason: str | None = None) -> None:
    """Close the month that ``month`` lies in: no entry may be dated in it any more."""
    _set_period(uow, month, is_closed=True, reason=reason)


def reopen_period(uow: UnitOfWork, month: date, *, reason: str) -> None:
    """Open a closed month again; the reason stays in the audit trail."""
    _set_period(uow, month, is_closed=False, reason=reason)


def _set_period(uow: UnitOfWork, month: date, *, is_closed: bool, reason: str | None) -> None:
    require_permission(uow.identity, "period.close")
    starts_on = month.replace(day=1)
    # The head is locked first, so that no entry slips in between the check and the closing.
    uow.session.execute(
        text("select ledger_lock_books(:cooperative_id)"), {"cooperative_id": uow.tenant}
    )
    uow.session.execute(
        text(
            "insert into accounting_period (cooperative_id, starts_on, is_closed, changed_at,"
            " changed_by) values (:cooperative_id, :starts_on, :is_closed, :now, :actor)"
            " on conflict (cooperative_id, starts_on) do update set is_closed ="
            " excluded.is_closed, changed_at = excluded.changed_at,"
            " changed_by = excluded.changed_by"
        ),
        {
            "cooperative_id": uow.tenant,
            "starts_on": starts_on,
            "is_closed": is_closed,
            "now": uow.now,
            "actor": uow.actor,
        },
    )
    record_change(
        uow,
        subject=f"period/{starts_on:%Y-%m}",
        action="closed" if is_closed else "reopened",
        after={"is_closed": is_closed},
        reason=reason,
    )
