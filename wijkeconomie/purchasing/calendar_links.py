"""Use cases of the secret link by which a calendar program reads a member's rounds."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.link_models import CalendarFeed

TOKEN_BYTES = 24


def make_calendar_link(uow: UnitOfWork) -> str:
    """Make a link for the member who asks and return its token, this once; an older one ends.

    Raises:
        InvalidInputError: who asks is no member here.
    """
    require_permission(uow.identity, "pledge.make")
    member_id = _own(uow)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    found = uow.session.get(CalendarFeed, (uow.tenant, member_id), with_for_update=True)
    if found is None:
        found = CalendarFeed(cooperative_id=uow.tenant, member_id=member_id)
        uow.session.add(found)
    found.token_hash, found.created_at = _hash(token), uow.now
    uow.session.flush()
    record_change(uow, subject=f"member/{member_id}", action="calendar-linked")
    return token


def end_calendar_link(uow: UnitOfWork) -> None:
    """Make the link of the member who asks worthless."""
    member_id = _own(uow)
    found = uow.session.get(CalendarFeed, (uow.tenant, member_id), with_for_update=True)
    if found is not None and found.token_hash is not None:
        found.token_hash = None
        uow.session.flush()
        record_change(uow, subject=f"member/{member_id}", action="calendar-unlinked")


def has_calendar_link(uow: UnitOfWork) -> bool:
    """Whether the member who asks has a link that works."""
    found = uow.session.get(CalendarFeed, (uow.tenant, _own(uow)))
    return found is not None and found.token_hash is not None


def member_by_calendar(uow: UnitOfWork, token: str) -> Member | None:
    """Whose calendar a token opens; nobody's once he has left."""
    found = uow.session.scalar(
        select(Member)
        .join(
            CalendarFeed,
            (CalendarFeed.cooperative_id == Member.cooperative_id)
            & (CalendarFeed.member_id == Member.id),
        )
        .where(Member.cooperative_id == uow.tenant, CalendarFeed.token_hash == _hash(token))
    )
    today = local_date(uow.now, LOCAL_TIME)
    has_left = found is not None and found.left_on is not None and found.left_on < today
    return None if has_left else found


def _own(uow: UnitOfWork) -> int:
    if uow.identity.member_id is None:
        raise InvalidInputError("only members have a calendar", field="member")
    return uow.identity.member_id


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
