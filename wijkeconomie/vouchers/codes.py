"""Use cases of payment codes: one for minutes on a phone, a sheet of them on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date, midnight_utc
from wijkeconomie.vouchers.answers import code_hash, prefix_of
from wijkeconomie.vouchers.issuing import new_code
from wijkeconomie.vouchers.models import CodeKind, PaymentCode
from wijkeconomie.vouchers.purses import holdings_by_code, wallets
from wijkeconomie.vouchers.refusals import (
    UnknownVoucherError,
    VoucherBalanceError,
    VoucherExpiredError,
    VoucherNotUsableYetError,
    WrongCooperativeError,
)
from wijkeconomie.vouchers.rules import Purse, Refusal, decide

PHONE_CODE_LASTS = timedelta(minutes=10)
MOST_ON_A_SHEET = 24
SECRET_LENGTH = 8


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code that was just made: shown now and never again."""

    id: int
    secret: str
    cooperative_code: str
    unit: str
    maximum_minor: int
    valid_until: datetime

    @property
    def written(self) -> str:
        """As people read it out: ``MRS.7K3M-9QXW``."""
        return f"{self.cooperative_code}.{self.secret[:4]}-{self.secret[4:]}"


def make_phone_code(uow: UnitOfWork, amount_minor: int, *, unit: str = "EUR") -> MadeCode:
    """Make a code by which a merchant can take up to so much from one's own vouchers, once.

    It works for ten minutes and replaces one that was made before. Whether a merchant accepts
    the vouchers is known when he reads it.

    Raises:
        VoucherBalanceError, VoucherExpiredError: the vouchers do not hold so much.
        InvalidInputError: for nothing.
    """
    require_permission(uow.identity, "voucher.use")
    holder_id = uow.identity.member_id
    if holder_id is None:
        raise PermissionDeniedError(
            "only members have vouchers", permission="voucher.use", roles="member"
        )
    if amount_minor <= 0:
        raise InvalidInputError("pay something", field="amount")
    held = wallets(uow.session, uow.tenant, [holder_id]).get(holder_id, [])
    purses = [
        Purse(h.id, h.balance, h.usable_from, h.expires_on, is_accepted=True)
        for h in held
        if h.unit == unit
    ]
    decision = decide(purses, amount_minor, local_date(uow.now, LOCAL_TIME))
    if decision.refusal is Refusal.EXPIRED:
        raise VoucherExpiredError("the vouchers have expired")
    if decision.refusal is Refusal.NOT_USABLE_YET:
        first = min(purse.usable_from for purse in purses).isoformat()
        raise VoucherNotUsableYetError(f"usable from {first}", date=first)
    if decision.refusal is not None:
        raise VoucherBalanceError(
            f"the vouchers hold {decision.available}",
            balance_cents=decision.available,
            short_cents=amount_minor - decision.available,
            unit=unit,
        )
    _withdraw(uow, CodeKind.PHONE, PaymentCode.holder_id == holder_id)
    until = uow.now + PHONE_CODE_LASTS
    terms = _Terms(CodeKind.PHONE, holder_id, None, unit, amount_minor, until)
    [made] = _make(uow, 1, terms)
    return made


def print_codes(
    uow: UnitOfWork, voucher_code: str, *, count: int, maximum_minor: int
) -> list[MadeCode]:
    """Make a sheet of codes for a voucher, each good for one payment up to a maximum.

    For members without a phone. A new sheet replaces the old one, which may be lost.

    Raises:
        UnknownVoucherError: no such voucher.
        InvalidInputError: no codes, more than fit on a sheet, or no maximum.
    """
    require_permission(uow.identity, "voucher.print")
    if not 1 <= count <= MOST_ON_A_SHEET:
        raise InvalidInputError(f"print 1 to {MOST_ON_A_SHEET} codes", field="count")
    if maximum_minor <= 0:
        raise InvalidInputError("a code is good for something", field="maximum")
    found = holdings_by_code(uow.session, uow.tenant, [voucher_code])
    if voucher_code not in found:
        raise UnknownVoucherError(f"there is no voucher {voucher_code}", voucher=voucher_code)
    voucher = found[voucher_code]
    _withdraw(uow, CodeKind.PAPER, PaymentCode.voucher_id == voucher.id)
    until = midnight_utc(voucher.expires_on + timedelta(days=1), LOCAL_TIME)
    terms = _Terms(
        CodeKind.PAPER, voucher.holder_id, voucher.id, voucher.unit, maximum_minor, until
    )
    made = _make(uow, count, terms)
    record_change(
        uow, subject=f"voucher/{voucher.id}", action="codes-printed", after={"count": count}
    )
    return made


def _withdraw(uow: UnitOfWork, kind: CodeKind, whose: object) -> None:
    uow.session.execute(
        update(PaymentCode)
        .where(
            PaymentCode.cooperative_id == uow.tenant,
            PaymentCode.kind == kind,
            whose,  # type: ignore[arg-type]
            PaymentCode.redemption_id.is_(None),
            PaymentCode.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=uow.now)
    )


@dataclass(frozen=True, slots=True)
class _Terms:
    """What codes that are made together have in common."""

    kind: CodeKind
    holder_id: int
    voucher_id: int | None
    unit: str
    maximum_minor: int
    valid_until: datetime


def _make(uow: UnitOfWork, count: int, terms: _Terms) -> list[MadeCode]:
    own = uow.session.scalars(select(Cooperative.code).where(Cooperative.id == uow.tenant)).one()
    secrets = [new_code(SECRET_LENGTH) for _ in range(count)]
    rows = [
        PaymentCode(
            cooperative_id=uow.tenant,
            code_hash=code_hash(uow.tenant, secret),
            kind=terms.kind,
            holder_id=terms.holder_id,
            voucher_id=terms.voucher_id,
            unit=terms.unit,
            maximum_minor=terms.maximum_minor,
            created_at=uow.now,
            created_by=uow.actor,
            valid_until=terms.valid_until,
        )
        for secret in secrets
    ]
    uow.session.add_all(rows)
    uow.session.flush()
    return [
        MadeCode(row.id, secret, own, terms.unit, terms.maximum_minor, terms.valid_until)
        for row, secret in zip(rows, secrets, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class CodeState:
    """How a payment code stands: what it may pay, or what it paid to whom."""

    id: int
    holder_id: int
    holder_first_name: str
    kind: str
    unit: str
    maximum_minor: int
    valid_until: datetime
    is_withdrawn: bool
    redemption_code: str | None
    paid_minor: int | None
    merchant_name: str | None


_STATE = """
select p.id, p.holder_id, m.first_name, p.kind, p.unit, p.maximum_minor, p.valid_until,
  p.withdrawn_at is not null, r.code, r.amount_minor, merchant.name
from payment_code p
join member m on m.cooperative_id = p.cooperative_id and m.id = p.holder_id
left join voucher_redemption r on r.cooperative_id = p.cooperative_id and r.id = p.redemption_id
left join merchant on merchant.cooperative_id = r.cooperative_id and merchant.id = r.merchant_id
where p.cooperative_id = :cooperative_id and {chosen}
"""


def _state(uow: UnitOfWork, chosen: str, value: str | int) -> CodeState | None:
    rows: Sequence[object] = uow.session.execute(
        text(_STATE.format(chosen=chosen)), {"cooperative_id": uow.tenant, "value": value}
    ).all()
    return CodeState(*rows[0]) if rows else None  # type: ignore[misc]


def require_own_cooperative(uow: UnitOfWork, payment_code: str) -> None:
    """See that a code is of this cooperative, as far as it tells of which one it is.

    Raises:
        WrongCooperativeError: it is of another one.
        UnknownVoucherError: it tells of one that does not exist.
    """
    prefix = prefix_of(payment_code)
    if not prefix:
        return
    row = uow.session.execute(
        text("select id, code from cooperative where lower(code) = lower(:code)"),
        {"code": prefix},
    ).first()
    if row is None:
        raise UnknownVoucherError("there is no such payment code")
    if row.id != uow.tenant:
        raise WrongCooperativeError(
            f"this is a voucher of cooperative {row.code}", cooperative=row.code
        )


def shown_code(uow: UnitOfWork, payment_code: str) -> CodeState:
    """How the code stands that someone shows at a till.

    Raises:
        UnknownVoucherError: there is none.
        WrongCooperativeError: it is of another cooperative.
    """
    require_permission(uow.identity, "voucher.redeem")
    require_own_cooperative(uow, payment_code)
    found = _state(uow, "p.code_hash = :value", code_hash(uow.tenant, payment_code))
    if found is None:
        raise UnknownVoucherError("there is no such payment code")
    return found


def own_code(uow: UnitOfWork, code_id: int) -> CodeState:
    """How a member's own code stands.

    Raises:
        UnknownVoucherError: there is none, or it is not his.
    """
    require_permission(uow.identity, "voucher.use")
    found = _state(uow, "p.id = :value", code_id)
    if found is None or found.holder_id != uow.identity.member_id:
        raise UnknownVoucherError("there is no such payment code")
    return found
