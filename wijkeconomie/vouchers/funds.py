"""Use cases of funds: money (or units) of our own from which vouchers are given.

Who holds a fund and the books holds the fund first: see the order of locks in ``docs/ledger.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance, last_number, party_codes
from wijkeconomie.ledger.service import ensure_account, lock_books, post_entry, set_balance_limit
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import open_voucher_accounts
from wijkeconomie.vouchers.entry_rules import EURO
from wijkeconomie.vouchers.keeping import flush_or_refuse
from wijkeconomie.vouchers.models import VoucherFund
from wijkeconomie.vouchers.refusals import VoucherCodeTakenError

RECEIVABLE = "subsidy_receivable"
TO_SPEND = "subsidies"
SOURCE = "payments_to_members"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFund:
    """What is set apart for vouchers, in all; ``grantor`` is who decided on it.

    ``on`` is the day on which euros are set apart, today without one.
    """

    code: str
    name: str
    grantor: str
    granted_minor: int
    unit: str = EURO
    returns_unspent: bool = True
    on: date | None = None


def save_fund(uow: UnitOfWork, command: SaveFund) -> int:
    """Write down a fund, or what it grants from now on; returns its id.

    Euros are set apart from our own means in the books, which refuse to give more. What others
    give is not kept here: a subsidy and a round of carers' grants have a fund of their own.

    Raises:
        InvalidInputError: less than was given from it already, another unit, or the code of a
            subsidy or a round.
        VoucherCodeTakenError: another one got the code at this moment.
        ClosedPeriodError: the month of the day is closed.
    """
    require_permission(uow.identity, "voucher.change")
    if command.granted_minor < 0:
        raise InvalidInputError("a grant is not negative", field="granted_minor")
    open_voucher_accounts(uow, command.unit)
    if is_of_others(uow, command.code):
        raise InvalidInputError("a subsidy or a round has this code", field="fund_code")
    fund = uow.session.scalar(
        select(VoucherFund)
        .where(VoucherFund.cooperative_id == uow.tenant, VoucherFund.code == command.code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    before = None
    if fund is None:
        fund = VoucherFund(cooperative_id=uow.tenant, code=command.code, unit=command.unit)
        uow.session.add(fund)
    else:
        before = {"granted_minor": fund.granted_minor}
        if fund.unit != command.unit:
            raise InvalidInputError("a fund keeps its unit", field="unit")
        if command.granted_minor < fund.issued_minor - fund.returned_minor:
            raise InvalidInputError("more was given already", field="granted_minor")
    fund.name, fund.grantor = command.name, command.grantor
    fund.granted_minor, fund.returns_unspent = command.granted_minor, command.returns_unspent
    flush_or_refuse(uow, command.code)
    set_apart(uow, command.code, on=command.on)
    if is_of_others(uow, command.code):
        raise VoucherCodeTakenError(f"{command.code} is in the books", code=command.code)
    record_change(
        uow,
        subject=f"voucher_fund/{fund.id}",
        action="granted",
        before=before,
        after={"granted_minor": fund.granted_minor},
    )
    return fund.id


def is_of_others(uow: UnitOfWork, code: str) -> bool:
    """Whether a fund gives money that somebody awarded us: a subsidy's or a round's."""
    return bool(party_codes(uow.session, uow.tenant, RECEIVABLE, [code]))


_HOLD_ALL = text(
    "select id from voucher_fund where cooperative_id = :cooperative_id order by id for update"
)


def hold_funds(uow: UnitOfWork) -> None:
    """Hold all funds until the transaction ends, before the books are held."""
    uow.session.execute(_HOLD_ALL, {"cooperative_id": uow.tenant})


_LEFT = text(
    "select id, granted_minor - issued_minor + returned_minor as left_minor from voucher_fund"
    " where cooperative_id = :cooperative_id and code = :code and unit = 'EUR' for update"
)


def set_apart(uow: UnitOfWork, code: str, *, on: date | None = None) -> None:
    """Book a fund of our own in euro so that its account holds what it can still give.

    Setting apart is the cost; what is given later lowers the account, which never passes zero.
    Nothing is booked when it holds that already, or when the money is another's.

    Raises:
        ClosedPeriodError: the month of the day is closed.
        VoucherCodeTakenError: a subsidy or a round got the code at this moment.
    """
    fund = uow.session.execute(_LEFT, {"cooperative_id": uow.tenant, "code": code}).one_or_none()
    if fund is None or is_of_others(uow, code):
        return
    # Before the books: who sets up a subsidy with this code now waits, or is waited for and found.
    kept = ensure_account(uow, TO_SPEND, code)
    if is_of_others(uow, code):
        raise VoucherCodeTakenError(f"{code} is in the books", code=code)
    lock_books(uow)
    missing = fund.left_minor + account_balance(uow.session, uow.tenant, kept)
    if missing:
        day = on or local_date(uow.now, LOCAL_TIME)
        draft = EntryDraft(
            accounting_date=day,
            kind="voucher.endowed",
            source=f"voucher-fund/{code}",
            description=f"Set apart for vouchers of fund {code}",
            # The books are held, so the number of the entry before this one is ours alone.
            idempotency_key=f"voucher-fund/{fund.id}/{last_number(uow.session, uow.tenant)}",
            postings=(debit(ensure_account(uow, SOURCE), missing), credit(kept, missing)),
        )
        post_entry(uow, draft)
    set_balance_limit(uow, kept, maximum=0)
