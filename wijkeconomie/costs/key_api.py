"""REST resources of allocation keys and their meters."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_ids_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.costs import queries
from wijkeconomie.costs.funding_api import CODE, TEXT
from wijkeconomie.costs.key_queries import KeyWithVersions, key_with_versions
from wijkeconomie.costs.keys import (
    GRACE_DAYS,
    LONGEST_GRACE_DAYS,
    MemberTerms,
    SaveKeyVersion,
    record_decision,
    save_key_version,
)
from wijkeconomie.costs.meter_queries import MeterView, meter_view, meters
from wijkeconomie.costs.meters import (
    EndMeter,
    NextHolder,
    RecordReading,
    end_meter,
    record_readings,
    save_meter,
)
from wijkeconomie.costs.models import Basis, TiePolicy
from wijkeconomie.costs.month_api import blueprint

Body = dict[str, Any]
BOUND = validate.Range(min=0, max=10**12)


class MemberTermsSchema(StrictSchema):
    """What a version tells of one member; bounds are in cents for each cost."""

    member_code = fields.String(required=True, validate=CODE)
    weight = fields.String(load_default=None, allow_none=True)
    is_excluded = fields.Boolean(load_default=False)
    minimum_cents = fields.Integer(load_default=None, allow_none=True, strict=True, validate=BOUND)
    cap_cents = fields.Integer(load_default=None, allow_none=True, strict=True, validate=BOUND)


class SaveKeyVersionSchema(StrictSchema):
    """A key as it is from a day on; an unknown code makes a new key."""

    code = fields.String(required=True, validate=CODE)
    name = fields.String(required=True, validate=TEXT)
    valid_from = fields.Date(required=True)
    basis = fields.Enum(Basis, by_value=True, required=True)
    fixed_percent = fields.String(load_default=None, allow_none=True)
    fixed_basis = fields.Enum(Basis, by_value=True, load_default=None, allow_none=True)
    parts_total = fields.String(load_default=None, allow_none=True)
    tie_policy = fields.Enum(TiePolicy, by_value=True, load_default=TiePolicy.ORDER)
    is_prorated = fields.Boolean(load_default=False)
    requires_decision = fields.Boolean(load_default=False)
    decision = fields.String(load_default=None, allow_none=True, validate=TEXT)
    grace_days = fields.Integer(
        load_default=GRACE_DAYS, strict=True, validate=validate.Range(0, LONGEST_GRACE_DAYS)
    )
    members = fields.List(fields.Nested(MemberTermsSchema), load_default=list)


class AllocationKeySchema(Schema):
    """A key with its latest version."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    number = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(Basis))
    tie_policy = fields.String(required=True, validate=validate.OneOf(TiePolicy))


class AllocationKeyListSchema(Schema):
    """Keys by name."""

    items = fields.List(fields.Nested(AllocationKeySchema), required=True)


class KeyVersionSchema(Schema):
    """A version of a key; one that was replaced or waits for a decision settles nothing."""

    number = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(Basis))
    fixed_percent = fields.String(allow_none=True)
    decision = fields.String(allow_none=True)
    is_waiting = fields.Boolean(required=True)
    is_replaced = fields.Boolean(required=True)
    is_used = fields.Boolean(required=True)


class KeyWithVersionsSchema(Schema):
    """A key with all its versions."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    versions = fields.List(fields.Nested(KeyVersionSchema), required=True)


class KeyDecisionSchema(StrictSchema):
    """The decision of the members that a version waits for."""

    decision = fields.String(required=True, validate=TEXT)


class SaveMeterSchema(StrictSchema):
    """A meter of a member that a key reads; from a day on, or from its first reading."""

    code = fields.String(required=True, validate=CODE)
    key_code = fields.String(required=True, validate=CODE)
    member_code = fields.String(required=True, validate=CODE)
    unit = fields.String(required=True, validate=TEXT)
    starts_on = fields.Date(load_default=None, allow_none=True)


class MeterSchema(Schema):
    """A meter with what it showed last."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    key_name = fields.String(required=True)
    member_code = fields.String(required=True, attribute="member")
    unit = fields.String(required=True)
    read_on = fields.Date(allow_none=True)
    value = fields.String(allow_none=True)
    is_estimate = fields.Boolean(allow_none=True)
    ended_on = fields.Date(allow_none=True)


class MeterListSchema(Schema):
    """Meters by key and member."""

    items = fields.List(fields.Nested(MeterSchema), required=True)


class ReadingSchema(StrictSchema):
    """What a meter shows; ``is_confirmed`` where it can hardly be right, but is."""

    read_on = fields.Date(required=True)
    value = fields.String(required=True)
    is_estimate = fields.Boolean(load_default=False)
    is_confirmed = fields.Boolean(load_default=False)


class NextHolderSchema(StrictSchema):
    """Who has the meter, or its successor, from that day on."""

    member_code = fields.String(required=True, validate=CODE)
    code = fields.String(required=True, validate=CODE)
    value = fields.String(required=True)


class EndMeterSchema(StrictSchema):
    """The last day of a meter with its holder, what it showed, and who follows if anybody."""

    ended_on = fields.Date(required=True)
    value = fields.String(required=True)
    is_confirmed = fields.Boolean(load_default=False)
    following = fields.Nested(NextHolderSchema, load_default=None, allow_none=True)


def _keys() -> Body:
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        return {"items": queries.keys(uow.session, uow.tenant)}


def _meters() -> Body:
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        return {"items": meters(uow.session, uow.tenant)}


def _member_id(uow: UnitOfWork, code: str) -> int:
    known = member_ids_by_code(uow.session, uow.tenant)
    if code not in known:
        raise NotFoundError(f"there is no member {code}", member=code)
    return known[code]


def _key(code: str) -> KeyWithVersions:
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        return key_with_versions(uow.session, uow.tenant, code)


def _meter(meter_id: int) -> MeterView:
    with current_visit().begin() as uow:
        return meter_view(uow.session, uow.tenant, meter_id)


@blueprint.route("/allocation-keys")
class AllocationKeysResource(MethodView):
    """Allocation keys."""

    @blueprint.response(200, AllocationKeyListSchema)
    def get(self) -> Body:
        """List keys with their latest versions, by name."""
        return _keys()

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveKeyVersionSchema)
    @blueprint.response(201, AllocationKeyListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Add a version to a key, or a new key; what was settled stays as it is."""

        def act(uow: UnitOfWork) -> str:
            members = [
                MemberTerms(member_id=_member_id(uow, terms["member_code"]), **_own(terms))
                for terms in body["members"]
            ]
            save_key_version(uow, SaveKeyVersion(**(body | {"members": members})))
            return str(body["code"])

        once(current_visit(), headers["idempotency_key"], "allocation-keys", body, act)
        return _keys()


def _own(terms: Body) -> Body:
    return {name: value for name, value in terms.items() if name != "member_code"}


@blueprint.route("/allocation-keys/<code>")
class AllocationKeyResource(MethodView):
    """One allocation key."""

    @blueprint.response(200, KeyWithVersionsSchema)
    def get(self, code: str) -> KeyWithVersions:
        """Tell all versions of a key: which are used, replaced, or wait for a decision."""
        return _key(code)


@blueprint.route("/allocation-keys/<code>/versions/<int:number>/decision")
class KeyDecisionResource(MethodView):
    """The decision that a version waits for."""

    @blueprint.arguments(KeyDecisionSchema)
    @blueprint.response(200, KeyWithVersionsSchema)
    def put(self, body: Body, code: str, number: int) -> KeyWithVersions:
        """Write the decision down; from then on costs are settled by the version."""
        with current_visit().begin() as uow:
            record_decision(uow, code, number, body["decision"])
        return _key(code)


@blueprint.route("/meters")
class MetersResource(MethodView):
    """Meters."""

    @blueprint.response(200, MeterListSchema)
    def get(self) -> Body:
        """List meters with their last readings."""
        return _meters()

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveMeterSchema)
    @blueprint.response(201, MeterListSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Write down a meter of a member."""

        def act(uow: UnitOfWork) -> str:
            member_id = _member_id(uow, body["member_code"])
            save_meter(
                uow,
                body["code"],
                key_code=body["key_code"],
                member_id=member_id,
                unit=body["unit"],
                starts_on=body["starts_on"],
            )
            return str(body["code"])

        once(current_visit(), headers["idempotency_key"], "meters", body, act)
        return _meters()


@blueprint.route("/meters/<int:meter_id>/readings")
class MeterReadingsResource(MethodView):
    """Readings of a meter."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReadingSchema)
    @blueprint.response(201, MeterSchema)
    def post(self, headers: Body, body: Body, meter_id: int) -> MeterView:
        """Write down what a meter shows; what can hardly be right asks to be confirmed."""

        def act(uow: UnitOfWork) -> str:
            record_readings(uow, [RecordReading(meter_id=meter_id, **body)])
            return str(meter_id)

        target = f"meters/{meter_id}/readings"
        once(current_visit(), headers["idempotency_key"], target, body, act)
        return _meter(meter_id)


@blueprint.route("/meters/<int:meter_id>/end")
class EndMeterResource(MethodView):
    """A meter that its holder has no more."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(EndMeterSchema)
    @blueprint.response(200, MeterListSchema)
    def post(self, headers: Body, body: Body, meter_id: int) -> Body:
        """End a meter with its last reading, and hand it over where somebody follows."""

        def act(uow: UnitOfWork) -> str:
            end_meter(uow, _ending(uow, meter_id, body))
            return str(meter_id)

        target = f"meters/{meter_id}/end"
        once(current_visit(), headers["idempotency_key"], target, body, act)
        return _meters()


def _ending(uow: UnitOfWork, meter_id: int, body: Body) -> EndMeter:
    told = body["following"]
    following = None
    if told is not None:
        member_id = _member_id(uow, told["member_code"])
        following = NextHolder(member_id=member_id, code=told["code"], value=told["value"])
    return EndMeter(
        meter_id=meter_id,
        ended_on=body["ended_on"],
        value=body["value"],
        is_confirmed=body["is_confirmed"],
        following=following,
    )
