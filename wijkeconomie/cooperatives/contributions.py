"""Use cases of contributions: what a year of membership costs, charged once a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import select, text

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.service import ensure_account, party_accounts, post_bulk_entry

FIRST_YEAR = 2013
"""The first year of which the rates of tax are recorded whole."""


@dataclass(frozen=True, slots=True)
class ChargedContributions:
    """How many members were charged now, together how much, and by which entry."""

    members: int
    cents: int
    entry_number: int | None


_CHARGED = text(
    """
select distinct account.party from posting
join account on account.cooperative_id = posting.cooperative_id
  and account.id = posting.account_id
join journal_entry entry on entry.cooperative_id = posting.cooperative_id
  and entry.number = posting.entry_number
where posting.cooperative_id = :cooperative_id and account.key = 'contribution_receivable'
  and account.party is not null and posting.amount > 0 and entry.kind = 'contribution.charged'
  and entry.accounting_date >= make_date(:year, 1, 1)
  and entry.accounting_date < make_date(:year + 1, 1, 1)
  and not exists (select from journal_entry reversal
    where reversal.cooperative_id = entry.cooperative_id
      and reversal.reverses_number = entry.number)
"""
)


def charge_contributions(
    uow: UnitOfWork, year: int, *, on: date | None = None
) -> ChargedContributions:
    """Charge the contribution of ``year`` to each member on ``on`` who was not charged yet.

    Every member owes the whole amount, whenever in the year he is charged. A second call
    charges only who joined in the meantime.

    Args:
        on: the accounting date, within the year; ``None`` is 1 January.

    Raises:
        InvalidInputError: the date lies in another year.
        ClosedPeriodError: its month is closed.
    """
    require_permission(uow.identity, "contribution.charge")
    day = on or date(year, 1, 1)
    if day.year != year or year < FIRST_YEAR:
        raise InvalidInputError(f"{day} does not lie in {year}", field="on")
    uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('contributions/' || :tenant, 0))"),
        {"tenant": str(uow.tenant)},
    )
    amount = uow.session.scalars(
        select(Cooperative.contribution_year_cents).where(Cooperative.id == uow.tenant)
    ).one()
    key = {"cooperative_id": uow.tenant, "year": year}
    charged = set(uow.session.scalars(_CHARGED, key))
    active = queries.active_member_codes(uow.session, uow.tenant, day)
    owing = [code for code in active if code not in charged]
    if not owing or not amount:
        return ChargedContributions(0, 0, None)
    number = post_bulk_entry(uow, _draft(uow, year, day, owing, amount)).number
    return ChargedContributions(len(owing), len(owing) * amount, number)


def _draft(uow: UnitOfWork, year: int, day: date, owing: list[str], amount: int) -> BulkEntryDraft:
    ids, codes = party_accounts(uow, "contribution_receivable", owing)
    income = ensure_account(uow, "contribution_income")
    income_id = uow.session.scalars(
        text(
            "select id from account where cooperative_id = :cooperative_id and code = :code"
            " and unit = 'EUR'"
        ),
        {"cooperative_id": uow.tenant, "code": income},
    ).one()
    return BulkEntryDraft(
        accounting_date=day,
        kind="contribution.charged",
        source=f"contribution/{year}",
        description=f"Contribution {year}",
        # The first member tells this charge from a later one of who joined since.
        idempotency_key=f"contribution/{year}/{owing[0]}",
        account_ids=np.append(ids, income_id),
        account_codes=[*codes, income],
        amounts=np.append(np.full(len(owing), amount, np.int64), -amount * len(owing)),
    )
