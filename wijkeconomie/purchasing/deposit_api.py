"""REST resources of deposits: what is out, and what comes back."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing.deposit_queries import (
    empties_returns,
    member_deposits,
    supplier_deposits,
    supplier_id,
)
from wijkeconomie.purchasing.deposit_returning import (
    SendEmpties,
    TakeEmpties,
    send_empties,
    take_empties,
    undo_return,
)
from wijkeconomie.purchasing.stock_queries import stock_of

blueprint = cooperative_resources("deposit_api", __name__, "Deposits on packaging")

Body = dict[str, Any]
_POSITIVE = validate.Range(min=1, max=10**9)


class OutstandingSchema(Schema):
    """Deposits that are out with a member or a supplier."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    cents = fields.Integer(required=True)


class EmptiesReturnSchema(Schema):
    """Packaging that came back; its product and units are null where an amount was said."""

    id = fields.Integer(required=True)
    returned_on = fields.Date(required=True)
    party_code = fields.String(required=True)
    is_supplier = fields.Boolean(required=True)
    product_name = fields.String(allow_none=True)
    units = fields.Integer(allow_none=True)
    cents = fields.Integer(required=True)
    note = fields.String(allow_none=True)
    is_undone = fields.Boolean(required=True)


class DepositsSchema(Schema):
    """What is out, and the newest hundred returns."""

    members = fields.List(fields.Nested(OutstandingSchema), required=True)
    suppliers = fields.List(fields.Nested(OutstandingSchema), required=True)
    returns = fields.List(fields.Nested(EmptiesReturnSchema), required=True)


class ReturnSchema(StrictSchema):
    """Units of a product, or an amount; of a member, or to a supplier."""

    member_code = fields.String(load_default=None, allow_none=True)
    supplier_code = fields.String(load_default=None, allow_none=True)
    product_code = fields.String(load_default=None, allow_none=True)
    units = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_POSITIVE)
    cents = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_POSITIVE)
    note = fields.String(load_default="", validate=validate.Length(max=500))


class UndoSchema(StrictSchema):
    """Why."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))


@blueprint.route("/deposits")
class DepositsResource(MethodView):
    """Deposits that are out."""

    @blueprint.response(200, DepositsSchema)
    def get(self) -> Body:
        """Tell what members and suppliers still have, and what came back."""
        visit = current_visit()
        require_permission(visit.identity, "stock.read")
        return _shown(visit)


@blueprint.route("/deposits/returns")
class ReturnsResource(MethodView):
    """Packaging that comes back."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReturnSchema)
    @blueprint.response(201, DepositsSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Book what a member brings back, or what goes back to a supplier."""
        visit = current_visit()
        once(
            visit,
            headers["idempotency_key"],
            "deposits/returns",
            body,
            lambda uow: str(_take(uow, body)),
        )
        return _shown(visit)


@blueprint.route("/deposits/returns/<int:number>/reversal")
class ReturnReversalResource(MethodView):
    """Turning a return back."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(UndoSchema)
    @blueprint.response(201, DepositsSchema)
    def post(self, headers: Body, body: Body, number: int) -> Body:
        """Turn back a return that was typed wrong."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            undo_return(uow, number, body["reason"])
            return str(number)

        once(visit, headers["idempotency_key"], f"deposits/returns/{number}/reversal", body, act)
        return _shown(visit)


def _take(uow: UnitOfWork, body: Body) -> int:
    code = body["product_code"]
    product_id = None if code is None else stock_of(uow.session, uow.tenant, code).product_id
    said = {"units": body["units"], "cents": body["cents"], "note": body["note"]}
    if body["supplier_code"] is not None:
        supplier = supplier_id(uow.session, uow.tenant, body["supplier_code"])
        return send_empties(uow, SendEmpties(supplier_id=supplier, product_id=product_id, **said))
    member = member_by_code(uow.session, uow.tenant, body["member_code"] or "")
    return take_empties(uow, TakeEmpties(member_id=member.id, product_id=product_id, **said))


def _shown(visit: Visit) -> Body:
    with visit.begin() as uow:
        key = (uow.session, uow.tenant)
        return {
            "members": member_deposits(*key),
            "suppliers": supplier_deposits(*key),
            "returns": empties_returns(*key),
        }
