"""Reads of how a member's account stands with what he ordered."""

from __future__ import annotations

from dataclasses import dataclass

from wijkeconomie.cooperatives.credit import credit_terms, member_limit
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.queries import owed_cents, reserved_cents


@dataclass(frozen=True, slots=True)
class CreditPosition:
    """A member's account: his money there, what his orders can cost at most, and his limit.

    ``limit_cents`` is how far below zero it may go; ``None`` where the cooperative sets no limit.
    """

    balance_cents: int
    reserved_cents: int
    limit_cents: int | None

    @property
    def free_cents(self) -> int:
        """What is left when everything that was ordered has been paid."""
        return self.balance_cents - self.reserved_cents

    @property
    def room_cents(self) -> int | None:
        """What he can still order for; below zero he is past his limit."""
        return None if self.limit_cents is None else self.free_cents + self.limit_cents


def position(uow: UnitOfWork, member_id: int, member_code: str) -> CreditPosition:
    """How a member stands now."""
    terms = credit_terms(uow)
    own = member_limit(uow, member_code)
    limit = terms.default_cents if own is None else own
    return CreditPosition(
        balance_cents=-owed_cents(uow.session, uow.tenant, member_code),
        reserved_cents=reserved_cents(uow.session, uow.tenant, member_id),
        limit_cents=limit if terms.is_enforced else None,
    )
