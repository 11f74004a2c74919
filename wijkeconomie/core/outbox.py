"""The outbox: what must leave the house, written in the transaction that causes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.mail import Deliver, Letter
from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.core.pauses import pause_after
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

OUTBOX = system_identity("job:outbox")
SENDING_TAKES = timedelta(minutes=10)
"""Whoever has not said within this time that a message went out is taken for dead."""

Renderer = Callable[[UnitOfWork, Mapping[str, Any]], Sequence[Letter]]
"""Makes the letters of a message from what is true now; none when it is not true any more."""


class OutboxMessage(TenantTable, Base):
    """A message to the outside that waits for delivery; one for each event.

    The payload holds references, not texts: a mail is rendered from what is true when it is
    sent, so it cannot contradict what happened in between.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (UniqueConstraint("cooperative_id", "event_key"),)

    id: Mapped[SurrogateKey]
    kind: Mapped[str]
    event_key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


_ENQUEUE = text(
    """
insert into outbox_message (cooperative_id, kind, event_key, payload, created_at, next_attempt_at)
values (:cooperative_id, :kind, :event_key, cast(:payload as jsonb), :now, :now)
on conflict (cooperative_id, event_key) do nothing
"""
)


def enqueue(uow: UnitOfWork, *, kind: str, event_key: str, payload: Mapping[str, Any]) -> None:
    """Queue one message; a second one for the same event is silently the first.

    Args:
        kind: what to send, as in ``mail.round-ordered``.
        event_key: names the event, unique in the cooperative: ``round/12/ordered/login/7``.
        payload: JSON-able references that the sender needs to render it.
    """
    uow.session.execute(
        _ENQUEUE,
        {
            "cooperative_id": uow.tenant,
            "kind": kind,
            "event_key": event_key,
            "payload": json.dumps(payload),
            "now": uow.now,
        },
    )


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message that this process sends, with its letters."""

    cooperative_id: int
    message_id: int
    event_key: str
    letters: Sequence[Letter]


def send_due(
    units_of_work: UnitOfWorkFactory, renderers: Mapping[str, Renderer], deliver: Deliver
) -> int:
    """Send every message whose time has come; how many went out.

    Nothing outside is called within a transaction: a message is claimed, sent, and marked. A
    crash in between sends it once more, with the same message id. What fails is tried again
    after a pause that doubles, and holds up no other message.
    """
    with units_of_work.begin(identity=OUTBOX) as uow:
        cooperatives = uow.session.scalars(text("select id from cooperative order by id")).all()
    sent = 0
    for cooperative_id in cooperatives:
        while (claimed := _claim(units_of_work, cooperative_id, renderers)) is not None:
            error = _send(claimed, deliver)
            _mark(units_of_work, claimed, error)
            sent += error is None
    return sent


def _claim(
    units_of_work: UnitOfWorkFactory, cooperative_id: int, renderers: Mapping[str, Renderer]
) -> _Claimed | None:
    with units_of_work.begin(identity=OUTBOX, cooperative_id=cooperative_id) as uow:
        message = uow.session.scalar(
            select(OutboxMessage)
            .where(
                OutboxMessage.cooperative_id == cooperative_id,
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.next_attempt_at <= uow.now,
                OutboxMessage.kind.in_(renderers),
            )
            .order_by(OutboxMessage.next_attempt_at, OutboxMessage.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if message is None:
            return None
        message.attempts += 1
        message.next_attempt_at = uow.now + SENDING_TAKES
        letters = renderers[message.kind](uow, message.payload)
        return _Claimed(cooperative_id, message.id, message.event_key, letters)


def _send(claimed: _Claimed, deliver: Deliver) -> str | None:
    """Send the letters; what went wrong, if anything did."""
    try:
        for number, letter in enumerate(claimed.letters):
            deliver(letter, f"{claimed.cooperative_id}/{claimed.event_key}/{number}")
    except OSError as error:  # also what an SMTP server refuses
        context = {"cooperative_id": claimed.cooperative_id, "outbox_message": claimed.message_id}
        log.warning("message not sent", extra=context)
        return f"{type(error).__name__}: {error}"[:500]
    return None


def _mark(units_of_work: UnitOfWorkFactory, claimed: _Claimed, error: str | None) -> None:
    with units_of_work.begin(identity=OUTBOX, cooperative_id=claimed.cooperative_id) as uow:
        message = uow.session.get_one(OutboxMessage, (uow.tenant, claimed.message_id))
        message.last_error = error
        if error is None:
            message.sent_at = uow.now
        else:
            message.next_attempt_at = uow.now + pause_after(message.attempts)
