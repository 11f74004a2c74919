"""REST resources of care budgets: the same use cases, and the same border, as the pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_care_records, open_own_record
from wijkeconomie.budgets.declaring import (
    Declare,
    approve,
    declare,
    reject,
    turn_back,
    withdraw,
)
from wijkeconomie.budgets.list_document import file_name, render_list_csv
from wijkeconomie.budgets.lists import make_list, month_list
from wijkeconomie.budgets.models import Payer
from wijkeconomie.budgets.queries import DeclarationView
from wijkeconomie.budgets.rules import forecast
from wijkeconomie.budgets.sharing import ShareHours, share_hours
from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.money.periods import Period

blueprint = cooperative_resources("budgets_api", __name__, "Care budgets")

Body = dict[str, Any]
WEIGHT = validate.Regexp(r"[0-9]{1,9}(\.[0-9]{1,6}|/[1-9][0-9]{0,8})?\Z")
MONTH = validate.Regexp(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")


class CareBudgetSchema(Schema):
    """A budget with what is left of it, in cents."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    holder_code = fields.String(required=True)
    holder_name = fields.String(required=True)
    law = fields.String(required=True)
    is_drawing_right = fields.Boolean(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    budget_cents = fields.Integer(required=True)
    used_cents = fields.Integer(required=True)
    waiting_cents = fields.Integer(required=True)
    left_cents = fields.Integer(required=True)
    payer_name = fields.String(required=True, allow_none=True)


class CareBudgetListSchema(Schema):
    """Budgets that the visitor may see."""

    items = fields.List(fields.Nested(CareBudgetSchema), required=True)


class BudgetMonthSchema(Schema):
    """A month of a budget; ``is_expected`` when it is a forecast."""

    month = fields.Date(required=True)
    cents = fields.Integer(required=True)
    left_cents = fields.Integer(required=True)
    is_expected = fields.Boolean(required=True)


class ForecastSchema(Schema):
    """How a budget burns."""

    months = fields.List(fields.Nested(BudgetMonthSchema), required=True)
    average_cents = fields.Integer(allow_none=True)
    empty_in = fields.Date(allow_none=True)
    left_cents = fields.Integer(required=True)


class CareAgreementSchema(Schema):
    """A care agreement on which hours can be declared once it is approved."""

    id = fields.Integer(required=True)
    budget_id = fields.Integer(required=True)
    holder_name = fields.String(required=True)
    carer_name = fields.String(required=True)
    hourly_rate_cents = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    status = fields.String(required=True)


class CareAgreementListSchema(Schema):
    """Agreements of the visitor, as a carer."""

    items = fields.List(fields.Nested(CareAgreementSchema), required=True)


class CareDeclarationSchema(Schema):
    """A declaration."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    holder_name = fields.String(required=True)
    carer_name = fields.String(required=True)
    month = fields.Date(required=True)
    minutes = fields.Integer(required=True)
    hourly_rate_cents = fields.Integer(required=True)
    cents = fields.Integer(required=True)
    state = fields.String(required=True)
    refusal = fields.String(allow_none=True)
    shared_minutes = fields.Integer(allow_none=True)
    shared_weight = fields.String(allow_none=True)
    shared_weight_sum = fields.String(allow_none=True)
    corrects_id = fields.Integer(allow_none=True)
    replaced_minutes = fields.Integer(required=True)
    replaced_cents = fields.Integer(required=True)
    correction_reason = fields.String(allow_none=True)


class CareDeclarationListSchema(Schema):
    """Declarations that the visitor may see, newest month first."""

    items = fields.List(fields.Nested(CareDeclarationSchema), required=True)


class DeclareSchema(StrictSchema):
    """Hours of a month, in whole minutes; ``claimed_cents`` is checked when it is given."""

    agreement_id = fields.Integer(required=True, strict=True)
    month = fields.String(required=True, validate=MONTH)
    minutes = fields.Integer(required=True, strict=True, validate=validate.Range(1, 44_640))
    claimed_cents = fields.Integer(strict=True, load_default=None)


class DecisionSchema(StrictSchema):
    """Why, or where the signed paper is."""

    note = fields.String(load_default="")


class MakeListSchema(StrictSchema):
    """The month, and who pays: for an insurer ``payer_name`` says which one."""

    month = fields.String(required=True, validate=MONTH)
    payer = fields.Enum(Payer, by_value=True, required=True)
    payer_name = fields.String(load_default=None, validate=validate.Length(min=1, max=200))


class MadeListSchema(Schema):
    """A list that was made."""

    id = fields.Integer(required=True)
    month = fields.Date(required=True)
    payer = fields.String(required=True)
    payer_name = fields.String(required=True)
    number = fields.Integer(required=True)
    minutes = fields.Integer(required=True)
    total_cents = fields.Integer(required=True)


class SharedHoursPartSchema(StrictSchema):
    """An agreement and its weight, a number as text."""

    agreement_id = fields.Integer(required=True, strict=True)
    weight = fields.String(required=True, validate=WEIGHT)


class ShareHoursSchema(StrictSchema):
    """Minutes of one carer in a month, to be shared over several of his agreements."""

    month = fields.String(required=True, validate=MONTH)
    minutes = fields.Integer(required=True, strict=True, validate=validate.Range(1, 44_640))
    parts = fields.List(
        fields.Nested(SharedHoursPartSchema), required=True, validate=validate.Length(2, 100)
    )


def _month(written: str) -> date:
    return Period.parse(written).start


@blueprint.route("/care-budgets")
class CareBudgetsResource(MethodView):
    """Care budgets."""

    @blueprint.response(200, CareBudgetListSchema)
    def get(self) -> Body:
        """List your own budgets, or all of them as a care administrator; that leaves a line."""
        visit = current_visit()
        with visit.begin() as uow:
            if may(visit.identity, "care.administer"):
                open_care_records(uow, "budgets-read")
            else:
                require_permission(visit.identity, "care.own")
            return {"items": queries.budgets(uow.session, uow.tenant)}


@blueprint.route("/care-budgets/<int:budget_id>/forecast")
class CareForecastResource(MethodView):
    """How a budget burns."""

    @blueprint.response(200, ForecastSchema)
    def get(self, budget_id: int) -> object:
        """Tell what was used by month, and how long the rest will last."""
        with current_visit().begin() as uow:
            open_own_record(uow, "budget-read", "budget", budget_id)
            budget = queries.budget_view(uow.session, uow.tenant, budget_id)
            used = queries.used_by_month(uow.session, uow.tenant, budget_id)
        return forecast(budget.budget_cents, budget.period, used)


@blueprint.route("/care-agreements")
class CareAgreementsResource(MethodView):
    """Agreements of a carer."""

    @blueprint.response(200, CareAgreementListSchema)
    def get(self) -> Body:
        """List the agreements by which you give care."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")
        member_id = visit.identity.member_id
        if member_id is None:
            return {"items": []}
        with visit.begin() as uow:
            return {"items": queries.agreements(uow.session, uow.tenant, member_id=member_id)}


@blueprint.route("/care-declarations")
class CareDeclarationsResource(MethodView):
    """Declarations."""

    @blueprint.response(200, CareDeclarationListSchema)
    def get(self) -> Body:
        """List declarations of yours, as holder and as carer; the latest 200."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")
        with visit.begin() as uow:
            return {"items": queries.declarations(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DeclareSchema)
    @blueprint.response(201, CareDeclarationSchema)
    def post(self, headers: Body, body: Body) -> DeclarationView:
        """Declare hours on an agreement of yours, or of anyone as a care administrator."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")
        command = Declare(
            agreement_id=body["agreement_id"],
            month=_month(body["month"]),
            minutes=body["minutes"],
            claimed_cents=body["claimed_cents"],
        )

        def act(uow: UnitOfWork) -> str:
            return str(declare(uow, command).id)

        key = once(visit, headers["idempotency_key"], "care-declarations", body, act)
        return shown_declaration(visit, int(key))


def shown_declaration(visit: Visit, declaration_id: int) -> DeclarationView:
    """A declaration, to whoever may see it; an administrator leaves a line."""
    with visit.begin() as uow:
        open_own_record(uow, "declaration-read", "declaration", declaration_id)
        return queries.declaration_view(uow.session, uow.tenant, declaration_id)


@blueprint.route(
    "/care-declarations/<int:declaration_id>/<any(approve, reject, withdraw, turn_back):step>"
)
class CareDecisionResource(MethodView):
    """A decision on a declaration."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DecisionSchema)
    @blueprint.response(200, CareDeclarationSchema)
    def post(self, headers: Body, body: Body, declaration_id: int, step: str) -> DeclarationView:
        """Approve or reject as the holder, take back as the carer, turn back as administrator."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")

        def act(uow: UnitOfWork) -> str:
            if step == "approve":
                approve(uow, declaration_id, note=body["note"])
            elif step == "reject":
                reject(uow, declaration_id, reason=body["note"])
            elif step == "withdraw":
                withdraw(uow, declaration_id)
            else:
                turn_back(uow, declaration_id, reason=body["note"])
            return str(declaration_id)

        target = f"care-declarations/{declaration_id}/{step}"
        once(visit, headers["idempotency_key"], target, body, act)
        return shown_declaration(visit, declaration_id)


@blueprint.route("/care-shared-hours")
class SharedHoursResource(MethodView):
    """Hours of one carer for several holders."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ShareHoursSchema)
    @blueprint.response(201, CareDeclarationListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Share minutes by weight over agreements, exactly; each part waits for its holder."""
        visit = current_visit()
        require_permission(visit.identity, "care.administer")
        command = ShareHours(
            month=_month(body["month"]),
            minutes=body["minutes"],
            parts=[(each["agreement_id"], each["weight"]) for each in body["parts"]],
        )

        def act(uow: UnitOfWork) -> str:
            return ",".join(str(part.id) for part in share_hours(uow, command))

        made = once(visit, headers["idempotency_key"], "care-shared-hours", body, act)
        return {"items": [shown_declaration(visit, int(each)) for each in made.split(",")]}


@blueprint.route("/care-lists")
class CareListsResource(MethodView):
    """Month lists."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MakeListSchema)
    @blueprint.response(201, MadeListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Make the list of a month for the SVB or for one insurer."""
        visit = current_visit()
        require_permission(visit.identity, "care.administer")

        def act(uow: UnitOfWork) -> str:
            month = _month(body["month"])
            return str(make_list(uow, month, body["payer"], body["payer_name"]))

        list_id = int(once(visit, headers["idempotency_key"], "care-lists", body, act))
        with visit.begin() as uow:
            made = month_list(uow, list_id)
        return {
            "id": list_id,
            "month": made.month,
            "payer": made.payer.value,
            "payer_name": made.payer_name,
            "number": made.number,
            "minutes": made.minutes,
            "total_cents": made.total_cents,
        }


@blueprint.route("/care-lists/<int:list_id>.csv")
class CareListResource(MethodView):
    """One list."""

    @blueprint.response(200, content_type="text/csv")
    def get(self, list_id: int) -> Response:
        """Give a list as CSV; that leaves a line."""
        with current_visit().begin() as uow:
            wanted = month_list(uow, list_id)
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name(wanted, "csv")}"',
            "Cache-Control": "no-store",
        }
        return Response(render_list_csv(wanted), headers=headers, content_type="text/csv")
