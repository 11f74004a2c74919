"""Use cases of a draft: what a month comes to, kept so that another may look before it counts."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import Divider
from wijkeconomie.costs.settling import fingerprint, hold_costs, waiting_costs
from wijkeconomie.money.periods import Period

_KEEP = text(
    """
insert into settlement_run (cooperative_id, month, number, state, drafted_at, drafted_by,
  fingerprint)
select :cooperative_id, :month, coalesce(max(number), 0) + 1, 'draft', :now, :actor, :fingerprint
from settlement_run
where cooperative_id = :cooperative_id and month = :month and state <> 'draft'
on conflict (cooperative_id, month, number) do update
  set drafted_at = excluded.drafted_at, drafted_by = excluded.drafted_by,
    fingerprint = excluded.fingerprint
  where settlement_run.state = 'draft'
returning id
"""
)


def draft_month(uow: UnitOfWork, month: date) -> int:
    """Keep what settling a month comes to now as its draft, in the place of an earlier one.

    Nothing is booked. The draft becomes the run when the month is settled, by hand or by the
    clock: it holds nothing up.

    Raises:
        NotFoundError: nothing of the month waits.
        KeyNotValidError, WeightMissingError, CannotAllocateError: names the cost or the key.
    """
    require_permission(uow.identity, "cost.settle")
    period = Period.month_of(month)
    held = hold_costs(uow)
    waiting = waiting_costs(uow, period)
    if not waiting:
        raise NotFoundError(f"nothing of {period.start:%Y-%m} waits", month=f"{period.start:%Y-%m}")
    divider = Divider(uow, held.code, period)
    seen = fingerprint([divider.divide(cost, 1).proof for cost in waiting])
    run_id: int = uow.session.scalars(
        _KEEP,
        {
            "cooperative_id": uow.tenant,
            "month": period.start,
            "now": uow.now,
            "actor": uow.actor,
            "fingerprint": seen,
        },
    ).one()
    record_change(
        uow,
        subject=f"settlement_run/{run_id}",
        action="drafted",
        after={"month": f"{period.start:%Y-%m}", "costs": len(waiting)},
    )
    return run_id


def drop_draft(uow: UnitOfWork, month: date) -> None:
    """Throw the draft of a month away; the costs go on waiting.

    Raises:
        NotFoundError: the month has no draft.
    """
    require_permission(uow.identity, "cost.settle")
    hold_costs(uow)
    first = month.replace(day=1)
    run_id = uow.session.scalar(
        text(
            "delete from settlement_run where cooperative_id = :cooperative_id"
            " and month = :month and state = 'draft' returning id"
        ),
        {"cooperative_id": uow.tenant, "month": first},
    )
    if run_id is None:
        raise NotFoundError(f"{first:%Y-%m} has no draft", month=f"{first:%Y-%m}")
    record_change(uow, subject=f"settlement_run/{run_id}", action="dropped")
