"""The audit trail: every change that is not a ledger entry, with who, when and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable
from wijkeconomie.core.unit_of_work import UnitOfWork


class AuditRecord(TenantTable, Base):
    """One change of one thing; append-only, as the database enforces."""

    __tablename__ = "audit_record"
    __table_args__ = (Index("ix_audit_record_cooperative_id_subject", "cooperative_id", "subject"),)

    id: Mapped[SurrogateKey]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    subject: Mapped[str]
    action: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a thing's history, as a reader sees it."""

    recorded_at: datetime
    actor: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None


_RECORD = text(
    """
insert into audit_record (cooperative_id, recorded_at, actor, subject, action, before, after,
  reason)
values (:cooperative_id, :recorded_at, :actor, :subject, :action, cast(:before as jsonb),
  cast(:after as jsonb), :reason)
"""
)


def record_change(
    uow: UnitOfWork,
    *,
    subject: str,
    action: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Write down one change, in the transaction that makes it.

    Args:
        subject: kind and number of the thing, as in ``pledge/12``.
        before: the changed values as they were, JSON-able; ``None`` for something new.
    """
    uow.session.execute(
        _RECORD,
        {
            "cooperative_id": uow.tenant,
            "recorded_at": uow.now,
            "actor": uow.actor,
            "subject": subject,
            "action": action,
            "before": json.dumps(dict(before)) if before is not None else None,
            "after": json.dumps(dict(after)) if after is not None else None,
            "reason": reason,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChange:
    """One of several changes that are written down together; fields as in ``record_change``."""

    subject: str
    action: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


_RECORD_CHANGES = text(
    """
insert into audit_record
  (cooperative_id, recorded_at, actor, subject, action, before, after)
select :cooperative_id, :now, :actor, told.subject, told.action, told.before, told.after
from jsonb_to_recordset(cast(:changes as jsonb))
  as told (subject text, action text, before jsonb, after jsonb)
"""
)


def record_changes(uow: UnitOfWork, changes: Sequence[NewChange]) -> None:
    """Write down several changes at once, in their order, in the transaction that makes them."""
    uow.session.execute(
        _RECORD_CHANGES,
        {
            "cooperative_id": uow.tenant,
            "now": uow.now,
            "actor": uow.actor,
            "changes": json.dumps([asdict(change) for change in changes]),
        },
    )


def history(session: Session, cooperative_id: int, subject: str) -> list[Change]:
    """The changes of one thing, oldest first."""
    rows = session.scalars(
        select(AuditRecord)
        .where(AuditRecord.cooperative_id == cooperative_id, AuditRecord.subject == subject)
        .order_by(AuditRecord.id)
    )
    return [
        Change(
            row.recorded_at,
            row.actor,
            row.action,
            row.before or {},
            row.after or {},
            row.reason,
        )
        for row in rows
    ]
