"""REST resources of what came without being ordered: replacements, and extras for a member."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.round_wire import fields_named, product_in, round_named, told
from wijkeconomie.purchasing.sharing_api import SharingSchema, sharing_of

blueprint = cooperative_resources("replacing_api", __name__, "Replacements and extras")

Body = dict[str, Any]
_COUNT = validate.Range(min=0, max=10**9)
_REASON = validate.Length(min=1, max=500)


class ReplacementSchema(StrictSchema):
    """Another product of the supplier, that came in place of one of the round."""

    replaces = fields.String(required=True, metadata=told("The product that did not come"))
    product_code = fields.String(required=True, metadata=told("The product that came instead"))
    delivered = fields.Integer(
        required=True, strict=True, validate=_COUNT, metadata=told("Units that came of it")
    )
    damaged = fields.Integer(
        load_default=0,
        strict=True,
        validate=_COUNT,
        metadata=told("Of those the units that nobody can use"),
    )
    price_excl_cents = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata=told("Its price in cents without VAT; null for that of the supplier's list"),
    )


class ExtraSchema(StrictSchema):
    """Units for a member who did not order the product, and agreed to take them."""

    member_code = fields.String(required=True, metadata=told("The member"))
    product_code = fields.String(required=True, metadata=told("A product of the round"))
    quantity = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=10**9),
        metadata=told("Units in all; once more for the same product replaces the number"),
    )
    reason = fields.String(
        required=True, validate=_REASON, metadata=told("Why; the member reads it")
    )


@blueprint.route("/rounds/<round_code>/replacements")
class ReplacementsResource(MethodView):
    """Products that came in place of others."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReplacementSchema)
    @blueprint.response(201, SharingSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Enter what came in place of a product; who misses that gets as many of the other."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            with fields_named(product="product_code", price="price_excl_cents"):
                return str(add_replacement(uow, _replacement(uow, round_code, body)))

        once(visit, headers["idempotency_key"], f"{round_code}/replacements", body, act)
        return _sharing(visit, round_code)


@blueprint.route("/rounds/<round_code>/extras")
class ExtrasResource(MethodView):
    """Units for who did not order them."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ExtraSchema)
    @blueprint.response(201, SharingSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Give a member something that he did not order; his account has to cover it."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            found = round_named(uow, round_code)
            extra = GiveExtra(
                round_id=found.id,
                round_product_id=product_in(uow, found, body["product_code"]),
                member_id=member_by_code(uow.session, uow.tenant, body["member_code"]).id,
                quantity=body["quantity"],
                reason=body["reason"],
            )
            with fields_named(member="member_code", why="reason", share="quantity"):
                return str(give_extra(uow, extra))

        once(visit, headers["idempotency_key"], f"{round_code}/extras", body, act)
        return _sharing(visit, round_code)


def _replacement(uow: UnitOfWork, round_code: str, body: Body) -> AddReplacement:
    found = round_named(uow, round_code)
    offered = supplier_queries.products_of_supplier(uow.session, uow.tenant, found.supplier_id)
    code = body["product_code"]
    chosen = next((each.id for each in offered if each.code == code), None)
    if chosen is None:
        raise NotFoundError(f"{found.supplier_code} has no product {code}", code=code)
    return AddReplacement(
        round_id=found.id,
        replaced_id=product_in(uow, found, body["replaces"]),
        product_id=chosen,
        delivered=body["delivered"],
        damaged=body["damaged"],
        price_excl_cents=body["price_excl_cents"],
    )


def _sharing(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        return sharing_of(uow, round_code)
