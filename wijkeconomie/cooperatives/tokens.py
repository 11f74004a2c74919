"""Tokens by which a program signs in to the API on behalf of a login."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select

from wijkeconomie.cooperatives.models import ApiToken
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork

Scope = Literal["read", "write"]
PREFIX = "wke_"


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its owner sees it; the token itself was shown once."""

    id: int
    name: str
    scope: str
    created_at: datetime
    last_used_on: date | None


def create_token(uow: UnitOfWork, login_id: int, *, name: str, scope: Scope) -> str:
    """Make a token for a login and return it, this once.

    Raises:
        InvalidInputError: it has no name, or an unknown scope.
    """
    if not name.strip():
        raise InvalidInputError("this may not be empty", field="token_name")
    if scope not in {"read", "write"}:
        raise InvalidInputError("a token reads, or reads and writes", field="scope")
    token = PREFIX + secrets.token_urlsafe(32)
    uow.session.add(
        ApiToken(
            login_id=login_id,
            token_hash=_hash(token),
            name=name.strip(),
            scope=scope,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    return token


def revoke_token(uow: UnitOfWork, login_id: int, token_id: int) -> None:
    """Make one of a login's tokens worthless; another's stays as it is."""
    row = uow.session.get(ApiToken, token_id)
    if row is not None and row.login_id == login_id and row.revoked_at is None:
        row.revoked_at = uow.now
        uow.session.flush()


def find_token(uow: UnitOfWork, token: str) -> tuple[int, Scope] | None:
    """The login and scope of a token, if it is valid; notes the day on which it was used."""
    row = uow.session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(token)))
    if row is None or row.revoked_at is not None:
        return None
    if row.last_used_on != uow.now.date():
        row.last_used_on = uow.now.date()
        uow.session.flush()
    return row.login_id, "write" if row.scope == "write" else "read"


def tokens_of_login(uow: UnitOfWork, login_id: int) -> list[TokenView]:
    """The valid tokens of a login, the newest first."""
    rows = uow.session.scalars(
        select(ApiToken)
        .where(ApiToken.login_id == login_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    )
    return [
        TokenView(row.id, row.name, row.scope, row.created_at, row.last_used_on) for row in rows
    ]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
