"""Use cases of keeping the closed list of merchants, and what kinds and merchants are by code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.check_digits import CheckDigitError, validate_iban
from wijkeconomie.vouchers.models import (
    Merchant,
    MerchantContact,
    VatMix,
    VoucherScheme,
)
from wijkeconomie.vouchers.refusals import VoucherCodeTakenError


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveMerchant:
    """A merchant of the list. ``contacts`` are the addresses of those who work at his till."""

    code: str
    name: str
    iban: str
    vat_mix: VatMix
    fee_basis_points: int = 0
    contract_signed_on: date | None = None
    contacts: tuple[str, ...] = ()


def save_merchant(uow: UnitOfWork, command: SaveMerchant) -> int:
    """Put a merchant on the list; returns his id.

    Raises:
        InvalidInputError: a fee past the whole, or no bank account.
        VoucherCodeTakenError: another merchant has the code.
    """
    require_permission(uow.identity, "voucher.change")
    if not 0 <= command.fee_basis_points <= 10_000:
        raise InvalidInputError("a fee is at most the whole", field="fee_basis_points")
    try:
        validate_iban(command.iban)
    except CheckDigitError as error:
        raise InvalidInputError("this is not a bank account", field="iban") from error
    merchant = Merchant(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        iban=command.iban,
        vat_mix=command.vat_mix,
        fee_basis_points=command.fee_basis_points,
        contract_signed_on=command.contract_signed_on,
    )
    uow.session.add(merchant)
    flush_or_refuse(uow, command.code)
    record_change(uow, subject=f"merchant/{merchant.id}", action="accepted")
    if command.contacts:
        set_contacts(uow, command.code, command.contacts)
    return merchant.id


def set_contacts(uow: UnitOfWork, merchant_code: str, emails: tuple[str, ...]) -> None:
    """Say which logins work at a merchant's till, by their addresses.

    Raises:
        NotFoundError: no such merchant.
        InvalidInputError: this is not an address.
    """
    require_permission(uow.identity, "voucher.change")
    merchant = merchant_by_code(uow, merchant_code)
    wanted = {email.strip().lower() for email in emails}
    if not all("@" in email.strip("@ ") for email in wanted):
        raise InvalidInputError("this is not an e-mail address", field="contacts")
    uow.session.execute(
        delete(MerchantContact).where(
            MerchantContact.cooperative_id == uow.tenant,
            MerchantContact.merchant_id == merchant.id,
        )
    )
    uow.session.add_all(
        MerchantContact(cooperative_id=uow.tenant, merchant_id=merchant.id, email=email)
        for email in sorted(wanted)
    )
    uow.session.flush()
    record_change(uow, subject=f"merchant/{merchant.id}", action="contacts-changed")


def stop_merchant(uow: UnitOfWork, merchant_code: str, *, on: date, reason: str) -> None:
    """Let a merchant accept no more from a day on; what he is owed stays owed.

    Raises:
        NotFoundError: no such merchant.
    """
    require_permission(uow.identity, "voucher.change")
    merchant = merchant_by_code(uow, merchant_code)
    merchant.stopped_on = on
    record_change(uow, subject=f"merchant/{merchant.id}", action="stopped", reason=reason)


def scheme_by_code(uow: UnitOfWork, code: str) -> VoucherScheme:
    """A kind of voucher.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(VoucherScheme).where(
            VoucherScheme.cooperative_id == uow.tenant, VoucherScheme.code == code
        )
    )
    if found is None:
        raise NotFoundError(f"there is no kind of voucher {code}", code=code)
    return found


def merchant_by_code(uow: UnitOfWork, code: str) -> Merchant:
    """A merchant.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(Merchant).where(Merchant.cooperative_id == uow.tenant, Merchant.code == code)
    )
    if found is None:
        raise NotFoundError(f"there is no merchant {code}", code=code)
    return found


def flush_or_refuse(uow: UnitOfWork, code: str) -> None:
    """Write what is new, or refuse a code that is in use.

    Raises:
        VoucherCodeTakenError: the code is in use.
    """
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        if "_cooperative_id_code" not in str(error.orig):
            raise
        raise VoucherCodeTakenError(f"{code} is in use", code=code) from error
