"""REST resources of projects and participations: the same use cases as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.investments import queries
from wijkeconomie.investments.building import (
    DrawForInvoice,
    PutIntoUse,
    draw_for_invoice,
    put_into_use,
)
from wijkeconomie.investments.campaigns import OpenCampaign, open_campaign
from wijkeconomie.investments.leaving import PayMember, pay_member
from wijkeconomie.investments.participating import (
    Subscribe,
    receive_payment,
    subscribe,
    withdraw,
)
from wijkeconomie.investments.queries import ParticipationView, ProjectView
from wijkeconomie.investments.results import ShareResult, share_project_result
from wijkeconomie.investments.schemas import (
    MemberPayoutSchema,
    OpenCampaignSchema,
    OwedToMemberSchema,
    ParticipationListSchema,
    ParticipationPaymentSchema,
    ParticipationSchema,
    ProjectAssetListSchema,
    ProjectInvoiceSchema,
    ProjectListSchema,
    ProjectResultListSchema,
    ProjectSchema,
    PutIntoUseSchema,
    RegisterDaySchema,
    ShareResultSchema,
    SubscribeSchema,
)
from wijkeconomie.money.periods import LOCAL_TIME, local_date

blueprint = cooperative_resources("investments_api", __name__, "Investing together")

Body = dict[str, Any]


def project_view(visit: Visit, code: str) -> ProjectView:
    """A project, for whoever may read about projects."""
    require_permission(visit.identity, "investment.read")
    with visit.begin() as uow:
        return queries.project(uow.session, uow.tenant, code)


def _participation(visit: Visit, code: str) -> ParticipationView:
    with visit.begin() as uow:
        found = queries.participation(uow.session, uow.tenant, code)
    is_own = found.member_id == visit.identity.member_id
    if not is_own and not visit.may("investment.read-register"):
        raise PermissionDeniedError(
            "this is someone else's", permission="investment.read-register", roles="treasurer"
        )
    return found


def change_project(
    place: tuple[str, str], headers: Body, body: Body, act: Callable[[UnitOfWork], object]
) -> ProjectView:
    """Change a project once, and tell how it stands now; ``place`` is its code and what is made."""
    visit = current_visit()
    code, name = place

    def do(uow: UnitOfWork) -> str:
        act(uow)
        return code

    key = headers["idempotency_key"]
    return project_view(visit, once(visit, key, f"projects/{code}/{name}", body, do))


@blueprint.route("/projects")
class ProjectsResource(MethodView):
    """All projects."""

    @blueprint.response(200, ProjectListSchema)
    def get(self) -> Body:
        """List projects, the one that opened last first."""
        visit = current_visit()
        require_permission(visit.identity, "investment.read")
        with visit.begin() as uow:
            return {"items": queries.projects(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(OpenCampaignSchema)
    @blueprint.response(201, ProjectSchema)
    def post(self, headers: Body, body: Body) -> ProjectView:
        """Open a campaign."""
        values = body | {"stage_units": body["stage_units"] or body["target_units"]}
        return change_project(
            (body["code"], "open"),
            headers,
            body,
            lambda uow: open_campaign(uow, OpenCampaign(**values)),
        )


@blueprint.route("/projects/<code>")
class ProjectResource(MethodView):
    """One project."""

    @blueprint.response(200, ProjectSchema)
    def get(self, code: str) -> ProjectView:
        """Tell how a project stands."""
        return project_view(current_visit(), code)


@blueprint.route("/projects/<code>/participations")
class ParticipationsResource(MethodView):
    """The participations of a project."""

    @blueprint.response(200, ParticipationListSchema)
    def get(self, code: str) -> Body:
        """List participations: one's own, or all for who keeps the register."""
        visit = current_visit()
        project = project_view(visit, code)
        member_id = None if visit.may("investment.read-register") else visit.identity.member_id
        if member_id is None and not visit.may("investment.read-register"):
            return {"items": []}
        with visit.begin() as uow:
            found = queries.participations(
                uow.session, uow.tenant, project_code=project.code, member_id=member_id
            )
        return {"items": found}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SubscribeSchema)
    @blueprint.response(201, ParticipationSchema)
    def post(self, headers: Body, body: Body, code: str) -> ParticipationView:
        """Take units, for oneself or (treasurer and board) for another member."""
        visit = current_visit()
        with visit.begin() as uow:
            command = Subscribe(
                idempotency_key=headers["idempotency_key"],
                project_code=code,
                member_id=_member_id(uow, visit, body["member_code"]),
                units=body["units"],
            )
            taken = subscribe(uow, command)
        return _participation(visit, taken)


def _member_id(uow: UnitOfWork, visit: Visit, member_code: str | None) -> int:
    if member_code is not None:
        return member_by_code(uow.session, uow.tenant, member_code).id
    if visit.identity.member_id is None:
        raise NotFoundError("only members take part")
    return visit.identity.member_id


@blueprint.route("/participations/<code>")
class ParticipationResource(MethodView):
    """One participation."""

    @blueprint.response(200, ParticipationSchema)
    def get(self, code: str) -> ParticipationView:
        """Tell how a participation stands."""
        return _participation(current_visit(), code)

    @blueprint.response(200, ParticipationSchema)
    def delete(self, code: str) -> ParticipationView:
        """Give up units that were not paid."""
        visit = current_visit()
        with visit.begin() as uow:
            withdraw(uow, code)
        return _participation(visit, code)


@blueprint.route("/participations/<code>/payment")
class PaymentResource(MethodView):
    """The payment of a participation."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ParticipationPaymentSchema)
    @blueprint.response(201, ParticipationSchema)
    def post(self, headers: Body, body: Body, code: str) -> ParticipationView:
        """Book that the bank received what a participation costs."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            receive_payment(uow, code, body["paid_on"])
            return code

        once(visit, headers["idempotency_key"], f"participations/{code}/payment", body, act)
        return _participation(visit, code)


@blueprint.route("/projects/<code>/invoices")
class InvoicesResource(MethodView):
    """The invoices of a project."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ProjectInvoiceSchema)
    @blueprint.response(201, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str) -> ProjectView:
        """Draw a supplier's invoice on a project; answers how the project stands."""
        return change_project(
            (code, "invoices"),
            headers,
            body,
            lambda uow: draw_for_invoice(uow, DrawForInvoice(project_code=code, **body)),
        )


@blueprint.route("/projects/<code>/assets")
class AssetsResource(MethodView):
    """What was built of a project."""

    @blueprint.response(200, ProjectAssetListSchema)
    def get(self, code: str) -> Body:
        """List what is in use, with its value in the books."""
        visit = current_visit()
        project = project_view(visit, code)
        with visit.begin() as uow:
            return {"items": queries.assets(uow.session, uow.tenant, project.id)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(PutIntoUseSchema)
    @blueprint.response(201, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str) -> ProjectView:
        """Put the invoices that wait into use as one thing."""
        return change_project(
            (code, "assets"),
            headers,
            body,
            lambda uow: put_into_use(uow, PutIntoUse(project_code=code, **body)),
        )


@blueprint.route("/projects/<code>/results")
class ResultsResource(MethodView):
    """The results of a project."""

    @blueprint.response(200, ProjectResultListSchema)
    def get(self, code: str) -> Body:
        """List the results that were shared, with one's own part."""
        visit = current_visit()
        project = project_view(visit, code)
        with visit.begin() as uow:
            found = queries.results(uow.session, uow.tenant, project.id, visit.identity.member_id)
        return {"items": found}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ShareResultSchema)
    @blueprint.response(201, ProjectSchema)
    def post(self, headers: Body, body: Body, code: str) -> ProjectView:
        """Share a year's surplus or loss over the units."""
        return change_project(
            (code, "results"),
            headers,
            body,
            lambda uow: share_project_result(uow, ShareResult(project_code=code, **body)),
        )


@blueprint.route("/register")
class RegisterResource(MethodView):
    """The register of participations."""

    @blueprint.arguments(RegisterDaySchema, location="query")
    @blueprint.response(200, ParticipationListSchema)
    def get(self, wanted: Body) -> Body:
        """Tell who held which units at the end of a day."""
        visit = current_visit()
        require_permission(visit.identity, "investment.read-register")
        with visit.begin() as uow:
            day = wanted["on"] or local_date(uow.now, LOCAL_TIME)
            return {"items": queries.register_on(uow.session, uow.tenant, day)}


@blueprint.route("/members/<member_code>/payouts")
class PayoutsResource(MethodView):
    """What members are paid of what they are owed."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MemberPayoutSchema)
    @blueprint.response(201, OwedToMemberSchema)
    def post(self, headers: Body, body: Body, member_code: str) -> Body:
        """Book that the bank paid a member; answers what he is owed still."""
        with current_visit().begin() as uow:
            command = PayMember(
                idempotency_key=headers["idempotency_key"], member_code=member_code, **body
            )
            return {"member_code": member_code, "owed_cents": pay_member(uow, command)}
