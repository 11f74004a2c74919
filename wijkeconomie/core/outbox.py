"""The outbox: what must leave the house, written in the transaction that causes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.core.unit_of_work import UnitOfWork


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


def enqueue(uow: UnitOfWork, *, kind: str, event_key: str, payload: Mapping[str, Any]) -> None:
    """Queue one message; a second one for the same event is silently the first.

    Args:
        kind: what to send, as in ``mail.round-ordered``.
        event_key: names the event, unique in the cooperative: ``round/12/ordered/login/7``.
        payload: JSON-able references that the sender needs to render it.
    """
    uow.session.execute(
        insert(OutboxMessage)
        .values(
            cooperative_id=uow.tenant,
            kind=kind,
            event_key=event_key,
            payload=dict(payload),
            created_at=uow.now,
            next_attempt_at=uow.now,
        )
        .on_conflict_do_nothing(index_elements=["cooperative_id", "event_key"])
    )
