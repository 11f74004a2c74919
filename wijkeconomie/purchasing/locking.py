"""Taking hold of rows before deciding on them, and the instant that a use case counts from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.round_rules import Step, may_take, states_before

# Made once: at the deadline many ask at the same moment, and a statement takes time to make.
_ROUND = select(PurchaseRound).where(
    PurchaseRound.cooperative_id == bindparam("tenant"), PurchaseRound.id == bindparam("round_id")
)
_ALONE = _ROUND.with_for_update().execution_options(populate_existing=True)
_SHARED = _ROUND.with_for_update(read=True).execution_options(populate_existing=True)


def instant(uow: UnitOfWork, at: datetime | None) -> datetime:
    """The moment at which something counts: now, or an earlier one that an import tells.

    Raises:
        PermissionDeniedError: only an import may tell another moment than now.
        InvalidInputError: the moment has no timezone.
    """
    if at is None:
        return uow.now
    require_permission(uow.identity, "city.import")
    if at.tzinfo is None:
        raise InvalidInputError("a moment carries its timezone", field="at")
    return at


def locked_round(uow: UnitOfWork, round_id: int, *, is_shared: bool = False) -> PurchaseRound:
    """The round as it is now, held until the transaction ends.

    Steps hold it alone; pledges share it, so that they do not wait for one another and no
    step can pass between the look and the pledge. Rounds are locked before members.

    Raises:
        NotFoundError: no such round in this cooperative.
    """
    statement = _SHARED if is_shared else _ALONE
    found = uow.session.scalar(statement, {"tenant": uow.tenant, "round_id": round_id})
    if found is None:
        raise NotFoundError(f"there is no round {round_id}", round_id=round_id)
    return found


def round_for(uow: UnitOfWork, round_id: int, step: Step) -> PurchaseRound:
    """The round, held, and at a state from which ``step`` may be taken.

    Raises:
        NotFoundError: no such round.
        RoundStateError: names the state, and the states that the step needs.
    """
    found = locked_round(uow, round_id)
    if not may_take(step, found.state):
        needed = " or ".join(states_before(step))
        raise RoundStateError(
            f"round {found.code} is {found.state}; to {step} it, it must be {needed}",
            round=found.code,
            state=found.state,
            step=step,
            needed=needed,
        )
    return found
