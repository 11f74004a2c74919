"""REST resources of the care administrator, of holders' own records, and of the treasurer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.views import MethodView

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_care_records, open_own_record, trail_of
from wijkeconomie.budgets.api import (
    CareBudgetSchema,
    CareDeclarationListSchema,
    CareDeclarationSchema,
    blueprint,
    shown_declaration,
)
from wijkeconomie.budgets.correcting import CorrectHours, correct_hours
from wijkeconomie.budgets.holding import (
    MoveCareMoney,
    held_budgets,
    owed_carers,
    pay_carer,
    receive_care_money,
)
from wijkeconomie.budgets.keeping import (
    DecideAgreement,
    SaveAgreement,
    SaveBudget,
    SaveCarer,
    decide_agreement,
    end_agreement,
    fence_agreement,
    name_carer,
    revise_budget,
    save_agreement,
    save_budget,
    save_carer,
)
from wijkeconomie.budgets.keeping_schemas import (
    AgreementTermsListSchema,
    AgreementTermsSchema,
    CareListsSchema,
    CareMoneySchema,
    CarerListSchema,
    CarerSchema,
    CareTrailSchema,
    CorrectHoursSchema,
    DecideAgreementSchema,
    EndAgreementSchema,
    FenceAgreementSchema,
    MoveCareMoneySchema,
    MovedCareMoneySchema,
    NameCarerSchema,
    NamePayerSchema,
    NewAgreementSchema,
    NewCareBudgetSchema,
    NewCarerSchema,
    ReviseCareBudgetSchema,
)
from wijkeconomie.budgets.lists import made_lists, waiting_lists
from wijkeconomie.budgets.paying import name_payer
from wijkeconomie.budgets.queries import AgreementView, BudgetView, CarerView, DeclarationView
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema

Body = dict[str, Any]


def _administer() -> Visit:
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    return visit


def _budget(visit: Visit, budget_id: int) -> BudgetView:
    with visit.begin() as uow:
        open_own_record(uow, "budget-read", "budget", budget_id)
        return queries.budget_view(uow.session, uow.tenant, budget_id)


def _agreement(visit: Visit, agreement_id: int) -> AgreementView:
    with visit.begin() as uow:
        open_own_record(uow, "budget-read", "agreement", agreement_id)
        found = queries.agreements(uow.session, uow.tenant)
    return next(each for each in found if each.id == agreement_id)


@blueprint.route("/care-budgets", methods=["POST"])
class NewCareBudgetResource(MethodView):
    """New budgets."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewCareBudgetSchema)
    @blueprint.response(201, CareBudgetSchema)
    def post(self, headers: Body, body: Body) -> BudgetView:
        """Write down a budget that was granted to a member."""
        visit = _administer()

        def act(uow: UnitOfWork) -> str:
            values = dict(body)
            holder = member_by_code(uow.session, uow.tenant, values.pop("member_code"))
            return str(save_budget(uow, SaveBudget(holder_id=holder.id, **values)))

        return _budget(
            visit, int(once(visit, headers["idempotency_key"], "care-budgets", body, act))
        )


@blueprint.route("/care-budgets/<int:budget_id>")
class CareBudgetResource(MethodView):
    """One budget."""

    @blueprint.response(200, CareBudgetSchema)
    def get(self, budget_id: int) -> BudgetView:
        """Tell how a budget stands: to its holder, or to an administrator; that leaves a line."""
        return _budget(current_visit(), budget_id)


@blueprint.route("/care-budgets/<int:budget_id>/revise")
class ReviseCareBudgetResource(MethodView):
    """Another amount."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReviseCareBudgetSchema)
    @blueprint.response(200, CareBudgetSchema)
    def post(self, headers: Body, body: Body, budget_id: int) -> BudgetView:
        """Change what was granted; never below what was used."""
        visit = _administer()

        def act(uow: UnitOfWork) -> str:
            revise_budget(uow, budget_id, **body)
            return str(budget_id)

        once(visit, headers["idempotency_key"], f"care-budgets/{budget_id}/revise", body, act)
        return _budget(visit, budget_id)


@blueprint.route("/care-budgets/<int:budget_id>/payer")
class BudgetPayerResource(MethodView):
    """Who pays a budget."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NamePayerSchema)
    @blueprint.response(200, CareBudgetSchema)
    def post(self, headers: Body, body: Body, budget_id: int) -> BudgetView:
        """Write down which body pays; it stays so once hours of it stand on a list."""
        visit = _administer()

        def act(uow: UnitOfWork) -> str:
            name_payer(uow, budget_id, body["payer_name"])
            return str(budget_id)

        once(visit, headers["idempotency_key"], f"care-budgets/{budget_id}/payer", body, act)
        return _budget(visit, budget_id)


@blueprint.route("/care-budgets/<int:budget_id>/agreements")
class BudgetAgreementsResource(MethodView):
    """The agreements of a budget."""

    @blueprint.response(200, AgreementTermsListSchema)
    def get(self, budget_id: int) -> Body:
        """List the agreements of a budget, for its holder or an administrator."""
        visit = current_visit()
        with visit.begin() as uow:
            open_own_record(uow, "budget-read", "budget", budget_id)
            queries.budget_view(uow.session, uow.tenant, budget_id)
            return {
                "items": queries.agreements(uow.session, uow.tenant, budget_id=budget_id),
            }

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewAgreementSchema)
    @blueprint.response(201, AgreementTermsSchema)
    def post(self, headers: Body, body: Body, budget_id: int) -> AgreementView:
        """Write down an agreement; hours can be declared once it was approved."""
        visit = _administer()

        def act(uow: UnitOfWork) -> str:
            return str(save_agreement(uow, SaveAgreement(budget_id=budget_id, **body)))

        target = f"care-budgets/{budget_id}/agreements"
        return _agreement(visit, int(once(visit, headers["idempotency_key"], target, body, act)))


@blueprint.route("/care-budgets/<int:budget_id>/declarations")
class BudgetDeclarationsResource(MethodView):
    """The declarations of a budget."""

    @blueprint.response(200, CareDeclarationListSchema)
    def get(self, budget_id: int) -> Body:
        """List the latest 200 declarations of a budget, for its holder or an administrator."""
        visit = current_visit()
        with visit.begin() as uow:
            open_own_record(uow, "budget-read", "budget", budget_id)
            queries.budget_view(uow.session, uow.tenant, budget_id)
            return {
                "items": queries.declarations(uow.session, uow.tenant, budget_id=budget_id),
            }


@blueprint.route("/care-declarations/<int:declaration_id>/corrections")
class CorrectionsResource(MethodView):
    """Corrections of hours that stand on a month list."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CorrectHoursSchema)
    @blueprint.response(201, CareDeclarationSchema)
    def post(self, headers: Body, body: Body, declaration_id: int) -> DeclarationView:
        """Say as carer or administrator what hours should have been; the holder approves again."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")
        command = CorrectHours(declaration_id=declaration_id, **body)
        target = f"care-declarations/{declaration_id}/corrections"
        key = headers["idempotency_key"]
        made = once(visit, key, target, body, lambda uow: str(correct_hours(uow, command).id))
        return shown_declaration(visit, int(made))


def _change_agreement(
    headers: Body, body: Body, agreement_id: int, act: Callable[[UnitOfWork], None]
) -> AgreementView:
    visit = _administer()

    def do(uow: UnitOfWork) -> str:
        act(uow)
        return str(agreement_id)

    key = headers["idempotency_key"]
    once(visit, key, f"care-agreements/{agreement_id}", body, do)
    return _agreement(visit, agreement_id)


@blueprint.route("/care-agreements/<int:agreement_id>/decide")
class DecideAgreementResource(MethodView):
    """Approval of an agreement."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(DecideAgreementSchema)
    @blueprint.response(200, AgreementTermsSchema)
    def post(self, headers: Body, body: Body, agreement_id: int) -> AgreementView:
        """Write down that an agreement was approved or turned down, by whom and when."""
        command = DecideAgreement(agreement_id=agreement_id, **body)
        return _change_agreement(
            headers, body, agreement_id, lambda uow: decide_agreement(uow, command)
        )


@blueprint.route("/care-agreements/<int:agreement_id>/end")
class EndAgreementResource(MethodView):
    """The end of an agreement."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(EndAgreementSchema)
    @blueprint.response(200, AgreementTermsSchema)
    def post(self, headers: Body, body: Body, agreement_id: int) -> AgreementView:
        """Let an agreement end sooner."""
        return _change_agreement(
            headers, body, agreement_id, lambda uow: end_agreement(uow, agreement_id, **body)
        )


@blueprint.route("/care-agreements/<int:agreement_id>/fence")
class FenceAgreementResource(MethodView):
    """A part of a budget set apart."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(FenceAgreementSchema)
    @blueprint.response(200, AgreementTermsSchema)
    def post(self, headers: Body, body: Body, agreement_id: int) -> AgreementView:
        """Set apart so much of the budget for an agreement, or take the fence away."""
        return _change_agreement(
            headers, body, agreement_id, lambda uow: fence_agreement(uow, agreement_id, **body)
        )


@blueprint.route("/care-agreements/<int:agreement_id>/name-carer")
class NameCarerResource(MethodView):
    """Carers whom a folder brought in without a name."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NameCarerSchema)
    @blueprint.response(200, AgreementTermsSchema)
    def post(self, headers: Body, body: Body, agreement_id: int) -> AgreementView:
        """Give the carer of an agreement his name, and where to pay him."""
        return _change_agreement(
            headers, body, agreement_id, lambda uow: name_carer(uow, agreement_id, **body)
        )


@blueprint.route("/carers")
class CarersResource(MethodView):
    """Carers."""

    @blueprint.response(200, CarerListSchema)
    def get(self) -> Body:
        """List the carers, by name; that leaves a line."""
        with current_visit().begin() as uow:
            open_care_records(uow, "budgets-read")
            return {"items": queries.carers(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewCarerSchema)
    @blueprint.response(201, CarerSchema)
    def post(self, headers: Body, body: Body) -> CarerView:
        """Write down a carer; a member is one carer, however often he is named."""
        visit = _administer()

        def act(uow: UnitOfWork) -> str:
            code = body["member_code"]
            member = None if code is None else member_by_code(uow.session, uow.tenant, code).id
            return str(save_carer(uow, SaveCarer(name=body["name"], member_id=member)))

        carer_id = int(once(visit, headers["idempotency_key"], "carers", body, act))
        with visit.begin() as uow:
            open_care_records(uow, "budgets-read")
            found = queries.carers(uow.session, uow.tenant)
        return next(each for each in found if each.id == carer_id)


@blueprint.route("/care-lists", methods=["GET"])
class EarlierListsResource(MethodView):
    """Month lists that were made, and months that wait for one."""

    @blueprint.response(200, CareListsSchema)
    def get(self) -> Body:
        """Tell for which months a list can be made, and which were; that leaves a line."""
        with current_visit().begin() as uow:
            open_care_records(uow, "budgets-read")
            return {
                "waiting": waiting_lists(uow.session, uow.tenant),
                "made": made_lists(uow.session, uow.tenant),
            }


@blueprint.route("/care-trail")
class CareTrailResource(MethodView):
    """Who looked."""

    @blueprint.response(200, CareTrailSchema)
    def get(self) -> Body:
        """Tell who looked into or changed your own care data."""
        visit = current_visit()
        require_permission(visit.identity, "care.own")
        member_id = visit.identity.member_id
        if member_id is None:
            raise NotFoundError("only members have care data")
        with visit.begin() as uow:
            return {"items": trail_of(uow.session, uow.tenant, member_id)}


@blueprint.route("/care-money")
class CareMoneyResource(MethodView):
    """Money of insurers for care, by alias."""

    @blueprint.response(200, CareMoneySchema)
    def get(self) -> Body:
        """Tell the treasurer what insurers and carers are owed; whose budget it is stays unsaid."""
        visit = current_visit()
        require_permission(visit.identity, "care.money")
        with visit.begin() as uow:
            return {
                "budgets": held_budgets(uow.session, uow.tenant),
                "carers": owed_carers(uow.session, uow.tenant),
            }

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MoveCareMoneySchema)
    @blueprint.response(201, MovedCareMoneySchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Book what an insurer paid, or that a carer was paid: never more than he is owed."""
        values = dict(body)
        act = pay_carer if values.pop("direction") == "paid" else receive_care_money
        command = MoveCareMoney(idempotency_key=headers["idempotency_key"], **values)
        with current_visit().begin() as uow:
            return {"entry_number": act(uow, command)}
