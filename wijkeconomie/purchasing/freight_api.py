"""REST resource of freight as it turned out to be."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing.actual_freight import RecordFreight, record_freight
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import round_named, told
from wijkeconomie.purchasing.schemas import RoundSchema

blueprint = cooperative_resources("freight_api", __name__, "Freight of rounds")

Body = dict[str, Any]


class RecordFreightSchema(StrictSchema):
    """What the supplier asks for freight."""

    freight_excl_cents = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0),
        metadata=told("What it is, in cents without VAT"),
    )
    reason = fields.String(
        load_default="",
        validate=validate.Length(max=500),
        metadata=told("Why it is not what was planned; members read it"),
    )


@blueprint.route("/rounds/<round_code>/freight")
class FreightResource(MethodView):
    """Freight between order and settling."""

    @blueprint.arguments(RecordFreightSchema)
    @blueprint.response(200, RoundSchema)
    def put(self, body: Body, round_code: str) -> RoundView:
        """Enter what freight is; the planned amount again takes the difference away."""
        with current_visit().begin() as uow:
            found = round_named(uow, round_code)
            record_freight(uow, RecordFreight(round_id=found.id, **body))
            return round_named(uow, round_code)
