"""To whom a letter about work goes: those who have one of some roles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.identity import Role


@dataclass(frozen=True, slots=True)
class RoleAddressee:
    """Someone with a role, at the address of the login."""

    login_id: int
    display_name: str
    email: str
    language: Literal["nl", "en"]
    cooperative: str
    cooperative_code: str


def role_addressees(
    session: Session,
    cooperative_id: int,
    roles: Collection[Role],
    *,
    except_login: int | None = None,
) -> list[RoleAddressee]:
    """Everyone who has one of the roles, each once, in order of their logins."""
    rows = session.execute(
        text(
            "select l.id, l.display_name, l.email,"
            " case l.language when 'nl' then 'nl' else 'en' end, c.name, c.code"
            " from login l join cooperative c on c.id = :id"
            " where exists (select from role_grant g where g.cooperative_id = :id"
            " and g.login_id = l.id and g.role = any(cast(:roles as text[])))"
            " and l.id is distinct from cast(:except_login as bigint) order by l.id"
        ),
        {
            "id": cooperative_id,
            "roles": [role.value for role in roles],
            "except_login": except_login,
        },
    )
    return [RoleAddressee(*row) for row in rows]
