"""Wire shapes of investing together. Amounts are whole cents, days are dates of the Netherlands."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.investments.models import (
    Instrument,
    ParticipationState,
    ProjectState,
    TransferRule,
)

_POSITIVE = validate.Range(min=1)
_NOT_NEGATIVE = validate.Range(min=0)
_TEXT = validate.Length(min=1, max=200)
_INSTRUMENTS = validate.OneOf([each.value for each in Instrument])
_PROJECT_STATES = validate.OneOf([each.value for each in ProjectState])
_PARTICIPATION_STATES = validate.OneOf([each.value for each in ParticipationState])


class ProjectSchema(Schema):
    """A project and how far its campaign is."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    explanation = fields.String(required=True)
    instrument = fields.String(required=True, validate=_INSTRUMENTS)
    state = fields.String(required=True, validate=_PROJECT_STATES)
    unit_price_cents = fields.Integer(required=True)
    target_units = fields.Integer(required=True)
    stage_units = fields.Integer(required=True)
    maximum_units = fields.Integer(allow_none=True)
    taken_units = fields.Integer(required=True)
    paid_units = fields.Integer(required=True)
    left_units = fields.Integer(required=True)
    drawn_cents = fields.Integer(required=True)
    drawable_cents = fields.Integer(required=True)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(allow_none=True)
    repayment_months = fields.Integer(required=True)
    repayment_cents_per_year = fields.Integer(allow_none=True)
    transfers = fields.String(required=True)


class ProjectListSchema(Schema):
    """Projects, the one that opened last first."""

    items = fields.List(fields.Nested(ProjectSchema), required=True)


class OpenCampaignSchema(StrictSchema):
    """A campaign to open; ``stage_units`` is the whole target when left out: all or nothing."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=30))
    name = fields.String(required=True, validate=_TEXT)
    explanation = fields.String(load_default="")
    instrument = fields.Enum(Instrument, by_value=True, required=True)
    unit_price_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    target_units = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    stage_units = fields.Integer(load_default=None, strict=True, validate=_POSITIVE)
    maximum_units = fields.Integer(load_default=None, strict=True, validate=_POSITIVE)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(load_default=None)
    repayment_months = fields.Integer(load_default=12, strict=True, validate=_NOT_NEGATIVE)
    repayment_cents_per_year = fields.Integer(load_default=None, strict=True, validate=_POSITIVE)
    prospectus = fields.String(load_default=None)
    transfers = fields.Enum(TransferRule, by_value=True, load_default=TransferRule.APPROVAL)


class ParticipationSchema(Schema):
    """Units of a project that a member took at one time."""

    code = fields.String(required=True)
    project_code = fields.String(required=True)
    member_code = fields.String(required=True)
    units = fields.Integer(required=True)
    cents = fields.Integer(required=True)
    state = fields.String(required=True, validate=_PARTICIPATION_STATES)
    bought_on = fields.Date(required=True)
    paid_on = fields.Date(allow_none=True)
    issued_on = fields.Date(allow_none=True)
    ended_on = fields.Date(allow_none=True)


class ParticipationListSchema(Schema):
    """Participations by project and member number."""

    items = fields.List(fields.Nested(ParticipationSchema), required=True)


class SubscribeSchema(StrictSchema):
    """Units to take; ``member_code`` is oneself when left out."""

    units = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    member_code = fields.String(load_default=None)


class ParticipationPaymentSchema(StrictSchema):
    """The day on which the bank received or paid something."""

    paid_on = fields.Date(required=True)


class MemberPayoutSchema(ParticipationPaymentSchema):
    """What the bank paid a member."""

    cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)


class ProjectInvoiceSchema(StrictSchema):
    """A supplier's invoice for a project."""

    supplier_code = fields.String(required=True, validate=_TEXT)
    document = fields.String(required=True, validate=_TEXT)
    description = fields.String(required=True, validate=_TEXT)
    net_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    vat_cents = fields.Integer(required=True, strict=True, validate=_NOT_NEGATIVE)
    drawn_on = fields.Date(required=True)


class PutIntoUseSchema(StrictSchema):
    """The invoices that wait, as one thing in use."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=40))
    name = fields.String(required=True, validate=_TEXT)
    in_use_from = fields.Date(required=True)
    life_months = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    residual_cents = fields.Integer(load_default=0, strict=True, validate=_NOT_NEGATIVE)


class ProjectAssetSchema(Schema):
    """Something in use, and what it is worth in the books."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    in_use_from = fields.Date(required=True)
    life_months = fields.Integer(required=True)
    cost_cents = fields.Integer(required=True)
    residual_cents = fields.Integer(required=True)
    depreciated_cents = fields.Integer(required=True)
    value_cents = fields.Integer(required=True)
    key_code = fields.String(allow_none=True)
    disposed_on = fields.Date(allow_none=True)
    disposal_kind = fields.String(allow_none=True)
    proceeds_cents = fields.Integer(allow_none=True)
    disposal_result_cents = fields.Integer(allow_none=True)
    is_owed = fields.Boolean(required=True)


class ProjectAssetListSchema(Schema):
    """Assets in the order in which they came into use."""

    items = fields.List(fields.Nested(ProjectAssetSchema), required=True)


class ShareResultSchema(StrictSchema):
    """What a project earned in a year; negative for a loss."""

    year = fields.Integer(required=True, strict=True, validate=validate.Range(min=2000, max=2200))
    cents = fields.Integer(required=True, strict=True)
    accounting_date = fields.Date(required=True)
    decision = fields.String(load_default=None)


class ProjectResultSchema(Schema):
    """A result that was shared, with one's own part."""

    year = fields.Integer(required=True)
    cents = fields.Integer(required=True)
    units = fields.Integer(required=True)
    own_cents = fields.Integer(allow_none=True)


class ProjectResultListSchema(Schema):
    """Results, the latest year first."""

    items = fields.List(fields.Nested(ProjectResultSchema), required=True)


class RegisterDaySchema(Schema):
    """Of which day; today when left out."""

    on = fields.Date(load_default=None)


class OwedToMemberSchema(Schema):
    """What a member is owed still."""

    member_code = fields.String(required=True)
    owed_cents = fields.Integer(required=True)
