"""REST resources of units that members pass on: the same use cases as the pages."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.investments.api import blueprint, project_view
from wijkeconomie.investments.models import TransferState
from wijkeconomie.investments.transfer_queries import (
    TransferView,
    unit_transfer,
    unit_transfers,
)
from wijkeconomie.investments.transferring import (
    OfferUnits,
    accept_units,
    approve_units,
    offer_units,
    refuse_units,
    withdraw_units,
)

Body = dict[str, Any]


class OfferUnitsSchema(StrictSchema):
    """Units for another member; ``from_member_code`` is oneself when left out."""

    to_member_code = fields.String(required=True)
    units = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    from_member_code = fields.String(load_default=None)


class DecideUnitsSchema(StrictSchema):
    """Why not, where the board refuses."""

    reason = fields.String(load_default="")


class UnitTransferSchema(Schema):
    """Units that one member passes on to another."""

    id = fields.Integer(required=True)
    project_code = fields.String(required=True)
    seller_code = fields.String(required=True)
    buyer_code = fields.String(required=True)
    units = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(TransferState))
    offered_on = fields.Date(required=True)
    moved_on = fields.Date(allow_none=True)
    moved_cents = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)


class UnitTransferListSchema(Schema):
    """Transfers, the last first."""

    items = fields.List(fields.Nested(UnitTransferSchema), required=True)


def _transfer(visit: Visit, transfer_id: int) -> TransferView:
    with visit.begin() as uow:
        found = unit_transfer(uow.session, uow.tenant, transfer_id)
    is_party = visit.identity.member_id in {found.seller_id, found.buyer_id}
    if not is_party and not visit.may("investment.read-register"):
        raise NotFoundError(f"there is no transfer {transfer_id}", id=transfer_id)
    return found


@blueprint.route("/projects/<code>/transfers")
class UnitTransfersResource(MethodView):
    """Units of a project that are passed on."""

    @blueprint.response(200, UnitTransferListSchema)
    def get(self, code: str) -> Body:
        """List transfers: one's own, or all for who keeps the register."""
        visit = current_visit()
        project_view(visit, code)
        member_id = visit.identity.member_id
        sees_all = visit.may("investment.read-register")
        if not sees_all and member_id is None:
            return {"items": []}
        with visit.begin() as uow:
            found = unit_transfers(
                uow.session,
                uow.tenant,
                project_code=code,
                member_id=None if sees_all else member_id,
            )
        return {"items": found}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(OfferUnitsSchema)
    @blueprint.response(201, UnitTransferSchema)
    def post(self, headers: Body, body: Body, code: str) -> TransferView:
        """Offer units that count to another member; they move once he accepts."""
        visit = current_visit()
        with visit.begin() as uow:
            seller = visit.identity.member_id
            if body["from_member_code"] is not None:
                seller = member_by_code(uow.session, uow.tenant, body["from_member_code"]).id
            if seller is None:
                raise NotFoundError("only members have units")
            command = OfferUnits(
                idempotency_key=headers["idempotency_key"],
                project_code=code,
                seller_id=seller,
                buyer_code=body["to_member_code"],
                units=body["units"],
            )
            made = offer_units(uow, command)
        return _transfer(visit, made)


@blueprint.route("/unit-transfers/<int:transfer_id>/<any(accept, withdraw, approve, refuse):step>")
class UnitTransferStepResource(MethodView):
    """A decision on units that are passed on."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DecideUnitsSchema)
    @blueprint.response(200, UnitTransferSchema)
    def post(self, headers: Body, body: Body, transfer_id: int, step: str) -> TransferView:
        """Accept or take back as a party; approve or refuse for the board."""
        visit = current_visit()
        require_permission(visit.identity, "investment.read")

        def act(uow: UnitOfWork) -> str:
            if step == "accept":
                accept_units(uow, transfer_id)
            elif step == "withdraw":
                withdraw_units(uow, transfer_id)
            elif step == "approve":
                approve_units(uow, transfer_id)
            else:
                refuse_units(uow, transfer_id, reason=body["reason"])
            return str(transfer_id)

        target = f"unit-transfers/{transfer_id}/{step}"
        once(visit, headers["idempotency_key"], target, body, act)
        return _transfer(visit, transfer_id)
