"""Use cases of correcting a settled cost: turned back and settled anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import Divider
from wijkeconomie.costs.models import (
    AllocationCarry,
    CostSettlement,
    CostShareBlock,
    SharedCost,
    Subsidy,
)
from wijkeconomie.costs.recording import Publication, Recorder, new_run
from wijkeconomie.costs.refusals import CostNotSettledError
from wijkeconomie.costs.settling import cost_by_code, hold_costs
from wijkeconomie.ledger.service import reverse_entry
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectCost:
    """Settle a cost again: with other amounts, or by what the key and the members now are."""

    cost_code: str
    reason: str
    net_cents: int | None = None
    vat_cents: int | None = None
    accounting_date: date | None = None


def correct_cost(uow: UnitOfWork, command: CorrectCost) -> tuple[str, ...]:
    """Turn the last settlement of a cost back and settle it anew; who pays another amount.

    Only members whose amount changed are told. The accounting date is today unless given.

    Raises:
        NotFoundError: no such cost.
        CostNotSettledError: it was not settled yet.
        KeyNotValidError, WeightMissingError, CannotAllocateError, ClosedPeriodError.
    """
    require_permission(uow.identity, "cost.settle")
    held = hold_costs(uow)
    cost = cost_by_code(uow, command.cost_code)
    if not cost.settled_version:
        raise CostNotSettledError(f"cost {cost.code} was not settled yet", cost=cost.code)
    on = command.accounting_date or local_date(uow.now, LOCAL_TIME)
    before = _turn_back(uow, cost, on)
    if command.net_cents is not None:
        cost.net_cents = command.net_cents
    if command.vat_cents is not None:
        cost.vat_cents = command.vat_cents
    cost.gross_cents = cost.net_cents + cost.vat_cents
    uow.session.flush()
    period = Period.month_of(cost.month)
    run_id = new_run(uow, period, Publication.SILENT, reason=command.reason)
    divided = Divider(uow, held.code, period).divide(cost, cost.settled_version + 1)
    recorder = Recorder(uow, held.vat_regime, run_id, on)
    recorder.record(divided)
    recorder.finish()
    after = dict(zip(divided.by.members.codes, divided.payable_cents.tolist(), strict=True))
    changed = tuple(
        code for code in sorted({*before, *after}) if before.get(code, 0) != after.get(code, 0)
    )
    record_change(
        uow,
        subject=f"shared_cost/{cost.id}",
        action="corrected",
        after={"version": cost.settled_version, "changed": len(changed)},
        reason=command.reason,
    )
    if changed:
        enqueue(
            uow,
            kind="mail.costs-corrected",
            event_key=f"costs/{run_id}/corrected",
            payload={
                "cost": cost.code,
                "version": cost.settled_version,
                "month": f"{cost.month:%Y-%m}",
                "members": list(changed),
            },
        )
    return changed


def _turn_back(uow: UnitOfWork, cost: SharedCost, on: date) -> dict[str, int]:
    """Reverse the standing settlement; what each member paid by it."""
    settlement = uow.session.scalars(
        select(CostSettlement).where(
            CostSettlement.cooperative_id == uow.tenant,
            CostSettlement.cost_id == cost.id,
            CostSettlement.version == cost.settled_version,
        )
    ).one()
    if settlement.entry_number is not None:
        settlement.reversal_number = reverse_entry(
            uow,
            settlement.entry_number,
            accounting_date=on,
            idempotency_key=f"cost/{cost.id}/reversed/{settlement.version}",
            description=f"Cost {cost.code}, version {settlement.version} turned back",
        ).number
    if settlement.subsidy_id is not None:
        subsidy = uow.session.get_one(
            Subsidy, (uow.tenant, settlement.subsidy_id), with_for_update=True
        )
        subsidy.used_cents -= settlement.subsidy_cents
    _carry_back(uow, cost, settlement)
    rows = uow.session.execute(
        text(
            "select m.code, x.cents - coalesce(x.subsidy, 0) from cost_share_block b"
            " cross join unnest(b.member_ids, b.cents, b.subsidy_cents)"
            " as x (member_id, cents, subsidy)"
            " join member m on m.cooperative_id = b.cooperative_id and m.id = x.member_id"
            " where b.cooperative_id = :cooperative_id and b.settlement_id = :settlement"
        ),
        {"cooperative_id": uow.tenant, "settlement": settlement.id},
    )
    return dict(rows.all())


def _carry_back(uow: UnitOfWork, cost: SharedCost, settlement: CostSettlement) -> None:
    """Undo what a settlement did to the carried fractions: give share back, take exact off."""
    weight_sum = int(settlement.weight_sums[0])
    blocks = uow.session.scalars(
        select(CostShareBlock).where(
            CostShareBlock.cooperative_id == uow.tenant,
            CostShareBlock.settlement_id == settlement.id,
            CostShareBlock.carried.is_not(None),
        )
    )
    for block in blocks:
        for member_id, weight, cents in zip(
            block.member_ids, block.weights, block.cents, strict=True
        ):
            known = uow.session.get_one(AllocationCarry, (uow.tenant, cost.key_id, member_id))
            exact = Fraction(settlement.total_cents * int(weight), weight_sum) if weight_sum else 0
            known.cents = str(Fraction(known.cents) + cents - exact)
    uow.session.flush()
