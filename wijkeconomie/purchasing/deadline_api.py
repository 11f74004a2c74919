"""REST resources of closing times: what is agreed, more time, and rounds that lie unsettled."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing.deadline_models import (
    LONGEST_PROLONGATION_DAYS,
    LONGEST_TOPUP_H,
    MOST_PROLONGATIONS,
    OnMiss,
)
from wijkeconomie.purchasing.deadline_queries import (
    DeadlineView,
    PolicyView,
    round_deadline,
    round_policy,
)
from wijkeconomie.purchasing.deadlines import (
    DeadlineTerms,
    ProlongRound,
    prolong_round,
    set_deadline,
)
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import round_named, told
from wijkeconomie.purchasing.schemas import RoundSchema
from wijkeconomie.purchasing.unsettled import SetRoundPolicy, set_round_policy

blueprint = cooperative_resources("deadline_api", __name__, "Closing times of rounds")

Body = dict[str, Any]


class DeadlineTermsSchema(StrictSchema):
    """What happens at a closing time; what is left out is as it is by itself."""

    on_miss = fields.Enum(
        OnMiss,
        by_value=True,
        load_default=OnMiss.ASK,
        metadata=told("What happens when too little was ordered"),
    )
    prolong_days = fields.Integer(
        load_default=2,
        strict=True,
        validate=validate.Range(min=1, max=LONGEST_PROLONGATION_DAYS),
        metadata=told("By how many days the clock prolongs it, delivery included"),
    )
    most_prolongations = fields.Integer(
        load_default=1,
        strict=True,
        validate=validate.Range(min=0, max=MOST_PROLONGATIONS),
        metadata=told("How many times the clock prolongs it at most"),
    )
    when_spent = fields.String(
        load_default="ask",
        validate=validate.OneOf(["ask", "cancel"]),
        metadata=told("What happens on a miss after the last time that it is prolonged"),
    )
    target_net_cents = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1),
        metadata=told("The least to order together, in cents without VAT and freight"),
    )
    heeds_product_minimum = fields.Boolean(
        load_default=False,
        metadata=told("Whether a product that falls out by its minimum is a miss of the round"),
    )
    topup_hours = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=LONGEST_TOPUP_H),
        metadata=told("How many hours members may fill packs after closing; null for none"),
    )


class MissSchema(Schema):
    """One thing that was not reached."""

    kind = fields.String(
        required=True, metadata=told("`nothing` was ordered, or `supplier`, `target`, `product`")
    )
    wanted_cents = fields.Integer(
        allow_none=True, metadata=told("The amount that was wanted, in cents without VAT")
    )
    product = fields.String(allow_none=True, metadata=told("The name of the product"))


class DeadlineSchema(Schema):
    """What happens at the closing time of a round, and where that stands."""

    terms = fields.Nested(
        DeadlineTermsSchema,
        allow_none=True,
        metadata=told("What was agreed; null where the round just closes"),
    )
    closes_at = fields.AwareDateTime(
        required=True, metadata=told("The first moment that is too late to order")
    )
    planned_closes_at = fields.AwareDateTime(
        required=True, metadata=told("The closing time before it was prolonged")
    )
    prolonged = fields.Integer(
        required=True, metadata=told("How many times the clock has prolonged it")
    )
    topup_since = fields.AwareDateTime(
        allow_none=True, metadata=told("Since when members only fill packs; null: not")
    )
    asked_at = fields.AwareDateTime(
        allow_none=True,
        metadata=told("Since when somebody has to prolong, order or cancel it; null: not"),
    )
    reached_net_cents = fields.Integer(
        allow_none=True,
        metadata=told("What would have been ordered then, in cents without VAT and freight"),
    )
    misses = fields.List(
        fields.Nested(MissSchema), required=True, metadata=told("What was missed then")
    )


class ProlongSchema(StrictSchema):
    """More time for a round that is open in name."""

    closes_at = fields.AwareDateTime(
        required=True, metadata=told("The new closing time, later than the one that stands")
    )
    delivery_on = fields.Date(
        required=True, metadata=told("The new day of delivery, not before it closes")
    )


class RoundPolicySchema(StrictSchema):
    """What the cooperative does with received rounds that lie unsettled."""

    nag_after_days = fields.Integer(
        required=True,
        strict=True,
        metadata=told("Each so many days coordinators and treasurers are told, 1 to 60"),
    )
    settle_after_days = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        metadata=told("After so many days the clock settles, 1 to 90; null: never"),
    )


@blueprint.route("/rounds/<round_code>/deadline")
class DeadlineResource(MethodView):
    """What happens at the closing time of a round."""

    @blueprint.response(200, DeadlineSchema)
    def get(self, round_code: str) -> Body:
        """Tell what was agreed, and whether somebody has to decide."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            return _deadline(uow, round_named(uow, round_code))

    @blueprint.arguments(DeadlineTermsSchema)
    @blueprint.response(200, DeadlineSchema)
    def put(self, body: Body, round_code: str) -> Body:
        """Say what happens, of a round that is a draft or open."""
        with current_visit().begin() as uow:
            found = round_named(uow, round_code)
            set_deadline(uow, found.id, DeadlineTerms(**body))
            return _deadline(uow, found)


def _deadline(uow: UnitOfWork, found: RoundView) -> Body:
    known = round_deadline(uow.session, uow.tenant, found.id)
    if known is None:
        return {
            "terms": None,
            "closes_at": found.closes_at,
            "planned_closes_at": found.closes_at,
            "prolonged": 0,
            "topup_since": None,
            "asked_at": None,
            "reached_net_cents": None,
            "misses": [],
        }
    return {
        "terms": known,
        "closes_at": found.closes_at,
        "planned_closes_at": known.planned_closes_at,
        "prolonged": known.prolonged,
        "topup_since": known.topup_since,
        "asked_at": known.asked_at,
        "reached_net_cents": _reached(known),
        "misses": known.misses,
    }


def _reached(known: DeadlineView) -> int | None:
    return known.reached_cents if known.is_asked else None


@blueprint.route("/rounds/<round_code>/prolong")
class ProlongResource(MethodView):
    """More time."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProlongSchema)
    @blueprint.response(200, RoundSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> RoundView:
        """Keep a round open longer, before its closing time or after it; who ordered is told."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            prolong_round(uow, ProlongRound(round_id=round_named(uow, round_code).id, **body))
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/prolong", body, act)
        with visit.begin() as uow:
            return round_named(uow, round_code)


@blueprint.route("/round-policy")
class RoundPolicyResource(MethodView):
    """Rounds that lie unsettled."""

    @blueprint.response(200, RoundPolicySchema)
    def get(self) -> PolicyView:
        """Tell after how many days somebody is told, and the clock settles."""
        visit = current_visit()
        require_permission(visit.identity, "round.policy")
        with visit.begin() as uow:
            return round_policy(uow.session, uow.tenant)

    @blueprint.arguments(RoundPolicySchema)
    @blueprint.response(200, RoundPolicySchema)
    def put(self, body: Body) -> PolicyView:
        """Agree on it for the whole cooperative."""
        with current_visit().begin() as uow:
            set_round_policy(uow, SetRoundPolicy(**body))
            return round_policy(uow.session, uow.tenant)
