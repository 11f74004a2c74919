"""Use case of freight that turned out to be another amount than a round was planned with."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.refusals import RoundStateError

BEFORE_SETTLING = (RoundState.ORDERED, RoundState.RECEIVED, RoundState.ALLOCATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFreight:
    """What the supplier asks for freight of a round, without VAT; members read the reason."""

    round_id: int
    freight_excl_cents: int
    reason: str


def record_freight(uow: UnitOfWork, command: RecordFreight) -> None:
    """Settle a round with the freight that it had, instead of what was planned.

    What was planned is kept beside it, and the order to the supplier keeps telling that. The
    planned amount again takes the difference and its reason away; saying it again changes nothing.

    Raises:
        RoundStateError: the round was not ordered yet, or is settled.
        InvalidInputError: a negative amount, or no reason.
    """
    require_permission(uow.identity, "round.settle")
    found = locked_round(uow, command.round_id)
    if found.state not in {state.value for state in BEFORE_SETTLING}:
        raise RoundStateError(
            f"round {found.code} is {found.state}; freight is entered between order and settling",
            round=found.code,
            state=found.state,
            step="freight",
            needed="ordered",
        )
    if command.freight_excl_cents < 0:
        raise InvalidInputError("freight is not negative", field="freight_excl_cents")
    agreed = found.agreed_freight_excl_cents
    planned = found.freight_excl_cents if agreed is None else agreed
    reason = command.reason.strip()
    is_other = command.freight_excl_cents != planned
    if is_other and not reason:
        raise InvalidInputError("say why freight is another amount", field="reason")
    before = (found.freight_excl_cents, found.freight_reason)
    after = (command.freight_excl_cents, reason if is_other else None)
    if before == after:
        return
    found.freight_excl_cents, found.freight_reason = after
    found.agreed_freight_excl_cents = planned if is_other else None
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="freight-recorded",
        before={"freight_excl_cents": before[0]},
        after={"freight_excl_cents": after[0]},
        reason=reason or None,
    )
