"""Tables of vouchers: schemes, funds, merchants, vouchers, redemptions, codes and payouts.

What a voucher still holds stands in the books and nowhere else: each voucher has an account of
its own, which the database keeps from passing zero.
"""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class VatKind(enum.StrEnum):
    """Single-purpose (tax is due at issue) or multi-purpose (at redemption, by the merchant)."""

    SPV = "SPV"
    MPV = "MPV"


class VatMix(enum.StrEnum):
    """The rates at which a merchant sells, in percent; words of the interchange folder."""

    LOW = "9"
    HIGH = "21"
    BOTH = "9+21"
    EXEMPT = "vrijgesteld"


class PaidBy(enum.StrEnum):
    """Who paid for a voucher, and by which way."""

    BANK = "bank"
    CASH = "cash"
    MEMBER_ACCOUNT = "member_account"
    FUND = "fund"
    TRANSFER = "transfer"
    """Nobody anew: it is a part of another voucher, passed on by a member."""


class CodeKind(enum.StrEnum):
    """Where a payment code is shown."""

    PHONE = "phone"
    PAPER = "paper"


class RedemptionRefusal(enum.StrEnum):
    """Why an attempt to redeem was refused; recorded, so that a retry hears the same."""

    EXPIRED = "expired"
    INSUFFICIENT_BALANCE = "insufficient_balance"


class VoucherScheme(TenantTable, Base):
    """A kind of voucher that members know by name: its unit, its tax, how long it is valid.

    ``hold_days``: how long a voucher that was charged to a member's account waits before it can
    be used, as a direct debit can be returned.
    """

    __tablename__ = "voucher_scheme"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        CheckConstraint(one_of("vat_kind", VatKind), name="vat_kind_known"),
        CheckConstraint(
            "(vat_kind = 'SPV') = (vat_basis_points is not null)", name="one_rate_if_single_purpose"
        ),
        CheckConstraint("unit = 'EUR' or vat_kind = 'MPV'", name="tax_is_in_euro"),
        CheckConstraint("unit = 'EUR' or not is_for_sale", name="sold_in_euro"),
        CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name="unit_plain"),
        CheckConstraint("valid_days > 0 and reminder_days >= 0 and hold_days >= 0", name="days"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str] = mapped_column(server_default="EUR", default="EUR")
    vat_kind: Mapped[str]
    vat_basis_points: Mapped[int | None]
    valid_days: Mapped[int]
    reminder_days: Mapped[int]
    hold_days: Mapped[int]
    is_transferable: Mapped[bool]
    is_for_sale: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Whether members can order it themselves; of euros only."""


class VoucherFund(TenantTable, Base):
    """Money (or units) of a funder from which vouchers are given; never more than was granted.

    ``issued_minor`` is what vouchers were given for, ``returned_minor`` what came back as they
    expired, which ``returns_unspent`` decides: a municipality wants unspent money back. Both are
    counted by the database where vouchers are written; nobody else has the right to.
    """

    __tablename__ = "voucher_fund"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        CheckConstraint("granted_minor >= 0", name="granted_not_negative"),
        CheckConstraint(
            "issued_minor >= returned_minor and returned_minor >= 0", name="returned_was_issued"
        ),
        CheckConstraint("issued_minor - returned_minor <= granted_minor", name="within_grant"),
        CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name="unit_plain"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    grantor: Mapped[str]
    unit: Mapped[str] = mapped_column(server_default="EUR", default="EUR")
    granted_minor: Mapped[int]
    issued_minor: Mapped[int] = mapped_column(server_default="0")
    returned_minor: Mapped[int] = mapped_column(server_default="0")
    returns_unspent: Mapped[bool] = mapped_column(server_default="true", default=True)


class Merchant(TenantTable, Base):
    """A merchant on the closed list: who accepts vouchers by a contract of his own."""

    __tablename__ = "merchant"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        CheckConstraint(one_of("vat_mix", VatMix), name="vat_mix_known"),
        CheckConstraint("fee_basis_points between 0 and 10000", name="fee_is_a_part"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    name: Mapped[str]
    iban: Mapped[str]
    vat_mix: Mapped[str]
    fee_basis_points: Mapped[int]
    """Of the contract; a later fee stands in ``merchant_fee``."""
    contract_signed_on: Mapped[date | None]
    stopped_on: Mapped[date | None]
    """The first day on which he accepts no more."""


class MerchantFee(TenantTable, Base):
    """The fee over what a merchant takes from a day on; before it that of his contract held."""

    __tablename__ = "merchant_fee"
    __table_args__ = (
        own_key("merchant_id", of="merchant"),
        CheckConstraint("fee_basis_points between 0 and 10000", name="fee_is_a_part"),
    )

    merchant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    fee_basis_points: Mapped[int]


class MerchantContact(TenantTable, Base):
    """An address whose login works at a merchant's till."""

    __tablename__ = "merchant_contact"
    __table_args__ = (
        own_key("merchant_id", of="merchant"),
        CheckConstraint("email = lower(email)", name="email_lower_case"),
    )

    merchant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[str] = mapped_column(primary_key=True)


class SchemeMerchant(TenantTable, Base):
    """An earmark: with one or more of these, a scheme's vouchers are for these merchants only."""

    __tablename__ = "scheme_merchant"
    __table_args__ = (
        own_key("scheme_id", of="voucher_scheme"),
        own_key("merchant_id", of="merchant"),
    )

    scheme_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    merchant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Voucher(TenantTable, Base):
    """A voucher of one member. ``account_id`` is its account; that balance is what it holds.

    Ten thousand are written by one statement, whose trigger checks kinds, funds and
    holders together instead of row by row.
    """

    __tablename__ = "voucher"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "origin_id"],
            ["voucher.cooperative_id", "voucher.id"],
            name="fk_voucher_origin",
        ),
        CheckConstraint(one_of("paid_by", PaidBy), name="paid_by_known"),
        CheckConstraint("(paid_by = 'transfer') = (origin_id is not null)", name="origin_if_part"),
        CheckConstraint("paid_by <> 'fund' or fund_id is not null", name="fund_if_given"),
        CheckConstraint("face_minor > 0", name="face_positive"),
        CheckConstraint("expires_on >= issued_on", name="expires_after_issue"),
        CheckConstraint("usable_from >= issued_on", name="usable_after_issue"),
        CheckConstraint("expired_minor >= 0", name="expired_not_negative"),
        CheckConstraint(
            "returned_minor between 0"
            " and expired_minor + case when withdrawn_on is null then 0 else face_minor end",
            name="came_back_was_held",
        ),
        Index("ix_voucher_cooperative_id_holder_id", "cooperative_id", "holder_id"),
        Index("ix_voucher_cooperative_id_expires_on", "cooperative_id", "expires_on"),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[SurrogateKey]
    code: Mapped[str]
    scheme_id: Mapped[int]
    holder_id: Mapped[int]
    account_id: Mapped[int]
    paid_by: Mapped[str]
    fund_id: Mapped[int | None]
    origin_id: Mapped[int | None]
    face_minor: Mapped[int]
    issued_on: Mapped[date]
    usable_from: Mapped[date]
    expires_on: Mapped[date]
    """The last day on which it is valid."""
    entry_number: Mapped[int]
    expired_minor: Mapped[int] = mapped_column(server_default="0", default=0)
    returned_minor: Mapped[int] = mapped_column(server_default="0", default=0)
    """What of it came back to the fund: of a single-purpose voucher without its tax."""
    withdrawn_on: Mapped[date | None]
    """When it was taken back, all of it, because it had been issued by mistake."""
    reminded_at: Mapped[datetime | None]


class VoucherRedemption(TenantTable, Base):
    """An attempt to redeem and its answer, which every repetition of the request hears again.

    ``voucher_id`` is the voucher that was named, ``payment_code_id`` the code that was shown;
    without either the member's wallet paid. What it
    refers to is checked by the trigger of the statement that writes it with its lines: foreign
    keys would lock the rows of a voucher and a merchant that everyone pays with at once.
    """

    __tablename__ = "voucher_redemption"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "asked_by", "idempotency_key"),
        CheckConstraint(one_of("refusal", RedemptionRefusal), name="refusal_known"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("balance_after_minor >= 0", name="balance_not_negative"),
        CheckConstraint(
            "refunded_minor between 0 and case when refusal is null then amount_minor else 0 end",
            name="refunded_was_redeemed",
        ),
        CheckConstraint("(refusal is null) = (entry_number is not null)", name="booked_if_taken"),
        Index(
            "ix_voucher_redemption_cooperative_id_merchant_id",
            "cooperative_id",
            "merchant_id",
            "redeemed_on",
        ),
        Index(
            "ix_voucher_redemption_cooperative_id_holder_id",
            "cooperative_id",
            "holder_id",
            "redeemed_on",
        ),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[SurrogateKey]
    code: Mapped[str]
    asked_by: Mapped[str]
    idempotency_key: Mapped[str]
    voucher_id: Mapped[int | None]
    holder_id: Mapped[int]
    merchant_id: Mapped[int]
    unit: Mapped[str]
    amount_minor: Mapped[int]
    redeemed_on: Mapped[date]
    answered_at: Mapped[datetime]
    refusal: Mapped[str | None]
    balance_after_minor: Mapped[int]
    entry_number: Mapped[int | None]
    refunded_minor: Mapped[int] = mapped_column(server_default="0", default=0)
    payment_code_id: Mapped[int | None]


class VoucherRedemptionLine(TenantTable, Base):
    """What one voucher paid of a redemption, with the tax of a single-purpose one."""

    __tablename__ = "voucher_redemption_line"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("refunded_minor between 0 and amount_minor", name="refunded_was_redeemed"),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    redemption_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    voucher_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(server_default="0", default=0)


class PaymentCode(TenantTable, Base):
    """A code that pays once: for minutes on a phone, as long as the voucher on paper.

    Only a hash of it is kept. It pays from one voucher, or from all of the member's.
    """

    __tablename__ = "payment_code"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code_hash"),
        UniqueConstraint("cooperative_id", "redemption_id"),
        own_key("holder_id", of="member"),
        own_key("voucher_id", of="voucher"),
        own_key("redemption_id", of="voucher_redemption"),
        CheckConstraint(one_of("kind", CodeKind), name="kind_known"),
        CheckConstraint("maximum_minor > 0", name="maximum_positive"),
    )

    id: Mapped[SurrogateKey]
    code_hash: Mapped[str]
    kind: Mapped[str]
    holder_id: Mapped[int]
    voucher_id: Mapped[int | None]
    unit: Mapped[str]
    maximum_minor: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    valid_until: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    redemption_id: Mapped[int | None]


class MerchantPayout(TenantTable, Base):
    """What was paid to a merchant at once, and the invoice of his fee; numbers have no gaps."""

    __tablename__ = "merchant_payout"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "number"),
        own_key("merchant_id", of="merchant"),
        CheckConstraint(
            "gross_cents = fee_cents + fee_vat_cents + paid_cents", name="parts_are_the_whole"
        ),
        CheckConstraint(
            "gross_cents > 0 and fee_cents >= 0 and fee_vat_cents >= 0 and paid_cents >= 0",
            name="not_negative",
        ),
    )

    id: Mapped[SurrogateKey]
    number: Mapped[int]
    merchant_id: Mapped[int]
    paid_on: Mapped[date]
    gross_cents: Mapped[int]
    fee_cents: Mapped[int]
    fee_vat_cents: Mapped[int]
    paid_cents: Mapped[int]
    entry_number: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class MerchantPayoutFee(TenantTable, Base):
    """How much of a payout was taken under which fee; the parts come to the whole."""

    __tablename__ = "merchant_payout_fee"
    __table_args__ = (
        own_key("payout_id", of="merchant_payout"),
        CheckConstraint("fee_basis_points between 0 and 10000", name="fee_is_a_part"),
        CheckConstraint("gross_cents > 0", name="gross_positive"),
    )

    payout_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fee_basis_points: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gross_cents: Mapped[int]
