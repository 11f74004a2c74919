"""Use cases of settling shared costs: a month at once, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import Divider
from wijkeconomie.costs.models import RunState, SettlementRun, SharedCost
from wijkeconomie.costs.recording import Recorder, new_run, own_cooperative
from wijkeconomie.money.periods import Period


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """A posted run: its id, and the codes of the costs that it settled."""

    run_id: int
    costs: tuple[str, ...]


def settle_month(
    uow: UnitOfWork, month: date, *, accounting_date: date | None = None
) -> SettledMonth | None:
    """Settle every cost of a month that waits: all of them, or none; ``None`` when none waits.

    Each cost becomes one entry. A second call finds nothing left, also when it comes at the
    same moment from another process.

    Args:
        month: any day of it.
        accounting_date: ``None`` is the last day of the month.

    Raises:
        KeyNotValidError, WeightMissingError, CannotAllocateError: names the cost or the key.
        ClosedPeriodError: the month of the accounting date is closed.
    """
    require_permission(uow.identity, "cost.settle")
    period = Period.month_of(month)
    hold_costs(uow)
    waiting = waiting_costs(uow, period)
    return _settle(uow, period, waiting, accounting_date or period.end - timedelta(days=1))


def settle_costs(
    uow: UnitOfWork, codes: Collection[str], *, month: date, accounting_date: date
) -> SettledMonth | None:
    """Settle some costs of a month that wait and leave the others; all of them, or none.

    Raises:
        As :func:`settle_month`.
    """
    require_permission(uow.identity, "cost.settle")
    period = Period.month_of(month)
    hold_costs(uow)
    waiting = [cost for cost in waiting_costs(uow, period) if cost.code in codes]
    return _settle(uow, period, waiting, accounting_date)


def _settle(
    uow: UnitOfWork, period: Period, waiting: Sequence[SharedCost], on: date
) -> SettledMonth | None:
    if not waiting:
        return None
    run = new_run(uow, period)
    cooperative = own_cooperative(uow)
    divider = Divider(uow, cooperative.code, period)
    recorder = Recorder(uow, cooperative, run, on)
    # Written at the end together: what the next cost must see, the divider flushes itself.
    with uow.session.no_autoflush:
        for cost in waiting:
            recorder.record(divider.divide(cost, 1))
    recorder.finish()
    record_change(
        uow,
        subject=f"settlement_run/{run.id}",
        action="posted",
        after={"month": f"{period.start:%Y-%m}", "costs": len(waiting)},
    )
    return SettledMonth(run.id, tuple(cost.code for cost in waiting))


def hold_costs(uow: UnitOfWork) -> None:
    """Hold the costs of the cooperative: two who settle at once go one after the other."""
    uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('costs/' || :tenant, 0))"),
        {"tenant": str(uow.tenant)},
    )


def waiting_costs(uow: UnitOfWork, month: Period) -> Sequence[SharedCost]:
    """The costs of a month that were neither settled nor stopped, in order of arrival."""
    return uow.session.scalars(
        select(SharedCost)
        .where(
            SharedCost.cooperative_id == uow.tenant,
            SharedCost.month == month.start,
            SharedCost.settled_version == 0,
            SharedCost.stopped_at.is_(None),
        )
        .order_by(SharedCost.id)
        .execution_options(populate_existing=True)
    ).all()


def publish_run(uow: UnitOfWork, run_id: int, *, is_silent: bool = False) -> None:
    """Show a posted run to the members and tell them, once; an import tells nobody.

    Raises:
        NotFoundError: no such run.
    """
    require_permission(uow.identity, "cost.settle")
    run = uow.session.scalar(
        select(SettlementRun)
        .where(SettlementRun.cooperative_id == uow.tenant, SettlementRun.id == run_id)
        .with_for_update()
    )
    if run is None:
        raise NotFoundError(f"there is no settlement run {run_id}", run=run_id)
    if run.state == RunState.PUBLISHED:
        return
    run.state, run.published_at = RunState.PUBLISHED, uow.now
    if not is_silent:
        enqueue(
            uow,
            kind="mail.costs-settled",
            event_key=f"costs/{run.id}/published",
            payload={"run": run.id, "month": f"{run.month:%Y-%m}"},
        )
    record_change(uow, subject=f"settlement_run/{run.id}", action="published")


def cost_by_code(uow: UnitOfWork, code: str) -> SharedCost:
    """A cost, held until the transaction ends.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(SharedCost)
        .where(SharedCost.cooperative_id == uow.tenant, SharedCost.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no cost {code}", cost=code)
    return found
