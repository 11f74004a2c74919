"""Use cases of invitations: a link by which someone gets a login with roles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.logins import create_login
from wijkeconomie.cooperatives.models import Invitation, Member
from wijkeconomie.cooperatives.refusals import InvitationNotValidError
from wijkeconomie.cooperatives.roles import write_grant
from wijkeconomie.cooperatives.rules import INVITATION_LASTS, is_invitation_open
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.identity import Role
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Whom to invite, with which roles, and as which member if any."""

    email: str
    display_name: str
    roles: frozenset[Role]
    member_code: str | None = None


@dataclass(frozen=True, slots=True)
class SentInvitation:
    """A new invitation. The token is shown this once: only a hash of it is kept."""

    id: int
    token: str


def invite(uow: UnitOfWork, command: Invite) -> SentInvitation:
    """Invite someone; the link is for the inviter to hand over, and works for 14 days.

    A coordinator invites members; other roles are the board's to give.

    Raises:
        PermissionDeniedError: the roles are not the inviter's to give.
        InvalidInputError: no address, name or role.
        NotFoundError: no such member.
    """
    require_permission(uow.identity, "member.invite")
    _require_grantable(uow, command.roles)
    if "@" not in command.email.strip("@ "):
        raise InvalidInputError("this is not an e-mail address", field="email")
    if not command.display_name.strip():
        raise InvalidInputError("this may not be empty", field="display_name")
    member_id = None
    if command.member_code:
        member_id = queries.member_by_code(uow.session, uow.tenant, command.member_code).id
    token = secrets.token_urlsafe(24)
    row = Invitation(
        cooperative_id=uow.tenant,
        token_hash=_hash(token),
        email=command.email.strip().lower(),
        display_name=command.display_name.strip(),
        roles=",".join(sorted(role.value for role in command.roles)),
        member_id=member_id,
        created_at=uow.now,
        created_by=uow.actor,
        expires_at=uow.now + INVITATION_LASTS,
    )
    uow.session.add(row)
    uow.session.flush()
    record_change(uow, subject=f"invitation/{row.id}", action="invited", after={"roles": row.roles})
    return SentInvitation(row.id, token)


def _require_grantable(uow: UnitOfWork, roles: Collection[Role]) -> None:
    if not roles:
        raise InvalidInputError("choose at least one role", field="roles")
    if set(roles) != {Role.MEMBER} and not may(uow.identity, "role.grant"):
        raise PermissionDeniedError(
            "only the board gives other roles than member",
            permission="role.grant",
            roles=Role.BOARD.value,
        )


def withdraw_invitation(uow: UnitOfWork, invitation_id: int) -> None:
    """Make the link of an invitation worthless; one that was accepted stays as it is."""
    require_permission(uow.identity, "member.invite")
    row = uow.session.get(Invitation, (uow.tenant, invitation_id), with_for_update=True)
    if row is None or row.accepted_at is not None or row.withdrawn_at is not None:
        return
    row.withdrawn_at = uow.now
    uow.session.flush()
    record_change(uow, subject=f"invitation/{row.id}", action="withdrawn")


def find_invitation(uow: UnitOfWork, token: str) -> Invitation:
    """The invitation that a link stands for, held until the transaction ends.

    Raises:
        InvitationNotValidError: it was used, withdrawn, has expired or never was.
    """
    row = uow.session.scalar(
        select(Invitation)
        .where(Invitation.cooperative_id == uow.tenant, Invitation.token_hash == _hash(token))
        .with_for_update()
    )
    if row is None or not is_invitation_open(
        row.expires_at, row.accepted_at, row.withdrawn_at, uow.now
    ):
        raise InvitationNotValidError("this link does not work any more")
    return row


def accept_invitation(uow: UnitOfWork, token: str, *, password_hash: str) -> int:
    """Accept an invitation: make or find the login, give the roles, link the member.

    Someone who has a login already keeps its password. Returns the login's id.

    Raises:
        InvitationNotValidError: the link does not work any more.
    """
    row = find_invitation(uow, token)
    login_id = create_login(
        uow, email=row.email, display_name=row.display_name, password_hash=password_hash
    )
    for name in row.roles.split(","):
        write_grant(uow, login_id, Role(name))
    if row.member_id is not None:
        member = uow.session.get_one(Member, (uow.tenant, row.member_id))
        member.login_id = login_id
    row.accepted_at = uow.now
    uow.session.flush()
    record_change(uow, subject=f"invitation/{row.id}", action="accepted")
    return login_id


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
