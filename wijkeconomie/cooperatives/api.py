"""REST resources of a cooperative and its members."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.sessions import current_visit, within_cooperative
from wijkeconomie.core.permissions import PERMISSIONS, require_permission
from wijkeconomie.core.wire import PageSchema


def cooperative_resources(name: str, import_name: str, description: str) -> Blueprint:
    """A blueprint of resources below ``/api/v1/cooperatives/<cooperative_code>``."""
    blueprint = Blueprint(
        name,
        import_name,
        url_prefix="/api/v1/cooperatives/<cooperative_code>",
        description=description,
    )
    within_cooperative(blueprint)
    return blueprint


blueprint = cooperative_resources("cooperative_api", __name__, "The cooperative and its members")


class CooperativeSchema(Schema):
    """A cooperative, and what the visitor may do there."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    full_name = fields.String(required=True)
    neighbourhood = fields.String(required=True)
    liability = fields.String(required=True)
    vat_regime = fields.String(required=True)
    kvk = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class MemberSchema(Schema):
    """A member as those who keep the list see him."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(allow_none=True)
    joined_on = fields.Date(required=True)
    left_on = fields.Date(allow_none=True)
    has_mandate = fields.Boolean(required=True)


class MemberPageSchema(Schema):
    """A page of members; ``next`` is the cursor of the following page, or null."""

    items = fields.List(fields.Nested(MemberSchema), required=True)
    next = fields.String(allow_none=True)


@blueprint.route("/")
class CooperativeResource(MethodView):
    """The cooperative itself."""

    @blueprint.response(200, CooperativeSchema)
    def get(self) -> dict[str, Any]:
        """Tell about the cooperative, and what you may do there."""
        visit = current_visit()
        return asdict(visit.cooperative) | {
            "full_name": visit.cooperative.full_name,
            "permissions": sorted(name for name in PERMISSIONS if visit.may(name)),
        }


@blueprint.route("/members")
class MembersResource(MethodView):
    """The list of members."""

    @blueprint.arguments(PageSchema, location="query")
    @blueprint.response(200, MemberPageSchema)
    def get(self, page: dict[str, Any]) -> dict[str, Any]:
        """List the members by number, a page at a time."""
        visit = current_visit()
        require_permission(visit.identity, "member.read")
        limit = page["limit"]
        with visit.begin() as uow:
            found = queries.members(
                uow.session, uow.tenant, after=page["cursor"] or "", limit=limit + 1
            )
        shown = found[:limit]
        return {"items": shown, "next": shown[-1].code if len(found) > limit else None}
