"""REST resources of who keeps carers' grants: set up, look through, decide, pay, account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.vouchers import grant_queries as queries
from wijkeconomie.vouchers.api import blueprint
from wijkeconomie.vouchers.grant_applying import refuse_application
from wijkeconomie.vouchers.grant_money import (
    MoveGrantMoney,
    PayGrants,
    account_for_round,
    pay_grants,
    receive_grant_money,
    repay_grant_money,
)
from wijkeconomie.vouchers.grant_queries import ApplicationView, RoundView
from wijkeconomie.vouchers.grant_schemas import (
    GrantMoneySchema,
    GrantRoundSchema,
    GrantStepSchema,
    NewGrantRoundSchema,
    RefuseGrantSchema,
    ReviewedApplicationListSchema,
    ReviewedApplicationSchema,
)
from wijkeconomie.vouchers.granting import SaveGrantRound, decide_round, save_grant_round

Body = dict[str, Any]


def _round(visit: Visit, code: str) -> RoundView:
    with visit.begin() as uow:
        return queries.grant_round(uow.session, uow.tenant, code)


def _step_once(
    headers: Body, body: Body, place: tuple[str, str], act: Callable[[UnitOfWork], object]
) -> RoundView:
    """Do a step of a round once, and tell how it stands; ``place`` is its code and the step."""
    visit = current_visit()
    require_permission(visit.identity, "grant.change")
    code, step = place

    def do(uow: UnitOfWork) -> str:
        act(uow)
        return code

    target = f"grant-rounds/{code}/{step}"
    return _round(visit, once(visit, headers["idempotency_key"], target, body, do))


@blueprint.route("/grant-rounds", methods=["POST"])
class NewGrantRoundResource(MethodView):
    """New rounds."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewGrantRoundSchema)
    @blueprint.response(201, GrantRoundSchema)
    def post(self, headers: Body, body: Body) -> RoundView:
        """Set up a round of carers' grants; it opens and closes by itself."""
        command = SaveGrantRound(**body)
        return _step_once(
            headers, body, (command.code, "new"), lambda uow: save_grant_round(uow, command)
        )


@blueprint.route("/grant-rounds/<round_code>")
class GrantRoundResource(MethodView):
    """One round."""

    @blueprint.response(200, GrantRoundSchema)
    def get(self, round_code: str) -> RoundView:
        """Tell how a round stands."""
        visit = current_visit()
        require_permission(visit.identity, "cooperative.read")
        return _round(visit, round_code)


@blueprint.route("/grant-rounds/<round_code>/applications", methods=["GET"])
class ReviewedApplicationsResource(MethodView):
    """Applications to look through."""

    @blueprint.response(200, ReviewedApplicationListSchema)
    def get(self, round_code: str) -> Body:
        """List who applied in a round, for who looks through; persons cared for are numbers."""
        visit = current_visit()
        require_permission(visit.identity, "grant.review")
        with visit.begin() as uow:
            queries.grant_round(uow.session, uow.tenant, round_code)
            return {"items": queries.applications_of_round(uow.session, uow.tenant, round_code)}


@blueprint.route("/grant-applications/<int:application_id>/refuse")
class RefuseGrantResource(MethodView):
    """Applications that are turned down."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RefuseGrantSchema)
    @blueprint.response(200, ReviewedApplicationSchema)
    def post(self, headers: Body, body: Body, application_id: int) -> ApplicationView:
        """Turn an application down for one of a few reasons; the carer sees which."""
        visit = current_visit()
        require_permission(visit.identity, "grant.review")

        def act(uow: UnitOfWork) -> str:
            refuse_application(uow, application_id, body["reason"])
            return str(application_id)

        target = f"grant-applications/{application_id}/refuse"
        once(visit, headers["idempotency_key"], target, body, act)
        with visit.begin() as uow:
            return queries.grant_application(uow.session, uow.tenant, application_id)


@blueprint.route("/grant-rounds/<round_code>/<any(decide, pay, account):step>")
class GrantStepResource(MethodView):
    """The next step of a round."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(GrantStepSchema)
    @blueprint.response(200, GrantRoundSchema)
    def post(self, headers: Body, body: Body, round_code: str, step: str) -> RoundView:
        """Share the budget out, book all grants as paid, or note that the grantor was told."""
        key = headers["idempotency_key"]

        def act(uow: UnitOfWork) -> None:
            if step == "decide":
                decide_round(uow, round_code)
            elif step == "pay":
                pay_grants(uow, PayGrants(idempotency_key=f"{key}/pay", round_code=round_code))
            else:
                account_for_round(uow, round_code)

        return _step_once(headers, body, (round_code, step), act)


@blueprint.route("/grant-rounds/<round_code>/<any(received, repaid):move>")
class GrantMoneyResource(MethodView):
    """Money from and to the municipality."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(GrantMoneySchema)
    @blueprint.response(200, GrantRoundSchema)
    def post(self, headers: Body, body: Body, round_code: str, move: str) -> RoundView:
        """Book what the municipality paid, or what it was paid back."""
        key = headers["idempotency_key"]
        command = MoveGrantMoney(idempotency_key=f"{key}/{move}", round_code=round_code, **body)
        book = receive_grant_money if move == "received" else repay_grant_money
        return _step_once(headers, body, (round_code, move), lambda uow: book(uow, command))
