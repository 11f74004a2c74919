"""REST resources of months of shared costs: look, keep a draft, settle what was seen, show it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.forms import asked_month
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.costs import queries
from wijkeconomie.costs.drafts import draft_month, drop_draft
from wijkeconomie.costs.models import RunState
from wijkeconomie.costs.previewing import MonthPreview, preview_month
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import publish_run, settle_month

blueprint = cooperative_resources("costs_api", __name__, "Shared costs")

Body = dict[str, Any]


class PreviewedCostSchema(Schema):
    """A cost that waits: who shares it, or why it cannot be settled."""

    code = fields.String(required=True)
    description = fields.String(required=True)
    key_name = fields.String(required=True, attribute="key")
    total_cents = fields.Integer(required=True)
    subsidy_cents = fields.Integer(required=True)
    members = fields.Integer(required=True)
    estimated = fields.List(fields.String(), required=True)
    problem = fields.String(attribute="refusal.code", dump_default=None, allow_none=True)


class MemberDifferenceSchema(Schema):
    """What a member would pay for the month, and paid for the month before."""

    code = fields.String(required=True)
    cents = fields.Integer(required=True)
    before_cents = fields.Integer(required=True)
    difference_cents = fields.Integer(required=True)


class SettlementRunSchema(Schema):
    """A settled month, or a correction of it."""

    id = fields.Integer(required=True)
    month = fields.Date(required=True)
    number = fields.Integer(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf((RunState.POSTED, RunState.PUBLISHED))
    )
    posted_at = fields.AwareDateTime(required=True)
    costs = fields.Integer(required=True)
    total_cents = fields.Integer(required=True)


class SettlementRunListSchema(Schema):
    """Runs, the newest first."""

    items = fields.List(fields.Nested(SettlementRunSchema), required=True)


class CostMonthSchema(Schema):
    """A month: what waits and comes to what, and what was settled of it."""

    month = fields.Date(required=True)
    costs = fields.List(fields.Nested(PreviewedCostSchema), required=True)
    members = fields.List(fields.Nested(MemberDifferenceSchema), required=True)
    total_cents = fields.Integer(required=True)
    seen = fields.String(allow_none=True)
    has_draft = fields.Boolean(required=True)
    runs = fields.List(fields.Nested(SettlementRunSchema), required=True)


def _fingerprint(written: str) -> None:
    try:
        bytes.fromhex(written)
    except ValueError as error:
        raise ValidationError("this is not what a month told as seen") from error


def seen_schema_field() -> fields.String:
    """The fingerprint of what was looked at, as a preview told it."""
    return fields.String(required=True, validate=_fingerprint)


class SettleMonthSchema(StrictSchema):
    """What was seen, and whether members see it at once (and get a letter) or later.

    ``accounting_date`` is another day than the last of the month, where that month is closed.
    """

    seen = seen_schema_field()
    is_shown_later = fields.Boolean(load_default=False)
    accounting_date = fields.Date(load_default=None, allow_none=True)


def _month(written: str) -> Body:
    visit = current_visit()
    first = asked_month(written)
    with visit.begin() as uow:
        preview = preview_month(uow, first)
        draft = queries.draft_of_month(uow.session, uow.tenant, first)
        runs = queries.runs_of_month(uow.session, uow.tenant, first)
    return _told(preview, first) | {"has_draft": draft is not None, "runs": runs}


def _told(preview: MonthPreview, first: date) -> Body:
    return {
        "month": first,
        "costs": preview.costs,
        "members": preview.members,
        "total_cents": preview.total_cents,
        "seen": preview.fingerprint.hex() if preview.fingerprint is not None else None,
    }


@blueprint.route("/settlement-runs")
class SettlementRunsResource(MethodView):
    """Settled months."""

    @blueprint.response(200, SettlementRunListSchema)
    def get(self) -> Body:
        """List the last runs, the newest first."""
        visit = current_visit()
        require_permission(visit.identity, "cost.read")
        with visit.begin() as uow:
            return {"items": queries.settled_runs(uow.session, uow.tenant)}


@blueprint.route("/cost-months/<month>")
class CostMonthResource(MethodView):
    """A month of shared costs."""

    @blueprint.response(200, CostMonthSchema)
    def get(self, month: str) -> Body:
        """Tell what settling the month comes to per member, and what was settled of it."""
        return _month(month)


@blueprint.route("/cost-months/<month>/settle")
class SettleMonthResource(MethodView):
    """Settling a month."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SettleMonthSchema)
    @blueprint.response(200, CostMonthSchema)
    def post(self, headers: Body, body: Body, month: str) -> Body:
        """Settle what waits of the month if it still is what was seen; all of it or nothing."""
        first = asked_month(month)
        publication = Publication.LATER if body["is_shown_later"] else Publication.WITH_LETTER

        def act(uow: UnitOfWork) -> str:
            settled = settle_month(
                uow,
                first,
                publication,
                accounting_date=body["accounting_date"],
                seen=bytes.fromhex(body["seen"]),
            )
            return "" if settled is None else str(settled.run_id)

        target = f"cost-months/{month}/settle"
        once(current_visit(), headers["idempotency_key"], target, body, act)
        return _month(month)


@blueprint.route("/cost-months/<month>/draft")
class MonthDraftResource(MethodView):
    """A month that is kept for somebody else to look at."""

    @blueprint.response(200, CostMonthSchema)
    def put(self, month: str) -> Body:
        """Keep what the month comes to now as a draft; nothing is booked."""
        with current_visit().begin() as uow:
            draft_month(uow, asked_month(month))
        return _month(month)

    @blueprint.response(204)
    def delete(self, month: str) -> None:
        """Throw the draft away; the costs go on waiting."""
        with current_visit().begin() as uow:
            drop_draft(uow, asked_month(month))


@blueprint.route("/settlement-runs/<int:run_id>/publish")
class PublishRunResource(MethodView):
    """Showing a settled month."""

    @blueprint.response(204)
    def put(self, run_id: int) -> None:
        """Show a posted run to the members and write to them, once."""
        with current_visit().begin() as uow:
            publish_run(uow, run_id)
