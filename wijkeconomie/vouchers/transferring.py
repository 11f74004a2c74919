"""Use case of passing vouchers on from member to member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import open_new_accounts
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.service import lock_books, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import contained_vat
from wijkeconomie.vouchers.accounts import OUTSTANDING, open_voucher_accounts, vat_regime
from wijkeconomie.vouchers.issuing import new_code
from wijkeconomie.vouchers.models import PaidBy, Voucher
from wijkeconomie.vouchers.purses import Holding, wallets
from wijkeconomie.vouchers.refusals import NotTransferableError, VoucherBalanceError
from wijkeconomie.vouchers.rules import Draw, Purse, decide, moved_vat


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOn(Command):
    """So much of a member's vouchers for another member."""

    holder_id: int
    to_member_code: str
    amount_minor: int
    unit: str = "EUR"


def pass_on(uow: UnitOfWork, command: PassOn) -> tuple[str, ...]:
    """Pass vouchers on; the codes of the new ones, which expire when the old ones would have.

    What expires first goes first. A repeated command passes nothing on again.

    Raises:
        NotTransferableError: the vouchers are for the member himself, or the other is no member.
        VoucherBalanceError: they hold less.
        InvalidInputError: nothing, or to oneself.
    """
    _require_own(uow, command.holder_id)
    if (earlier := find_earlier_result(uow, command)) is not None:
        return tuple(earlier.split(","))
    if command.amount_minor <= 0:
        raise InvalidInputError("pass something on", field="amount")
    day = local_date(uow.now, LOCAL_TIME)
    to = _recipient(uow, command, day)
    lock_books(uow)
    held = wallets(uow.session, uow.tenant, [command.holder_id]).get(command.holder_id, [])
    held = [holding for holding in held if holding.unit == command.unit]
    draws = _draws(uow, held, command, day)
    by_id = {holding.id: holding for holding in held}
    parts = [(by_id[draw.number], draw, new_code()) for draw in draws]
    number = post_entry(uow, _draft(uow, parts, command.unit, day)).number
    _write(uow, parts, to, command.unit, day=day, number=number)
    codes = tuple(code for _, _, code in parts)
    remember(uow, command, result=",".join(codes))
    return codes


def _require_own(uow: UnitOfWork, holder_id: int) -> None:
    if may(uow.identity, "voucher.change"):
        return
    require_permission(uow.identity, "voucher.use")
    if uow.identity.member_id != holder_id:
        raise PermissionDeniedError(
            "pass your own vouchers on", permission="voucher.change", roles="treasurer"
        )


def _recipient(uow: UnitOfWork, command: PassOn, day: date) -> Member:
    found = uow.session.query(Member).filter_by(
        cooperative_id=uow.tenant, code=command.to_member_code.strip()
    )
    member = found.one_or_none()
    if member is not None and member.id == command.holder_id:
        raise InvalidInputError("this is you", field="to")
    if member is None or (member.left_on is not None and member.left_on < day):
        raise NotTransferableError(f"there is no member {command.to_member_code}")
    return member


def _draws(uow: UnitOfWork, held: Sequence[Holding], command: PassOn, day: date) -> Sequence[Draw]:
    transferable = set(
        uow.session.scalars(
            text("select id from voucher_scheme where cooperative_id = :id and is_transferable"),
            {"id": uow.tenant},
        )
    )
    purses = [
        Purse(h.id, h.balance, h.usable_from, h.expires_on, h.scheme_id in transferable)
        for h in held
    ]
    decision = decide(purses, command.amount_minor, day)
    if decision.draws:
        return decision.draws
    everything = sum(h.balance for h in held if h.usable_from <= day <= h.expires_on)
    if everything >= command.amount_minor:
        raise NotTransferableError("these vouchers are for the member himself")
    raise VoucherBalanceError(
        f"the vouchers hold {decision.available}",
        balance_cents=decision.available,
        short_cents=command.amount_minor - decision.available,
        unit=command.unit,
    )


_Part = tuple[Holding, Draw, str]


def _draft(uow: UnitOfWork, parts: Sequence[_Part], unit: str, day: date) -> EntryDraft:
    accounts = open_voucher_accounts(uow, unit)
    control = accounts[OUTSTANDING][0]
    open_new_accounts(uow, OUTSTANDING, [code for _, _, code in parts], unit=unit)
    lines: list[PostingDraft] = []
    for holding, draw, code in parts:
        lines.append(debit(f"{control}:{holding.code}", draw.amount, unit))
        lines.append(credit(f"{control}:{code}", draw.amount, unit))
    if cent := _rounding(uow, parts):
        lines.append(debit(accounts["voucher_vat_to_come"][0], cent))
        lines.append(credit(accounts["cost_of_goods"][0], cent))
    return EntryDraft(
        accounting_date=day,
        kind="voucher.transferred",
        source=f"voucher/{parts[0][2]}",
        description=f"Voucher {parts[0][2]} passed on",
        idempotency_key=f"voucher/{parts[0][2]}/transferred",
        postings=tuple(lines),
    )


def _rounding(uow: UnitOfWork, parts: Sequence[_Part]) -> int:
    """The cent of tax by which the parts of single-purpose vouchers differ from the wholes."""
    taxed = [(h.vat_basis_points, draw) for h, draw, _ in parts if h.vat_basis_points is not None]
    if not taxed or vat_regime(uow) == "kor":
        return 0
    return sum(
        contained_vat(draw.amount, points)
        - moved_vat(draw.before, draw.before - draw.amount, points)
        for points, draw in taxed
    )


def _write(
    uow: UnitOfWork, parts: Sequence[_Part], to: Member, unit: str, *, day: date, number: int
) -> None:
    account_ids: dict[str, int] = dict(
        uow.session.execute(
            text(
                "select party, id from account where cooperative_id = :id and key = :key"
                " and unit = :unit and party = any(cast(:codes as text[]))"
            ),
            {
                "id": uow.tenant,
                "key": OUTSTANDING,
                "unit": unit,
                "codes": [code for _, _, code in parts],
            },
        ).all()
    )
    uow.session.add_all(
        Voucher(
            cooperative_id=uow.tenant,
            code=code,
            scheme_id=holding.scheme_id,
            holder_id=to.id,
            account_id=account_ids[code],
            paid_by=PaidBy.TRANSFER,
            fund_id=holding.fund_id,
            origin_id=holding.id,
            face_minor=draw.amount,
            issued_on=day,
            usable_from=max(holding.usable_from, day),
            expires_on=holding.expires_on,
            entry_number=number,
        )
        for holding, draw, code in parts
    )
    uow.session.flush()
