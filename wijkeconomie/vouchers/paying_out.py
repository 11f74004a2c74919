"""Use cases of paying merchants out, and of keeping the money of vouchers apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text

from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance
from wijkeconomie.ledger.service import ensure_account, lock_books, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import rate_on
from wijkeconomie.vouchers.accounts import open_voucher_accounts, postings, vat_regime
from wijkeconomie.vouchers.entry_rules import EURO, payout_lines
from wijkeconomie.vouchers.keeping import merchant_by_code
from wijkeconomie.vouchers.merchant_queries import fees_of_merchant
from wijkeconomie.vouchers.models import Merchant, MerchantPayout, MerchantPayoutFee
from wijkeconomie.vouchers.refusals import NothingToPayOutError
from wijkeconomie.vouchers.rules import owed_by_fee, payout_of_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut(Command):
    """Pay a merchant all that he is owed; ``underway`` is the run that orders it at the bank."""

    merchant_code: str
    paid_on: date | None = None
    underway: str | None = None


def pay_out(uow: UnitOfWork, command: PayOut) -> int:
    """Book what a merchant is paid, less his fee, of which this is the invoice; its number.

    The fee is that of the days on which he took it; what he took first is paid first. Tax on the
    fee is that of the day, rounded once. Under the small businesses scheme there is none.

    Raises:
        NotFoundError: no such merchant.
        NothingToPayOutError: he is owed nothing.
        ClosedPeriodError: the month of the day is closed.
    """
    require_permission(uow.identity, "voucher.pay-out")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    lock_books(uow)
    merchant = merchant_by_code(uow, command.merchant_code)
    open_voucher_accounts(uow, EURO)
    account = ensure_account(uow, "merchants", merchant.code)
    owed = -account_balance(uow.session, uow.tenant, account)
    if owed <= 0:
        raise NothingToPayOutError(f"merchant {merchant.code} is owed nothing")
    day = command.paid_on or local_date(uow.now, LOCAL_TIME)
    regime = vat_regime(uow)
    points = rate_on("high", day) if regime == "regulier" else None
    parts = _parts(uow, merchant, account, owed)
    paid = payout_of_parts(parts, points)
    last = uow.session.scalar(
        select(func.max(MerchantPayout.number)).where(MerchantPayout.cooperative_id == uow.tenant)
    )
    number = (last or 0) + 1
    lines = payout_lines(merchant.code, paid, regime=regime, underway=command.underway)
    draft = EntryDraft(
        accounting_date=day,
        kind="merchant.paid",
        source=f"payout/{number}",
        description=f"Payout {number} to merchant {merchant.code}",
        idempotency_key=f"payout/{number}",
        postings=tuple(postings(uow, lines, EURO)),
    )
    written = MerchantPayout(
        cooperative_id=uow.tenant,
        number=number,
        merchant_id=merchant.id,
        paid_on=day,
        gross_cents=paid.gross_cents,
        fee_cents=paid.fee_cents,
        fee_vat_cents=paid.fee_vat_cents,
        paid_cents=paid.paid_cents,
        entry_number=post_entry(uow, draft).number,
        created_at=uow.now,
        created_by=uow.actor,
    )
    _write(uow, written, parts)
    remember(uow, command, result=number)
    return number


def _write(uow: UnitOfWork, payout: MerchantPayout, parts: Sequence[tuple[int, int]]) -> None:
    uow.session.add(payout)
    uow.session.flush()
    uow.session.add_all(
        MerchantPayoutFee(
            cooperative_id=uow.tenant, payout_id=payout.id, fee_basis_points=fee, gross_cents=cents
        )
        for fee, cents in parts
    )
    uow.session.flush()


_TAKEN = text(
    """
select e.accounting_date, e.kind = 'merchant.paid' as is_payout, sum(p.amount)::bigint as amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.code = :code and a.unit = 'EUR'
group by e.accounting_date, is_payout
"""
)


def _parts(uow: UnitOfWork, merchant: Merchant, account: str, owed: int) -> list[tuple[int, int]]:
    """What is owed by the fee under which it was taken."""
    fees = fees_of_merchant(uow.session, uow.tenant, merchant.code)
    if len(fees) == 1:
        return [(fees[0].fee_basis_points, owed)]
    rows = uow.session.execute(_TAKEN, {"cooperative_id": uow.tenant, "code": account}).all()
    spans = zip(fees, [*(each.valid_from for each in fees[1:]), date.max], strict=True)
    taken = [
        (
            fee.fee_basis_points,
            -sum(
                row.amount
                for row in rows
                if not row.is_payout and fee.valid_from <= row.accounting_date < end
            ),
        )
        for fee, end in spans
    ]
    return owed_by_fee(taken, sum(row.amount for row in rows if row.is_payout))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCover(Command):
    """Money that was moved to the bank account of vouchers; negative when it was moved back."""

    amount_cents: int
    moved_on: date | None = None


def move_cover(uow: UnitOfWork, command: MoveCover) -> int:
    """Book a transfer between our own two bank accounts; returns the number of the entry.

    Raises:
        InvalidInputError: nothing was moved.
        ClosedPeriodError: the month of the day is closed.
    """
    require_permission(uow.identity, "voucher.pay-out")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    if command.amount_cents == 0:
        raise InvalidInputError("move something", field="amount")
    open_voucher_accounts(uow, EURO)
    draft = EntryDraft(
        accounting_date=command.moved_on or local_date(uow.now, LOCAL_TIME),
        kind="voucher.covered",
        source="vouchers",
        description="Money of vouchers set apart",
        idempotency_key=f"cover/{command.idempotency_key}",
        postings=(
            debit(ensure_account(uow, "voucher_bank"), command.amount_cents),
            credit(ensure_account(uow, "bank"), command.amount_cents),
        ),
    )
    number = post_entry(uow, draft).number
    remember(uow, command, result=number)
    return number
