"""REST resources of carers' grants: the rounds, applying, and the report."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.vouchers import grant_queries as queries
from wijkeconomie.vouchers.api import blueprint
from wijkeconomie.vouchers.grant_applying import Apply, apply_for_grant, withdraw_application
from wijkeconomie.vouchers.grant_pages import FIRST_BIRTHDAY, keyed_hash
from wijkeconomie.vouchers.grant_queries import ApplicationView
from wijkeconomie.vouchers.grant_report import count_text, outcome_lines, payout_lines
from wijkeconomie.vouchers.grant_schemas import (
    ApplyForGrantSchema,
    GrantApplicationListSchema,
    GrantApplicationSchema,
    GrantReportSchema,
    GrantRoundListSchema,
)
from wijkeconomie.vouchers.pages import today, wallet_of

Body = dict[str, Any]


@blueprint.route("/grant-rounds")
class GrantRoundsResource(MethodView):
    """Rounds of carers' grants."""

    @blueprint.response(200, GrantRoundListSchema)
    def get(self) -> Body:
        """List the rounds, the newest first."""
        visit = current_visit()
        require_permission(visit.identity, "cooperative.read")
        with visit.begin() as uow:
            return {"items": queries.grant_rounds(uow.session, uow.tenant)}


@blueprint.route("/grant-rounds/<round_code>/applications")
class GrantApplicationsResource(MethodView):
    """Applications in a round."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ApplyForGrantSchema)
    @blueprint.response(201, GrantApplicationSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> ApplicationView:
        """Apply. Of the person cared for a keyed hash is kept, and nothing that was sent."""
        visit = current_visit()
        member = body["member_code"]
        with visit.begin() as uow:
            if member is not None:
                require_permission(visit.identity, "grant.apply-for-others")
                carer = member_by_code(uow.session, uow.tenant, member).id
            else:
                carer = wallet_of(visit)
            if not FIRST_BIRTHDAY <= body["born_on"] <= today(uow):
                raise InvalidInputError("this is no day of birth", field="born_on")
            hashed = keyed_hash(
                uow.tenant,
                initials=body["initials"],
                born_on=body["born_on"],
                postcode=body["postcode"],
            )
            command = Apply(
                idempotency_key=headers["idempotency_key"],
                round_code=round_code,
                carer_id=carer,
                receiver_hash=hashed,
                payout=body["payout"],
            )
            return queries.grant_application(uow.session, uow.tenant, apply_for_grant(uow, command))


@blueprint.route("/grant-applications")
class OwnGrantApplicationsResource(MethodView):
    """One's own applications."""

    @blueprint.response(200, GrantApplicationListSchema)
    def get(self) -> Body:
        """List your own applications, the newest first."""
        visit = current_visit()
        member = wallet_of(visit)
        with visit.begin() as uow:
            return {"items": queries.applications_of_member(uow.session, uow.tenant, member)}


@blueprint.route("/grant-applications/<int:application_id>")
class GrantApplicationResource(MethodView):
    """One application."""

    @blueprint.response(204)
    def delete(self, application_id: int) -> None:
        """Withdraw an application while the window is open; nothing of it is kept."""
        with current_visit().begin() as uow:
            withdraw_application(uow, application_id)


@blueprint.route("/grant-rounds/<round_code>/report")
class GrantReportResource(MethodView):
    """The report for the municipality."""

    @blueprint.response(200, GrantReportSchema)
    def get(self, round_code: str) -> Body:
        """Tell what became of the money, and of how many people, without names."""
        visit = current_visit()
        require_permission(visit.identity, "grant.read")
        with visit.begin() as uow:
            report = queries.grant_report(uow.session, uow.tenant, round_code)
        return {
            "round": report.round,
            "received_cents": report.received_cents,
            "spent_cents": report.spent_cents,
            "lapsed_cents": report.lapsed_cents,
            "repaid_cents": report.repaid_cents,
            "left_cents": report.left_cents,
            "applications": count_text(report.round.applications),
            "carers": count_text(report.carers),
            "persons": count_text(report.persons),
            "outcomes": outcome_lines(report),
            "payouts": payout_lines(report),
        }
