"""Wire shapes of orders: vouchers that a member buys and pays by bank."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.vouchers.buying import MOST_CENTS
from wijkeconomie.vouchers.order_models import OrderState
from wijkeconomie.vouchers.schemas import CODE


class AskVoucherOrderSchema(StrictSchema):
    """So much of a kind of voucher."""

    scheme_code = fields.String(required=True, validate=CODE)
    cents = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=MOST_CENTS)
    )


class VoucherOrderSchema(Schema):
    """An order; ``code`` is the reference to pay by, to the cent."""

    code = fields.String(required=True)
    member_code = fields.String(required=True)
    scheme = fields.String(required=True)
    cents = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(OrderState))
    ordered_on = fields.Date(required=True)
    paid_on = fields.Date(required=True, allow_none=True)
    voucher_code = fields.String(required=True, allow_none=True)


class VoucherOrderListSchema(Schema):
    """Orders, the newest first."""

    items = fields.List(fields.Nested(VoucherOrderSchema), required=True)
