"""Declarative base, constraint naming and the column types every table shares."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

type_map = {int: BigInteger, str: Text, datetime: DateTime(timezone=True)}

SurrogateKey = Annotated[
    int,
    mapped_column(BigInteger, Identity(always=False), primary_key=True, autoincrement=True),
]
"""A number that the database hands out; second column of a tenant table's primary key.

Naming it the one that counts up lets many new rows go in by one statement.
"""


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can drop what another one created."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[type, object]] = type_map


class TenantTable:
    """A table whose rows belong to one cooperative.

    ``cooperative_id`` is the first column of every key, so that a cooperative can be the
    shard (``docs/scaling.md``) and row-level security can hold the border between two.
    """

    __abstract__ = True

    @declared_attr
    @classmethod
    def cooperative_id(cls) -> Mapped[int]:
        return mapped_column(
            BigInteger, ForeignKey("cooperative.id"), primary_key=True, sort_order=-10
        )


def one_of(column: str, kinds: type[enum.StrEnum]) -> str:
    """The condition of a check: the column holds one of the kinds."""
    return f"{column} in ({', '.join(repr(kind.value) for kind in kinds)})"


def own_key(
    *columns: str, of: str, referred: tuple[str, ...] = ("id",), name: str | None = None
) -> ForeignKeyConstraint:
    """A foreign key within the cooperative: what is referred to is its own, or nothing."""
    return ForeignKeyConstraint(
        ["cooperative_id", *columns],
        [f"{of}.{column}" for column in ("cooperative_id", *referred)],
        name=name,
    )
