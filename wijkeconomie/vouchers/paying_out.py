"""Use cases of paying merchants out, and of keeping the money of vouchers apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

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
from wijkeconomie.vouchers.models import MerchantPayout
from wijkeconomie.vouchers.refusals import NothingToPayOutError
from wijkeconomie.vouchers.rules import payout


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut(Command):
    """Pay a merchant all that he is owed."""

    merchant_code: str
    paid_on: date | None = None


def pay_out(uow: UnitOfWork, command: PayOut) -> int:
    """Book what a merchant is paid, less his fee, of which this is the invoice; its number.

    Tax on the fee is that of the day, rounded once. Under the small businesses scheme there is
    none.

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
    paid = payout(owed, merchant.fee_basis_points, points)
    last = uow.session.scalar(
        select(func.max(MerchantPayout.number)).where(MerchantPayout.cooperative_id == uow.tenant)
    )
    number = (last or 0) + 1
    draft = EntryDraft(
        accounting_date=day,
        kind="merchant.paid",
        source=f"payout/{number}",
        description=f"Payout {number} to merchant {merchant.code}",
        idempotency_key=f"payout/{number}",
        postings=tuple(postings(uow, payout_lines(merchant.code, paid, regime=regime), EURO)),
    )
    uow.session.add(
        MerchantPayout(
            cooperative_id=uow.tenant,
            number=number,
            merchant_id=merchant.id,
            paid_on=day,
            gross_cents=paid.gross_cents,
            fee_cents=paid.fee_cents,
            fee_vat_cents=paid.fee_vat_cents,
            paid_cents=paid.paid_cents,
            fee_basis_points=merchant.fee_basis_points,
            entry_number=post_entry(uow, draft).number,
            created_at=uow.now,
            created_by=uow.actor,
        )
    )
    uow.session.flush()
    remember(uow, command, result=number)
    return number


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
