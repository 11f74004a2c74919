"""REST resources of credit: the cooperative's terms, and a member's account and own limit."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.credit import (
    CreditTerms,
    credit_terms,
    member_limit,
    own_limits,
    set_credit_terms,
    set_member_limit,
)
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing.credit_queries import position

blueprint = cooperative_resources("credit_api", __name__, "Credit of members")

Body = dict[str, Any]
_CENTS = validate.Range(min=0, max=10**12)


class CreditTermsSchema(StrictSchema):
    """Whether credit is limited, and how far an account may go without an own limit."""

    is_enforced = fields.Boolean(required=True)
    default_cents = fields.Integer(required=True, strict=True, validate=_CENTS)


class OwnLimitSchema(StrictSchema):
    """A member's own limit, null for that of the cooperative, and why."""

    own_limit_cents = fields.Integer(required=True, strict=True, allow_none=True, validate=_CENTS)
    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))


class LimitSchema(Schema):
    """A member with a limit of his own."""

    member_code = fields.String(
        required=True, attribute="code", metadata={"description": "The member"}
    )
    name = fields.String(required=True, metadata={"description": "The name of the member"})
    limit_cents = fields.Integer(
        required=True, metadata={"description": "How far the account may go, in cents"}
    )


class LimitListSchema(Schema):
    """Who has a limit of his own."""

    items = fields.List(
        fields.Nested(LimitSchema), required=True, metadata={"description": "By number"}
    )


class CreditSchema(Schema):
    """How a member's account stands; ``room_cents`` is null where nothing limits it."""

    balance_cents = fields.Integer(required=True)
    reserved_cents = fields.Integer(required=True)
    free_cents = fields.Integer(required=True)
    own_limit_cents = fields.Integer(allow_none=True)
    limit_cents = fields.Integer(allow_none=True)
    room_cents = fields.Integer(allow_none=True)


@blueprint.route("/credit-terms")
class CreditTermsResource(MethodView):
    """The terms of the cooperative."""

    @blueprint.response(200, CreditTermsSchema)
    def get(self) -> CreditTerms:
        """Tell whether credit is limited, and how far."""
        visit = current_visit()
        require_permission(visit.identity, "credit.read")
        with visit.begin() as uow:
            return credit_terms(uow)

    @blueprint.arguments(CreditTermsSchema)
    @blueprint.response(200, CreditTermsSchema)
    def put(self, body: Body) -> CreditTerms:
        """Change the terms; they count for every change of an order from now on."""
        with current_visit().begin() as uow:
            set_credit_terms(uow, CreditTerms(**body))
            return credit_terms(uow)


@blueprint.route("/credit-limits")
class CreditLimitsResource(MethodView):
    """Members with a limit of their own."""

    @blueprint.response(200, LimitListSchema)
    def get(self) -> Body:
        """List who has a limit of his own, and what it is."""
        with current_visit().begin() as uow:
            return {"items": own_limits(uow)}


@blueprint.route("/members/<member_code>/credit")
class MemberCreditResource(MethodView):
    """A member's account and limit."""

    @blueprint.response(200, CreditSchema)
    def get(self, member_code: str) -> Body:
        """Tell balance, reserved, free and the limit; members see their own."""
        visit = current_visit()
        return _credit(visit, member_code)

    @blueprint.arguments(OwnLimitSchema)
    @blueprint.response(200, CreditSchema)
    def put(self, body: Body, member_code: str) -> Body:
        """Give a member a limit of his own, or that of the cooperative again."""
        visit = current_visit()
        with visit.begin() as uow:
            set_member_limit(uow, member_code, body["own_limit_cents"], reason=body["reason"])
        return _credit(visit, member_code)


def _credit(visit: Visit, member_code: str) -> Body:
    with visit.begin() as uow:
        member = member_by_code(uow.session, uow.tenant, member_code)
        is_own = member.id == visit.identity.member_id
        require_permission(visit.identity, "statement.read-own" if is_own else "credit.read")
        found = position(uow, member.id, member.code)
        return {
            "balance_cents": found.balance_cents,
            "reserved_cents": found.reserved_cents,
            "free_cents": found.free_cents,
            "own_limit_cents": member_limit(uow, member.code),
            "limit_cents": found.limit_cents,
            "room_cents": found.room_cents,
        }
