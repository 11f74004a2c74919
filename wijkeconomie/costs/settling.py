"""Use cases of settling shared costs: a month at once, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import cast

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import Divider
from wijkeconomie.costs.models import RunState, SettlementRun, SharedCost
from wijkeconomie.costs.recording import Publication, Recorder, new_run
from wijkeconomie.costs.refusals import DraftOutdatedError
from wijkeconomie.ledger.queries import closed_periods
from wijkeconomie.money.periods import Period
from wijkeconomie.money.vat import VatRegime


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """A posted run: its id, and the codes of the costs that it settled."""

    run_id: int
    costs: tuple[str, ...]


def settle_month(
    uow: UnitOfWork,
    month: date,
    publication: Publication,
    *,
    accounting_date: date | None = None,
    seen: bytes | None = None,
) -> SettledMonth | None:
    """Settle every cost of a month that waits: all of them, or none; ``None`` when none waits.

    Each cost becomes one entry. A second call finds nothing left, also when it comes at the
    same moment from another process.

    Args:
        month: any day of it.
        accounting_date: ``None`` is the last day of the month.
        seen: the fingerprint of what was looked at beforehand; settling must come to the same.

    Raises:
        InvalidInputError: the accounting date lies before the month.
        KeyNotValidError, WeightMissingError, CannotAllocateError: names the cost or the key.
        DraftOutdatedError: settling comes to something else than what was seen.
        ClosedPeriodError: the month of the accounting date is closed.
    """
    require_permission(uow.identity, "cost.settle")
    period = Period.month_of(month)
    held = hold_costs(uow)
    waiting = waiting_costs(uow, period)
    if not waiting:
        return None
    on = accounting_date or last_day(period)
    if on < period.start:
        raise InvalidInputError("a cost is not booked before its month", field="accounting_date")
    return _settle(uow, held, period, waiting, publication=publication, on=on, seen=seen)


def settle_costs(
    uow: UnitOfWork,
    codes: Collection[str],
    publication: Publication,
    *,
    month: date,
    accounting_date: date,
) -> SettledMonth | None:
    """Settle some costs of a month that wait and leave the others; all of them, or none.

    Raises:
        As :func:`settle_month`.
    """
    require_permission(uow.identity, "cost.settle")
    period = Period.month_of(month)
    held = hold_costs(uow)
    waiting = [cost for cost in waiting_costs(uow, period) if cost.code in codes]
    if not waiting:
        return None
    return _settle(uow, held, period, waiting, publication=publication, on=accounting_date)


def _settle(
    uow: UnitOfWork,
    held: HeldCooperative,
    period: Period,
    waiting: Sequence[SharedCost],
    *,
    publication: Publication,
    on: date,
    seen: bytes | None = None,
) -> SettledMonth:
    run_id = new_run(uow, period, publication)
    divider = Divider(uow, held.code, period)
    recorder = Recorder(uow, held.vat_regime, run_id, on)
    proofs = []
    for cost in waiting:
        divided = divider.divide(cost, 1)
        proofs.append(divided.proof)
        recorder.record(divided)
    record_change(
        uow,
        subject=f"settlement_run/{run_id}",
        action="posted" if publication is Publication.LATER else "published",
        after={"month": f"{period.start:%Y-%m}", "costs": len(waiting)},
    )
    recorder.finish()
    if seen is not None and seen != fingerprint(proofs):
        raise DraftOutdatedError(
            f"the costs of {period.start:%Y-%m} are not what they were when they were looked at",
            month=f"{period.start:%Y-%m}",
        )
    if publication is Publication.WITH_LETTER:
        _tell(uow, run_id, period.start)
    return SettledMonth(run_id, tuple(cost.code for cost in waiting))


def last_day(month: Period) -> date:
    """The accounting date of a month's costs."""
    return month.end - timedelta(days=1)


def booking_day(session: Session, cooperative_id: int, month: Period) -> date:
    """The day on which costs of a month can be booked: its last one, or the first open one after.

    A month that was closed takes no costs any more that come late: they count in a later one.
    """
    closed = closed_periods(session, cooperative_id)
    if month.start not in closed:
        return last_day(month)
    day = month.end
    while day in closed:
        day = Period.month_of(day).end
    return day


def fingerprint(proofs: Sequence[bytes]) -> bytes:
    """What tells one outcome of a month from another: a digest of the digests of its costs."""
    return sha256(b"".join(proofs)).digest()


@dataclass(frozen=True, slots=True)
class HeldCooperative:
    """The cooperative whose costs are held, and how it stands to VAT."""

    code: str
    vat_regime: VatRegime


def hold_costs(uow: UnitOfWork) -> HeldCooperative:
    """Hold the costs of the cooperative: two who settle at once go one after the other."""
    held = uow.session.execute(_HOLD, {"tenant": uow.tenant}).one()
    return HeldCooperative(held.code, cast("VatRegime", held.vat_regime))


_HOLD = text(
    "select code, vat_regime, pg_advisory_xact_lock(hashtextextended('costs/' || id, 0))"
    " from cooperative where id = :tenant"
)


def waiting_costs(uow: UnitOfWork, month: Period) -> Sequence[SharedCost]:
    """The costs of a month that were neither settled nor stopped, in order of arrival."""
    return uow.session.scalars(_WAITING, {"cooperative_id": uow.tenant, "month": month.start}).all()


_WAITING = (
    select(SharedCost)
    .where(
        SharedCost.cooperative_id == bindparam("cooperative_id"),
        SharedCost.month == bindparam("month"),
        SharedCost.settled_version == 0,
        SharedCost.stopped_at.is_(None),
    )
    .order_by(SharedCost.id)
    .execution_options(populate_existing=True)
)


def publish_run(uow: UnitOfWork, run_id: int) -> None:
    """Show a posted run to the members and tell them, once.

    Raises:
        NotFoundError: there is no such run, or it is a draft.
    """
    require_permission(uow.identity, "cost.settle")
    run = uow.session.scalar(
        select(SettlementRun)
        .where(
            SettlementRun.cooperative_id == uow.tenant,
            SettlementRun.id == run_id,
            SettlementRun.state != RunState.DRAFT,
        )
        .with_for_update()
    )
    if run is None:
        raise NotFoundError(f"there is no settlement run {run_id}", run=run_id)
    if run.state == RunState.PUBLISHED:
        return
    run.state, run.published_at = RunState.PUBLISHED, uow.now
    _tell(uow, run.id, run.month)
    record_change(uow, subject=f"settlement_run/{run.id}", action="published")


def _tell(uow: UnitOfWork, run_id: int, month: date) -> None:
    enqueue(
        uow,
        kind="mail.costs-settled",
        event_key=f"costs/{run_id}/published",
        payload={"run": run_id, "month": f"{month:%Y-%m}"},
    )


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
