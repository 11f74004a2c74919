"""Bank accounts of our own, and where the books keep the money on each."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.check_digits import CheckDigitError, validate_iban
from wijkeconomie.payments.models import OwnBankAccount

MAIN = "bank"
VOUCHERS = "voucher_bank"


def own_accounts(session: Session, cooperative_id: int) -> Mapping[str, str]:
    """Accounts of the books by bank account: that of the cooperative, and those beside it."""
    main = session.scalar(select(Cooperative.iban).where(Cooperative.id == cooperative_id))
    beside = session.execute(
        select(OwnBankAccount.iban, OwnBankAccount.account_key)
        .where(OwnBankAccount.cooperative_id == cooperative_id)
        .order_by(OwnBankAccount.iban)
    )
    return dict(beside.all()) | {str(main): MAIN}


def account_of(uow: UnitOfWork, iban: str, usual: str) -> str:
    """Where the books keep the money that a bank account pays.

    A cooperative with one bank account keeps the money of vouchers on it too, and apart in its
    books: then what is ``usual`` for whom it pays decides.
    """
    found: str | None = uow.session.scalar(
        select(OwnBankAccount.account_key).where(
            OwnBankAccount.cooperative_id == uow.tenant, OwnBankAccount.iban == iban
        )
    )
    return found or usual


def keep_voucher_account(uow: UnitOfWork, iban: str) -> str:
    """Write down which bank account holds the money of vouchers; returns it as banks write it.

    Its bank lines are taken from then on, and are booked on the account of vouchers.

    Raises:
        InvalidInputError: it is no bank account, or that of the cooperative itself.
    """
    require_permission(uow.identity, "payment.order")
    try:
        known = validate_iban(iban)
    except CheckDigitError as error:
        raise InvalidInputError("this is not a bank account", field="iban") from error
    if own_accounts(uow.session, uow.tenant).get(known) == MAIN:
        raise InvalidInputError("the money of vouchers stands on another account", field="iban")
    note_account(uow, known, VOUCHERS)
    return known


def note_account(uow: UnitOfWork, iban: str, account_key: str) -> None:
    """Know a bank account as ours from now on, unless it is known; that of the cooperative is."""
    new = uow.session.execute(
        text(
            "insert into own_bank_account (cooperative_id, iban, account_key)"
            " select :id, :iban, :key from cooperative"
            " where id = :id and iban <> :iban"
            " on conflict (cooperative_id, iban) do nothing returning iban"
        ),
        {"id": uow.tenant, "iban": iban, "key": account_key},
    ).one_or_none()
    if new is not None:
        record_change(
            uow,
            subject=f"bank-account/{iban}",
            action="noted",
            after={"account": account_key},
        )
