"""Use cases of keeping: kinds of vouchers, funds, and the closed list of merchants."""

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
from wijkeconomie.vouchers.accounts import open_voucher_accounts
from wijkeconomie.vouchers.models import (
    Merchant,
    MerchantContact,
    SchemeMerchant,
    VatKind,
    VatMix,
    VoucherFund,
    VoucherScheme,
)
from wijkeconomie.vouchers.refusals import VoucherCodeTakenError


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveScheme:
    """A kind of voucher; with ``merchants`` it can be used at these only."""

    code: str
    name: str
    unit: str = "EUR"
    vat_kind: VatKind = VatKind.MPV
    vat_basis_points: int | None = None
    valid_days: int = 365
    reminder_days: int = 30
    hold_days: int = 56
    is_transferable: bool = True
    merchants: tuple[str, ...] = ()


def save_scheme(uow: UnitOfWork, command: SaveScheme) -> int:
    """Write down a kind of voucher and open its accounts; returns its id.

    Raises:
        InvalidInputError: a rate without single purpose, tax in a local unit, no days.
        NotFoundError: no such merchant.
        VoucherCodeTakenError: another kind has the code.
    """
    require_permission(uow.identity, "voucher.change")
    if (command.vat_kind is VatKind.SPV) != (command.vat_basis_points is not None):
        raise InvalidInputError("a single-purpose voucher has one rate", field="vat_basis_points")
    if command.unit != "EUR" and command.vat_kind is VatKind.SPV:
        raise InvalidInputError("tax is in euro", field="unit")
    if not (command.unit.isascii() and command.unit.isalnum() and command.unit.isupper()):
        raise InvalidInputError("a unit is 2 to 12 capitals, as in UUR", field="unit")
    if command.valid_days < 1:
        raise InvalidInputError("a voucher is valid for a day at least", field="valid_days")
    open_voucher_accounts(uow, command.unit)
    scheme = VoucherScheme(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        unit=command.unit,
        vat_kind=command.vat_kind,
        vat_basis_points=command.vat_basis_points,
        valid_days=command.valid_days,
        reminder_days=command.reminder_days,
        hold_days=command.hold_days,
        is_transferable=command.is_transferable,
    )
    uow.session.add(scheme)
    flush_or_refuse(uow, command.code)
    record_change(uow, subject=f"voucher_scheme/{scheme.id}", action="made")
    if command.merchants:
        set_earmarks(uow, command.code, command.merchants)
    return scheme.id


def set_earmarks(uow: UnitOfWork, scheme_code: str, merchants: tuple[str, ...]) -> None:
    """Let a kind of voucher be for these merchants only; none means all of the list.

    Raises:
        NotFoundError: no such kind or merchant.
    """
    require_permission(uow.identity, "voucher.change")
    scheme = scheme_by_code(uow, scheme_code)
    wanted = [merchant_by_code(uow, code).id for code in merchants]
    uow.session.execute(
        delete(SchemeMerchant).where(
            SchemeMerchant.cooperative_id == uow.tenant, SchemeMerchant.scheme_id == scheme.id
        )
    )
    uow.session.add_all(
        SchemeMerchant(cooperative_id=uow.tenant, scheme_id=scheme.id, merchant_id=merchant_id)
        for merchant_id in wanted
    )
    uow.session.flush()
    record_change(
        uow,
        subject=f"voucher_scheme/{scheme.id}",
        action="earmarked",
        after={"merchants": list(merchants)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFund:
    """What a funder granted for vouchers. Its code is that of the subsidy in the books."""

    code: str
    name: str
    grantor: str
    granted_minor: int
    unit: str = "EUR"
    returns_unspent: bool = True


def save_fund(uow: UnitOfWork, command: SaveFund) -> int:
    """Write down a fund, or what it grants from now on; returns its id.

    Raises:
        InvalidInputError: less than was given from it already, or another unit.
    """
    require_permission(uow.identity, "voucher.change")
    if command.granted_minor < 0:
        raise InvalidInputError("a grant is not negative", field="granted_minor")
    open_voucher_accounts(uow, command.unit)
    fund = uow.session.scalar(
        select(VoucherFund)
        .where(VoucherFund.cooperative_id == uow.tenant, VoucherFund.code == command.code)
        .with_for_update()
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
    uow.session.flush()
    record_change(
        uow,
        subject=f"voucher_fund/{fund.id}",
        action="granted",
        before=before,
        after={"granted_minor": fund.granted_minor},
    )
    return fund.id


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
