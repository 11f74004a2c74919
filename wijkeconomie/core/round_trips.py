"""Several statements in one round trip, where each one that is saved is a part of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Dialect, TextClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A statement with its values, and what its rows become; one that only writes has none."""

    statement: TextClause
    values: Mapping[str, Any]
    parse: Callable[[Sequence[Row]], Any]


def read_together(session: Session, reads: Sequence[Read]) -> list[Any]:
    """Run statements in their order, in one round trip; what each one's rows become.

    Each is a statement of its own: it sees what those before it locked, waited for or wrote,
    and what the session holds, unless that is kept from being written (``no_autoflush``).

    Raises:
        DBAPIError: one of them failed; those after it were not run.
    """
    if session.autoflush:
        session.flush()
    connection = session.connection()
    driver: psycopg.Connection[Row] = connection.connection.driver_connection  # type: ignore[assignment]
    # One alone goes the plain way: a pipeline has its own costs.
    with_others: AbstractContextManager[object] = (
        driver.pipeline() if len(reads) > 1 else nullcontext()
    )
    try:
        with with_others:
            cursors = [
                driver.execute(_written(read.statement, connection.dialect), read.values)
                for read in reads
            ]
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
    return [
        read.parse(cursor.fetchall() if _has_rows(cursor) else [])
        for read, cursor in zip(reads, cursors, strict=True)
    ]


def _has_rows(cursor: psycopg.Cursor[Row]) -> bool:
    """Whether a statement answers with rows; asking for a description would build one."""
    return cursor.pgresult is not None and cursor.pgresult.nfields > 0


@cache
def _written(statement: TextClause, dialect: Dialect) -> bytes:
    """The statement as the driver takes it."""
    return str(statement.compile(dialect=dialect)).encode()
