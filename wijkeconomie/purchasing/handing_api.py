"""REST resources of the hand-out: the list by member and product, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing import handing_queries
from wijkeconomie.purchasing.hand_out_document import (
    hand_out_list,
    render_hand_out_csv,
    render_hand_out_pdf,
)
from wijkeconomie.purchasing.handing_models import HandOutcome, PledgeOrigin
from wijkeconomie.purchasing.handing_out import (
    CheckOff,
    NotCollected,
    check_off,
    resolve_uncollected,
)
from wijkeconomie.purchasing.handing_queries import SharedLine
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import (
    fields_named,
    pledge_ids,
    product_codes,
    round_named,
    row_of,
    told,
)

blueprint = cooperative_resources("handing_api", __name__, "Handing out what came")

Body = dict[str, Any]


class HandedLineSchema(Schema):
    """What a member gets of a product, and what became of it."""

    product_code = fields.String(required=True, metadata=told("The product"))
    product_name = fields.String(required=True, metadata=told("Its name in the round"))
    unit = fields.String(required=True, metadata=told("What quantities count"))
    ordered = fields.Integer(required=True, metadata=told("Units that were ordered"))
    quantity = fields.Integer(required=True, metadata=told("Units to hand out"))
    grams = fields.Integer(
        allow_none=True, metadata=told("What was weighed for the member, in grams; null: nothing")
    )
    origin = fields.Enum(
        PledgeOrigin,
        by_value=True,
        required=True,
        metadata=told("Whether it was ordered, came in place of something, or was given besides"),
    )
    outcome = fields.Enum(
        HandOutcome,
        by_value=True,
        allow_none=True,
        metadata=told("What became of it; null while it waits"),
    )
    note = fields.String(allow_none=True, metadata=told("What was agreed, of what was left"))


class CollectorSchema(Schema):
    """A member with what there is to collect."""

    member_code = fields.String(required=True, metadata=told("The member"))
    member_name = fields.String(required=True, metadata=told("The name of the member"))
    slot_id = fields.Integer(
        allow_none=True, metadata=told("The pick-up time that was chosen; null for none")
    )
    is_done = fields.Boolean(
        required=True, metadata=told("Whether all of it was handed out or decided on")
    )
    lines = fields.List(fields.Nested(HandedLineSchema), required=True, metadata=told("By product"))


class PortionSchema(Schema):
    """Who gets how much of a product."""

    member_code = fields.String(required=True, metadata=told("The member"))
    quantity = fields.Integer(required=True, metadata=told("Units for this member"))
    outcome = fields.Enum(
        HandOutcome,
        by_value=True,
        allow_none=True,
        metadata=told("What became of it; null while it waits"),
    )


class HandedProductSchema(Schema):
    """A product with everyone who gets some of it."""

    product_code = fields.String(required=True, metadata=told("The product"))
    product_name = fields.String(required=True, metadata=told("Its name in the round"))
    unit = fields.String(required=True, metadata=told("What quantities count"))
    quantity = fields.Integer(required=True, metadata=told("Units for all members together"))
    members = fields.List(
        fields.Nested(PortionSchema), required=True, metadata=told("By pick-up time and member")
    )


class HandOutSchema(Schema):
    """The same lines twice: by member and by product."""

    members = fields.List(
        fields.Nested(CollectorSchema),
        required=True,
        metadata=told("By pick-up time, then by number of the member"),
    )
    products = fields.List(
        fields.Nested(HandedProductSchema), required=True, metadata=told("By name")
    )


class HandedPledgeSchema(StrictSchema):
    """One line of the list."""

    member_code = fields.String(required=True, metadata=told("The member"))
    product_code = fields.String(required=True, metadata=told("The product"))


class CheckOffSchema(StrictSchema):
    """Lines that were collected."""

    lines = fields.List(
        fields.Nested(HandedPledgeSchema),
        required=True,
        validate=validate.Length(min=1, max=1000),
        metadata=told("All of them, or none when one is refused"),
    )
    is_undone = fields.Boolean(
        load_default=False, metadata=told("Whether this takes a check-off by mistake back")
    )


class UncollectedSchema(HandedPledgeSchema):
    """What becomes of a line that was not collected."""

    outcome = fields.Enum(
        HandOutcome,
        by_value=True,
        required=True,
        metadata=told("`kept` for the member, `charged` all the same, or `sold_on`"),
    )
    note = fields.String(
        required=True,
        validate=validate.Length(min=1, max=500),
        metadata=told("What was agreed; the member reads it"),
    )
    to_member_code = fields.String(
        load_default=None,
        allow_none=True,
        metadata=told("Who gets what is sold on; null for the stock of the cooperative"),
    )


@blueprint.route("/rounds/<round_code>/hand-out")
class HandOutResource(MethodView):
    """The list to tick off."""

    @blueprint.response(200, HandOutSchema)
    def get(self, round_code: str) -> Body:
        """Tell who gets what, by member and by product, and what was handed out."""
        visit = current_visit()
        require_permission(visit.identity, "round.hand-out")
        return _hand_out(visit, round_code)


@blueprint.route("/rounds/<round_code>/hand-out.<any(pdf, csv):extension>")
class HandOutDocumentResource(MethodView):
    """The list on paper, or for a spreadsheet."""

    def get(self, round_code: str, extension: str) -> Response:
        """Download the list."""
        visit = current_visit()
        require_permission(visit.identity, "round.hand-out")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            collectors = handing_queries.collectors(uow.session, row_of(uow, found))
        listed = hand_out_list(found, collectors, visit.cooperative.name)
        if extension == "csv":
            return Response(render_hand_out_csv(listed), content_type="text/csv; charset=utf-8")
        content = render_hand_out_pdf(listed, language=page_language())
        return Response(content, content_type="application/pdf")


@blueprint.route("/rounds/<round_code>/hand-out/checks")
class ChecksResource(MethodView):
    """Ticking off."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CheckOffSchema)
    @blueprint.response(200, HandOutSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Tick off what was collected, or take that back."""
        visit = current_visit()
        require_permission(visit.identity, "round.hand-out")

        def act(uow: UnitOfWork) -> str:
            found = round_named(uow, round_code)
            lines = [(line["product_code"], line["member_code"]) for line in body["lines"]]
            pledges = pledge_ids(uow, found, lines)
            is_undone = body["is_undone"]
            with fields_named(outcome="lines"):
                check_off(uow, CheckOff(round_id=found.id, pledge_ids=pledges, is_undone=is_undone))
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/hand-out/checks", body, act)
        return _hand_out(visit, round_code)


@blueprint.route("/rounds/<round_code>/hand-out/uncollected")
class UncollectedResource(MethodView):
    """What was not collected."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(UncollectedSchema)
    @blueprint.response(200, HandOutSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Say what becomes of what a member did not collect."""
        visit = current_visit()
        require_permission(visit.identity, "round.hand-out")

        def act(uow: UnitOfWork) -> str:
            found = round_named(uow, round_code)
            with fields_named(to="to_member_code"):
                resolve_uncollected(uow, _uncollected(uow, found, body))
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/hand-out/uncollected", body, act)
        return _hand_out(visit, round_code)


def _uncollected(uow: UnitOfWork, found: RoundView, body: Body) -> NotCollected:
    code = body["to_member_code"]
    [pledge] = pledge_ids(uow, found, [(body["product_code"], body["member_code"])])
    return NotCollected(
        round_id=found.id,
        pledge_id=pledge,
        outcome=body["outcome"],
        note=body["note"],
        to_member_id=member_by_code(uow.session, uow.tenant, code).id if code else None,
    )


def handed_lines(uow: UnitOfWork, found: RoundView, lines: Sequence[SharedLine]) -> list[Body]:
    """Lines of the list with the codes of their products."""
    codes = product_codes(uow, found)
    names = ("product_name", "unit", "ordered", "quantity", "grams", "origin", "outcome", "note")
    return [
        {"product_code": codes[line.round_product_id]}
        | {name: getattr(line, name) for name in names}
        for line in lines
    ]


def _hand_out(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = round_named(uow, round_code)
        collectors = handing_queries.collectors(uow.session, row_of(uow, found))
        codes = product_codes(uow, found)
        members = [
            {
                "member_code": each.code,
                "member_name": each.name,
                "slot_id": None if each.slot is None else each.slot.id,
                "is_done": not each.waiting,
                "lines": handed_lines(uow, found, each.lines),
            }
            for each in collectors
        ]
    products = hand_out_list(found, collectors, visit.cooperative.name).products
    return {
        "members": members,
        "products": [
            {
                "product_code": codes[each.lines[0].round_product_id],
                "product_name": each.name,
                "unit": each.unit,
                "quantity": each.quantity,
                "members": each.lines,
            }
            for each in products
        ],
    }
