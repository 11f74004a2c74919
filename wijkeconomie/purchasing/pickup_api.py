"""REST resources of pick-up times: a coordinator offers them, members choose one."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing import handing_queries
from wijkeconomie.purchasing.handing_api import HandedLineSchema, handed_lines
from wijkeconomie.purchasing.handing_out import HANDED_OUT_IN
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot, remove_slot
from wijkeconomie.purchasing.round_wire import fields_named, round_named, row_of, told

blueprint = cooperative_resources("pickup_api", __name__, "Pick-up times of rounds")

Body = dict[str, Any]


class SaveSlotSchema(StrictSchema):
    """A time and place to collect."""

    starts_at = fields.AwareDateTime(required=True, metadata=told("From when"))
    ends_at = fields.AwareDateTime(required=True, metadata=told("Until when, after it starts"))
    place = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata=told("Where")
    )
    capacity = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1),
        metadata=told("How many members fit; null for as many as like"),
    )


class SlotSchema(SaveSlotSchema):
    """A time with how many members chose it."""

    id = fields.Integer(required=True, metadata=told("Its number"))
    taken = fields.Integer(required=True, metadata=told("How many members chose it"))


class SlotListSchema(Schema):
    """The pick-up times of a round."""

    items = fields.List(
        fields.Nested(SlotSchema), required=True, metadata=told("The first one first")
    )


class ChooseSlotSchema(StrictSchema):
    """When a member collects."""

    slot_id = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        metadata=told("The number of a pick-up time; null takes the choice back"),
    )


class PickupSchema(Schema):
    """When a member collects, and what."""

    slot_id = fields.Integer(
        allow_none=True, metadata=told("The pick-up time that was chosen; null for none")
    )
    lines = fields.List(
        fields.Nested(HandedLineSchema),
        allow_none=True,
        metadata=told("What there is to collect; null until the delivery has been counted"),
    )


@blueprint.route("/rounds/<round_code>/pickup-slots")
class SlotsResource(MethodView):
    """The pick-up times of a round."""

    @blueprint.response(200, SlotListSchema)
    def get(self, round_code: str) -> Body:
        """List the pick-up times, and how full they are."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        return _slots(visit, round_code)

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveSlotSchema)
    @blueprint.response(201, SlotListSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Offer a time to collect."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            return str(add_slot(uow, AddSlot(round_id=round_named(uow, round_code).id, **body)))

        once(visit, headers["idempotency_key"], f"{round_code}/pickup-slots", body, act)
        return _slots(visit, round_code)


@blueprint.route("/rounds/<round_code>/pickup-slots/<int:slot_id>")
class SlotResource(MethodView):
    """One pick-up time."""

    @blueprint.response(204)
    def delete(self, round_code: str, slot_id: int) -> None:
        """Withdraw a time that nobody chose."""
        with current_visit().begin() as uow, fields_named(slot="slot_id"):
            remove_slot(uow, round_named(uow, round_code).id, slot_id)


def _slots(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = round_named(uow, round_code)
        return {"items": handing_queries.slots(uow.session, uow.tenant, found.id)}


@blueprint.route("/rounds/<round_code>/pickups/<member_code>")
class PickupResource(MethodView):
    """When a member collects, and what."""

    @blueprint.response(200, PickupSchema)
    def get(self, round_code: str, member_code: str) -> Body:
        """Tell when a member collects, and what; members see their own."""
        visit = current_visit()
        with visit.begin() as uow:
            member_id = member_by_code(uow.session, uow.tenant, member_code).id
            is_own = member_id == visit.identity.member_id
            require_permission(visit.identity, "round.read" if is_own else "round.hand-out")
            return _pickup(uow, round_code, member_id)

    @blueprint.arguments(ChooseSlotSchema)
    @blueprint.response(200, PickupSchema)
    def put(self, body: Body, round_code: str, member_code: str) -> Body:
        """Choose when to collect, change it or take it back; sending it again changes nothing."""
        with current_visit().begin() as uow, fields_named(slot="slot_id"):
            found = round_named(uow, round_code)
            member_id = member_by_code(uow.session, uow.tenant, member_code).id
            choose_slot(uow, ChooseSlot(round_id=found.id, member_id=member_id, **body))
            return _pickup(uow, round_code, member_id)


def _pickup(uow: UnitOfWork, round_code: str, member_id: int) -> Body:
    found = round_named(uow, round_code)
    chosen = handing_queries.chosen_slots(uow.session, uow.tenant, found.id)
    lines = None
    if found.state in HANDED_OUT_IN:
        collectors = handing_queries.collectors(uow.session, row_of(uow, found))
        own = [line for each in collectors if each.member_id == member_id for line in each.lines]
        lines = handed_lines(uow, found, own)
    return {"slot_id": chosen.get(member_id), "lines": lines}
