"""REST resources of shared costs: what waits, what comes back, and what members pay and why."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.typesetting import Language
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.costs import queries
from wijkeconomie.costs.correcting import (
    CorrectCost,
    correct_cost,
    preview_correction,
)
from wijkeconomie.costs.explanations import explain_cost_share
from wijkeconomie.costs.funding_api import CODE, TEXT
from wijkeconomie.costs.keeping import (
    RecordCost,
    record_cost,
    stop_cost,
)
from wijkeconomie.costs.month_api import MemberDifferenceSchema, blueprint, seen_schema_field
from wijkeconomie.costs.pages import last_months, proof_answer
from wijkeconomie.costs.paging import AskedPage
from wijkeconomie.costs.queries import CostView, MemberShare
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Body = dict[str, Any]
CENTS = validate.Range(min=-(10**12), max=10**12)
RATE = validate.Range(min=0, max=10_000)


class WrittenCostSchema(StrictSchema):
    """What a cost of once and one that comes back have in common; a refund is negative."""

    code = fields.String(required=True, validate=CODE)
    description = fields.String(required=True, validate=TEXT)
    key_code = fields.String(required=True, validate=CODE)
    net_cents = fields.Integer(required=True, strict=True, validate=CENTS)
    vat_cents = fields.Integer(required=True, strict=True, validate=CENTS)
    vat_basis_points = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=RATE
    )
    supplier_code = fields.String(load_default=None, allow_none=True, validate=CODE)
    document = fields.String(load_default=None, allow_none=True, validate=TEXT)
    is_new_supplier = fields.Boolean(load_default=False)


class RecordCostSchema(WrittenCostSchema):
    """A cost that waits to be settled with its month."""

    incurred_on = fields.Date(required=True)


class CostSchema(Schema):
    """A cost; ``settled_version`` is 0 as long as it waits."""

    code = fields.String(required=True)
    description = fields.String(required=True)
    month = fields.Date(required=True)
    key_name = fields.String(required=True)
    supplier_code = fields.String(allow_none=True)
    document = fields.String(allow_none=True)
    net_cents = fields.Integer(required=True)
    vat_cents = fields.Integer(required=True)
    gross_cents = fields.Integer(required=True)
    settled_version = fields.Integer(required=True)
    is_stopped = fields.Boolean(required=True)


class CostListSchema(Schema):
    """The costs of a month, in order of arrival."""

    items = fields.List(fields.Nested(CostSchema), required=True)


class CostShareSchema(Schema):
    """What a member pays for a cost, before and after the subsidy, and why."""

    cost_code = fields.String(required=True)
    description = fields.String(required=True)
    month = fields.Date(required=True)
    member_code = fields.String(required=True)
    share_cents = fields.Integer(required=True)
    subsidy_cents = fields.Integer(required=True)
    payable_cents = fields.Integer(required=True)
    why = fields.String(required=True)
    proof_party = fields.String(required=True)
    entry_number = fields.Integer(allow_none=True)


class CostShareListSchema(Schema):
    """Shares in settled costs."""

    items = fields.List(fields.Nested(CostShareSchema), required=True)


class StopCostSchema(StrictSchema):
    """Why it will not be settled, or does not come back."""

    reason = fields.String(required=True, validate=TEXT)


class CostCorrectionSchema(StrictSchema):
    """Why, and the amounts where they are others; without them only the sharing is done anew."""

    reason = fields.String(required=True, validate=TEXT)
    net_cents = fields.Integer(load_default=None, allow_none=True, strict=True, validate=CENTS)
    vat_cents = fields.Integer(load_default=None, allow_none=True, strict=True, validate=CENTS)
    accounting_date = fields.Date(load_default=None, allow_none=True)


class CorrectCostSchema(CostCorrectionSchema):
    """The same, with what the preview told as seen."""

    seen = seen_schema_field()


class CostCorrectionPreviewSchema(Schema):
    """Who would pay another amount; ``is_shown`` when they would get a letter about it."""

    members = fields.List(fields.Nested(MemberDifferenceSchema), required=True)
    accounting_date = fields.Date(required=True)
    is_shown = fields.Boolean(required=True)
    seen = fields.String(required=True)


class MonthQuerySchema(StrictSchema):
    """A month, by any day of it; the running one when it is left out."""

    month = fields.Date(load_default=None)


class LanguageQuerySchema(StrictSchema):
    """In which language reasons are told."""

    language = fields.String(load_default="nl", validate=validate.OneOf(("nl", "en")))


class SharesQuerySchema(LanguageQuerySchema):
    """Which hundred members, from 1; or one of them by number."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 1_000_000))
    member_code = fields.String(load_default="", validate=validate.Length(max=40))


class ProofQuerySchema(StrictSchema):
    """Which version of a settlement; the standing one when it is left out."""

    version = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(min=1))


def _cost(visit: Visit, code: str) -> CostView:
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        return queries.cost_view(uow.session, uow.tenant, code)


def _share(share: MemberShare, language: Language) -> Body:
    return {
        "cost_code": share.cost,
        "description": share.description,
        "month": share.month,
        "member_code": share.member,
        "share_cents": share.facts.cents,
        "subsidy_cents": share.facts.subsidy_cents,
        "payable_cents": share.payable_cents,
        "why": explain_cost_share(share.facts, language),
        "proof_party": share.party,
        "entry_number": share.entry_number,
    }


@blueprint.route("/costs")
class CostsResource(MethodView):
    """Shared costs."""

    @blueprint.arguments(MonthQuerySchema, location="query")
    @blueprint.response(200, CostListSchema)
    def get(self, query: Body) -> Body:
        """List the costs of a month: settled, waiting and stopped."""
        visit = current_visit()
        require_permission(visit.identity, "cost.read")
        with visit.begin() as uow:
            month: date = query["month"] or local_date(uow.now, LOCAL_TIME)
            return {"items": queries.costs_of_month(uow.session, uow.tenant, month.replace(day=1))}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RecordCostSchema)
    @blueprint.response(201, CostSchema)
    def post(self, headers: Body, body: Body) -> CostView:
        """Write down a cost; it is settled when its month has ended."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            record_cost(uow, RecordCost(month=body["incurred_on"], **body))
            return str(body["code"])

        once(visit, headers["idempotency_key"], "costs", body, act)
        return _cost(visit, body["code"])


@blueprint.route("/costs/<code>")
class CostResource(MethodView):
    """One cost."""

    @blueprint.response(200, CostSchema)
    def get(self, code: str) -> CostView:
        """Tell what a cost is and whether it was settled."""
        return _cost(current_visit(), code)


@blueprint.route("/costs/<code>/shares")
class CostSharesResource(MethodView):
    """Who pays what of a cost."""

    @blueprint.arguments(SharesQuerySchema, location="query")
    @blueprint.response(200, CostShareListSchema)
    def get(self, query: Body, code: str) -> Body:
        """List what members pay of a settled cost and why, by number, a hundred a page."""
        visit = current_visit()
        require_permission(visit.identity, "cost.read")
        asked = AskedPage(query["page"], query["member_code"].strip().upper())
        with visit.begin() as uow:
            queries.cost_view(uow.session, uow.tenant, code)
            shares = queries.shares_of_cost(uow.session, uow.tenant, code, asked)
        return {"items": [_share(share, query["language"]) for share in shares]}


@blueprint.route("/costs/<code>/proof")
class CostProofResource(MethodView):
    """The centenbewijs of a cost."""

    @blueprint.arguments(ProofQuerySchema, location="query")
    @blueprint.response(200, content_type="application/json")
    def get(self, query: Body, code: str) -> Response:
        """Give the proof of a settlement, by which anyone can check it; no names."""
        return proof_answer(current_visit(), code, query["version"])


@blueprint.route("/costs/<code>/stop")
class StopCostResource(MethodView):
    """A cost that is not settled."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(StopCostSchema)
    @blueprint.response(200, CostSchema)
    def post(self, headers: Body, body: Body, code: str) -> CostView:
        """Keep a cost that waits from being settled."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            cost = queries.cost_view(uow.session, uow.tenant, code)
            stop_cost(uow, cost.id, reason=body["reason"])
            return code

        once(visit, headers["idempotency_key"], f"costs/{code}/stop", body, act)
        return _cost(visit, code)


@blueprint.route("/costs/<code>/correction-preview")
class CostCorrectionPreviewResource(MethodView):
    """What a correction comes to."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CostCorrectionSchema)
    @blueprint.response(200, CostCorrectionPreviewSchema)
    def post(self, _headers: Body, body: Body, code: str) -> Body:
        """Tell who would pay another amount; nothing is booked."""
        with current_visit().begin() as uow:
            found = preview_correction(uow, CorrectCost(cost_code=code, **body))
        return {
            "members": found.changes,
            "accounting_date": found.accounting_date,
            "is_shown": found.is_shown,
            "seen": found.fingerprint.hex(),
        }


@blueprint.route("/costs/<code>/correct")
class CorrectCostResource(MethodView):
    """A cost that is settled anew."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CorrectCostSchema)
    @blueprint.response(200, CostSchema)
    def post(self, headers: Body, body: Body, code: str) -> CostView:
        """Turn a settlement back and settle the cost anew, if it still comes to what was seen."""
        visit = current_visit()
        command = CorrectCost(cost_code=code, **(body | {"seen": bytes.fromhex(body["seen"])}))

        def act(uow: UnitOfWork) -> str:
            return str(len(correct_cost(uow, command)))

        once(visit, headers["idempotency_key"], f"costs/{code}/correct", body, act)
        return _cost(visit, code)


@blueprint.route("/my-cost-shares")
class MyCostSharesResource(MethodView):
    """What one pays oneself."""

    @blueprint.arguments(LanguageQuerySchema, location="query")
    @blueprint.response(200, CostShareListSchema)
    def get(self, query: Body) -> Body:
        """List your own shares of the last twelve months and why, the newest month first."""
        visit = current_visit()
        member_id = visit.identity.member_id
        if member_id is None:
            raise NotFoundError("only members share costs")
        with visit.begin() as uow:
            since = last_months(local_date(uow.now, LOCAL_TIME))[0]
            shares = queries.shares_of_member(uow.session, uow.tenant, member_id, since)
        return {"items": [_share(share, query["language"]) for share in shares]}
