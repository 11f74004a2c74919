"""REST resources of who keeps projects: calling off, invoices, sharing a cost, who is owed."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.investments import queries
from wijkeconomie.investments.api import blueprint, change_project, project_view
from wijkeconomie.investments.building import share_cost_of_asset, turn_back_drawing
from wijkeconomie.investments.building_pages import cost_sharing
from wijkeconomie.investments.campaigns import call_off_campaign
from wijkeconomie.investments.disposing import (
    DisposeAsset,
    dispose_asset,
    preview_disposal,
    receive_sale,
)
from wijkeconomie.investments.leaver_queries import waiting_leavers
from wijkeconomie.investments.leaving import release_units
from wijkeconomie.investments.models import DisposalKind
from wijkeconomie.investments.queries import AssetView, ProjectView
from wijkeconomie.investments.schemas import (
    ParticipationPaymentSchema,
    ProjectAssetSchema,
    ProjectSchema,
)
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Body = dict[str, Any]
_TEXT = validate.Length(min=1, max=200)


class ProjectReasonSchema(StrictSchema):
    """Why."""

    reason = fields.String(required=True, validate=_TEXT)


class ReleaseUnitsSchema(StrictSchema):
    """Whose units."""

    member_code = fields.String(required=True, validate=_TEXT)


class ShareAssetSchema(StrictSchema):
    """By which key members pay what an asset loses; null: the cooperative bears it."""

    key_code = fields.String(required=True, allow_none=True, validate=_TEXT)


class DrawnInvoiceSchema(Schema):
    """A supplier's invoice that was drawn on a project."""

    id = fields.Integer(required=True)
    supplier_code = fields.String(required=True)
    document = fields.String(required=True)
    description = fields.String(required=True)
    drawn_on = fields.Date(required=True)
    net_cents = fields.Integer(required=True)
    vat_cents = fields.Integer(required=True)
    cost_cents = fields.Integer(required=True)
    reversed_on = fields.Date(allow_none=True)


class DrawnInvoiceListSchema(Schema):
    """Invoices in the order of their days."""

    items = fields.List(fields.Nested(DrawnInvoiceSchema), required=True)


class OwedMemberSchema(Schema):
    """What a member is owed, and where to pay it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    iban = fields.String(allow_none=True)
    cents = fields.Integer(required=True)


class WaitingLeaverSchema(Schema):
    """Who left with units, and when his money is due by the rule of the project."""

    project_code = fields.String(required=True)
    member_code = fields.String(required=True)
    due_on = fields.Date(required=True)
    cents = fields.Integer(required=True)


class OwedToMembersSchema(Schema):
    """Members who have money to come, and those whose units wait to be released."""

    items = fields.List(fields.Nested(OwedMemberSchema), required=True)
    leavers = fields.List(fields.Nested(WaitingLeaverSchema), required=True)


class DisposeAssetSchema(StrictSchema):
    """Something that leaves; ``proceeds_cents`` is what it is sold for, with VAT in it."""

    kind = fields.Enum(DisposalKind, by_value=True, required=True)
    disposed_on = fields.Date(required=True)
    reason = fields.String(required=True, validate=_TEXT)
    proceeds_cents = fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0))
    is_taxed = fields.Boolean(load_default=True)
    buyer = fields.String(load_default=None, validate=validate.Length(min=1, max=40))


class DisposalMonthSchema(Schema):
    """A month that is written off first."""

    month = fields.Date(required=True)
    cents = fields.Integer(required=True)


class DisposalPreviewSchema(Schema):
    """What would be booked; ``payers`` is how many members' costs stop."""

    months = fields.List(fields.Nested(DisposalMonthSchema), required=True)
    cost_cents = fields.Integer(required=True)
    depreciated_cents = fields.Integer(required=True)
    book_value_cents = fields.Integer(required=True)
    proceeds_cents = fields.Integer(required=True)
    vat_cents = fields.Integer(required=True)
    result_cents = fields.Integer(required=True)
    payers = fields.Integer(required=True)


def _asset(visit: Visit, code: str) -> AssetView:
    with visit.begin() as uow:
        project_code = queries.project_of_asset(uow.session, uow.tenant, code)
        project = queries.project(uow.session, uow.tenant, project_code)
        found = queries.assets(uow.session, uow.tenant, project.id)
    return next(each for each in found if each.code == code)


@blueprint.route("/projects/<code>/call-off")
class CallOffResource(MethodView):
    """Campaigns that do not go on."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProjectReasonSchema)
    @blueprint.response(200, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str) -> ProjectView:
        """Call off a campaign whose first stage is not paid; participants read why."""
        return change_project(
            (code, "call-off"), headers, body, lambda uow: call_off_campaign(uow, code, **body)
        )


@blueprint.route("/projects/<code>/invoices", methods=["GET"])
class DrawnInvoicesResource(MethodView):
    """The invoices of a project."""

    @blueprint.response(200, DrawnInvoiceListSchema)
    def get(self, code: str) -> Body:
        """List the invoices that were paid from the money of a project."""
        visit = current_visit()
        project = project_view(visit, code)
        with visit.begin() as uow:
            return {"items": queries.drawings(uow.session, uow.tenant, project.id)}


@blueprint.route("/projects/<code>/invoices/<int:drawing_id>/turn-back")
class TurnBackInvoiceResource(MethodView):
    """Invoices that were entered wrongly."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProjectReasonSchema)
    @blueprint.response(200, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str, drawing_id: int) -> ProjectView:
        """Take a wrong invoice back, as long as it is not part of something in use."""

        def act(uow: UnitOfWork) -> None:
            project = queries.project(uow.session, uow.tenant, code)
            drawn = queries.drawings(uow.session, uow.tenant, project.id)
            if drawing_id not in {each.id for each in drawn}:
                raise NotFoundError(f"{code} has no invoice {drawing_id}", id=drawing_id)
            turn_back_drawing(uow, drawing_id, reason=body["reason"])

        require_permission(current_visit().identity, "investment.change")
        place = (code, f"invoices/{drawing_id}/turn-back")
        return change_project(place, headers, body, act)


@blueprint.route("/projects/<code>/releases")
class ReleasesResource(MethodView):
    """Units of who left."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReleaseUnitsSchema)
    @blueprint.response(201, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str) -> ProjectView:
        """Release the units of a member before the rule does: he can be paid then."""
        return change_project(
            (code, "releases"),
            headers,
            body,
            lambda uow: release_units(uow, code, body["member_code"]),
        )


@blueprint.route("/assets/<code>/sharing")
class AssetSharingResource(MethodView):
    """Who pays what an asset loses."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ShareAssetSchema)
    @blueprint.response(200, ProjectAssetSchema)
    def post(self, headers: Body, body: Body, code: str) -> AssetView:
        """Let members pay by a key what an asset loses, from the next month on; or stop that."""
        visit = current_visit()
        require_permission(visit.identity, "investment.change")

        def act(uow: UnitOfWork) -> str:
            share_cost_of_asset(uow, code, body["key_code"], cost_sharing())
            return code

        once(visit, headers["idempotency_key"], f"assets/{code}/sharing", body, act)
        return _asset(visit, code)


@blueprint.route("/assets/<code>/disposal/preview")
class DisposalPreviewResource(MethodView):
    """What taking something out of use comes to."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DisposeAssetSchema)
    @blueprint.response(200, DisposalPreviewSchema)
    def post(self, _headers: Body, body: Body, code: str) -> Body:
        """Tell what would be booked, and how many members' costs would stop; nothing is written."""
        with current_visit().begin() as uow:
            found = preview_disposal(uow, DisposeAsset(asset_code=code, **body), cost_sharing())
        figures = found.figures
        return {
            "months": [{"month": month, "cents": cents} for month, cents in found.months],
            "cost_cents": figures.cost_cents,
            "depreciated_cents": figures.depreciated_cents,
            "book_value_cents": figures.book_value_cents,
            "proceeds_cents": figures.proceeds_cents,
            "vat_cents": figures.vat_cents,
            "result_cents": figures.result_cents,
            "payers": found.payers,
        }


@blueprint.route("/assets/<code>/disposal")
class DisposalResource(MethodView):
    """Things that leave."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DisposeAssetSchema)
    @blueprint.response(201, ProjectAssetSchema)
    def post(self, headers: Body, body: Body, code: str) -> AssetView:
        """Take something out of use: sold or scrapped. There is no way back."""
        visit = current_visit()
        require_permission(visit.identity, "investment.change")

        def act(uow: UnitOfWork) -> str:
            dispose_asset(uow, DisposeAsset(asset_code=code, **body), cost_sharing())
            return code

        once(visit, headers["idempotency_key"], f"assets/{code}/disposal", body, act)
        return _asset(visit, code)


@blueprint.route("/assets/<code>/disposal/payment")
class DisposalPaymentResource(MethodView):
    """What buyers pay later."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ParticipationPaymentSchema)
    @blueprint.response(200, ProjectAssetSchema)
    def post(self, headers: Body, body: Body, code: str) -> AssetView:
        """Book that the buyer of something paid all that he owed."""
        visit = current_visit()
        require_permission(visit.identity, "investment.change")

        def act(uow: UnitOfWork) -> str:
            receive_sale(uow, code, body["paid_on"])
            return code

        once(visit, headers["idempotency_key"], f"assets/{code}/disposal/payment", body, act)
        return _asset(visit, code)


@blueprint.route("/owed")
class OwedResource(MethodView):
    """What members are owed."""

    @blueprint.response(200, OwedToMembersSchema)
    def get(self) -> Body:
        """List members with money to come, and who left with units."""
        visit = current_visit()
        require_permission(visit.identity, "investment.change")
        with visit.begin() as uow:
            today = local_date(uow.now, LOCAL_TIME)
            leavers = waiting_leavers(uow.session, uow.tenant, today=today)
            return {
                "items": queries.owed_to_members(uow.session, uow.tenant),
                "leavers": [
                    {
                        "project_code": project,
                        "member_code": leaver.member,
                        "due_on": leaver.due_on,
                        "cents": leaver.cents,
                    }
                    for project, _per_year, leaver in leavers
                ],
            }
