"""REST resource of the order on its way to the supplier."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.purchasing.order_letters import order_letters, send_order_again
from wijkeconomie.purchasing.round_wire import round_named, told
from wijkeconomie.purchasing.withdrawal_letters import withdrawal_letter

blueprint = cooperative_resources("order_letter_api", __name__, "Mailing the order")

Body = dict[str, Any]


class OrderLetterSchema(Schema):
    """A mail with the order."""

    queued_at = fields.AwareDateTime(required=True, metadata=told("When it was asked for"))
    sent_at = fields.AwareDateTime(
        allow_none=True, metadata=told("When it went out; null while it has not")
    )
    attempts = fields.Integer(required=True, metadata=told("How many times it was tried"))
    has_failed = fields.Boolean(required=True, metadata=told("Whether the last attempt failed"))
    next_attempt_at = fields.AwareDateTime(
        required=True, metadata=told("When it is tried next, while it has not gone out")
    )


class OrderLetterListSchema(Schema):
    """The mails with the order of a round; none where the supplier had no address."""

    items = fields.List(
        fields.Nested(OrderLetterSchema), required=True, metadata=told("The newest first")
    )


@blueprint.route("/rounds/<round_code>/order-mails")
class OrderMailsResource(MethodView):
    """The order by mail."""

    @blueprint.response(200, OrderLetterListSchema)
    def get(self, round_code: str) -> Body:
        """Tell whether the order went out to the supplier."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        return _letters(visit, round_code)

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.response(201, OrderLetterListSchema)
    def post(self, headers: Body, round_code: str) -> Body:
        """Mail the order again; one that has not gone out yet is tried now instead."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            send_order_again(uow, round_named(uow, round_code).id)
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/order-mails", {}, act)
        return _letters(visit, round_code)


class LetterSchema(Schema):
    """A letter as it would go out now."""

    to = fields.String(required=True, metadata=told("The e-mail address"))
    subject = fields.String(required=True, metadata=told("Its subject"))
    body = fields.String(required=True, metadata=told("Its text"))


class CancellationSchema(Schema):
    """What cancelling a round would do."""

    members = fields.Integer(
        required=True, metadata=told("How many members ordered, and are told the reason")
    )
    supplier_letter = fields.Nested(
        LetterSchema,
        allow_none=True,
        required=True,
        metadata=told("That the order does not go on; null where none was sent that could be told"),
    )


@blueprint.route("/rounds/<round_code>/cancellation")
class CancellationResource(MethodView):
    """Cancelling, beforehand."""

    @blueprint.response(200, CancellationSchema)
    def get(self, round_code: str) -> Body:
        """Tell who would hear that the round does not go on; nothing is cancelled."""
        visit = current_visit()
        require_permission(visit.identity, "round.cancel")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            letter = withdrawal_letter(uow, found.id)
        return {"members": found.pledgers, "supplier_letter": letter}


def _letters(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = round_named(uow, round_code)
        return {"items": order_letters(uow.session, uow.tenant, found.id)}
