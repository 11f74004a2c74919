"""Use cases of a merchant on the list: what is known of him, his fee, whether he accepts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.check_digits import CheckDigitError, validate_iban
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.keeping import merchant_by_code, set_contacts
from wijkeconomie.vouchers.models import MerchantContact, MerchantFee, VatMix


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMerchant:
    """A merchant as he is from now on; the code stays his."""

    code: str
    name: str
    iban: str
    vat_mix: VatMix
    contract_signed_on: date | None = None
    contacts: tuple[str, ...] = ()


def change_merchant(uow: UnitOfWork, command: ChangeMerchant) -> None:
    """Change a merchant's name, bank account, rates, contract and who works at his till.

    What changed is written down with who did it. The next payout goes to the new bank account.

    Raises:
        NotFoundError: no such merchant.
        InvalidInputError: no name, no bank account, or no e-mail address.
    """
    require_permission(uow.identity, "voucher.change")
    merchant = merchant_by_code(uow, command.code)
    if not command.name:
        raise InvalidInputError("a merchant has a name", field="name")
    try:
        validate_iban(command.iban)
    except CheckDigitError as error:
        raise InvalidInputError("this is not a bank account", field="iban") from error
    wanted = {
        "name": command.name,
        "iban": command.iban,
        "vat_mix": command.vat_mix.value,
        "contract_signed_on": command.contract_signed_on,
    }
    before = {name: getattr(merchant, name) for name in wanted}
    changed = [name for name, value in wanted.items() if value != before[name]]
    for name in changed:
        setattr(merchant, name, wanted[name])
    uow.session.flush()
    if changed:
        record_change(
            uow,
            subject=f"merchant/{merchant.id}",
            action="changed",
            before={name: _plain(before[name]) for name in changed},
            after={name: _plain(wanted[name]) for name in changed},
        )
    if {each.strip().lower() for each in command.contacts} != _contacts(uow, merchant.id):
        set_contacts(uow, command.code, command.contacts)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _contacts(uow: UnitOfWork, merchant_id: int) -> set[str]:
    return set(
        uow.session.scalars(
            select(MerchantContact.email).where(
                MerchantContact.cooperative_id == uow.tenant,
                MerchantContact.merchant_id == merchant_id,
            )
        )
    )


def change_fee(
    uow: UnitOfWork, merchant_code: str, *, fee_basis_points: int, valid_from: date
) -> None:
    """Let another fee count for what a merchant takes from a day on, tomorrow at the earliest.

    What he took before that day keeps its fee, also when it is paid out later.

    Raises:
        NotFoundError: no such merchant.
        InvalidInputError: a fee past the whole, or a day that is not to come.
    """
    require_permission(uow.identity, "voucher.change")
    if not 0 <= fee_basis_points <= 10_000:
        raise InvalidInputError("a fee is at most the whole", field="fee_basis_points")
    if valid_from <= local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("a fee counts from a day to come", field="valid_from")
    merchant = merchant_by_code(uow, merchant_code)
    values = {
        "cooperative_id": uow.tenant,
        "merchant_id": merchant.id,
        "valid_from": valid_from,
        "fee_basis_points": fee_basis_points,
    }
    uow.session.execute(
        upsert(MerchantFee)
        .values(values)
        .on_conflict_do_update(
            index_elements=["cooperative_id", "merchant_id", "valid_from"],
            set_={"fee_basis_points": fee_basis_points},
        )
    )
    record_change(
        uow,
        subject=f"merchant/{merchant.id}",
        action="fee-changed",
        after={"fee_basis_points": fee_basis_points, "valid_from": valid_from.isoformat()},
    )


def accept_again(uow: UnitOfWork, merchant_code: str) -> None:
    """Let a merchant who stopped, or was about to, accept vouchers again from now on.

    Raises:
        NotFoundError: no such merchant.
    """
    require_permission(uow.identity, "voucher.change")
    merchant = merchant_by_code(uow, merchant_code)
    if merchant.stopped_on is None:
        return
    before, merchant.stopped_on = merchant.stopped_on, None
    uow.session.flush()
    record_change(
        uow,
        subject=f"merchant/{merchant.id}",
        action="accepted-again",
        before={"stopped_on": before.isoformat()},
    )
