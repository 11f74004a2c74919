"""The order on its way to the supplier: whether the mail went out, and sending it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import RoundState, Supplier
from wijkeconomie.purchasing.notices import tell_supplier
from wijkeconomie.purchasing.refusals import RoundStateError


@dataclass(frozen=True, slots=True)
class OrderLetter:
    """A mail with the order; ``sent_at`` is ``None`` while it waits or is tried again."""

    queued_at: datetime
    sent_at: datetime | None
    attempts: int
    next_attempt_at: datetime
    has_failed: bool
    """Whether the last attempt failed."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has not gone out yet."""
        return self.sent_at is None


_LETTERS = """
from outbox_message
where cooperative_id = :cooperative_id and kind = 'mail.supplier-order'
  and (event_key = :event or event_key like :event || '/%')
"""
_READ = text(
    "select created_at, sent_at, attempts, next_attempt_at, last_error is not null"
    + _LETTERS
    + "order by id desc"
)
# What failed is tried now; what waits its turn, or is being sent, is left to that.
_TRY_NOW = text(
    "update outbox_message set next_attempt_at = :now where cooperative_id = :cooperative_id"
    " and sent_at is null and last_error is not null and id in (select id " + _LETTERS + ")"
)


def order_letters(session: Session, cooperative_id: int, round_id: int) -> list[OrderLetter]:
    """The mails with the order of a round, the newest first; none without an address."""
    found = session.execute(_READ, _key(cooperative_id, round_id))
    return [OrderLetter(*row) for row in found]


def send_order_again(uow: UnitOfWork, round_id: int) -> None:
    """Mail the order of a round once more; one that has not gone out yet is tried now instead.

    So the supplier gets no two orders because somebody was impatient.

    Raises:
        RoundStateError: the round has not been ordered, or its goods came already.
        InvalidInputError: the supplier has no address.
    """
    require_permission(uow.identity, "round.order")
    found = locked_round(uow, round_id)
    if found.state != RoundState.ORDERED.value:
        raise RoundStateError(
            f"round {found.code} is {found.state}; an order is mailed while it is on its way",
            round=found.code,
            state=found.state,
            step="mail",
            needed=RoundState.ORDERED.value,
        )
    supplier = uow.session.get_one(Supplier, (uow.tenant, found.supplier_id))
    if not supplier.email:
        raise InvalidInputError(f"{supplier.code} has no e-mail address", field="email")
    letters = order_letters(uow.session, uow.tenant, found.id)
    if any(each.is_waiting for each in letters):
        uow.session.execute(_TRY_NOW, _key(uow.tenant, found.id) | {"now": uow.now})
    else:
        tell_supplier(uow, found.id, number=len(letters))
    record_change(uow, subject=f"round/{found.id}", action="order-sent-again")


def _key(cooperative_id: int, round_id: int) -> dict[str, object]:
    return {"cooperative_id": cooperative_id, "event": f"round/{round_id}/ordered"}
