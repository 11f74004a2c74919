"""Wire shapes of purchasing. Amounts are whole cents, moments carry their offset."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, RoundState, ShortageRule

_COUNT = validate.Range(min=0)


class RoundSchema(Schema):
    """A round as it stands."""

    code = fields.String(required=True)
    theme = fields.String(required=True)
    state = fields.Enum(RoundState, by_value=True, required=True)
    supplier_code = fields.String(required=True)
    supplier_name = fields.String(required=True)
    opens_at = fields.AwareDateTime(required=True)
    closes_at = fields.AwareDateTime(required=True)
    delivery_on = fields.Date(required=True)
    freight_excl_cents = fields.Integer(required=True)
    freight_key = fields.Enum(FreightKey, by_value=True, required=True)
    shortage_rule = fields.Enum(ShortageRule, by_value=True, required=True)
    surplus_rule = fields.Enum(SurplusRule, by_value=True, required=True)
    agreed_freight_excl_cents = fields.Integer(
        allow_none=True,
        metadata={"description": "The freight it was planned with, where it turned out otherwise"},
    )
    freight_reason = fields.String(
        allow_none=True, metadata={"description": "Why freight turned out otherwise"}
    )
    settlement_version = fields.Integer(required=True)
    pledgers = fields.Integer(required=True)
    pledged_net_cents = fields.Integer(required=True)
    cancel_reason = fields.String(allow_none=True)


class RoundListSchema(Schema):
    """Rounds, the one that closes last first."""

    items = fields.List(fields.Nested(RoundSchema), required=True)


class RoundFilterSchema(Schema):
    """Which rounds to list."""

    state = fields.Enum(RoundState, by_value=True, load_default=None)


class PlanRoundSchema(StrictSchema):
    """A round to prepare; ``products`` are codes, all that is offered when left out."""

    theme = fields.String(required=True, validate=validate.Length(min=1, max=200))
    supplier_code = fields.String(required=True)
    opens_at = fields.AwareDateTime(required=True)
    closes_at = fields.AwareDateTime(required=True)
    delivery_on = fields.Date(required=True)
    freight_excl_cents = fields.Integer(load_default=0, strict=True, validate=_COUNT)
    freight_key = fields.Enum(FreightKey, by_value=True, load_default=FreightKey.VALUE)
    shortage_rule = fields.Enum(ShortageRule, by_value=True, load_default=ShortageRule.PRO_RATA)
    surplus_rule = fields.Enum(
        SurplusRule,
        by_value=True,
        load_default=SurplusRule.STOCK,
        metadata={"description": "What becomes of units that nobody ordered"},
    )
    products = fields.List(fields.String(), load_default=None)


class DraftProductSchema(StrictSchema):
    """A product of a draft; without a price it keeps that of the round, or takes today's."""

    code = fields.String(required=True)
    price_excl_cents = fields.Integer(
        load_default=None, strict=True, allow_none=True, validate=_COUNT
    )


class ChangeDraftSchema(StrictSchema):
    """A draft as it should be; what is left out stays as it is."""

    theme = fields.String(load_default=None, validate=validate.Length(min=1, max=200))
    opens_at = fields.AwareDateTime(load_default=None)
    closes_at = fields.AwareDateTime(load_default=None)
    delivery_on = fields.Date(load_default=None)
    freight_excl_cents = fields.Integer(load_default=None, strict=True, validate=_COUNT)
    freight_key = fields.Enum(FreightKey, by_value=True, load_default=None)
    shortage_rule = fields.Enum(ShortageRule, by_value=True, load_default=None)
    surplus_rule = fields.Enum(SurplusRule, by_value=True, load_default=None)
    products = fields.List(
        fields.Nested(DraftProductSchema),
        load_default=None,
        metadata={"description": "Exactly these, in this order"},
    )
    prices_stay = fields.Boolean(
        load_default=False,
        metadata={
            "description": "Another price is for future rounds too; else for this round only"
        },
    )


class OfferedProductSchema(Schema):
    """A product within a round; its prices are for ``price_units`` units together."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    price_excl_cents = fields.Integer(required=True)
    vat_basis_points = fields.Integer(allow_none=True)
    pack_size = fields.Integer(required=True)
    max_per_member = fields.Integer(allow_none=True)
    list_price_excl_cents = fields.Integer(required=True)
    sells_loose = fields.Boolean(required=True)
    minimum_quantity = fields.Integer(allow_none=True)
    pledged = fields.Integer(required=True)
    pledgers = fields.Integer(required=True)
    price_units = fields.Integer(required=True)
    supplier_unit = fields.String(allow_none=True)
    deposit_cents = fields.Integer(
        required=True, metadata={"description": "Deposit on the packaging of a unit, in cents"}
    )


class ProductListSchema(Schema):
    """What a round offers, in its order."""

    items = fields.List(fields.Nested(OfferedProductSchema), required=True)


class RungSchema(Schema):
    """A price of a ladder, without VAT, and who accept it."""

    from_quantity = fields.Integer(required=True, attribute="rung.from_quantity")
    price_excl_cents = fields.Integer(required=True, attribute="rung.price_cents")
    wanted = fields.Integer(required=True)
    tolerance = fields.Integer(required=True)
    pledges = fields.Integer(required=True)
    ordered = fields.Integer(required=True)


class LadderSchema(Schema):
    """Where a product stands: its rungs from the first price down, and which one counts."""

    product_code = fields.String(required=True)
    is_fixed = fields.Boolean(required=True)
    position = fields.Integer(required=True)
    missing_to_next = fields.Integer(required=True)
    missing_to_order = fields.Integer(required=True)
    rungs = fields.List(fields.Nested(RungSchema), required=True)


class LadderListSchema(Schema):
    """Every product of a round, in its order."""

    items = fields.List(fields.Nested(LadderSchema), required=True)


class PledgeSchema(Schema):
    """What a member ordered of one product, and what closing made of it."""

    product_code = fields.String(required=True)
    member_code = fields.String(required=True)
    quantity = fields.Integer(required=True)
    tolerance = fields.Integer(required=True)
    max_price_excl_cents = fields.Integer(allow_none=True)
    allotted_quantity = fields.Integer(allow_none=True)
    version = fields.Integer(required=True)
    pledged_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)


class PledgeListSchema(Schema):
    """Pledges by member and product."""

    items = fields.List(fields.Nested(PledgeSchema), required=True)


class PledgeLineSchema(StrictSchema):
    """A line of an order: 0 withdraws; ``version`` is the one you saw, 0 for none."""

    product_code = fields.String(required=True)
    quantity = fields.Integer(required=True, strict=True, validate=_COUNT)
    version = fields.Integer(load_default=None, strict=True, validate=_COUNT)
    tolerance = fields.Integer(load_default=0, strict=True, validate=_COUNT)
    max_price_excl_cents = fields.Integer(load_default=None, strict=True, validate=_COUNT)


class OrderSchema(StrictSchema):
    """A member's order; products that are not named stay as they are."""

    lines = fields.List(fields.Nested(PledgeLineSchema), required=True)


class DeliverySchema(Schema):
    """What was ordered and what came of a product."""

    product_code = fields.String(required=True)
    ordered = fields.Integer(required=True)
    delivered = fields.Integer(allow_none=True)
    damaged = fields.Integer(required=True)
    uncredited = fields.Integer(
        required=True,
        metadata={
            "description": "Damaged and missing units that the supplier charges all the same"
        },
    )
    delivered_grams = fields.Integer(
        allow_none=True,
        metadata={"description": "What weighed goods weigh together, in grams; null: not weighed"},
    )
    reason = fields.String(allow_none=True)
    version = fields.Integer(
        required=True, metadata={"description": "How often it was counted; 0: not yet"}
    )


class DeliveryListSchema(Schema):
    """The lines of a delivery."""

    items = fields.List(fields.Nested(DeliverySchema), required=True)


class ReceiveLineSchema(StrictSchema):
    """What came of a product."""

    delivered = fields.Integer(required=True, strict=True, validate=_COUNT)
    damaged = fields.Integer(load_default=0, strict=True, validate=_COUNT)
    uncredited = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata={
            "description": "Damaged and missing units that the supplier charges all the same;"
            " null leaves it as it is, and what is left of them is credited"
        },
    )
    grams = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1),
        metadata={
            "description": "What weighed goods weigh together, in grams; null leaves it as it is"
        },
    )
    reason = fields.String(load_default=None, allow_none=True)
    version = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata={
            "description": "The version of the line that you saw, so that what somebody else"
            " counted since is not overwritten; null takes the count as it comes"
        },
    )


class RestSchema(StrictSchema):
    """Products that nobody has counted yet, and that came as they were ordered."""

    product_codes = fields.List(
        fields.String(),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "All that are not counted: others than those are refused"},
    )


class WithdrawnInvoiceSchema(StrictSchema):
    """Why an invoice is taken back."""

    reason = fields.String(
        required=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "Why it was not of this round"},
    )


class InvoiceSchema(StrictSchema):
    """The supplier's invoice."""

    code = fields.String(required=True)
    invoiced_on = fields.Date(required=True)
    net_cents = fields.Integer(required=True, strict=True, validate=_COUNT)
    vat_cents = fields.Integer(required=True, strict=True, validate=_COUNT)
    deposit_cents = fields.Integer(load_default=None, strict=True, allow_none=True, validate=_COUNT)


class StepSchema(StrictSchema):
    """What some steps take: the reason of a cancellation, the terms of a settlement."""

    reason = fields.String(load_default="")
    accounting_date = fields.Date(load_default=None)
    accepted_difference_cents = fields.Integer(load_default=None, strict=True)
    seen = fields.String(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The mark of the preview; other amounts than those are not booked"
        },
    )


class MemberAmountSchema(Schema):
    """What a member pays, and paid by the version before."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    gross_cents = fields.Integer(required=True)
    before_cents = fields.Integer(required=True)
    deposit_cents = fields.Integer(required=True)
    deposit_before_cents = fields.Integer(required=True)
    payable_cents = fields.Integer(required=True)


class RoundDepositsSchema(Schema):
    """Deposits on packaging: by what came, by the invoice, and what members pay of them."""

    supplier_cents = fields.Integer(required=True)
    due_cents = fields.Integer(required=True)
    members_cents = fields.Integer(required=True)
    difference_cents = fields.Integer(required=True)


class SettlementPreviewSchema(Schema):
    """What settling comes to; members and cooperative together are the supplier's invoice.

    ``gross`` amounts are without deposits, ``payable`` ones with. ``whole_difference_cents`` is
    what has to be accepted where it is not zero.
    """

    supplier_gross_cents = fields.Integer(required=True)
    members_gross_cents = fields.Integer(required=True, attribute="result.members_gross_cents")
    cooperative_gross_cents = fields.Integer(required=True)
    difference_cents = fields.Integer(required=True)
    supplier_payable_cents = fields.Integer(required=True)
    members_payable_cents = fields.Integer(required=True)
    cooperative_payable_cents = fields.Integer(required=True)
    whole_difference_cents = fields.Integer(required=True)
    deposits = fields.Nested(RoundDepositsSchema, required=True)
    matches_invoice = fields.Boolean(required=True)
    members = fields.List(fields.Nested(MemberAmountSchema), required=True)
    seen = fields.String(
        required=True,
        metadata={"description": "The mark of these figures, to send when they are booked"},
    )


class ShareSchema(Schema):
    """What a pledge became, with the figures that explain it."""

    member_code = fields.String(required=True)
    product_code = fields.String(required=True)
    pledged = fields.Integer(required=True)
    delivered = fields.Integer(required=True)
    net_cents = fields.Integer(required=True)
    freight_cents = fields.Integer(required=True)
    vat_cents = fields.Integer(required=True)
    gross_cents = fields.Integer(required=True)
    explanation = fields.Dict(required=True)


class ShareListSchema(Schema):
    """The shares of the valid version of a settlement."""

    items = fields.List(fields.Nested(ShareSchema), required=True)
