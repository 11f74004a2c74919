"""The transaction boundary: one unit of work per use case, opened by the entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from wijkeconomie.core.identity import Identity

TENANT = "tenant"
LOGIN = "login"


def utc_now() -> datetime:
    """Read the wall clock: the only place that does."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """What a use case may touch: one session, one instant, one identity, one cooperative.

    ``cooperative_id`` is ``None`` only for work on global tables (login, the list of
    cooperatives); tenant tables then show no rows.
    """

    session: Session
    now: datetime
    identity: Identity
    cooperative_id: int | None

    @property
    def tenant(self) -> int:
        """The cooperative, where there must be one; its absence is a bug of the caller."""
        if self.cooperative_id is None:
            raise AssertionError("this use case works within a cooperative")
        return self.cooperative_id

    @property
    def actor(self) -> str:
        """The pseudonym that the audit trail and the ledger record."""
        return self.identity.actor


@dataclass(frozen=True, slots=True)
class UnitOfWorkFactory:
    """Opens units of work; tests pass their own session factory and clock."""

    sessions: sessionmaker[Session]
    clock: Callable[[], datetime] = utc_now

    @contextmanager
    def begin(
        self, *, identity: Identity, cooperative_id: int | None = None
    ) -> Iterator[UnitOfWork]:
        """Commit when the block ends, roll back when it raises, close either way.

        The cooperative and the login are set for this transaction only, and row-level
        security reads them: a query that forgets its filter finds no one else's rows.
        """
        with self.sessions() as session, session.begin():
            session.info[TENANT] = cooperative_id
            session.info[LOGIN] = identity.login_id
            yield UnitOfWork(session, self.clock(), identity, cooperative_id)


def set_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """Tell the database, for this transaction only, whose rows it may show.

    The transaction begins in the same round trip: each costs a small entry a tenth of its time.
    Both values are numbers of ours, so the text holds nothing that a user wrote.
    """
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    is_idle = driver.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    statements = ["begin"] if is_idle else []
    for setting, value in (
        ("app.cooperative_id", session.info.get(TENANT)),
        ("app.login_id", session.info.get(LOGIN)),
    ):
        statements.append(f"set local {setting} = '{'' if value is None else int(value)}'")
    result = driver.pgconn.exec_("; ".join(statements).encode())
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(result.error_message)


def session_factory(bind: object) -> sessionmaker[Session]:
    """A factory of sessions on ``bind`` (engine or connection) that set the tenant."""
    factory = sessionmaker(bind=bind, expire_on_commit=False)  # type: ignore[call-overload]
    event.listen(factory, "after_begin", set_tenant)
    return factory  # type: ignore[no-any-return]
