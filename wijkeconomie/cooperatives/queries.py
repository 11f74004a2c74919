"""Reads of cooperatives, members, roles and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.models import Cooperative, RoleGrant
from wijkeconomie.cooperatives.rules import full_name
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class CooperativeView:
    """A cooperative as everyone who may enter it sees it."""

    id: int
    code: str
    name: str
    neighbourhood: str
    liability: str
    vat_regime: str
    kvk: str
    iban: str
    creditor_id: str
    contribution_year_cents: int

    @property
    def full_name(self) -> str:
        """The name with W.A., B.A. or U.A."""
        return full_name(self.name, self.liability)


def _cooperative_view(row: Cooperative) -> CooperativeView:
    return CooperativeView(
        row.id,
        row.code,
        row.name,
        row.neighbourhood,
        row.liability,
        row.vat_regime,
        row.kvk,
        row.iban,
        row.creditor_id,
        row.contribution_year_cents,
    )


def cooperative_by_code(session: Session, code: str) -> CooperativeView:
    """The cooperative with this code.

    Raises:
        NotFoundError: there is none.
    """
    row = session.scalar(select(Cooperative).where(Cooperative.code == code))
    if row is None:
        raise NotFoundError(f"there is no cooperative {code}", code=code)
    return _cooperative_view(row)


def cooperatives(session: Session) -> list[CooperativeView]:
    """Every cooperative, in order of its code."""
    rows = session.scalars(select(Cooperative).order_by(Cooperative.code))
    return [_cooperative_view(row) for row in rows]


@dataclass(frozen=True, slots=True)
class LoginGrant:
    """A cooperative that a login may enter, with the roles and the member it has there."""

    cooperative_id: int
    code: str
    name: str
    roles: frozenset[Role]
    member_id: int | None


_GRANTS = text(
    """
select grants.cooperative_id, cooperative.code, cooperative.name, grants.roles, member.id
from (
  select cooperative_id, array_agg(role) as roles from role_grant
  where login_id = :login_id group by cooperative_id
) as grants
join cooperative on cooperative.id = grants.cooperative_id
left join member on member.cooperative_id = grants.cooperative_id
  and member.login_id = :login_id
order by cooperative.name, cooperative.id
"""
)


def grants_of_login(session: Session, login_id: int) -> list[LoginGrant]:
    """Where a login has roles. Also sees over cooperatives when the login itself asks."""
    return [
        LoginGrant(row[0], row[1], row[2], frozenset(Role(name) for name in row[3]), row[4])
        for row in session.execute(_GRANTS, {"login_id": login_id})
    ]


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as those who keep the members' list see him."""

    id: int
    code: str
    name: str
    email: str | None
    joined_on: date
    left_on: date | None
    login_id: int | None
    has_mandate: bool


_MEMBERS = text(
    """
select id, code, concat_ws(' ', first_name, infix, last_name) as name, email, joined_on, left_on,
  login_id, mandate_id is not null
from member
where cooperative_id = :cooperative_id and code > :after
  and (:search = '' or code ilike :pattern or email ilike :pattern
    or concat_ws(' ', first_name, infix, last_name) ilike :pattern)
order by code limit :limit
"""
)


def members(
    session: Session, cooperative_id: int, *, search: str = "", after: str = "", limit: int = 200
) -> list[MemberView]:
    """Members by number, from the one after ``after``; ``search`` looks in name and address."""
    wanted = search.strip()
    pattern = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = session.execute(
        _MEMBERS,
        {
            "cooperative_id": cooperative_id,
            "after": after,
            "search": wanted,
            "pattern": f"%{pattern}%",
            "limit": limit,
        },
    )
    return [MemberView(*row) for row in found]


def member_by_code(session: Session, cooperative_id: int, code: str) -> MemberView:
    """The member with this number.

    Raises:
        NotFoundError: there is none in this cooperative.
    """
    found = session.execute(
        text(
            "select id, code, concat_ws(' ', first_name, infix, last_name), email, joined_on,"
            " left_on, login_id, mandate_id is not null from member"
            " where cooperative_id = :cooperative_id and code = :code"
        ),
        {"cooperative_id": cooperative_id, "code": code},
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no member {code}", member=code)
    return MemberView(*found)


def active_member_codes(session: Session, cooperative_id: int, day: date) -> list[str]:
    """The numbers of those who are members on ``day``, in order."""
    return list(
        session.scalars(
            text(
                "select code from member where cooperative_id = :cooperative_id"
                " and joined_on <= :day and (left_on is null or left_on >= :day) order by code"
            ),
            {"cooperative_id": cooperative_id, "day": day},
        )
    )


def member_ids_by_code(session: Session, cooperative_id: int) -> dict[str, int]:
    """The ids of all members, by number."""
    return dict(
        session.execute(
            text("select code, id from member where cooperative_id = :id order by code"),
            {"id": cooperative_id},
        ).all()
    )


@dataclass(frozen=True, slots=True)
class RoleHolder:
    """A login with its roles in one cooperative."""

    login_id: int
    display_name: str
    email: str
    roles: frozenset[Role]


def role_holders(session: Session, cooperative_id: int) -> list[RoleHolder]:
    """Everyone with a role in the cooperative, by name."""
    found = session.execute(
        text(
            "select login.id, login.display_name, login.email, array_agg(g.role)"
            " from role_grant g join login on login.id = g.login_id"
            " where g.cooperative_id = :cooperative_id"
            " group by login.id order by login.display_name, login.id"
        ),
        {"cooperative_id": cooperative_id},
    )
    return [
        RoleHolder(row[0], row[1], row[2], frozenset(Role(name) for name in row[3]))
        for row in found
    ]


def board_size(session: Session, cooperative_id: int) -> int:
    """How many logins are on the board."""
    found = session.scalars(
        select(RoleGrant.login_id).where(
            RoleGrant.cooperative_id == cooperative_id, RoleGrant.role == Role.BOARD.value
        )
    )
    return len(found.all())


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation that was sent."""

    id: int
    email: str
    display_name: str
    roles: frozenset[Role]
    member_code: str | None
    created_at: datetime
    expires_at: datetime


def open_invitations(session: Session, cooperative_id: int, now: datetime) -> list[InvitationView]:
    """Invitations that can still be accepted, the newest first."""
    found = session.execute(
        text(
            "select x.id, x.email, x.display_name, x.roles, member.code, x.created_at,"
            " x.expires_at from invitation x left join member"
            " on member.cooperative_id = x.cooperative_id and member.id = x.member_id"
            " where x.cooperative_id = :cooperative_id and x.accepted_at is null"
            " and x.withdrawn_at is null and x.expires_at > :now order by x.id desc"
        ),
        {"cooperative_id": cooperative_id, "now": now},
    )
    return [
        InvitationView(
            row[0],
            row[1],
            row[2],
            frozenset(Role(name) for name in row[3].split(",") if name),
            *row[4:],
        )
        for row in found
    ]
