"""Several reads in one round trip, where each one that is saved is a part of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Dialect, TextClause
from sqlalchemy.orm import Session

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A statement with its values, and what its rows become."""

    statement: TextClause
    values: Mapping[str, Any]
    parse: Callable[[Sequence[Row]], Any]


def read_together(session: Session, reads: Sequence[Read]) -> list[Any]:
    """Run reads in their order, in one round trip; what each one's rows become.

    Each is a statement of its own: it sees what those before it locked or waited for.
    """
    connection = session.connection()
    driver: psycopg.Connection[Row] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.pipeline():
        cursors = [
            driver.execute(_written(read.statement, connection.dialect), read.values)
            for read in reads
        ]
    return [read.parse(cursor.fetchall()) for read, cursor in zip(reads, cursors, strict=True)]


@cache
def _written(statement: TextClause, dialect: Dialect) -> bytes:
    """The statement as the driver takes it."""
    return str(statement.compile(dialect=dialect)).encode()
