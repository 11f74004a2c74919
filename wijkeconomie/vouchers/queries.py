"""Reads for the pages of vouchers: a wallet, a till, and what the treasurer keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class VoucherView:
    """A voucher as its holder sees it."""

    code: str
    scheme: str
    unit: str
    balance: int
    face_minor: int
    usable_from: date
    expires_on: date
    is_gift: bool
    is_transferable: bool
    merchants: str | None
    """The shops it is for, where that is not all of the list."""


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment by vouchers; ``refusal`` where it was refused."""

    code: str
    unit: str
    amount_minor: int
    refunded_minor: int
    redeemed_on: date
    answered_at: datetime
    refusal: str | None
    merchant_code: str
    merchant_name: str
    member_code: str
    member_name: str

    @property
    def left_minor(self) -> int:
        """What was not refunded."""
        return 0 if self.refusal else self.amount_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class MerchantView:
    """A merchant of the list, with what he is owed."""

    code: str
    name: str
    iban: str
    vat_mix: str
    fee_basis_points: int
    contract_signed_on: date | None
    stopped_on: date | None
    owed_cents: int
    contacts: str | None


@dataclass(frozen=True, slots=True)
class SchemeView:
    """A kind of voucher."""

    code: str
    name: str
    unit: str
    vat_kind: str
    vat_basis_points: int | None
    valid_days: int
    is_transferable: bool
    merchants: str | None
    reminder_days: int
    hold_days: int
    is_for_sale: bool
    merchant_codes: list[str]


@dataclass(frozen=True, slots=True)
class FundView:
    """A fund with what is left of it; ``kept_as`` tells where that is decided.

    It is ``own``, ``subsidy`` or ``grant_round``: only our own funds are kept as a fund.
    """

    code: str
    name: str
    grantor: str
    unit: str
    granted_minor: int
    issued_minor: int
    returned_minor: int
    returns_unspent: bool
    kept_as: str

    @property
    def left_minor(self) -> int:
        """What can still be given: what comes back of carers' grants is not given again."""
        returned = 0 if self.kept_as == "grant_round" else self.returned_minor
        return self.granted_minor - self.issued_minor + returned


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout with its invoice."""

    number: int
    merchant_name: str
    paid_on: date
    gross_cents: int
    fee_cents: int
    fee_vat_cents: int
    paid_cents: int


@dataclass(frozen=True, slots=True)
class HeldVoucher:
    """A voucher as those who keep the list see it."""

    code: str
    member_code: str
    member_name: str
    scheme: str
    unit: str
    balance: int
    expires_on: date


_ONLY_AT = """(select string_agg(m.name, ', ' order by m.name) from scheme_merchant e
    join merchant m on m.cooperative_id = e.cooperative_id and m.id = e.merchant_id
    where e.cooperative_id = s.cooperative_id and e.scheme_id = s.id)"""
_NAME = "concat_ws(' ', member.first_name, member.infix, member.last_name)"

_WALLET = text(
    f"""
select v.code, s.name, s.unit, -b.balance, v.face_minor, v.usable_from, v.expires_on,
  v.fund_id is not null, s.is_transferable, {_ONLY_AT}
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :id and v.holder_id = :member and b.balance < 0
  and v.expires_on >= :today
order by v.expires_on, v.id
"""
)


def wallet(session: Session, cooperative_id: int, member_id: int, today: date) -> list[VoucherView]:
    """The vouchers of a member that hold something and have not expired, first to go first."""
    values = {"id": cooperative_id, "member": member_id, "today": today}
    return [VoucherView(*row) for row in session.execute(_WALLET, values)]


_PAYMENTS = f"""
select r.code, r.unit, r.amount_minor, r.refunded_minor, r.redeemed_on, r.answered_at, r.refusal,
  m.code, m.name, member.code, {_NAME}
from voucher_redemption r
join merchant m on m.cooperative_id = r.cooperative_id and m.id = r.merchant_id
join member on member.cooperative_id = r.cooperative_id and member.id = r.holder_id
where r.cooperative_id = :id and {{chosen}}
order by r.redeemed_on desc, r.id desc limit :limit
"""
_OF_MEMBER = text(_PAYMENTS.format(chosen="r.holder_id = :whose and r.refusal is null"))
_OF_MERCHANT = text(_PAYMENTS.format(chosen="m.code = :whose"))
_BY_CODE = text(_PAYMENTS.format(chosen="r.code = :whose"))


def payments_of_member(
    session: Session, cooperative_id: int, member_id: int, *, limit: int = 10
) -> list[PaymentView]:
    """The last payments of a member."""
    values = {"id": cooperative_id, "whose": member_id, "limit": limit}
    return [PaymentView(*row) for row in session.execute(_OF_MEMBER, values)]


def payments_of_merchant(
    session: Session, cooperative_id: int, merchant_code: str, *, limit: int = 20
) -> list[PaymentView]:
    """The last attempts to pay a merchant."""
    values = {"id": cooperative_id, "whose": merchant_code, "limit": limit}
    return [PaymentView(*row) for row in session.execute(_OF_MERCHANT, values)]


def payment(session: Session, cooperative_id: int, code: str) -> PaymentView:
    """One payment.

    Raises:
        NotFoundError: there is none with this code.
    """
    row = session.execute(_BY_CODE, {"id": cooperative_id, "whose": code, "limit": 1}).first()
    if row is None:
        raise NotFoundError(f"there is no redemption {code}", code=code)
    return PaymentView(*row)


_MERCHANTS = text(
    """
select m.code, m.name, m.iban, m.vat_mix,
  coalesce((select f.fee_basis_points from merchant_fee f
    where f.cooperative_id = m.cooperative_id and f.merchant_id = m.id
      and f.valid_from <= coalesce(cast(:on as date), f.valid_from)
    order by f.valid_from desc limit 1), m.fee_basis_points), m.contract_signed_on,
  m.stopped_on, coalesce(-b.balance, 0),
  (select string_agg(c.email, ', ' order by c.email) from merchant_contact c
   where c.cooperative_id = m.cooperative_id and c.merchant_id = m.id)
from merchant m
left join account a on a.cooperative_id = m.cooperative_id and a.key = 'merchants'
  and a.party = m.code and a.unit = 'EUR'
left join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
where m.cooperative_id = :id and m.code = coalesce(:code, m.code) order by m.name, m.id
"""
)


def merchants(session: Session, cooperative_id: int, on: date | None = None) -> list[MerchantView]:
    """The closed list, by name; also who has stopped. Fees are those of a day, or the last ones."""
    values = {"id": cooperative_id, "on": on, "code": None}
    return [MerchantView(*row) for row in session.execute(_MERCHANTS, values)]


def merchant(session: Session, cooperative_id: int, code: str, on: date) -> MerchantView:
    """One merchant, with his fee of a day.

    Raises:
        NotFoundError: there is none with this code.
    """
    row = session.execute(_MERCHANTS, {"id": cooperative_id, "on": on, "code": code}).first()
    if row is None:
        raise NotFoundError(f"there is no merchant {code}", code=code)
    return MerchantView(*row)


def schemes(session: Session, cooperative_id: int) -> list[SchemeView]:
    """The kinds of vouchers, by name."""
    statement = text(
        f"""
select s.code, s.name, s.unit, s.vat_kind, s.vat_basis_points, s.valid_days, s.is_transferable,
  {_ONLY_AT}, s.reminder_days, s.hold_days, s.is_for_sale,
  array(select m.code from scheme_merchant e
    join merchant m on m.cooperative_id = e.cooperative_id and m.id = e.merchant_id
    where e.cooperative_id = s.cooperative_id and e.scheme_id = s.id order by m.code)
from voucher_scheme s where s.cooperative_id = :id order by s.name, s.id
"""
    )
    return [SchemeView(*row) for row in session.execute(statement, {"id": cooperative_id})]


def funds(session: Session, cooperative_id: int) -> list[FundView]:
    """The funds, by code."""
    statement = text(
        """
select f.code, f.name, f.grantor, f.unit, f.granted_minor, f.issued_minor, f.returned_minor,
  f.returns_unspent,
  case when exists (select from grant_round r
      where r.cooperative_id = f.cooperative_id and r.fund_id = f.id) then 'grant_round'
    when exists (select from account a where a.cooperative_id = f.cooperative_id
      and a.key = 'subsidy_receivable' and a.party = f.code and a.unit = 'EUR') then 'subsidy'
    else 'own' end
from voucher_fund f where f.cooperative_id = :id order by f.code
"""
    )
    return [FundView(*row) for row in session.execute(statement, {"id": cooperative_id})]


_PAYOUTS = """
select p.number, m.name, p.paid_on, p.gross_cents, p.fee_cents, p.fee_vat_cents, p.paid_cents
from merchant_payout p
join merchant m on m.cooperative_id = p.cooperative_id and m.id = p.merchant_id
where p.cooperative_id = :id and {chosen} order by p.number desc limit :limit
"""


def payouts(
    session: Session, cooperative_id: int, *, merchant_code: str | None = None, limit: int = 20
) -> list[PayoutView]:
    """The last payouts, to one merchant or to all, the newest first."""
    statement = text(_PAYOUTS.format(chosen="m.code = coalesce(:merchant, m.code)"))
    values = {"id": cooperative_id, "limit": limit, "merchant": merchant_code}
    rows = session.execute(statement, values)
    return [PayoutView(*row) for row in rows]


def payout(session: Session, cooperative_id: int, number: int) -> PayoutView:
    """One payout; there must be one."""
    statement = text(_PAYOUTS.format(chosen="p.number = :number"))
    values = {"id": cooperative_id, "limit": 1, "number": number}
    return PayoutView(*session.execute(statement, values).one())


_HELD = text(
    f"""
select v.code, member.code, {_NAME}, s.name, s.unit, -b.balance, v.expires_on
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join member on member.cooperative_id = v.cooperative_id and member.id = v.holder_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where v.cooperative_id = :id and b.balance < 0 and v.expires_on >= :today
  and (:search = '' or member.code = :search or v.code = :search
    or lower({_NAME}) like '%' || lower(:search) || '%')
order by member.code, v.expires_on, v.id limit :limit
"""
)


def held_vouchers(
    session: Session, cooperative_id: int, today: date, *, search: str = "", limit: int = 100
) -> Sequence[HeldVoucher]:
    """Vouchers that hold something, by member: by name, member number or their own code."""
    values = {"id": cooperative_id, "today": today, "search": search, "limit": limit}
    return [HeldVoucher(*row) for row in session.execute(_HELD, values)]


def member_code(session: Session, cooperative_id: int, member_id: int) -> str:
    """A member's number."""
    return str(
        session.scalars(
            text("select code from member where cooperative_id = :id and id = :member"),
            {"id": cooperative_id, "member": member_id},
        ).one()
    )
