"""Use case of erasing who applied for a round of carers' grants, and for whom."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.grant_models import GrantState
from wijkeconomie.vouchers.grant_refusals import GrantStateError
from wijkeconomie.vouchers.granting import held_round, require_state

_ERASE = (
    text(
        "update grant_application set member_id = null, voucher_code = null"
        " where cooperative_id = :cooperative_id and round_id = :round"
    ),
    text(
        "update grant_receiver set receiver_hash = null"
        " where cooperative_id = :cooperative_id and round_id = :round"
    ),
)


def erase_applicants(uow: UnitOfWork, code: str) -> None:
    """Erase who applied and for whom, when the term after the accounting is over.

    Amounts, ways of paying and reasons stay, so the report stays the same. What was booked
    stays as long as the law asks for.

    Raises:
        NotFoundError.
        GrantStateError: the round was not accounted for, or its term is not over.
    """
    require_permission(uow.identity, "grant.change")
    round_ = held_round(uow, code)
    require_state(round_, GrantState.ACCOUNTED)
    last_day = erased_from(round_.accounted_on or date.max, round_.keep_days)
    if local_date(uow.now, LOCAL_TIME) < last_day:
        raise GrantStateError(f"applicants are kept until {last_day}", state=round_.state)
    for statement in _ERASE:
        uow.session.execute(statement, {"cooperative_id": uow.tenant, "round": round_.id})
    round_.erased_at = uow.now
    uow.session.flush()
    record_change(uow, subject=f"grant_round/{round_.id}", action="applicants erased")


def erased_from(accounted_on: date, keep_days: int) -> date:
    """The first day on which applicants are erased."""
    return accounted_on + timedelta(days=keep_days)
