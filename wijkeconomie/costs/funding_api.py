"""REST resources of subsidies: the same use cases as the pages."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_ids_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.costs import queries
from wijkeconomie.costs.funding import MoveSubsidy, account_for_subsidy
from wijkeconomie.costs.funding_pages import MOVES
from wijkeconomie.costs.funding_queries import SubsidyReport, subsidy_report
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode

blueprint = cooperative_resources("subsidies_api", __name__, "Subsidies")

Body = dict[str, Any]
CODE = validate.Regexp(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$")
TEXT = validate.Regexp(r"^[^\x00-\x1f]{1,500}$")
CENTS = validate.Range(min=1, max=10**12)


class EarmarkSchema(StrictSchema):
    """What is set apart for a member."""

    member_code = fields.String(required=True, validate=CODE)
    cents = fields.Integer(required=True, strict=True, validate=CENTS)


class SaveSubsidySchema(StrictSchema):
    """A subsidy that was awarded; with a key it lowers the costs of that key."""

    code = fields.String(required=True, validate=CODE)
    grantor = fields.String(required=True, validate=TEXT)
    purpose = fields.String(required=True, validate=TEXT)
    mode = fields.Enum(SubsidyMode, by_value=True, required=True)
    awarded_cents = fields.Integer(required=True, strict=True, validate=CENTS)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True)
    accountable_by = fields.Date(load_default=None)
    key_code = fields.String(load_default=None, validate=CODE)
    earmarks = fields.List(fields.Nested(EarmarkSchema), load_default=list)


class SubsidySchema(Schema):
    """A subsidy with what was used of it."""

    code = fields.String(required=True)
    grantor = fields.String(required=True)
    purpose = fields.String(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(SubsidyMode))
    key_name = fields.String(allow_none=True)
    awarded_cents = fields.Integer(required=True)
    used_cents = fields.Integer(required=True)
    left_cents = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True)
    accountable_by = fields.Date(allow_none=True)
    accounted_on = fields.Date(allow_none=True)


class SubsidyListSchema(Schema):
    """The subsidies, the one to account for first on top."""

    items = fields.List(fields.Nested(SubsidySchema), required=True)


class SubsidyLineSchema(Schema):
    """An entry on the account of what is left; spending is positive."""

    accounting_date = fields.Date(required=True)
    entry_number = fields.Integer(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    cents = fields.Integer(required=True, attribute="amount")


class SubsidyReportSchema(Schema):
    """The accounting: ``awarded`` = ``spent`` + ``lapsed`` + ``repaid`` + ``left``."""

    code = fields.String(required=True)
    grantor = fields.String(required=True)
    purpose = fields.String(required=True)
    key_name = fields.String(allow_none=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True)
    accountable_by = fields.Date(allow_none=True)
    accounted_on = fields.Date(allow_none=True)
    awarded_cents = fields.Integer(required=True)
    received_cents = fields.Integer(required=True)
    to_receive_cents = fields.Integer(required=True)
    spent_cents = fields.Integer(required=True)
    given_as_vouchers_cents = fields.Integer(required=True)
    returned_by_vouchers_cents = fields.Integer(required=True)
    lapsed_cents = fields.Integer(required=True)
    repaid_cents = fields.Integer(required=True)
    left_cents = fields.Integer(required=True)
    lines = fields.List(fields.Nested(SubsidyLineSchema), required=True)


class MoveSubsidySchema(StrictSchema):
    """An amount that was received, spent on a cost that stands elsewhere, or paid back."""

    kind = fields.String(required=True, validate=validate.OneOf(tuple(MOVES)))
    cents = fields.Integer(required=True, strict=True, validate=CENTS)
    on = fields.Date(required=True)


class AccountedSchema(StrictSchema):
    """The day on which the funder was told."""

    on = fields.Date(required=True)


def _report(visit: Visit, code: str) -> SubsidyReport:
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        return subsidy_report(uow.session, uow.tenant, code)


@blueprint.route("/subsidies")
class SubsidiesResource(MethodView):
    """Subsidies."""

    @blueprint.response(200, SubsidyListSchema)
    def get(self) -> Body:
        """List subsidies with what was used of them."""
        visit = current_visit()
        require_permission(visit.identity, "cost.read")
        with visit.begin() as uow:
            return {"items": queries.subsidies(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveSubsidySchema)
    @blueprint.response(201, SubsidyReportSchema)
    def post(self, headers: Body, body: Body) -> SubsidyReport:
        """Write down a subsidy and book its award."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            require_permission(uow.identity, "cost.change")
            save_subsidy(uow, SaveSubsidy(**(body | {"earmarks": _earmarks(uow, body)})))
            return str(body["code"])

        return _report(visit, once(visit, headers["idempotency_key"], "subsidies", body, act))


def _earmarks(uow: UnitOfWork, body: Body) -> list[tuple[int, int]]:
    ids = member_ids_by_code(uow.session, uow.tenant)
    unknown = [each["member_code"] for each in body["earmarks"] if each["member_code"] not in ids]
    if unknown:
        raise NotFoundError(f"there is no member {unknown[0]}", code=unknown[0])
    return [(ids[each["member_code"]], each["cents"]) for each in body["earmarks"]]


@blueprint.route("/subsidies/<subsidy_code>")
class SubsidyResource(MethodView):
    """One subsidy."""

    @blueprint.response(200, SubsidyReportSchema)
    def get(self, subsidy_code: str) -> SubsidyReport:
        """Tell what became of a subsidy, with each entry behind it; no names of members."""
        return _report(current_visit(), subsidy_code)


@blueprint.route("/subsidies/<subsidy_code>/movements")
class SubsidyMovementsResource(MethodView):
    """Movements of a subsidy."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MoveSubsidySchema)
    @blueprint.response(201, SubsidyReportSchema)
    def post(self, headers: Body, body: Body, subsidy_code: str) -> SubsidyReport:
        """Book what was received, spent by hand or paid back."""
        visit = current_visit()
        key = headers["idempotency_key"]
        command = MoveSubsidy(
            code=subsidy_code, cents=body["cents"], on=body["on"], reference=f"api/{key}"
        )

        def act(uow: UnitOfWork) -> str:
            MOVES[body["kind"]](uow, command)
            return subsidy_code

        return _report(visit, once(visit, key, f"subsidies/{subsidy_code}/movements", body, act))


@blueprint.route("/subsidies/<subsidy_code>/accounting")
class SubsidyAccountingResource(MethodView):
    """The accounting of a subsidy."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(AccountedSchema)
    @blueprint.response(201, SubsidyReportSchema)
    def post(self, headers: Body, body: Body, subsidy_code: str) -> SubsidyReport:
        """Note that the funder was told; what was neither spent nor received lapses."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            account_for_subsidy(uow, subsidy_code, body["on"])
            return subsidy_code

        target = f"subsidies/{subsidy_code}/accounting"
        return _report(visit, once(visit, headers["idempotency_key"], target, body, act))
