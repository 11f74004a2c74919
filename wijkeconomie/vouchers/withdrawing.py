"""Use case of withdrawing a voucher that was issued by mistake, as long as it is whole."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, debit
from wijkeconomie.ledger.service import lock_books, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import (
    OUTSTANDING,
    open_voucher_accounts,
    postings,
    tax_of,
    vat_regime,
)
from wijkeconomie.vouchers.entry_rules import Line, paid_lines
from wijkeconomie.vouchers.issuing import SOURCES
from wijkeconomie.vouchers.models import (
    PaidBy,
    PaymentCode,
    Voucher,
    VoucherFund,
    VoucherScheme,
)
from wijkeconomie.vouchers.purses import holdings_by_code
from wijkeconomie.vouchers.refusals import UnknownVoucherError, VoucherUsedError


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawVoucher(Command):
    """Take a voucher back, all of it; the holder is told the reason."""

    voucher_code: str
    reason: str


def withdraw_voucher(uow: UnitOfWork, command: WithdrawVoucher) -> int:
    """Take back a voucher of which nothing was used; returns the number of the entry.

    What was paid for it goes back to where it came from: the bank account of vouchers or the till
    (pay it back to the member), the member's account, or the fund. It counts as not issued.

    Raises:
        UnknownVoucherError: no such voucher.
        VoucherUsedError: something of it was used, passed on or expired, it was passed on by a
            member, or it was withdrawn before.
        InvalidInputError: no reason.
        ClosedPeriodError: the month of today is closed.
    """
    require_permission(uow.identity, "voucher.issue")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    if not command.reason.strip():
        raise InvalidInputError("the holder is told why", field="reason")
    voucher, scheme = _held(uow, command.voucher_code)
    day = local_date(uow.now, LOCAL_TIME)
    number = post_entry(
        uow,
        EntryDraft(
            accounting_date=day,
            kind="voucher.withdrawn",
            source=f"voucher/{voucher.code}",
            description=f"Voucher {voucher.code} withdrawn",
            idempotency_key=f"voucher/{voucher.code}/withdrawn",
            postings=(
                debit(_account(uow, voucher, scheme), voucher.face_minor, scheme.unit),
                *postings(uow, _across(uow, voucher, scheme), scheme.unit),
            ),
        ),
    ).number
    voucher.withdrawn_on = day
    voucher.returned_minor = voucher.face_minor if voucher.fund_id is not None else 0
    uow.session.flush()
    _withdraw_codes(uow, voucher)
    record_change(
        uow,
        subject=f"voucher/{voucher.id}",
        action="withdrawn",
        after={"amount_minor": voucher.face_minor},
        reason=command.reason.strip(),
    )
    enqueue(
        uow,
        kind="mail.voucher-withdrawn",
        event_key=f"voucher/{voucher.code}/withdrawn",
        payload={"voucher": voucher.code, "reason": command.reason.strip()},
    )
    remember(uow, command, result=number)
    return number


def _held(uow: UnitOfWork, code: str) -> tuple[Voucher, VoucherScheme]:
    """A whole voucher, with its fund and the books held in this order."""
    wanted = (
        select(Voucher, VoucherScheme)
        .join(
            VoucherScheme,
            (VoucherScheme.cooperative_id == Voucher.cooperative_id)
            & (VoucherScheme.id == Voucher.scheme_id),
        )
        .where(Voucher.cooperative_id == uow.tenant, Voucher.code == code)
        .execution_options(populate_existing=True)
    )
    row = uow.session.execute(wanted).one_or_none()
    if row is None:
        raise UnknownVoucherError(f"there is no voucher {code}", voucher=code)
    uow.session.execute(
        select(VoucherFund.id)
        .where(VoucherFund.cooperative_id == uow.tenant, VoucherFund.id == row[0].fund_id)
        .with_for_update()
    )
    lock_books(uow)
    voucher, scheme = uow.session.execute(wanted).one()
    balance = holdings_by_code(uow.session, uow.tenant, [code])[code].balance
    if balance != voucher.face_minor or voucher.paid_by == PaidBy.TRANSFER:
        raise VoucherUsedError(
            f"of voucher {code} {balance} is held", voucher=code, balance_cents=balance
        )
    return voucher, scheme


def _account(uow: UnitOfWork, voucher: Voucher, scheme: VoucherScheme) -> str:
    control, _ = open_voucher_accounts(uow, scheme.unit)[OUTSTANDING]
    return f"{control}:{voucher.code}"


def _across(uow: UnitOfWork, voucher: Voucher, scheme: VoucherScheme) -> list[Line]:
    """The opposite of its part of the issue, with the tax of that day."""
    party = None
    if voucher.paid_by == PaidBy.FUND:
        party = uow.session.get_one(VoucherFund, (uow.tenant, voucher.fund_id)).code
    elif voucher.paid_by == PaidBy.MEMBER_ACCOUNT:
        party = uow.session.get_one(Member, (uow.tenant, voucher.holder_id)).code
    tax = tax_of(scheme.unit, scheme.vat_basis_points, vat_regime(uow), voucher.issued_on)
    lines = paid_lines(SOURCES[PaidBy(voucher.paid_by)], party, voucher.face_minor, tax)
    return [Line(line.account_key, line.party, -line.amount) for line in lines]


def _withdraw_codes(uow: UnitOfWork, voucher: Voucher) -> None:
    uow.session.execute(
        update(PaymentCode)
        .where(
            PaymentCode.cooperative_id == uow.tenant,
            PaymentCode.voucher_id == voucher.id,
            PaymentCode.redemption_id.is_(None),
            PaymentCode.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=uow.now)
    )
