"""REST resources of a round beside its road: corrections, documents, progress, the last order."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.correcting_wire import (
    CorrectedShareSchema,
    CorrectedStockSchema,
    CorrectedWeightSchema,
    decisions_in,
)
from wijkeconomie.purchasing.invoicing import RecordInvoice
from wijkeconomie.purchasing.last_orders import last_order, product_numbers, repeat_of
from wijkeconomie.purchasing.order_document import render_order_csv, render_order_pdf
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.progress_queries import RoundProgress, round_progress
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import ProductNotInRoundError
from wijkeconomie.purchasing.round_wire import fields_named, told
from wijkeconomie.purchasing.schemas import (
    InvoiceSchema,
    ReceiveLineSchema,
    SettlementPreviewSchema,
)
from wijkeconomie.purchasing.settlement_preview import SettlementPreview

blueprint = cooperative_resources("round_api", __name__, "Rounds: corrections and members' side")

Body = dict[str, Any]
_NAMES = {"share": "quantity", "why": "reason", "grams-of": "grams"}


class SettlementSchema(Schema):
    """A version of a settlement; ``reversal_number`` is the entry that turned it back."""

    version = fields.Integer(required=True)
    entry_number = fields.Integer(allow_none=True)
    reversal_number = fields.Integer(allow_none=True)
    settled_at = fields.AwareDateTime(required=True)
    accounting_date = fields.Date(required=True)
    supplier_gross_cents = fields.Integer(required=True)
    members_gross_cents = fields.Integer(required=True)
    cooperative_gross_cents = fields.Integer(required=True)
    supplier_payable_cents = fields.Integer(
        required=True, metadata=told("What the supplier gets, deposits included, in cents")
    )
    members_payable_cents = fields.Integer(
        required=True, metadata=told("What members pay together, deposits included, in cents")
    )
    cooperative_payable_cents = fields.Integer(
        required=True, metadata=told("What the cooperative bears, deposits included, in cents")
    )
    reason = fields.String(allow_none=True)
    is_uncharged = fields.Boolean(
        required=True,
        metadata={"description": "Whether two people decided that the members pay nothing"},
    )


class SettlementListSchema(Schema):
    """Every version of a round's settlement, the first one first."""

    items = fields.List(fields.Nested(SettlementSchema), required=True)


class CorrectedLineSchema(ReceiveLineSchema):
    """What really came of a product."""

    product_code = fields.String(required=True)


class CorrectionSchema(StrictSchema):
    """What a settled round really was, and why it is put right."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))
    lines = fields.List(fields.Nested(CorrectedLineSchema), load_default=list)
    invoice = fields.Nested(InvoiceSchema, load_default=None, allow_none=True)
    accounting_date = fields.Date(load_default=None, allow_none=True)
    accepted_difference_cents = fields.Integer(load_default=None, strict=True, allow_none=True)
    shares = fields.List(fields.Nested(CorrectedShareSchema), load_default=list)
    weights = fields.List(fields.Nested(CorrectedWeightSchema), load_default=list)
    stock = fields.List(fields.Nested(CorrectedStockSchema), load_default=list)
    seen = fields.String(
        load_default=None,
        allow_none=True,
        metadata=told("The mark of the preview; other differences than those are not booked"),
    )


class ProductProgressSchema(Schema):
    """How far a product is; ``target`` is null where nothing more is needed."""

    product_code = fields.String(required=True)
    pledged = fields.Integer(required=True)
    wanted = fields.Integer(required=True)
    target = fields.Integer(allow_none=True)
    percent = fields.Integer(required=True)
    missing_to_next = fields.Integer(required=True)
    missing_to_order = fields.Integer(required=True)


class JoinedSchema(Schema):
    """How many members joined on a day."""

    day = fields.Date(required=True)
    members = fields.Integer(required=True)


class ProgressSchema(Schema):
    """How far a round is at this moment."""

    pledgers = fields.Integer(required=True)
    pledged_net_cents = fields.Integer(required=True)
    minimum_net_cents = fields.Integer(allow_none=True)
    products = fields.List(fields.Nested(ProductProgressSchema), required=True)
    joined = fields.List(fields.Nested(JoinedSchema), required=True)


class RepeatLineSchema(Schema):
    """A line of the last order that can be had again; ``has_now`` is ordered already."""

    product_code = fields.String(required=True)
    quantity = fields.Integer(required=True)
    tolerance = fields.Integer(required=True)
    was_quantity = fields.Integer(required=True)
    was_price_excl_cents = fields.Integer(required=True)
    was_price_units = fields.Integer(required=True)
    price_excl_cents = fields.Integer(required=True)
    price_units = fields.Integer(required=True)
    has_now = fields.Integer(required=True)
    version = fields.Integer(required=True)


class LastOrderSchema(Schema):
    """The last order at the supplier, at the terms of this round; nothing was ordered by it."""

    round_code = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(RepeatLineSchema), required=True)
    gone = fields.List(fields.String(), required=True)


def _round(uow: UnitOfWork, code: str) -> RoundView:
    return queries.round_by_code(uow.session, uow.tenant, code)


def _correction(uow: UnitOfWork, round_code: str, body: Body) -> CorrectRound:
    require_permission(uow.identity, "round.correct")
    found = _round(uow, round_code)
    products = queries.product_ids_by_code(uow.session, uow.tenant, found.id)
    lines = []
    for line in body["lines"]:
        values = dict(line)
        code = values.pop("product_code")
        if code not in products:
            raise ProductNotInRoundError(f"the round does not offer {code}", product=code)
        lines.append(ReceiveLine(round_id=found.id, round_product_id=products[code], **values))
    invoice = body["invoice"]
    return CorrectRound(
        round_id=found.id,
        reason=body["reason"],
        lines=tuple(lines),
        invoice=None if invoice is None else RecordInvoice(round_id=found.id, **invoice),
        accounting_date=body["accounting_date"],
        accepted_difference_cents=body["accepted_difference_cents"],
        decisions=tuple(decisions_in(uow, found, body)),
        seen=body["seen"],
    )


@blueprint.route("/rounds/<round_code>/settlements")
class SettlementsResource(MethodView):
    """The versions of a settlement."""

    @blueprint.response(200, SettlementListSchema)
    def get(self, round_code: str) -> Body:
        """List what was booked for a round, and what turned it back."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        return _settlements(visit, round_code)


def _settlements(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = _round(uow, round_code)
        return {"items": settlement_queries.settlements(uow.session, uow.tenant, found.id)}


@blueprint.route("/rounds/<round_code>/corrections")
class CorrectionsResource(MethodView):
    """Putting a settled round right."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CorrectionSchema)
    @blueprint.response(201, SettlementListSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Turn the settlement back and book it anew; the answer is every version."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            with fields_named(**_NAMES):
                return str(correct_round(uow, _correction(uow, round_code, body)))

        once(visit, headers["idempotency_key"], f"{round_code}/corrections", body, act)
        return _settlements(visit, round_code)


@blueprint.route("/rounds/<round_code>/corrections/preview")
class CorrectionPreviewResource(MethodView):
    """What a correction would do."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CorrectionSchema)
    @blueprint.response(200, SettlementPreviewSchema)
    def post(self, _headers: Body, body: Body, round_code: str) -> SettlementPreview:
        """Compute a correction without booking it: what each member would pay, and paid."""
        with current_visit().begin() as uow, fields_named(**_NAMES):
            return preview_correction(uow, _correction(uow, round_code, body))


@blueprint.route("/rounds/<round_code>/order.<any(pdf, csv):extension>")
class OrderDocumentResource(MethodView):
    """The order to the supplier."""

    def get(self, round_code: str, extension: str) -> Response:
        """Download the order as the supplier gets it."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            order = supplier_order(uow, round_code)
        if extension == "csv":
            return Response(render_order_csv(order), content_type="text/csv; charset=utf-8")
        return Response(render_order_pdf(order), content_type="application/pdf")


@blueprint.route("/rounds/<round_code>/progress")
class ProgressResource(MethodView):
    """How far a round is."""

    @blueprint.response(200, ProgressSchema)
    def get(self, round_code: str) -> Body:
        """Tell how far every product is to its next step, and who joined when as counts."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        with visit.begin() as uow:
            return _progress(round_progress(uow.session, uow.tenant, _round(uow, round_code)))


def _progress(found: RoundProgress) -> Body:
    return {
        "pledgers": found.round.pledgers,
        "pledged_net_cents": found.round.pledged_net_cents,
        "minimum_net_cents": found.round.minimum_net_cents,
        "products": [
            {
                "product_code": each.product.code,
                "pledged": each.product.pledged,
                "wanted": each.wanted,
                "target": each.target,
                "percent": each.percent,
                "missing_to_next": each.ladder.missing_to_next,
                "missing_to_order": each.ladder.missing_to_order,
            }
            for each in found.products
        ],
        "joined": [{"day": day, "members": members} for day, members in found.joined],
    }


@blueprint.route("/rounds/<round_code>/pledges/<member_code>/last-order")
class LastOrderResource(MethodView):
    """What a member had the last time."""

    @blueprint.response(200, LastOrderSchema)
    def get(self, round_code: str, member_code: str) -> Body:
        """Tell what the last order would be now; save it by putting the lines as an order."""
        visit = current_visit()
        with visit.begin() as uow:
            member_id = member_by_code(uow.session, uow.tenant, member_code).id
            is_own = member_id == visit.identity.member_id
            require_permission(visit.identity, "round.read" if is_own else "round.read-all-pledges")
            return _last_order(uow, _round(uow, round_code), member_id)


def _last_order(uow: UnitOfWork, found: RoundView, member_id: int) -> Body:
    last = last_order(uow.session, uow.tenant, member_id, found)
    if last is None:
        return {"round_code": None, "lines": [], "gone": []}
    offered = queries.offered_products(uow.session, uow.tenant, found.id)
    own = queries.pledges(uow.session, uow.tenant, found.id, member_id=member_id)
    repeat = repeat_of(
        last,
        {product.id: product for product in offered},
        product_numbers(uow.session, uow.tenant, found.id),
        {pledge.round_product_id: pledge for pledge in own},
    )
    lines = [
        {
            "product_code": line.product.code,
            "quantity": line.quantity,
            "tolerance": line.tolerance,
            "was_quantity": line.was.quantity,
            "was_price_excl_cents": line.was.was_excl_cents,
            "was_price_units": line.was.was_price_units,
            "price_excl_cents": line.product.price_excl_cents,
            "price_units": line.product.price_units,
            "has_now": line.has_now,
            "version": line.version,
        }
        for line in repeat.lines
    ]
    return {
        "round_code": last.round_code,
        "lines": lines,
        "gone": [line.name for line in repeat.gone],
    }
