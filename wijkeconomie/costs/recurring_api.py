"""REST resources of costs that come back."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.forms import asked_month
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.costs.cost_api import CENTS, RATE, StopCostSchema, WrittenCostSchema
from wijkeconomie.costs.funding_api import CODE
from wijkeconomie.costs.keeping import SaveRecurringCost, save_recurring_cost
from wijkeconomie.costs.month_api import blueprint
from wijkeconomie.costs.recurring import (
    ChangeRecurringCost,
    change_recurring_cost,
    stop_recurring_cost,
)
from wijkeconomie.costs.recurring_queries import recurring_costs
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Body = dict[str, Any]


class SaveRecurringCostSchema(WrittenCostSchema):
    """A cost that comes back; day 31 is the last day of shorter months."""

    starts_on = fields.Date(required=True)
    ends_on = fields.Date(load_default=None, allow_none=True)
    day_of_month = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 31))
    every_months = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 120))


class RecurringCostSchema(Schema):
    """A cost that comes back, and when it does next."""

    code = fields.String(required=True)
    description = fields.String(required=True)
    key_code = fields.String(required=True)
    net_cents = fields.Integer(required=True)
    vat_cents = fields.Integer(required=True)
    gross_cents = fields.Integer(required=True)
    vat_basis_points = fields.Integer(allow_none=True)
    next_on = fields.Date(allow_none=True)


class RecurringCostListSchema(Schema):
    """Costs that come back, by the day on which they do."""

    items = fields.List(fields.Nested(RecurringCostSchema), required=True)


class ChangeRecurringCostSchema(StrictSchema):
    """A cost as it is from a month on; what it made before stays."""

    from_month = fields.String(required=True)
    key_code = fields.String(required=True, validate=CODE)
    net_cents = fields.Integer(required=True, strict=True, validate=CENTS)
    vat_cents = fields.Integer(required=True, strict=True, validate=CENTS)
    vat_basis_points = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=RATE
    )
    ends_on = fields.Date(load_default=None, allow_none=True)


def _listed() -> Body:
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        return {"items": recurring_costs(uow.session, uow.tenant, today)}


@blueprint.route("/recurring-costs")
class RecurringCostsResource(MethodView):
    """Costs that come back."""

    @blueprint.response(200, RecurringCostListSchema)
    def get(self) -> Body:
        """List costs that come back, by the day on which they do next."""
        return _listed()

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveRecurringCostSchema)
    @blueprint.response(201, RecurringCostListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Write down a cost that comes back; the clock makes its costs."""

        def act(uow: UnitOfWork) -> str:
            save_recurring_cost(uow, SaveRecurringCost(**body))
            return str(body["code"])

        once(current_visit(), headers["idempotency_key"], "recurring-costs", body, act)
        return _listed()


@blueprint.route("/recurring-costs/<code>/terms")
class RecurringTermsResource(MethodView):
    """What a cost that comes back is from a month on."""

    @blueprint.arguments(ChangeRecurringCostSchema)
    @blueprint.response(200, RecurringCostListSchema)
    def put(self, body: Body, code: str) -> Body:
        """Let it be another amount, key or end from a month on; what it made before stays."""
        first = asked_month(body["from_month"])
        with current_visit().begin() as uow:
            terms = body | {"from_month": first}
            change_recurring_cost(uow, ChangeRecurringCost(code=code, **terms))
        return _listed()


@blueprint.route("/recurring-costs/<code>/stop")
class StopRecurringCostResource(MethodView):
    """A cost that comes back no more."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(StopCostSchema)
    @blueprint.response(200, RecurringCostListSchema)
    def post(self, headers: Body, body: Body, code: str) -> Body:
        """Let a cost come back no more; what it made stays."""

        def act(uow: UnitOfWork) -> str:
            stop_recurring_cost(uow, code, reason=body["reason"])
            return code

        target = f"recurring-costs/{code}/stop"
        once(current_visit(), headers["idempotency_key"], target, body, act)
        return _listed()
