"""Wire shapes of vouchers. Amounts are whole numbers of the smallest unit (cents for EUR)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.vouchers.models import PaidBy, VatMix

AMOUNT = validate.Range(min=1, max=10**12)
CODE = validate.Regexp(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$")
UNIT = validate.Regexp(r"^[A-Z0-9]{2,12}$")
TEXT = validate.Regexp(r"^[^\x00-\x1f]{1,500}$")


class WalletVoucherSchema(Schema):
    """A voucher as its holder sees it."""

    code = fields.String(required=True)
    scheme = fields.String(required=True)
    unit = fields.String(required=True)
    balance = fields.Integer(required=True)
    face_minor = fields.Integer(required=True)
    usable_from = fields.Date(required=True)
    expires_on = fields.Date(required=True)
    is_gift = fields.Boolean(required=True)
    is_transferable = fields.Boolean(required=True)
    merchants = fields.String(allow_none=True)


class WalletSchema(Schema):
    """What a member can pay with, what expires first first."""

    items = fields.List(fields.Nested(WalletVoucherSchema), required=True)


class RedeemSchema(StrictSchema):
    """A payment: by a payment code, by a voucher's code, or else from one's own wallet."""

    merchant_code = fields.String(required=True, validate=CODE)
    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT)
    payment_code = fields.String(load_default=None, validate=TEXT)
    voucher_code = fields.String(load_default=None, validate=CODE)
    unit = fields.String(load_default="EUR", validate=UNIT)


class AnswerSchema(Schema):
    """A payment that a merchant took."""

    code = fields.String(required=True)
    merchant_code = fields.String(required=True)
    voucher_code = fields.String(allow_none=True)
    unit = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    redeemed_on = fields.Date(required=True)
    balance_after_minor = fields.Integer(required=True)
    is_replay = fields.Boolean(required=True)


class PaymentSchema(Schema):
    """A payment as it stands; ``refusal`` where it was refused."""

    code = fields.String(required=True)
    merchant_code = fields.String(required=True)
    member_code = fields.String(required=True)
    unit = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    refunded_minor = fields.Integer(required=True)
    redeemed_on = fields.Date(required=True)
    refusal = fields.String(allow_none=True)


class RefundSchema(StrictSchema):
    """So much back, or all that is left."""

    reason = fields.String(required=True, validate=TEXT)
    amount_minor = fields.Integer(load_default=None, strict=True, validate=AMOUNT)


class GrantSchema(StrictSchema):
    """A voucher for a member."""

    member_code = fields.String(required=True, validate=CODE)
    face_minor = fields.Integer(required=True, strict=True, validate=AMOUNT)
    code = fields.String(load_default=None, validate=CODE)
    expires_on = fields.Date(load_default=None)


class IssueSchema(StrictSchema):
    """Vouchers of one kind, paid in one way."""

    scheme_code = fields.String(required=True, validate=CODE)
    paid_by = fields.Enum(PaidBy, by_value=True, required=True)
    fund_code = fields.String(load_default=None, validate=CODE)
    grants = fields.List(
        fields.Nested(GrantSchema), required=True, validate=validate.Length(1, 10_000)
    )


class IssuedSchema(Schema):
    """The entry in the books."""

    entry_number = fields.Integer(required=True)


class PassOnSchema(StrictSchema):
    """So much of one's own vouchers for another member."""

    to_member_code = fields.String(required=True, validate=CODE)
    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT)
    unit = fields.String(load_default="EUR", validate=UNIT)


class PassedOnSchema(Schema):
    """The vouchers that the other member has now."""

    voucher_codes = fields.List(fields.String(), required=True)


class MakeCodeSchema(StrictSchema):
    """What a merchant may take at most."""

    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT)
    unit = fields.String(load_default="EUR", validate=UNIT)


class MadeCodeSchema(Schema):
    """A payment code. It is told this once, and replaces the one before it."""

    payment_code = fields.String(required=True, attribute="written")
    unit = fields.String(required=True)
    maximum_minor = fields.Integer(required=True)
    valid_until = fields.AwareDateTime(required=True)


class MerchantSchema(Schema):
    """A merchant of the closed list."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    vat_mix = fields.String(required=True, validate=validate.OneOf(VatMix))
    stopped_on = fields.Date(allow_none=True)


class MerchantListSchema(Schema):
    """The closed list, by name."""

    items = fields.List(fields.Nested(MerchantSchema), required=True)


class PayOutSchema(StrictSchema):
    """The day on which a merchant was paid; today when it is left out."""

    paid_on = fields.Date(load_default=None)


class PayoutSchema(Schema):
    """A payout, which is the invoice of the fee."""

    number = fields.Integer(required=True)
    paid_on = fields.Date(required=True)
    gross_cents = fields.Integer(required=True)
    fee_cents = fields.Integer(required=True)
    fee_vat_cents = fields.Integer(required=True)
    paid_cents = fields.Integer(required=True)


class UnitCirculationSchema(Schema):
    """Vouchers of a unit: issued = outstanding + redeemed + expired."""

    unit = fields.String(required=True)
    issued = fields.Integer(required=True)
    redeemed = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    outstanding = fields.Integer(required=True)


class CoverSchema(Schema):
    """What can be claimed against what is there."""

    outstanding_cents = fields.Integer(required=True)
    merchants_cents = fields.Integer(required=True)
    bank_cents = fields.Integer(required=True)
    short_cents = fields.Integer(required=True)


class VolumeSchema(Schema):
    """What was paid in the twelve months that end today; ``level`` is good, warning or passed."""

    since = fields.Date(required=True)
    cents = fields.Integer(required=True)
    level = fields.String(required=True)


class CirculationSchema(Schema):
    """Circulation with its meters."""

    units = fields.List(fields.Nested(UnitCirculationSchema), required=True)
    cover = fields.Nested(CoverSchema, required=True)
    volume = fields.Nested(VolumeSchema, required=True)
