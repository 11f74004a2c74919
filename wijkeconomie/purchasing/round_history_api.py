"""REST resources of what was done to a round: its changes, and orders that fell out."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.audit import history
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import Dropout
from wijkeconomie.purchasing.round_wire import round_named, told

blueprint = cooperative_resources("round_history_api", __name__, "What was done to a round")

Body = dict[str, Any]


class ChangeSchema(Schema):
    """A change of a round."""

    recorded_at = fields.AwareDateTime(required=True, metadata=told("When it was done"))
    action = fields.String(required=True, metadata=told("What was done, such as `prolonged`"))
    before = fields.Dict(required=True, metadata=told("What was the case, by field"))
    after = fields.Dict(required=True, metadata=told("What is the case since then, by field"))
    reason = fields.String(allow_none=True, metadata=told("Why; null where none was given"))


class ChangeListSchema(Schema):
    """The changes of a round."""

    items = fields.List(
        fields.Nested(ChangeSchema), required=True, metadata=told("In order of the time")
    )


class DropoutSchema(Schema):
    """An order that fell out when the round closed; nothing is charged for it."""

    member_code = fields.String(required=True, metadata=told("The member"))
    product_code = fields.String(required=True, metadata=told("The product"))
    quantity = fields.Integer(required=True, metadata=told("Units that were ordered"))
    dropout = fields.Enum(Dropout, by_value=True, required=True, metadata=told("Why it fell out"))


class DropoutListSchema(Schema):
    """Orders that fell out."""

    items = fields.List(
        fields.Nested(DropoutSchema), required=True, metadata=told("By member and product")
    )


@blueprint.route("/rounds/<round_code>/changes")
class ChangesResource(MethodView):
    """What was done."""

    @blueprint.response(200, ChangeListSchema)
    def get(self, round_code: str) -> Body:
        """List what was done to a round, when and why."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            return {"items": history(uow.session, uow.tenant, f"round/{found.id}")}


@blueprint.route("/rounds/<round_code>/dropouts")
class DropoutsResource(MethodView):
    """Who fell out."""

    @blueprint.response(200, DropoutListSchema)
    def get(self, round_code: str) -> Body:
        """List the orders that fell out when a round closed; members see their own."""
        visit = current_visit()
        sees_all = visit.may("round.read-all-pledges")
        if not sees_all:
            require_permission(visit.identity, "pledge.make")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            all_ = queries.pledges(uow.session, uow.tenant, found.id, with_withdrawn=True)
        own = visit.identity.member_id
        return {
            "items": [
                each
                for each in all_
                if each.dropout is not None and (sees_all or each.member_id == own)
            ]
        }
