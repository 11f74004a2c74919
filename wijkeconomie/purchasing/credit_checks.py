"""The credit limit, looked at under the lock of the member whom it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import bindparam, select

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.refusals import CreditLimitError
from wijkeconomie.purchasing.round_rules import credit_shortfall

_TERMS = select(Cooperative.enforces_credit_limit, Cooperative.default_credit_limit_cents).where(
    Cooperative.id == bindparam("tenant")
)


@contextmanager
def within_credit(uow: UnitOfWork, member_id: int) -> Iterator[None]:
    """Hold a member while what he gets is changed, and refuse what his account does not cover.

    Raises:
        CreditLimitError: tells how much is short.
    """
    held = select(Member).where(Member.cooperative_id == uow.tenant, Member.id == member_id)
    member = uow.session.scalars(held.with_for_update()).one()
    reserved_before = queries.reserved_cents(uow.session, uow.tenant, member_id)
    yield
    require_credit(uow, member, reserved_before)


def require_credit(uow: UnitOfWork, member: Member, reserved_before: int) -> None:
    """Refuse a change of pledges that passes the limit of a member whom the caller holds.

    A change that does not worsen his position is always allowed.

    Args:
        reserved_before: what his pledges reserved before the change that was just written.

    Raises:
        CreditLimitError: tells how much is short.
    """
    room = _room(uow, member)
    if room is not None:
        reserved_now = queries.reserved_cents(uow.session, uow.tenant, member.id)
        _refuse_shortfall(member, room - reserved_before, room - reserved_now)


def require_room(uow: UnitOfWork, member: Member, cents: int) -> None:
    """Refuse a charge that passes the limit of a member whom the caller holds.

    Raises:
        CreditLimitError: tells how much is short.
    """
    room = _room(uow, member)
    if room is not None:
        free = room - queries.reserved_cents(uow.session, uow.tenant, member.id)
        _refuse_shortfall(member, free, free - cents)


def _room(uow: UnitOfWork, member: Member) -> int | None:
    """How much further the account may go; ``None`` where the cooperative limits no credit."""
    limit = uow.session.execute(_TERMS, {"tenant": uow.tenant}).one()
    if not limit.enforces_credit_limit:
        return None
    owed = queries.owed_cents(uow.session, uow.tenant, member.code)
    own = member.credit_limit_cents
    most: int = limit.default_credit_limit_cents if own is None else own
    return most - owed


def _refuse_shortfall(member: Member, before: int, after: int) -> None:
    short = credit_shortfall(before, after)
    if short:
        raise CreditLimitError(
            f"member {member.code} is {short} cents short", short_cents=short, member=member.code
        )
