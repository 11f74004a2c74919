"""Wire shapes of what the treasurer keeps: kinds of vouchers, funds and merchants."""

from __future__ import annotations

from datetime import date

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.vouchers.codes import MOST_ON_A_SHEET
from wijkeconomie.vouchers.models import VatKind, VatMix
from wijkeconomie.vouchers.schemas import CODE, TEXT, UNIT, MadeCodeSchema

BASIS_POINTS = validate.Range(min=0, max=10_000)
DAYS = validate.Range(min=0, max=36_500)
ROOM = validate.Range(min=0, max=10**12)


class SaveKindSchema(StrictSchema):
    """A kind of voucher; with ``merchants`` it can be used at these only."""

    code = fields.String(required=True, validate=CODE)
    name = fields.String(required=True, validate=TEXT)
    unit = fields.String(load_default="EUR", validate=UNIT)
    vat_kind = fields.Enum(VatKind, by_value=True, load_default=VatKind.MPV)
    vat_basis_points = fields.Integer(load_default=None, strict=True, validate=BASIS_POINTS)
    valid_days = fields.Integer(load_default=365, strict=True, validate=DAYS)
    reminder_days = fields.Integer(load_default=30, strict=True, validate=DAYS)
    hold_days = fields.Integer(load_default=56, strict=True, validate=DAYS)
    is_transferable = fields.Boolean(load_default=True)
    is_for_sale = fields.Boolean(load_default=False)
    merchants = fields.List(fields.String(validate=CODE), load_default=list)


class VoucherKindSchema(Schema):
    """A kind of voucher; ``merchants`` names those it is for, where that is not all."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    vat_kind = fields.String(required=True, validate=validate.OneOf(VatKind))
    vat_basis_points = fields.Integer(allow_none=True)
    valid_days = fields.Integer(required=True)
    is_transferable = fields.Boolean(required=True)
    merchants = fields.String(allow_none=True)
    reminder_days = fields.Integer(required=True)
    hold_days = fields.Integer(required=True)
    is_for_sale = fields.Boolean(required=True)
    merchant_codes = fields.List(fields.String(), required=True)


class ChangeKindSchema(StrictSchema):
    """A kind of voucher as it is from now on; ``merchants`` by their codes, none means all."""

    name = fields.String(required=True, validate=TEXT)
    valid_days = fields.Integer(required=True, strict=True, validate=DAYS)
    reminder_days = fields.Integer(required=True, strict=True, validate=DAYS)
    hold_days = fields.Integer(required=True, strict=True, validate=DAYS)
    is_for_sale = fields.Boolean(required=True)
    merchants = fields.List(fields.String(validate=CODE), required=True)


class WithdrawVoucherSchema(StrictSchema):
    """Why a voucher is taken back; the holder is told."""

    reason = fields.String(required=True, validate=TEXT)


class WithdrawnVoucherSchema(Schema):
    """The entry by which a voucher was taken back."""

    entry_number = fields.Integer(required=True)


class HolderToVisitSchema(Schema):
    """Who holds vouchers that expire soon and has no e-mail address; amounts by the last day."""

    member_code = fields.String(required=True)
    member_name = fields.String(required=True)
    address = fields.String(required=True)
    unit = fields.String(required=True)
    balance = fields.Integer(required=True)
    expires_on = fields.Date(required=True)


class HoldersToVisitSchema(Schema):
    """Those whom no letter reaches, by their last day."""

    items = fields.List(fields.Nested(HolderToVisitSchema), required=True)


class VoucherKindListSchema(Schema):
    """The kinds of vouchers, by name."""

    items = fields.List(fields.Nested(VoucherKindSchema), required=True)


class SaveFundSchema(StrictSchema):
    """What is set apart for vouchers in all, from now on; euros from our own means."""

    name = fields.String(required=True, validate=TEXT)
    grantor = fields.String(required=True, validate=TEXT)
    granted_minor = fields.Integer(required=True, strict=True, validate=ROOM)
    unit = fields.String(load_default="EUR", validate=UNIT)
    returns_unspent = fields.Boolean(load_default=True)


class VoucherFundSchema(Schema):
    """A fund with what is left of it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    grantor = fields.String(required=True)
    unit = fields.String(required=True)
    granted_minor = fields.Integer(required=True)
    issued_minor = fields.Integer(required=True)
    returned_minor = fields.Integer(required=True)
    returns_unspent = fields.Boolean(required=True)
    kept_as = fields.String(
        required=True, validate=validate.OneOf(["own", "subsidy", "grant_round"])
    )
    left_minor = fields.Integer(required=True)


class VoucherFundListSchema(Schema):
    """The funds, by code."""

    items = fields.List(fields.Nested(VoucherFundSchema), required=True)


class ChangeMerchantSchema(StrictSchema):
    """A merchant as he is from now on; ``contacts`` are those who work at his till."""

    name = fields.String(required=True, validate=TEXT)
    iban = fields.String(required=True, validate=validate.Length(max=34))
    vat_mix = fields.Enum(VatMix, by_value=True, required=True)
    contract_signed_on = fields.Date(load_default=None)
    contacts = fields.List(fields.String(validate=TEXT), load_default=list)


class NewMerchantSchema(ChangeMerchantSchema):
    """A merchant for the list, with the fee of his contract."""

    code = fields.String(required=True, validate=CODE)
    fee_basis_points = fields.Integer(load_default=0, strict=True, validate=BASIS_POINTS)


class MerchantFeeSchema(Schema):
    """A fee and the first day on which it counts; no day for that of the contract."""

    valid_from = fields.Date(required=True, allow_none=True)
    fee_basis_points = fields.Integer(required=True)


class MerchantDetailSchema(Schema):
    """A merchant as who keeps the list sees him; the fee is that of today."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    iban = fields.String(required=True)
    vat_mix = fields.String(required=True, validate=validate.OneOf(VatMix))
    fee_basis_points = fields.Integer(required=True)
    contract_signed_on = fields.Date(allow_none=True)
    stopped_on = fields.Date(allow_none=True)
    owed_cents = fields.Integer(required=True)
    contacts = fields.List(fields.String(), required=True)
    fees = fields.List(fields.Nested(MerchantFeeSchema), required=True)


class ChangeFeeSchema(StrictSchema):
    """Another fee, for what is taken from a day to come on."""

    fee_basis_points = fields.Integer(required=True, strict=True, validate=BASIS_POINTS)
    valid_from = fields.Date(required=True)


class StopMerchantSchema(StrictSchema):
    """The first day on which a merchant accepts no more, and why."""

    on = fields.Date(required=True)
    reason = fields.String(required=True, validate=TEXT)


class NothingToSaySchema(StrictSchema):
    """An empty body."""


class MoveCoverSchema(StrictSchema):
    """What was moved to the bank account of vouchers; negative when it was moved back."""

    amount_cents = fields.Integer(required=True, strict=True)
    moved_on = fields.Date(load_default=None)


class MovedCoverSchema(Schema):
    """The entry that booked it, and the cover as it is now."""

    entry_number = fields.Integer(required=True)
    short_cents = fields.Integer(required=True)


class PaperCodesSchema(StrictSchema):
    """How many codes on the sheet of a voucher, and the most that one of them pays."""

    count = fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST_ON_A_SHEET))
    maximum_minor = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))


class PaperCodeListSchema(Schema):
    """The codes: told this once, as only hashes of them are kept."""

    items = fields.List(fields.Nested(MadeCodeSchema), required=True)


class HistoryPeriodSchema(StrictSchema):
    """Which days: from ``from`` up to and without ``to``."""

    start = fields.Date(required=True, data_key="from")
    end = fields.Date(required=True, data_key="to")

    @validates_schema
    def _is_a_period(self, data: dict[str, date], **_more: object) -> None:
        if data["end"] <= data["start"]:
            raise ValidationError("it ends before it begins", "to")


class MerchantMovementSchema(Schema):
    """Something a merchant took, gave back or was paid."""

    day = fields.Date(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("taken", "refunded", "paid")))
    code = fields.String(required=True)
    unit = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    fee_cents = fields.Integer(allow_none=True)
    fee_vat_cents = fields.Integer(allow_none=True)
    paid_cents = fields.Integer(allow_none=True)


class MerchantMonthSchema(Schema):
    """What a month did to what a merchant is owed."""

    month = fields.Date(required=True)
    opening_cents = fields.Integer(required=True)
    taken_cents = fields.Integer(required=True)
    refunded_cents = fields.Integer(required=True)
    settled_cents = fields.Integer(required=True)
    other_cents = fields.Integer(required=True)
    fee_cents = fields.Integer(required=True)
    fee_vat_cents = fields.Integer(required=True)
    paid_cents = fields.Integer(required=True)
    closing_cents = fields.Integer(required=True)


class MerchantHistorySchema(Schema):
    """All that happened in a period, the first first; and all months, the latest first."""

    items = fields.List(fields.Nested(MerchantMovementSchema), required=True)
    months = fields.List(fields.Nested(MerchantMonthSchema), required=True)
