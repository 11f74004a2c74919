"""The outbox: what must leave the house, written in the transaction that causes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

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
    __table_args__ = (
        UniqueConstraint("cooperative_id", "event_key"),
        # The next to send is found without passing all that were ever sent.
        Index(
            "ix_outbox_message_waiting",
            "cooperative_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("sent_at is null"),
        ),
    )

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
    enqueue_each(uow, kind=kind, payloads={event_key: payload})


def enqueue_each(uow: UnitOfWork, *, kind: str, payloads: Mapping[str, Mapping[str, Any]]) -> None:
    """Queue many messages of one kind, by the key of their events, in few round trips."""
    rows = [
        {
            "cooperative_id": uow.tenant,
            "kind": kind,
            "event_key": event_key,
            "payload": json.dumps(payload),
            "now": uow.now,
        }
        for event_key, payload in payloads.items()
    ]
    if rows:
        uow.session.execute(_ENQUEUE, rows)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message that this process sends: its letters, or why they could not be made."""

    cooperative_id: int
    message_id: int
    event_key: str
    letters: Sequence[Letter]
    error: str | None


def send_due(
    units_of_work: UnitOfWorkFactory, renderers: Mapping[str, Renderer], deliver: Deliver
) -> int:
    """Send every message whose time has come; how many went out.

    Nothing outside is called within a transaction: a message is claimed, sent, and marked. A
    crash in between sends it once more, with the same message id. What fails, in the making or
    in the sending, is tried again after a pause that doubles, and holds up no other message.
    """
    with units_of_work.begin(identity=OUTBOX) as uow:
        cooperatives = uow.session.scalars(text("select id from cooperative order by id")).all()
    sent = 0
    for cooperative_id in cooperatives:
        while (claimed := _claim(units_of_work, cooperative_id, renderers)) is not None:
            error = claimed.error or _send(claimed, deliver)
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
        letters, error = _render(uow, message, renderers[message.kind])
        return _Claimed(cooperative_id, message.id, message.event_key, letters, error)


def _render(
    uow: UnitOfWork, message: OutboxMessage, renderer: Renderer
) -> tuple[Sequence[Letter], str | None]:
    """The letters of a message; what went wrong, if anything did, and then nothing is kept."""
    try:
        with uow.session.begin_nested():
            return renderer(uow, message.payload), None
    except Exception as error:  # a message that cannot be made must not stop the others
        context = {"cooperative_id": uow.tenant, "outbox_message": message.id}
        log.exception("letter not made", extra=context)
        return (), _reason(error)


def _send(claimed: _Claimed, deliver: Deliver) -> str | None:
    """Send the letters; what went wrong, if anything did."""
    try:
        for number, letter in enumerate(claimed.letters):
            deliver(letter, f"{claimed.cooperative_id}/{claimed.event_key}/{number}")
    except Exception as error:  # what one message meets must not stop the others
        context = {"cooperative_id": claimed.cooperative_id, "outbox_message": claimed.message_id}
        # A server that cannot be reached or refuses is no fault of ours.
        is_ours = not isinstance(error, OSError)
        log.warning("message not sent", exc_info=is_ours, extra=context)
        return _reason(error)
    return None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _mark(units_of_work: UnitOfWorkFactory, claimed: _Claimed, error: str | None) -> None:
    with units_of_work.begin(identity=OUTBOX, cooperative_id=claimed.cooperative_id) as uow:
        message = uow.session.get_one(OutboxMessage, (uow.tenant, claimed.message_id))
        message.last_error = error
        if error is None:
            message.sent_at = uow.now
        else:
            message.next_attempt_at = uow.now + pause_after(message.attempts)


@dataclass(frozen=True, slots=True)
class UnsentMessages:
    """Messages of a cooperative that did not go out yet; ``failed`` of them were tried."""

    waiting: int
    failed: int
    next_attempt_at: datetime | None
    """When the first of those that failed is tried again."""


def unsent_messages(session: Session, cooperative_id: int) -> UnsentMessages:
    """What waits in the outbox of a cooperative."""
    has_failed = OutboxMessage.last_error.is_not(None)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(has_failed),
            func.min(OutboxMessage.next_attempt_at).filter(has_failed),
        ).where(OutboxMessage.cooperative_id == cooperative_id, OutboxMessage.sent_at.is_(None))
    ).one()
    return UnsentMessages(*row)
