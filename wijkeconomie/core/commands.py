"""Idempotency: remember each accepted command in the transaction that carries it out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable
from wijkeconomie.core.refusals import IdempotencyKeyReusedError
from wijkeconomie.core.unit_of_work import UnitOfWork


class CommandRecord(TenantTable, Base):
    """One accepted command of one actor, with the result that a retry is given again."""

    __tablename__ = "command_record"

    actor: Mapped[str] = mapped_column(String(100), primary_key=True)  # keys are per actor
    idempotency_key: Mapped[str] = mapped_column(String(255), primary_key=True)
    use_case: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(String(64))
    result: Mapped[str]
    recorded_at: Mapped[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Input of a use case that a client may repeat without harm."""

    idempotency_key: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the name of the command and each of its fields but the key.

        Adding a field changes it; a retry across such an upgrade is refused rather than
        answered wrongly (docs/decisions/0006-idempotency.md).
        """
        values = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name != "idempotency_key"
        ]
        return hashlib.sha256("\n".join([type(self).__name__, *values]).encode()).hexdigest()


def find_earlier_result(uow: UnitOfWork, command: Command) -> str | None:
    """Return the result of this very command, or ``None`` when it is new.

    A second request with the same key waits here until the first has committed or rolled
    back, so two retries in flight cannot both find the key unused.

    Raises:
        IdempotencyKeyReusedError: the key belongs to a different command.
    """
    name = f"{uow.tenant}/{uow.actor}/{command.idempotency_key}"
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    record = uow.session.get(CommandRecord, (uow.tenant, uow.actor, command.idempotency_key))
    if record is None:
        return None
    if record.fingerprint != command.fingerprint:
        raise IdempotencyKeyReusedError(
            "send a new key with a changed request", key=command.idempotency_key
        )
    return record.result


def remember(uow: UnitOfWork, command: Command, *, result: str | int) -> None:
    """Record the command beside its effect: both commit, or neither does."""
    uow.session.add(
        CommandRecord(
            cooperative_id=uow.tenant,
            actor=uow.actor,
            idempotency_key=command.idempotency_key,
            use_case=type(command).__name__,
            fingerprint=command.fingerprint,
            result=str(result),
            recorded_at=uow.now,
        )
    )
    uow.session.flush()
