"""Limits that every part of a control account has."""

from __future__ import annotations

from sqlalchemy import text

from wijkeconomie.core.unit_of_work import UnitOfWork

_LIMIT = text(
    """
update account_balance b set minimum_balance = :minimum, maximum_balance = :maximum
from account a
where a.cooperative_id = :cooperative_id and a.key = :key and a.party is not null
  and a.unit = 'EUR' and b.cooperative_id = a.cooperative_id and b.account_id = a.id
  and b.minimum_balance is null and b.maximum_balance is null
"""
)


def limit_parties(
    uow: UnitOfWork, key: str, *, minimum: int | None = None, maximum: int | None = None
) -> None:
    """Give the parts of a control account that have no limit yet one, debit positive."""
    uow.session.execute(
        _LIMIT,
        {"cooperative_id": uow.tenant, "key": key, "minimum": minimum, "maximum": maximum},
    )
