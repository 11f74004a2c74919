"""Use cases of kinds of vouchers: made, and changed without taking from who holds one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.service import lock_books
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import open_voucher_accounts
from wijkeconomie.vouchers.keeping import flush_or_refuse, merchant_by_code, scheme_by_code
from wijkeconomie.vouchers.models import Merchant, SchemeMerchant, VatKind, VoucherScheme
from wijkeconomie.vouchers.refusals import EarmarkNarrowedError


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
    is_for_sale: bool = False
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
    if command.unit != "EUR" and command.is_for_sale:
        raise InvalidInputError("a local unit is not sold for money", field="is_for_sale")
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
        is_for_sale=command.is_for_sale,
    )
    uow.session.add(scheme)
    flush_or_refuse(uow, command.code)
    record_change(uow, subject=f"voucher_scheme/{scheme.id}", action="made")
    if command.merchants:
        set_earmarks(uow, command.code, command.merchants)
    return scheme.id


def set_earmarks(uow: UnitOfWork, scheme_code: str, merchants: tuple[str, ...]) -> None:
    """Let a kind of voucher be for these merchants only; none means all of the list.

    Another merchant counts at once, also for vouchers that were issued before. One who accepts
    vouchers is taken off only when nobody holds any of this kind: who got one got it for him too.

    Raises:
        NotFoundError: no such kind or merchant.
        EarmarkNarrowedError: someone holds a voucher that could be used elsewhere.
    """
    require_permission(uow.identity, "voucher.change")
    scheme = scheme_by_code(uow, scheme_code)
    wanted = {merchant_by_code(uow, code).id: code for code in merchants}
    lock_books(uow)  # who pays or gets a voucher now waits, or is seen
    before = _earmarks(uow, scheme)
    if wanted.keys() == before.keys():
        return
    is_narrower = bool(wanted) and (not before or bool(before.keys() - wanted.keys()))
    if is_narrower and not _has_only_stopped(uow, before.keys() - wanted.keys()):
        held = uow.session.scalar(_HELD, {"cooperative_id": uow.tenant, "scheme": scheme.id})
        if held:
            raise EarmarkNarrowedError(f"{held} vouchers of {scheme_code} are held", count=held)
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
        before={"merchants": sorted(before.values())},
        after={"merchants": sorted(wanted.values())},
    )


_HELD = text(
    """
select count(*) from voucher v
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :cooperative_id and v.scheme_id = :scheme and b.balance < 0
"""
)


def _earmarks(uow: UnitOfWork, scheme: VoucherScheme) -> dict[int, str]:
    rows = uow.session.execute(
        select(Merchant.id, Merchant.code)
        .join(
            SchemeMerchant,
            (SchemeMerchant.cooperative_id == Merchant.cooperative_id)
            & (SchemeMerchant.merchant_id == Merchant.id),
        )
        .where(Merchant.cooperative_id == uow.tenant, SchemeMerchant.scheme_id == scheme.id)
    )
    return dict(rows.all())


def _has_only_stopped(uow: UnitOfWork, merchant_ids: set[int]) -> bool:
    """Whether those who go accept nothing any more; nobody going is another question."""
    today = local_date(uow.now, LOCAL_TIME)
    stopped = uow.session.scalars(
        select(Merchant.id).where(
            Merchant.cooperative_id == uow.tenant,
            Merchant.id.in_(merchant_ids),
            Merchant.stopped_on <= today,
        )
    )
    return bool(merchant_ids) and set(stopped) == merchant_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """A kind of voucher as it is from now on; code, unit and tax stay what they are.

    ``valid_days`` and ``hold_days`` count for vouchers that are issued from now on.
    """

    code: str
    name: str
    valid_days: int
    reminder_days: int
    hold_days: int
    is_for_sale: bool = False
    merchants: tuple[str, ...] = ()


def change_kind(uow: UnitOfWork, command: ChangeKind) -> None:
    """Change a kind's name, days and the merchants it is for; what changed is written down.

    Raises:
        NotFoundError: no such kind or merchant.
        InvalidInputError: no name, days that are none, or a local unit for sale.
        EarmarkNarrowedError: someone holds a voucher that could be used elsewhere.
    """
    require_permission(uow.identity, "voucher.change")
    scheme = scheme_by_code(uow, command.code)
    if not command.name.strip():
        raise InvalidInputError("a kind has a name", field="name")
    if command.valid_days < 1:
        raise InvalidInputError("a voucher is valid for a day at least", field="valid_days")
    for field in ("reminder_days", "hold_days"):
        if getattr(command, field) < 0:
            raise InvalidInputError("days are not negative", field=field)
    if scheme.unit != "EUR" and command.is_for_sale:
        raise InvalidInputError("a local unit is not sold for money", field="is_for_sale")
    names = ("name", "valid_days", "reminder_days", "hold_days", "is_for_sale")
    before = {name: getattr(scheme, name) for name in names}
    changed = [name for name in names if getattr(command, name) != before[name]]
    for name in changed:
        setattr(scheme, name, getattr(command, name))
    uow.session.flush()
    if changed:
        record_change(
            uow,
            subject=f"voucher_scheme/{scheme.id}",
            action="changed",
            before={name: before[name] for name in changed},
            after={name: getattr(command, name) for name in changed},
        )
    set_earmarks(uow, command.code, command.merchants)
