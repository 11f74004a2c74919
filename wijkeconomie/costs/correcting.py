"""Use cases of correcting a settled cost: looked at, then turned back and settled anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import DividedCost, Divider
from wijkeconomie.costs.keeping_rules import require_amounts
from wijkeconomie.costs.models import RunState, SharedCost
from wijkeconomie.costs.previewing import MemberDifference, member_names
from wijkeconomie.costs.recording import Publication, Recorder, new_run
from wijkeconomie.costs.refusals import CostNotSettledError, DraftOutdatedError
from wijkeconomie.costs.settling import HeldCooperative, cost_by_code, fingerprint, hold_costs
from wijkeconomie.costs.turning_back import Standing, standing_settlement, turn_back
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectCost:
    """Settle a cost again: with other amounts, or by what the key and the members now are.

    ``seen`` is the fingerprint of what was looked at beforehand, where somebody looked.
    """

    cost_code: str
    reason: str
    net_cents: int | None = None
    vat_cents: int | None = None
    accounting_date: date | None = None
    seen: bytes | None = None


@dataclass(frozen=True, slots=True)
class CorrectionPreview:
    """What a correction comes to: who would pay another amount, and what each pays now."""

    changes: tuple[MemberDifference, ...]
    accounting_date: date
    is_shown: bool
    """Whether members were told of the settlement: then those of ``changes`` are told again."""
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Correction:
    """A correction that was worked out; nothing of it is written."""

    held: HeldCooperative
    cost: SharedCost
    standing: Standing
    divided: DividedCost
    on: date

    @property
    def after(self) -> Mapping[str, int]:
        """What each member would pay, by number."""
        codes, payable = self.divided.by.members.codes, self.divided.payable_cents
        return dict(zip(codes, payable.tolist(), strict=True))

    @property
    def changed(self) -> tuple[str, ...]:
        """The numbers of those who would pay another amount."""
        before, after = self.standing.paid, self.after
        return tuple(
            code for code in sorted({*before, *after}) if before.get(code, 0) != after.get(code, 0)
        )


def preview_correction(uow: UnitOfWork, command: CorrectCost) -> CorrectionPreview:
    """What a correction would come to, by the same computation; nothing is written.

    Raises:
        As :func:`correct_cost`.
    """
    require_permission(uow.identity, "cost.settle")
    with uow.session.no_autoflush:
        worked_out = _work_out(uow, command)
        seen = _fingerprint(worked_out)
        # The amounts that were tried go no further than this.
        uow.session.expire(worked_out.cost)
    names = member_names(uow)
    before, after = worked_out.standing.paid, worked_out.after
    return CorrectionPreview(
        tuple(
            MemberDifference(code, names[code], after.get(code, 0), before.get(code, 0))
            for code in worked_out.changed
        ),
        worked_out.on,
        worked_out.standing.run_state is RunState.PUBLISHED,
        seen,
    )


def correct_cost(uow: UnitOfWork, command: CorrectCost) -> tuple[str, ...]:
    """Turn the last settlement of a cost back and settle it anew; who pays another amount.

    Where members were shown the settlement, the new one is a run of its own and those whose
    amount changed are told. Where they were not, the run that waits to be shown is put right:
    it holds the new settlement, and nobody is told before it is shown. The accounting date is
    today unless given.

    Raises:
        NotFoundError: no such cost.
        CostNotSettledError: it was not settled yet.
        InvalidInputError: the VAT does not go with the amount.
        CostAccountedError: a subsidy that helped to pay it was accounted for with that amount.
        DraftOutdatedError: correcting comes to something else than what was seen.
        KeyNotValidError, WeightMissingError, CannotAllocateError, ClosedPeriodError.
    """
    require_permission(uow.identity, "cost.settle")
    worked_out = _work_out(uow, command)
    cost, standing = worked_out.cost, worked_out.standing
    if command.seen is not None and command.seen != _fingerprint(worked_out):
        raise DraftOutdatedError(
            f"correcting {cost.code} comes to something else than what was looked at",
            month=f"{cost.month:%Y-%m}",
        )
    before = {"net_cents": standing.net_cents, "vat_cents": standing.vat_cents}
    turn_back(uow, cost, standing, on=worked_out.on)
    is_shown = standing.run_state is RunState.PUBLISHED
    run_id = standing.settlement.run_id
    if is_shown:
        period = Period.month_of(cost.month)
        run_id = new_run(uow, period, Publication.SILENT, reason=command.reason)
    recorder = Recorder(uow, worked_out.held.vat_regime, run_id, worked_out.on)
    recorder.record(worked_out.divided)
    recorder.finish()
    record_change(
        uow,
        subject=f"shared_cost/{cost.id}",
        action="corrected",
        before=before,
        after={
            "version": cost.settled_version,
            "net_cents": cost.net_cents,
            "vat_cents": cost.vat_cents,
            "changed": len(worked_out.changed),
        },
        reason=command.reason,
    )
    if is_shown and worked_out.changed:
        _tell(uow, run_id, cost, worked_out.changed)
    return worked_out.changed


def _work_out(uow: UnitOfWork, command: CorrectCost) -> _Correction:
    held = hold_costs(uow)
    cost = cost_by_code(uow, command.cost_code)
    if not cost.settled_version:
        raise CostNotSettledError(f"cost {cost.code} was not settled yet", cost=cost.code)
    standing = standing_settlement(uow, cost)
    if command.net_cents is not None:
        cost.net_cents = command.net_cents
    if command.vat_cents is not None:
        cost.vat_cents = command.vat_cents
    require_amounts(cost.net_cents, cost.vat_cents, cost.vat_basis_points)
    cost.gross_cents = cost.net_cents + cost.vat_cents
    divider = Divider(uow, held.code, Period.month_of(cost.month), given_back=standing.gives_back())
    divided = divider.divide(cost, cost.settled_version + 1)
    on = command.accounting_date or local_date(uow.now, LOCAL_TIME)
    return _Correction(held, cost, standing, divided, on)


def _fingerprint(worked_out: _Correction) -> bytes:
    """Of the shares, of how the amount is made up, and of the day on which it is booked."""
    cost = worked_out.cost
    told = f"{cost.net_cents}/{cost.vat_cents}/{worked_out.on}".encode()
    return fingerprint([worked_out.divided.proof, told])


def _tell(uow: UnitOfWork, run_id: int, cost: SharedCost, changed: tuple[str, ...]) -> None:
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
