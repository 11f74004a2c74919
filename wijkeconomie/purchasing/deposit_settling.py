"""Deposits of a round that is settled or corrected: computed once, then booked beside its goods."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select, text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.purchasing.deposit_accounts import deposit_postings
from wijkeconomie.purchasing.deposit_models import DepositSettlement
from wijkeconomie.purchasing.deposit_rules import (
    NO_DEPOSIT_ENTRY,
    NO_DEPOSITS,
    DepositEntry,
    DepositTotals,
    RoundDeposits,
    deposit_lines,
    round_deposits,
)
from wijkeconomie.purchasing.models import PurchaseRound, RoundProduct
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.supplier_queries import supplier_code

_MEMBERS = text(
    """
select member.code, sum(charge.cents)::bigint from deposit_charge charge
join pledge x on x.cooperative_id = charge.cooperative_id and x.id = charge.pledge_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
where charge.cooperative_id = :cooperative_id and charge.round_id = :round_id
  and charge.version = :version
group by member.code
"""
)
# In one statement: the database looks at them together.
_CHARGES = text(
    """
insert into deposit_charge (cooperative_id, round_id, version, pledge_id, units, each_cents)
select :cooperative_id, :round_id, :version, charge.*
from unnest(cast(:pledges as bigint[]), cast(:units as bigint[]), cast(:each as bigint[]))
  as charge
"""
)


def deposits_of(
    uow: UnitOfWork, found: PurchaseRound, result: SettlementResult, invoiced_cents: int | None
) -> RoundDeposits:
    """The deposits of a round as it was shared; ``NO_DEPOSITS`` where no product has one."""
    each = uow.session.execute(
        select(RoundProduct.id, RoundProduct.deposit_cents).where(
            RoundProduct.cooperative_id == uow.tenant,
            RoundProduct.round_id == found.id,
            RoundProduct.deposit_cents > 0,
        )
    )
    known = {row[0]: row[1] for row in each}
    if not known and not invoiced_cents:
        return NO_DEPOSITS
    return round_deposits(result, known, invoiced_cents)


def deposit_entry(
    uow: UnitOfWork, found: PurchaseRound, deposits: RoundDeposits, version: int
) -> DepositEntry:
    """What ``version`` of a round books in deposits, beside the version before it."""
    before = _totals(uow, found.id, version - 1)
    if deposits == NO_DEPOSITS and before == DepositTotals():
        return NO_DEPOSIT_ENTRY
    codes = _member_codes(uow, deposits)
    now = DepositTotals(
        deposits.supplier_cents,
        deposits.due_cents,
        {codes[member]: cents for member, cents in deposits.per_member().items()},
    )
    supplier = supplier_code(uow.session, uow.tenant, found.supplier_id)
    return DepositEntry(before, now, deposit_lines(before, now, supplier))


def write_deposits(
    uow: UnitOfWork,
    found: PurchaseRound,
    deposits: RoundDeposits,
    entry: DepositEntry,
    on: date,
    *,
    version: int,
) -> None:
    """Book the deposits of a version that is being written, as a difference with the last one.

    Raises:
        BalanceLimitError: a correction takes back deposits on packaging that came back since.
    """
    if entry == NO_DEPOSIT_ENTRY:
        return
    uow.session.add(
        DepositSettlement(
            cooperative_id=uow.tenant,
            round_id=found.id,
            version=version,
            supplier_cents=entry.now.supplier_cents,
            due_cents=entry.now.due_cents,
            entry_number=_post(uow, found, entry.lines, on, version),
        )
    )
    uow.session.flush()
    uow.session.execute(
        _CHARGES,
        {
            "cooperative_id": uow.tenant,
            "round_id": found.id,
            "version": version,
            "pledges": array_text(line.pledge for line in deposits.lines),
            "units": array_text(line.units for line in deposits.lines),
            "each": array_text(line.each_cents for line in deposits.lines),
        },
    )


def _post(
    uow: UnitOfWork, found: PurchaseRound, lines: tuple[EntryLine, ...], on: date, version: int
) -> int | None:
    if not lines:
        return None
    draft = EntryDraft(
        accounting_date=on,
        kind="deposit.charged",
        source=f"deposit/{found.code}/{version}",
        description=f"Deposits of round {found.code}, version {version}",
        idempotency_key=f"round/{found.id}/deposits/{version}",
        postings=deposit_postings(uow, lines),
    )
    return post_entry(uow, draft).number


def _totals(uow: UnitOfWork, round_id: int, version: int) -> DepositTotals:
    if not version:
        return DepositTotals()
    row = uow.session.get(DepositSettlement, (uow.tenant, round_id, version))
    if row is None:
        return DepositTotals()
    key = {"cooperative_id": uow.tenant, "round_id": round_id, "version": version}
    members = {found[0]: found[1] for found in uow.session.execute(_MEMBERS, key)}
    return DepositTotals(row.supplier_cents, row.due_cents, members)


def _member_codes(uow: UnitOfWork, deposits: RoundDeposits) -> dict[int, str]:
    found = uow.session.execute(
        text(
            "select id, code from member where cooperative_id = :cooperative_id"
            " and id = any(cast(:ids as bigint[]))"
        ),
        {"cooperative_id": uow.tenant, "ids": sorted(deposits.per_member())},
    )
    return {row[0]: row[1] for row in found}
