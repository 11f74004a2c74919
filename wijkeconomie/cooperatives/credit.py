"""How far below zero members' accounts may go: the cooperative's terms, and a member's own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """Whether a cooperative limits credit, and how far an account may go without an own limit."""

    is_enforced: bool
    default_cents: int


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """A member with a limit of his own."""

    code: str
    name: str
    limit_cents: int


def credit_terms(uow: UnitOfWork) -> CreditTerms:
    """The terms of the cooperative as they are now."""
    row = uow.session.execute(
        select(Cooperative.enforces_credit_limit, Cooperative.default_credit_limit_cents).where(
            Cooperative.id == uow.tenant
        )
    ).one()
    return CreditTerms(*row)


def set_credit_terms(uow: UnitOfWork, terms: CreditTerms) -> None:
    """Change the terms of the cooperative; what was ordered stays until its round closes.

    Raises:
        InvalidInputError: the limit is negative.
    """
    require_permission(uow.identity, "credit.change")
    _require_amount(terms.default_cents)
    found = uow.session.scalars(
        select(Cooperative).where(Cooperative.id == uow.tenant).with_for_update(key_share=True)
    ).one()
    before = CreditTerms(found.enforces_credit_limit, found.default_credit_limit_cents)
    if before == terms:
        return
    found.enforces_credit_limit = terms.is_enforced
    found.default_credit_limit_cents = terms.default_cents
    uow.session.flush()
    record_change(
        uow, subject="credit-terms", action="changed", before=_told(before), after=_told(terms)
    )


def _told(terms: CreditTerms) -> dict[str, object]:
    return {"is_enforced": terms.is_enforced, "default_cents": terms.default_cents}


def member_limit(uow: UnitOfWork, member_code: str) -> int | None:
    """A member's own limit; ``None`` where that of the cooperative holds.

    Raises:
        NotFoundError: no such member.
    """
    return _member(uow, member_code, is_held=False).credit_limit_cents


def set_member_limit(
    uow: UnitOfWork, member_code: str, limit_cents: int | None, *, reason: str
) -> None:
    """Give a member a limit of his own, or with ``None`` that of the cooperative again.

    Held like a pledge is, so that no order slips in between.

    Raises:
        NotFoundError: no such member.
        InvalidInputError: the limit is negative, or no reason is given.
    """
    require_permission(uow.identity, "credit.change")
    if limit_cents is not None:
        _require_amount(limit_cents)
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    member = _member(uow, member_code, is_held=True)
    before = member.credit_limit_cents
    if before == limit_cents:
        return
    member.credit_limit_cents = limit_cents
    uow.session.flush()
    record_change(
        uow,
        subject=f"member/{member.id}",
        action="credit-limit-changed",
        before={"credit_limit_cents": before},
        after={"credit_limit_cents": limit_cents},
        reason=reason.strip(),
    )


def own_limits(uow: UnitOfWork) -> list[OwnLimit]:
    """Members with a limit of their own, by number."""
    require_permission(uow.identity, "credit.read")
    rows = uow.session.execute(
        text(
            "select code, concat_ws(' ', first_name, infix, last_name), credit_limit_cents"
            " from member where cooperative_id = :id and credit_limit_cents is not null"
            " order by code"
        ),
        {"id": uow.tenant},
    )
    return [OwnLimit(*row) for row in rows]


def _member(uow: UnitOfWork, code: str, *, is_held: bool) -> Member:
    statement = select(Member).where(Member.cooperative_id == uow.tenant, Member.code == code)
    found = uow.session.scalar(statement.with_for_update() if is_held else statement)
    if found is None:
        raise NotFoundError(f"there is no member {code}", member=code)
    return found


def _require_amount(cents: int) -> None:
    if cents < 0:
        raise InvalidInputError("a limit is not negative", field="limit")
