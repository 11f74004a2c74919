"""Use case of expiry: what vouchers hold past their last day, booked as one entry, set-based."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from sqlalchemy import Row, text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.queries import last_number
from wijkeconomie.ledger.service import lock_books, party_accounts, post_bulk_entry
from wijkeconomie.vouchers.accounts import (
    OUTSTANDING,
    open_voucher_accounts,
    tax_of,
    vat_regime,
)
from wijkeconomie.vouchers.entry_rules import Line, Tax, expired_lines, left_of_expired
from wijkeconomie.vouchers.funds import hold_funds

Taxes = Mapping[int | None, Tax]

_EXPIRED = text(
    """
select v.id, v.code, v.account_id, -b.balance as held, s.unit, s.vat_basis_points,
  case when f.returns_unspent then f.code end as fund
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
left join voucher_fund f on f.cooperative_id = v.cooperative_id and f.id = v.fund_id
where v.cooperative_id = :cooperative_id and v.expires_on < :day and b.balance < 0
order by v.id
"""
)


def expire_vouchers(uow: UnitOfWork, day: date) -> dict[str, int]:
    """Book out what vouchers hold whose last day was before ``day``; by unit, how much it was.

    One entry a unit, dated ``day``, however many vouchers. Again on the same day it finds only
    what a refund put back on an expired voucher since.

    Raises:
        ClosedPeriodError: the month of the day is closed.
    """
    require_permission(uow.identity, "voucher.expire")
    hold_funds(uow)
    lock_books(uow)
    rows = uow.session.execute(_EXPIRED, {"cooperative_id": uow.tenant, "day": day}).all()
    by_unit: dict[str, list[Row[tuple[object, ...]]]] = {}
    for row in rows:
        by_unit.setdefault(row.unit, []).append(row)
    for unit, own in by_unit.items():
        _expire(uow, unit, own, day)
    return {unit: sum(row.held for row in own) for unit, own in by_unit.items()}


def _expire(uow: UnitOfWork, unit: str, rows: Sequence[Row[tuple[object, ...]]], day: date) -> None:
    accounts = open_voucher_accounts(uow, unit)
    regime = vat_regime(uow)
    taxes = {
        points: tax_of(unit, points, regime, day)
        for points in {row.vat_basis_points for row in rows}
    }
    lines = _across(rows, taxes)
    columns = []
    for line in lines:
        if line.party is None:
            columns.append(accounts[line.account_key])
        else:
            ids, codes = party_accounts(uow, line.account_key, [line.party], unit=unit)
            columns.append((codes[0], int(ids[0])))
    control = accounts[OUTSTANDING][0]
    draft = BulkEntryDraft(
        accounting_date=day,
        kind="voucher.expired",
        source=f"expiry/{day.isoformat()}",
        description=f"Vouchers expired before {day.isoformat()}: {len(rows)} in {unit}",
        # The books are held, so the number of the entry before this one is ours alone.
        idempotency_key=f"expiry/{unit}/{last_number(uow.session, uow.tenant)}",
        account_ids=np.array(
            [*(row.account_id for row in rows), *(id_ for _, id_ in columns)], np.int64
        ),
        account_codes=[*(f"{control}:{row.code}" for row in rows), *(code for code, _ in columns)],
        amounts=np.array([*(row.held for row in rows), *(line.amount for line in lines)], np.int64),
        unit=unit,
    )
    post_bulk_entry(uow, draft)
    _write(uow, rows, taxes)


def _across(rows: Sequence[Row[tuple[object, ...]]], taxes: Taxes) -> list[Line]:
    """What stands across the vouchers, merged by account; tax is that of each voucher."""
    alike = Counter((row.fund, row.vat_basis_points, row.held) for row in rows)
    sums: Counter[tuple[str, str | None]] = Counter()
    for (fund, points, held), count in alike.items():
        for line in expired_lines(fund, held, taxes[points]):
            sums[line.account_key, line.party] += line.amount * count
    return [Line(key, party, amount) for (key, party), amount in sums.items() if amount]


def _write(uow: UnitOfWork, rows: Sequence[Row[tuple[object, ...]]], taxes: Taxes) -> None:
    """What expired, and what of it its fund can give again; the database counts that."""
    uow.session.execute(
        text(
            "update voucher v set expired_minor = v.expired_minor + x.held,"
            " returned_minor = v.returned_minor + x.back"
            " from unnest(cast(:ids as bigint[]), cast(:held as bigint[]), cast(:back as bigint[]))"
            " as x (id, held, back)"
            " where v.cooperative_id = :cooperative_id and v.id = x.id"
        ),
        {
            "cooperative_id": uow.tenant,
            "ids": array_text(row.id for row in rows),
            "held": array_text(row.held for row in rows),
            "back": array_text(
                0 if row.fund is None else left_of_expired(row.held, taxes[row.vat_basis_points])
                for row in rows
            ),
        },
    )
