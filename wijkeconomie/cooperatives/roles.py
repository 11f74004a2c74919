"""Use cases of roles: what a login may do in a cooperative."""

from __future__ import annotations

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.models import RoleGrant
from wijkeconomie.cooperatives.refusals import LastBoardMemberError
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.identity import Role
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork


def grant_role(uow: UnitOfWork, login_id: int, role: Role) -> None:
    """Give a login a role in the cooperative; a role it has stays as it is.

    Raises:
        InvalidInputError: the role of the platform is not the cooperative's to give.
    """
    require_permission(uow.identity, "role.grant")
    write_grant(uow, login_id, role)


def write_grant(uow: UnitOfWork, login_id: int, role: Role) -> None:
    """Write a role down; whoever calls has checked that it may be given."""
    if role is Role.PLATFORM:
        raise InvalidInputError("the platform is run by its operator", field="role")
    granted = uow.session.execute(
        insert(RoleGrant)
        .values(
            cooperative_id=uow.tenant,
            login_id=login_id,
            role=role.value,
            granted_at=uow.now,
            granted_by=uow.actor,
        )
        .on_conflict_do_nothing()
        .returning(RoleGrant.login_id)
    ).all()
    if granted:
        record_change(
            uow, subject=f"login/{login_id}", action="role-granted", after={"role": role.value}
        )


def revoke_role(uow: UnitOfWork, login_id: int, role: Role) -> None:
    """Take a role away.

    Raises:
        LastBoardMemberError: nobody would be left on the board.
    """
    require_permission(uow.identity, "role.grant")
    uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('roles/' || :tenant, 0))"),
        {"tenant": str(uow.tenant)},
    )
    holders = queries.role_holders(uow.session, uow.tenant)
    boards = [holder.login_id for holder in holders if Role.BOARD in holder.roles]
    if role is Role.BOARD and boards == [login_id]:
        raise LastBoardMemberError("name another board member first")
    removed = uow.session.execute(
        delete(RoleGrant)
        .where(
            RoleGrant.cooperative_id == uow.tenant,
            RoleGrant.login_id == login_id,
            RoleGrant.role == role.value,
        )
        .returning(RoleGrant.login_id)
    ).all()
    if removed:
        record_change(
            uow, subject=f"login/{login_id}", action="role-revoked", before={"role": role.value}
        )
