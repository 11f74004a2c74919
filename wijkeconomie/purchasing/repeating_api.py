"""REST resources of rounds that repeat, and of days without deliveries."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.deadline_api import DeadlineTermsSchema
from wijkeconomie.purchasing.deadlines import DeadlineTerms, terms_in
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.repeating import (
    SaveDeliveryBreak,
    SaveRepeatingRound,
    save_delivery_break,
    save_repeating_round,
    stop_repeating_round,
    withdraw_delivery_break,
)
from wijkeconomie.purchasing.repeating_models import OnHoliday, RepeatingRound, Skipped
from wijkeconomie.purchasing.repeating_queries import (
    deliveries_made,
    deliveries_to_come,
    delivery_breaks,
    repeating_round,
    repeating_rounds,
)
from wijkeconomie.purchasing.round_wire import supplier_named, told

blueprint = cooperative_resources("repeating_api", __name__, "Rounds that repeat")

Body = dict[str, Any]
_TEXT = validate.Length(min=1, max=200)


class SaveRepeatingSchema(StrictSchema):
    """A round that repeats, as it should be; what is left out is as it is by itself."""

    theme = fields.String(required=True, validate=_TEXT, metadata=told("What members read"))
    supplier_code = fields.String(required=True, metadata=told("The supplier"))
    category = fields.String(
        load_default=None,
        allow_none=True,
        metadata=told("Only products of this category; null for all that are offered then"),
    )
    every_weeks = fields.Integer(
        load_default=1, strict=True, metadata=told("Every how many weeks it comes, 1 to 13")
    )
    first_delivery_on = fields.Date(
        required=True, metadata=told("The first day of delivery, which names the weekday")
    )
    last_delivery_on = fields.Date(
        load_default=None, allow_none=True, metadata=told("The last one; null: without end")
    )
    opens_days_before = fields.Integer(
        required=True, strict=True, metadata=told("Days before the delivery that it opens, 0 to 60")
    )
    opens_time = fields.Time(
        required=True, metadata=told("The hour of the clock in the Netherlands that it opens")
    )
    closes_days_before = fields.Integer(
        required=True,
        strict=True,
        metadata=told("Days before the delivery that it closes, 0 to 60"),
    )
    closes_time = fields.Time(
        required=True, metadata=told("The hour of the clock in the Netherlands that it closes")
    )
    ahead_days = fields.Integer(
        load_default=1,
        strict=True,
        metadata=told("Days before it opens that the round is made as a draft, 0 to 14"),
    )
    on_holiday = fields.Enum(
        OnHoliday,
        by_value=True,
        load_default=OnHoliday.SKIP,
        metadata=told("What a public holiday does to a delivery"),
    )
    freight_excl_cents = fields.Integer(
        load_default=0, strict=True, metadata=told("Freight of each round, in cents without VAT")
    )
    freight_key = fields.Enum(
        FreightKey,
        by_value=True,
        load_default=FreightKey.VALUE,
        metadata=told("How freight is shared"),
    )
    shortage_rule = fields.Enum(
        ShortageRule,
        by_value=True,
        load_default=ShortageRule.PRO_RATA,
        metadata=told("How it is shared when too little comes"),
    )
    surplus_rule = fields.Enum(
        SurplusRule,
        by_value=True,
        load_default=SurplusRule.STOCK,
        metadata=told("What becomes of units that nobody ordered"),
    )
    terms = fields.Nested(
        DeadlineTermsSchema,
        load_default=None,
        allow_none=True,
        metadata=told("What happens at each closing time; null: a coordinator is asked"),
    )


class ToComeSchema(Schema):
    """A delivery for which no round was made yet."""

    nominal_on = fields.Date(required=True, metadata=told("The day that the rhythm names"))
    delivery_on = fields.Date(
        required=True, metadata=told("The day of delivery, which a holiday may have moved")
    )
    opens_at = fields.AwareDateTime(required=True, metadata=told("When it opens"))
    closes_at = fields.AwareDateTime(required=True, metadata=told("When it closes"))
    skipped = fields.String(
        allow_none=True, metadata=told("`break` or `holiday` where it is left out; null: it is not")
    )
    note = fields.String(allow_none=True, metadata=told("The break or holiday"))


class MadeSchema(Schema):
    """What became of a delivery."""

    nominal_on = fields.Date(required=True, metadata=told("The day that the rhythm names"))
    round_code = fields.String(
        allow_none=True, metadata=told("The round that was made; null where it was left out")
    )
    delivery_on = fields.Date(allow_none=True, metadata=told("The day of delivery of the round"))
    skipped = fields.Enum(
        Skipped, by_value=True, allow_none=True, metadata=told("Why it was left out")
    )
    note = fields.String(allow_none=True, metadata=told("The break or holiday"))


class RepeatingSchema(SaveRepeatingSchema):
    """A round that repeats, with what is to come and what was made of it."""

    code = fields.String(required=True, metadata=told("Its code"))
    stopped_at = fields.AwareDateTime(
        allow_none=True, metadata=told("Since when no more rounds are made; null: they are")
    )
    to_come = fields.List(
        fields.Nested(ToComeSchema), required=True, metadata=told("The next six deliveries")
    )
    made = fields.List(
        fields.Nested(MadeSchema), required=True, metadata=told("The last twenty, newest first")
    )


class RepeatingListSchema(Schema):
    """The rounds that repeat."""

    items = fields.List(
        fields.Nested(RepeatingSchema), required=True, metadata=told("Not stopped, by code")
    )


class SaveBreakSchema(StrictSchema):
    """Days without deliveries."""

    first_day = fields.Date(required=True, metadata=told("The first day of it"))
    last_day = fields.Date(required=True, metadata=told("The last day of it, the day included"))
    reason = fields.String(required=True, validate=_TEXT, metadata=told("Why, as members read it"))
    supplier_code = fields.String(
        load_default=None, allow_none=True, metadata=told("Of one supplier; null for all")
    )


class BreakSchema(SaveBreakSchema):
    """A break that stands."""

    id = fields.Integer(required=True, metadata=told("Its number"))


class BreakListSchema(Schema):
    """The breaks that are not over."""

    items = fields.List(
        fields.Nested(BreakSchema), required=True, metadata=told("The first one first")
    )


@blueprint.route("/repeating-rounds")
class RepeatingRoundsResource(MethodView):
    """All rounds that repeat."""

    @blueprint.response(200, RepeatingListSchema)
    def get(self) -> Body:
        """List the rounds that repeat, with what is to come."""
        visit = current_visit()
        require_permission(visit.identity, "round.plan")
        with visit.begin() as uow:
            rows = repeating_rounds(uow.session, uow.tenant)
            return {"items": [_repeating(uow, row) for row in rows]}


@blueprint.route("/repeating-rounds/<code>")
class RepeatingRoundResource(MethodView):
    """One round that repeats."""

    @blueprint.response(200, RepeatingSchema)
    def get(self, code: str) -> Body:
        """Tell what is to come, and what was made."""
        visit = current_visit()
        require_permission(visit.identity, "round.plan")
        return _read(visit, code)

    @blueprint.arguments(SaveRepeatingSchema)
    @blueprint.response(200, RepeatingSchema)
    def put(self, body: Body, code: str) -> Body:
        """Keep a round that repeats under this code; rounds that were made of it stay."""
        values = dict(body)
        supplier_code, terms = values.pop("supplier_code"), values.pop("terms")
        visit = current_visit()
        with visit.begin() as uow:
            command = SaveRepeatingRound(
                code=code,
                supplier_id=supplier_named(uow, supplier_code),
                terms=DeadlineTerms(**(terms or {})),
                **values,
            )
            save_repeating_round(uow, command)
        return _read(visit, code)


@blueprint.route("/repeating-rounds/<code>/stop")
class RepeatingRoundStopResource(MethodView):
    """Ending it."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.response(200, RepeatingSchema)
    def post(self, headers: Body, code: str) -> Body:
        """Make no more rounds of it; those that were made go on."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            stop_repeating_round(uow, code)
            return code

        once(visit, headers["idempotency_key"], f"repeating-rounds/{code}/stop", {}, act)
        return _read(visit, code)


@blueprint.route("/delivery-breaks")
class BreaksResource(MethodView):
    """Days without deliveries."""

    @blueprint.response(200, BreakListSchema)
    def get(self) -> Body:
        """List the breaks that are not over."""
        visit = current_visit()
        require_permission(visit.identity, "round.plan")
        return _breaks(visit)

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveBreakSchema)
    @blueprint.response(201, BreakListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Keep days without deliveries; a break of one day skips one delivery."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            values = dict(body)
            code = values.pop("supplier_code")
            supplier_id = None if code is None else supplier_named(uow, code)
            return str(
                save_delivery_break(uow, SaveDeliveryBreak(supplier_id=supplier_id, **values))
            )

        once(visit, headers["idempotency_key"], "delivery-breaks", body, act)
        return _breaks(visit)


@blueprint.route("/delivery-breaks/<int:break_id>")
class BreakResource(MethodView):
    """One break."""

    @blueprint.response(204)
    def delete(self, break_id: int) -> None:
        """Let deliveries come again; rounds that were skipped stay skipped."""
        with current_visit().begin() as uow:
            withdraw_delivery_break(uow, break_id)


def _read(visit: Visit, code: str) -> Body:
    with visit.begin() as uow:
        return _repeating(uow, repeating_round(uow.session, uow.tenant, code))


def _repeating(uow: UnitOfWork, row: RepeatingRound) -> Body:
    plain = (
        *("code", "theme", "category", "every_weeks", "first_delivery_on", "last_delivery_on"),
        *("opens_days_before", "opens_time", "closes_days_before", "closes_time", "ahead_days"),
        *("freight_excl_cents", "stopped_at"),
    )
    return {name: getattr(row, name) for name in plain} | {
        "supplier_code": _supplier_codes(uow)[row.supplier_id],
        "on_holiday": OnHoliday(row.on_holiday),
        "freight_key": FreightKey(row.freight_key),
        "shortage_rule": ShortageRule(row.shortage_rule),
        "surplus_rule": SurplusRule(row.surplus_rule),
        "terms": terms_in(row),
        "to_come": [] if row.stopped_at else deliveries_to_come(uow.session, row),
        "made": deliveries_made(uow.session, uow.tenant, row.id),
    }


def _supplier_codes(uow: UnitOfWork) -> dict[int, str]:
    return {each.id: each.code for each in supplier_queries.suppliers(uow.session, uow.tenant)}


def _breaks(visit: Visit) -> Body:
    with visit.begin() as uow:
        codes = _supplier_codes(uow)
        standing = delivery_breaks(uow.session, uow.tenant, local_date(uow.now, LOCAL_TIME))
        return {
            "items": [
                {
                    "id": each.id,
                    "first_day": each.first_day,
                    "last_day": each.last_day,
                    "reason": each.reason,
                    "supplier_code": codes.get(each.supplier_id or 0),
                }
                for each in standing
            ]
        }
