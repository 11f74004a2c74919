"""Use case of refunding a redemption, whole or in part: back onto the vouchers that paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit
from wijkeconomie.ledger.service import lock_books, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import (
    OUTSTANDING,
    open_voucher_accounts,
    postings,
    tax_of,
    vat_regime,
)
from wijkeconomie.vouchers.entry_rules import taken_lines
from wijkeconomie.vouchers.models import Merchant, VoucherRedemption, VoucherRedemptionLine
from wijkeconomie.vouchers.purses import Holding, holdings_by_id, merchants_of_login
from wijkeconomie.vouchers.refusals import RefundTooLargeError
from wijkeconomie.vouchers.rules import moved_vat

GRACE_DAYS = 30
"""A voucher that expired in the meantime can be used so long after a refund."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Command):
    """Give a payment back; ``None`` is all that is left of it."""

    redemption_code: str
    reason: str
    amount_minor: int | None = None


def refund(uow: UnitOfWork, command: Refund) -> int:
    """Put a payment back on the vouchers that paid; returns the number of the entry.

    What was spent last comes back first. A voucher that has expired can be used for another 30
    days. The merchant owes it: his next payout is so much less.

    Raises:
        NotFoundError: no such redemption, or it was refused.
        RefundTooLargeError: more than is left of it.
        PermissionDeniedError: of another merchant.
    """
    require_permission(uow.identity, "voucher.refund")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    lock_books(uow)
    redemption, merchant = _found(uow, command.redemption_code)
    _require_till(uow, merchant)
    left = redemption.amount_minor - redemption.refunded_minor
    amount = left if command.amount_minor is None else command.amount_minor
    if amount > left or left == 0:
        raise RefundTooLargeError(
            f"{left} is left to refund", left_cents=left, unit=redemption.unit
        )
    if amount <= 0:
        raise InvalidInputError("give something back", field="amount")
    day = local_date(uow.now, LOCAL_TIME)
    parts = _parts(uow, redemption, amount)
    number = post_entry(uow, _draft(uow, redemption, merchant, parts, day)).number
    redemption.refunded_minor += amount
    uow.session.flush()
    _extend(uow, [holding for holding, _ in parts], day)
    record_change(
        uow,
        subject=f"voucher_redemption/{redemption.id}",
        action="refunded",
        after={"amount_minor": amount},
        reason=command.reason,
    )
    remember(uow, command, result=number)
    return number


def _found(uow: UnitOfWork, code: str) -> tuple[VoucherRedemption, Merchant]:
    row = uow.session.execute(
        select(VoucherRedemption, Merchant)
        .join(
            Merchant,
            (Merchant.cooperative_id == VoucherRedemption.cooperative_id)
            & (Merchant.id == VoucherRedemption.merchant_id),
        )
        .where(
            VoucherRedemption.cooperative_id == uow.tenant,
            VoucherRedemption.code == code,
            VoucherRedemption.refusal.is_(None),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no redemption {code}", code=code)
    return row[0], row[1]


def _require_till(uow: UnitOfWork, merchant: Merchant) -> None:
    if may(uow.identity, "voucher.change") or uow.identity.login_id is None:
        return
    own = merchants_of_login(uow.session, uow.tenant, uow.identity.login_id)
    if merchant.id not in {till.id for till in own}:
        raise PermissionDeniedError(
            "only the merchant who was paid", permission="voucher.refund", roles="merchant"
        )


def _parts(
    uow: UnitOfWork, redemption: VoucherRedemption, amount: int
) -> list[tuple[Holding, int]]:
    """What comes back on each voucher; the lines are changed with it."""
    lines = uow.session.scalars(
        select(VoucherRedemptionLine)
        .where(
            VoucherRedemptionLine.cooperative_id == uow.tenant,
            VoucherRedemptionLine.redemption_id == redemption.id,
        )
        .execution_options(populate_existing=True)
    ).all()
    holdings = holdings_by_id(uow.session, uow.tenant, [line.voucher_id for line in lines])
    last_first = sorted(
        lines,
        key=lambda line: (holdings[line.voucher_id].expires_on, line.voucher_id),
        reverse=True,
    )
    parts = []
    for line in last_first:
        part = min(line.amount_minor - line.refunded_minor, amount)
        if part:
            amount -= part
            line.refunded_minor += part
            parts.append((holdings[line.voucher_id], part))
    return parts


def _draft(
    uow: UnitOfWork,
    redemption: VoucherRedemption,
    merchant: Merchant,
    parts: Sequence[tuple[Holding, int]],
    day: date,
) -> EntryDraft:
    unit = redemption.unit
    control = open_voucher_accounts(uow, unit)[OUTSTANDING][0]
    regime = vat_regime(uow)
    vat = 0
    if regime == "regulier":
        vat = sum(moved_vat(h.balance, h.balance + part, h.vat_basis_points) for h, part in parts)
    amount = sum(part for _, part in parts)
    across = taken_lines(merchant.code, -amount, vat, tax_of(unit, None, regime, day))
    return EntryDraft(
        accounting_date=day,
        kind="voucher.refunded",
        source=f"redemption/{redemption.code}",
        description=f"Redemption {redemption.code} refunded",
        idempotency_key=f"redemption/{redemption.code}/refunded/{redemption.refunded_minor}",
        postings=(
            *(credit(f"{control}:{h.code}", part, unit) for h, part in parts),
            *postings(uow, across, unit),
        ),
    )


def _extend(uow: UnitOfWork, holdings: Sequence[Holding], day: date) -> None:
    expired = [holding.id for holding in holdings if holding.expires_on < day]
    if expired:
        uow.session.execute(
            text(
                "update voucher set expires_on = :until, reminded_at = null"
                " where cooperative_id = :cooperative_id and id = any(cast(:ids as bigint[]))"
            ),
            {
                "cooperative_id": uow.tenant,
                "until": day + timedelta(days=GRACE_DAYS),
                "ids": expired,
            },
        )
