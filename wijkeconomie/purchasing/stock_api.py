"""REST resources of the stock: what lies there, what moved, sales, write-offs and counts."""

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
from wijkeconomie.purchasing.stock_counting import CountStock, WriteOff, count_stock, write_off
from wijkeconomie.purchasing.stock_queries import stock_list, stock_movements, stock_of
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)

blueprint = cooperative_resources("stock_api", __name__, "Stock")

Body = dict[str, Any]
_REASON = validate.Length(min=1, max=500)
_UNITS = validate.Range(min=1, max=10**6)


class StockLineSchema(Schema):
    """What lies in stock of a product, at what it cost; the deposit is on one unit of it."""

    product_code = fields.String(required=True)
    product_name = fields.String(required=True)
    unit = fields.String(required=True)
    units = fields.Integer(required=True)
    value_cents = fields.Integer(required=True)
    deposit_cents = fields.Integer(required=True)


class StockListSchema(Schema):
    """The stock of the cooperative, by name of the product."""

    items = fields.List(fields.Nested(StockLineSchema), required=True)
    value_cents = fields.Integer(required=True)


class StockMovementSchema(Schema):
    """A movement; gross amount, deposit and member where it is a sale or its turning back."""

    number = fields.Integer(required=True)
    kind = fields.String(required=True)
    units = fields.Integer(required=True)
    value_cents = fields.Integer(required=True)
    happened_on = fields.Date(required=True)
    entry_number = fields.Integer(allow_none=True)
    round_code = fields.String(allow_none=True)
    member_code = fields.String(allow_none=True)
    gross_cents = fields.Integer(allow_none=True)
    deposit_cents = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)


class StockProductSchema(StockLineSchema):
    """One product with what moved, the newest first."""

    movements = fields.List(fields.Nested(StockMovementSchema), required=True)


class SaleSchema(StrictSchema):
    """Units for a member; the price of one is with VAT, null for what they cost."""

    member_code = fields.String(required=True)
    units = fields.Integer(required=True, strict=True, validate=_UNITS)
    price_each_cents = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=10**9)
    )


class WriteOffSchema(StrictSchema):
    """Units that are gone, and why."""

    units = fields.Integer(required=True, strict=True, validate=_UNITS)
    reason = fields.String(required=True, validate=_REASON)


class CountSchema(StrictSchema):
    """How many units there are; ``expected`` is what the list said when they were counted."""

    counted = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=10**6))
    expected = fields.Integer(load_default=None, allow_none=True, strict=True)
    reason = fields.String(required=True, validate=_REASON)


class ReasonSchema(StrictSchema):
    """Why."""

    reason = fields.String(required=True, validate=_REASON)


@blueprint.route("/stock")
class StockResource(MethodView):
    """The stock."""

    @blueprint.response(200, StockListSchema)
    def get(self) -> Body:
        """List what lies in stock."""
        visit = current_visit()
        require_permission(visit.identity, "stock.read")
        with visit.begin() as uow:
            lines = stock_list(uow.session, uow.tenant)
        return {"items": lines, "value_cents": sum(line.value_cents for line in lines)}


@blueprint.route("/stock/<product_code>")
class StockProductResource(MethodView):
    """The stock of one product."""

    @blueprint.response(200, StockProductSchema)
    def get(self, product_code: str) -> Body:
        """Tell what lies there and what moved, the newest two hundred movements."""
        visit = current_visit()
        require_permission(visit.identity, "stock.read")
        return _product(visit, product_code)


@blueprint.route("/stock/<product_code>/sales")
class StockSalesResource(MethodView):
    """Sales to members."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaleSchema)
    @blueprint.response(201, StockProductSchema)
    def post(self, headers: Body, body: Body, product_code: str) -> Body:
        """Sell units to a member, on his account."""

        def act(uow: UnitOfWork, product_id: int) -> int | None:
            member = member_by_code(uow.session, uow.tenant, body["member_code"])
            price = body["price_each_cents"]
            sale = SellStock(
                product_id=product_id,
                member_id=member.id,
                units=body["units"],
                price_each_cents=price,
            )
            return sell_stock(uow, sale)

        return _done(headers, body, product_code, "sales", act)


@blueprint.route("/stock/<product_code>/sales/<int:number>/reversal")
class StockSaleReversalResource(MethodView):
    """Turning a sale back; its number is that of its movement."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(201, StockProductSchema)
    def post(self, headers: Body, body: Body, product_code: str, number: int) -> Body:
        """Turn a sale back: the member owes nothing for it, and the goods are there again."""

        def act(uow: UnitOfWork, product_id: int) -> int | None:
            back = TakeSaleBack(product_id=product_id, number=number, reason=body["reason"])
            return take_sale_back(uow, back)

        return _done(headers, body, product_code, f"sales/{number}/reversal", act)


@blueprint.route("/stock/<product_code>/write-offs")
class StockWriteOffsResource(MethodView):
    """Goods that are gone."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(WriteOffSchema)
    @blueprint.response(201, StockProductSchema)
    def post(self, headers: Body, body: Body, product_code: str) -> Body:
        """Write units off, as a cost of the cooperative."""

        def act(uow: UnitOfWork, product_id: int) -> int | None:
            return write_off(uow, WriteOff(product_id=product_id, **body))

        return _done(headers, body, product_code, "write-offs", act)


@blueprint.route("/stock/<product_code>/counts")
class StockCountsResource(MethodView):
    """Counting."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CountSchema)
    @blueprint.response(201, StockProductSchema)
    def post(self, headers: Body, body: Body, product_code: str) -> Body:
        """Tell how many units there are; a difference is booked."""

        def act(uow: UnitOfWork, product_id: int) -> int | None:
            return count_stock(uow, CountStock(product_id=product_id, **body))

        return _done(headers, body, product_code, "counts", act)


def _done(headers: Body, body: Body, product_code: str, target: str, act: Any) -> Body:
    """Carry out once what a request asks of a product, and tell what lies there then."""
    visit = current_visit()

    def on_product(uow: UnitOfWork) -> str:
        return str(act(uow, stock_of(uow.session, uow.tenant, product_code).product_id))

    once(visit, headers["idempotency_key"], f"stock/{product_code}/{target}", body, on_product)
    return _product(visit, product_code)


def _product(visit: Visit, product_code: str) -> Body:
    with visit.begin() as uow:
        line = stock_of(uow.session, uow.tenant, product_code)
        moved = stock_movements(uow.session, uow.tenant, line.product_id)
    return {
        "product_code": line.product_code,
        "product_name": line.product_name,
        "unit": line.unit,
        "units": line.units,
        "value_cents": line.value_cents,
        "deposit_cents": line.deposit_cents,
        "movements": moved,
    }
