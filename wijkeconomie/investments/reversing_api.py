"""REST resources of looking before sharing a result, and of putting things right."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.investments import queries
from wijkeconomie.investments.api import blueprint, change_project
from wijkeconomie.investments.keeping_api import ProjectReasonSchema
from wijkeconomie.investments.queries import ParticipationView, ProjectView
from wijkeconomie.investments.results import ShareResult, preview_result
from wijkeconomie.investments.reversing import turn_back_payment, turn_back_result
from wijkeconomie.investments.schemas import ParticipationSchema, ProjectSchema, ShareResultSchema

Body = dict[str, Any]


class HolderShareSchema(Schema):
    """What a holder would get, or bear when negative; what is left of his capital then."""

    member_code = fields.String(required=True)
    units = fields.Integer(required=True)
    cents = fields.Integer(required=True)
    left_after_cents = fields.Integer(required=True)


class ResultPreviewSchema(Schema):
    """Holders by member number."""

    items = fields.List(fields.Nested(HolderShareSchema), required=True)


@blueprint.route("/projects/<code>/results/preview")
class ResultPreviewResource(MethodView):
    """What sharing a result comes to."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ShareResultSchema)
    @blueprint.response(200, ResultPreviewSchema)
    def post(self, _headers: Body, body: Body, code: str) -> Body:
        """Tell what each holder would get or bear of a result; nothing is written."""
        with current_visit().begin() as uow:
            found = preview_result(uow, ShareResult(project_code=code, **body))
        return {
            "items": [
                {
                    "member_code": each.holder.code,
                    "units": each.holder.units,
                    "cents": each.cents,
                    "left_after_cents": each.left_after_cents,
                }
                for each in found
            ]
        }


@blueprint.route("/projects/<code>/results/<int:year>/turn-back")
class TurnBackResultResource(MethodView):
    """Results that were shared wrongly."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProjectReasonSchema)
    @blueprint.response(200, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str, year: int) -> ProjectView:
        """Turn the result of a year back, while nobody was paid of it and no capital moved on."""
        return change_project(
            (code, f"results/{year}/turn-back"),
            headers,
            body,
            lambda uow: turn_back_result(uow, code, year, reason=body["reason"]),
        )


@blueprint.route("/participations/<code>/turn-back-payment")
class TurnBackPaymentResource(MethodView):
    """Payments that were noted on the wrong participation."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProjectReasonSchema)
    @blueprint.response(200, ParticipationSchema)
    def post(self, headers: Body, body: Body, code: str) -> ParticipationView:
        """Turn a payment back while nothing followed; its units wait to be paid again."""
        visit = current_visit()
        require_permission(visit.identity, "investment.change")

        def act(uow: UnitOfWork) -> str:
            turn_back_payment(uow, code, reason=body["reason"])
            return code

        target = f"participations/{code}/turn-back-payment"
        once(visit, headers["idempotency_key"], target, body, act)
        with visit.begin() as uow:
            return queries.participation(uow.session, uow.tenant, code)
