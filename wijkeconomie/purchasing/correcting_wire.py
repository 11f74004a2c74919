"""What a correction by REST decides by hand: who gets what, weights, and what becomes stock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import fields, validate

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing.deciding import Decision, KeepAsStock, SetShare, WeighPledge
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import pledge_ids, product_in, told

Body = dict[str, Any]
_COUNT = validate.Range(min=0, max=10**9)


class CorrectedShareSchema(StrictSchema):
    """What a member really got of a product."""

    product_code = fields.String(required=True, metadata=told("The product"))
    member_code = fields.String(required=True, metadata=told("The member"))
    quantity = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata=told("Units of the product; null leaves it to the rule again"),
    )
    reason = fields.String(
        load_default="",
        validate=validate.Length(max=500),
        metadata=told("Why; the member reads it. Needed with a quantity"),
    )


class CorrectedWeightSchema(StrictSchema):
    """What was really weighed for a member."""

    product_code = fields.String(required=True, metadata=told("The product"))
    member_code = fields.String(required=True, metadata=told("The member"))
    grams = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=10**9),
        metadata=told("Grams of all units of the member together; null takes the weight back"),
    )


class CorrectedStockSchema(StrictSchema):
    """What the cooperative really kept of a product."""

    product_code = fields.String(required=True, metadata=told("The product"))
    quantity = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata=told("Units of the product; null takes the decision back"),
    )


def decisions_in(uow: UnitOfWork, found: RoundView, body: Body) -> Iterator[Decision]:
    """The decisions of a correction, as the use case takes them.

    Raises:
        ProductNotInRoundError, NotFoundError: no such product, member or pledge.
    """
    for line in body["shares"]:
        [pledge] = pledge_ids(uow, found, [(line["product_code"], line["member_code"])])
        yield SetShare(
            round_id=found.id,
            pledge_id=pledge,
            quantity=line["quantity"],
            reason=line["reason"],
        )
    for line in body["weights"]:
        [pledge] = pledge_ids(uow, found, [(line["product_code"], line["member_code"])])
        yield WeighPledge(round_id=found.id, pledge_id=pledge, grams=line["grams"])
    for line in body["stock"]:
        product = product_in(uow, found, line["product_code"])
        yield KeepAsStock(round_id=found.id, round_product_id=product, quantity=line["quantity"])
