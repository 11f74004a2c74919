"""People with a login in a cooperative, made the way they are: by invitation."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.cooperatives.invitations import Invite, accept_invitation, invite
from wijkeconomie.cooperatives.logins import hash_password, password_hasher
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime

PASSWORD = "drie losse woorden"


@dataclass(frozen=True)
class Person:
    """Who can sign in, with which address."""

    email: str
    login_id: int
    name: str


def sign_up(
    runtime: Runtime, cooperative: str, name: str, *roles: Role, member: str | None = None
) -> Person:
    """Invite someone to a cooperative and accept it."""
    test = system_identity("test")
    email = f"{name.lower().replace(' ', '.')}.{cooperative.lower()}@example.org"
    with runtime.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, cooperative).id
    with runtime.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        command = Invite(email=email, display_name=name, roles=frozenset(roles), member_code=member)
        token = invite(uow, command).token
        hasher = password_hasher(runtime.settings.security_password_hashing)
        login_id = accept_invitation(uow, token, password_hash=hash_password(PASSWORD, hasher))
    return Person(email, login_id, name)
