"""Wire shapes of carers' grants. Amounts are whole cents; counts of people are texts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRefusal
from wijkeconomie.vouchers.grant_rules import BudgetRule
from wijkeconomie.vouchers.granting import KEEP_DAYS
from wijkeconomie.vouchers.schemas import CODE

SHORT = validate.Regexp(r"^[^\x00-\x1f]{1,40}$")
_POSITIVE = validate.Range(min=1)


class GrantRoundSchema(Schema):
    """A round; one can apply from ``opens_on`` to ``closes_on`` inclusive."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    grantor = fields.String(required=True)
    state = fields.String(required=True)
    budget_cents = fields.Integer(required=True)
    person_cap_cents = fields.Integer(required=True)
    carer_cap_cents = fields.Integer(allow_none=True)
    carer_limit = fields.Integer(allow_none=True)
    is_one_per_carer = fields.Boolean(required=True)
    budget_rule = fields.String(required=True)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True)
    payouts = fields.List(fields.Enum(GrantPayout, by_value=True), required=True)
    granted_cents = fields.Integer(allow_none=True)
    accounted_on = fields.Date(allow_none=True)


class GrantRoundListSchema(Schema):
    """The rounds, the newest first."""

    items = fields.List(fields.Nested(GrantRoundSchema), required=True)


class ApplyForGrantSchema(StrictSchema):
    """An application; with ``member_code`` a coordinator types it in for someone."""

    initials = fields.String(required=True, validate=SHORT)
    born_on = fields.Date(required=True)
    postcode = fields.String(required=True, validate=SHORT)
    payout = fields.Enum(GrantPayout, by_value=True, required=True)
    member_code = fields.String(load_default=None, validate=CODE)


class GrantApplicationSchema(Schema):
    """An application as its carer sees it; ``person`` is a number in the round."""

    id = fields.Integer(required=True)
    round_code = fields.String(required=True)
    person = fields.Integer(required=True)
    payout = fields.String(required=True)
    applied_on = fields.Date(required=True)
    state = fields.String(required=True)
    refusal = fields.String(allow_none=True)
    granted_cents = fields.Integer(allow_none=True)
    voucher_code = fields.String(allow_none=True)


class GrantApplicationListSchema(Schema):
    """Applications, the newest first."""

    items = fields.List(fields.Nested(GrantApplicationSchema), required=True)


class GrantReportLineSchema(Schema):
    """A count of people (``<5`` when it is small, ``-`` when it is not told) and its amount."""

    key = fields.String(required=True)
    count = fields.String(required=True)
    cents = fields.Integer(allow_none=True)


class GrantReportSchema(Schema):
    """The accounting for a round."""

    round = fields.Nested(GrantRoundSchema, required=True)
    received_cents = fields.Integer(required=True)
    spent_cents = fields.Integer(required=True)
    lapsed_cents = fields.Integer(required=True)
    repaid_cents = fields.Integer(required=True)
    left_cents = fields.Integer(required=True)
    applications = fields.String(required=True)
    carers = fields.String(required=True)
    persons = fields.String(required=True)
    outcomes = fields.List(fields.Nested(GrantReportLineSchema), required=True)
    payouts = fields.List(fields.Nested(GrantReportLineSchema), required=True)


class NewGrantRoundSchema(StrictSchema):
    """A round as its municipality asks for it; ``scheme_code`` is the kind of voucher it pays."""

    code = fields.String(required=True, validate=CODE)
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    grantor = fields.String(required=True, validate=validate.Length(min=1, max=200))
    budget_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    person_cap_cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    carer_cap_cents = fields.Integer(load_default=None, strict=True, validate=_POSITIVE)
    carer_limit = fields.Integer(load_default=None, strict=True, validate=_POSITIVE)
    is_one_per_carer = fields.Boolean(load_default=True)
    budget_rule = fields.Enum(BudgetRule, by_value=True, load_default=BudgetRule.PRO_RATA)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True)
    pays_to_account = fields.Boolean(load_default=True)
    pays_to_bank = fields.Boolean(load_default=False)
    scheme_code = fields.String(load_default=None, validate=CODE)
    keep_days = fields.Integer(load_default=KEEP_DAYS, strict=True, validate=_POSITIVE)


class RefuseGrantSchema(StrictSchema):
    """One of a few reasons, so that nobody writes down more."""

    reason = fields.Enum(GrantRefusal, by_value=True, required=True)


class GrantMoneySchema(StrictSchema):
    """What the municipality paid, or was paid back; the day is today when left out."""

    cents = fields.Integer(required=True, strict=True, validate=_POSITIVE)
    on = fields.Date(load_default=None)


class GrantStepSchema(StrictSchema):
    """A step that needs nothing said."""


class ReviewedApplicationSchema(GrantApplicationSchema):
    """An application as who looks it through sees it; of the person cared for a number."""

    member_code = fields.String(allow_none=True)
    member_name = fields.String(required=True)


class ReviewedApplicationListSchema(Schema):
    """The applications of a round, in the order in which they came."""

    items = fields.List(fields.Nested(ReviewedApplicationSchema), required=True)
