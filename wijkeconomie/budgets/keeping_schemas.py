"""Wire shapes of what a care administrator and a treasurer keep. Amounts are whole cents."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from wijkeconomie.budgets.api import CareAgreementSchema
from wijkeconomie.budgets.models import CareLaw, Payer
from wijkeconomie.core.wire import StrictSchema

_TEXT = validate.Length(min=1, max=200)
_POSITIVE = validate.Range(min=1)
_NOT_NEGATIVE = validate.Range(min=0)


class NewCareBudgetSchema(StrictSchema):
    """A budget as it was granted; ``ends_on`` is its last day."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=40))
    member_code = fields.String(required=True, validate=_TEXT)
    law = fields.Enum(CareLaw, by_value=True, required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    budget_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    payer_name = fields.String(load_default=None, validate=_TEXT)


class NamePayerSchema(StrictSchema):
    """Which body pays a budget, as in the name of the insurer."""

    payer_name = fields.String(required=True, validate=_TEXT)


class ReviseCareBudgetSchema(StrictSchema):
    """What was granted instead, and why."""

    budget_cents = fields.Integer(required=True, strict=True, validate=_NOT_NEGATIVE)
    reason = fields.String(required=True, validate=_TEXT)


class NewCarerSchema(StrictSchema):
    """A carer: a member, or someone from outside by name."""

    name = fields.String(load_default=None, validate=_TEXT)
    member_code = fields.String(load_default=None, validate=_TEXT)

    @validates_schema
    def _is_someone(self, data: dict[str, object], **_more: object) -> None:
        if (data["name"] is None) == (data["member_code"] is None):
            raise ValidationError("give a name or a member", "name")


class CarerSchema(Schema):
    """Someone who gives care."""

    id = fields.Integer(required=True)
    alias = fields.String(required=True)
    name = fields.String(required=True)
    member_code = fields.String(allow_none=True)


class CarerListSchema(Schema):
    """Carers by name."""

    items = fields.List(fields.Nested(CarerSchema), required=True)


class AgreementTermsSchema(CareAgreementSchema):
    """An agreement as the holder and the administrator see it, with its part of the budget."""

    carer_id = fields.Integer(required=True)
    limit_cents = fields.Integer(allow_none=True)
    used_cents = fields.Integer(required=True)
    decided_on = fields.Date(allow_none=True)
    decided_by = fields.String(allow_none=True)


class AgreementTermsListSchema(Schema):
    """The agreements of a budget."""

    items = fields.List(fields.Nested(AgreementTermsSchema), required=True)


class NewAgreementSchema(StrictSchema):
    """Who gives care, at what rate an hour; without days it goes as long as the budget."""

    carer_id = fields.Integer(required=True, strict=True)
    hourly_rate_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    limit_cents = fields.Integer(load_default=None, strict=True, validate=_NOT_NEGATIVE)
    starts_on = fields.Date(load_default=None)
    ends_on = fields.Date(load_default=None)


class DecideAgreementSchema(StrictSchema):
    """What the zorgkantoor, the SVB or the insurer decided, and when."""

    is_approved = fields.Boolean(required=True)
    decided_on = fields.Date(required=True)
    decided_by = fields.String(required=True, validate=_TEXT)


class EndAgreementSchema(StrictSchema):
    """The last day, sooner than it was."""

    ends_on = fields.Date(required=True)


class FenceAgreementSchema(StrictSchema):
    """The part that is set apart; null takes the fence away."""

    limit_cents = fields.Integer(
        required=True, strict=True, allow_none=True, validate=_NOT_NEGATIVE
    )


class NameCarerSchema(StrictSchema):
    """The carer's name, and where to pay him when he wishes."""

    name = fields.String(required=True, validate=_TEXT)
    iban = fields.String(load_default=None, validate=_TEXT)


class CorrectHoursSchema(StrictSchema):
    """What hours should have been, in whole minutes, and why; 0 says that nobody worked."""

    minutes = fields.Integer(required=True, strict=True, validate=validate.Range(0, 44_640))
    reason = fields.String(required=True, validate=_TEXT)


class WaitingCareListSchema(Schema):
    """A month of which approved hours are on no list yet."""

    month = fields.Date(required=True)
    payer = fields.String(required=True, validate=validate.OneOf(Payer))
    payer_name = fields.String(required=True, allow_none=True)
    declarations = fields.Integer(required=True)
    cents = fields.Integer(required=True)


class EarlierCareListSchema(Schema):
    """A list that was made."""

    id = fields.Integer(required=True)
    month = fields.Date(required=True)
    payer = fields.String(required=True)
    payer_name = fields.String(required=True)
    number = fields.Integer(required=True)
    made_at = fields.AwareDateTime(required=True)


class CareListsSchema(Schema):
    """Months that wait for a list, oldest first, and lists that were made, newest first."""

    waiting = fields.List(fields.Nested(WaitingCareListSchema), required=True)
    made = fields.List(fields.Nested(EarlierCareListSchema), required=True)


class CareTrailLineSchema(Schema):
    """Who did what with one's care data, and when."""

    recorded_at = fields.AwareDateTime(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    reason = fields.String(allow_none=True)


class CareTrailSchema(Schema):
    """The latest hundred lines, newest first."""

    items = fields.List(fields.Nested(CareTrailLineSchema), required=True)


class MoveCareMoneySchema(StrictSchema):
    """Money of an insurer that was received, or a carer who was paid, by alias."""

    direction = fields.String(required=True, validate=validate.OneOf(("received", "paid")))
    alias = fields.String(required=True, validate=_TEXT)
    cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    on = fields.Date(required=True)


class MovedCareMoneySchema(Schema):
    """The entry that booked it."""

    entry_number = fields.Integer(required=True)


class HeldCareMoneySchema(Schema):
    """What the books know of a budget: an alias, and what the insurer owes (a debit)."""

    alias = fields.String(required=True)
    balance_cents = fields.Integer(required=True)


class OwedCarerSchema(Schema):
    """Whom to pay how much and where; not for whom he works."""

    alias = fields.String(required=True)
    name = fields.String(required=True)
    iban = fields.String(allow_none=True)
    owed_cents = fields.Integer(required=True)


class CareMoneySchema(Schema):
    """Money of care as the treasurer sees it."""

    budgets = fields.List(fields.Nested(HeldCareMoneySchema), required=True)
    carers = fields.List(fields.Nested(OwedCarerSchema), required=True)
