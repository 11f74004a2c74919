"""REST resources to settle a round without charging its members: one asks, a second one decides."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.round_wire import round_named, told
from wijkeconomie.purchasing.uncharged import (
    AskUncharged,
    DecideUncharged,
    ask_uncharged,
    decide_uncharged,
    requests_for,
    standing_request,
)

blueprint = cooperative_resources("uncharged_api", __name__, "Settling without charging members")

Body = dict[str, Any]


class AskedSchema(Schema):
    """A request that waits for a second person."""

    reason = fields.String(required=True, metadata=told("Why nobody is charged; members read it"))
    amount_cents = fields.Integer(
        required=True,
        metadata=told("What the cooperative would pay, in cents with VAT and deposits"),
    )
    asked_at = fields.AwareDateTime(required=True, metadata=told("When it was asked"))
    is_own = fields.Boolean(
        required=True, metadata=told("Whether you asked it: then somebody else approves")
    )


class UnchargedSchema(Schema):
    """How a round stands, and the request that waits."""

    state = fields.Enum(
        RoundState, by_value=True, required=True, metadata=told("How the round stands")
    )
    asked = fields.Nested(
        AskedSchema, allow_none=True, metadata=told("The request that waits; null for none")
    )


class WaitingRequestSchema(Schema):
    """A request of somebody else, that waits for you or another."""

    round_code = fields.String(required=True, metadata=told("The round"))
    theme = fields.String(required=True, metadata=told("What it is about"))
    amount_cents = fields.Integer(
        required=True,
        metadata=told("What the cooperative would pay, in cents with VAT and deposits"),
    )


class WaitingRequestListSchema(Schema):
    """The requests that others made."""

    items = fields.List(
        fields.Nested(WaitingRequestSchema), required=True, metadata=told("The oldest first")
    )


class AskSchema(StrictSchema):
    """Asking that the cooperative pays a received round."""

    reason = fields.String(
        required=True,
        validate=validate.Length(min=1, max=500),
        metadata=told("Why nobody is charged; members read it"),
    )
    typed_code = fields.String(
        required=True, metadata=told("The code of the round, as a person typed it to confirm")
    )


class DecideSchema(StrictSchema):
    """Approving a request, or turning it down."""

    is_approved = fields.Boolean(
        required=True, metadata=told("Whether the round is settled without charging anyone")
    )
    typed_code = fields.String(
        load_default="",
        metadata=told("The code of the round, typed to confirm; needed to approve"),
    )


@blueprint.route("/uncharged-requests")
class WaitingRequestsResource(MethodView):
    """Requests that wait."""

    @blueprint.response(200, WaitingRequestListSchema)
    def get(self) -> Body:
        """List the requests of others about which you may decide."""
        visit = current_visit()
        require_permission(visit.identity, "round.settle-uncharged")
        with visit.begin() as uow:
            found = requests_for(uow.session, uow.tenant, uow.actor)
        names = ("round_code", "theme", "amount_cents")
        return {"items": [dict(zip(names, each, strict=True)) for each in found]}


@blueprint.route("/rounds/<round_code>/uncharged")
class UnchargedResource(MethodView):
    """Settling one round without charging."""

    @blueprint.response(200, UnchargedSchema)
    def get(self, round_code: str) -> Body:
        """Tell whether this was asked, and for how much."""
        visit = current_visit()
        require_permission(visit.identity, "round.settle-uncharged")
        return _standing(visit, round_code)

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(AskSchema)
    @blueprint.response(201, UnchargedSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Ask that the cooperative pays a round and its members nothing; nothing is booked yet."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            command = AskUncharged(round_id=round_named(uow, round_code).id, **body)
            return str(ask_uncharged(uow, command))

        once(visit, headers["idempotency_key"], f"{round_code}/uncharged", body, act)
        return _standing(visit, round_code)


@blueprint.route("/rounds/<round_code>/uncharged/decision")
class UnchargedDecisionResource(MethodView):
    """The second person."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DecideSchema)
    @blueprint.response(200, UnchargedSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Approve what somebody else asked, which settles the round, or turn it down."""
        visit = current_visit()
        require_permission(visit.identity, "round.settle-uncharged")

        def act(uow: UnitOfWork) -> str:
            asked = standing_request(uow, round_named(uow, round_code).id)
            if asked is None:
                raise NotFoundError(f"nothing was asked about {round_code}", round=round_code)
            version = decide_uncharged(uow, DecideUncharged(request_id=asked.id, **body))
            return str(version or "")

        once(visit, headers["idempotency_key"], f"{round_code}/uncharged/decision", body, act)
        return _standing(visit, round_code)


def _standing(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = round_named(uow, round_code)
        row = standing_request(uow, found.id)
        asked = None
        if row is not None:
            asked = {
                "reason": row.reason,
                "amount_cents": row.amount_cents,
                "asked_at": row.asked_at,
                "is_own": row.asked_by == uow.actor,
            }
        return {"state": found.state, "asked": asked}
