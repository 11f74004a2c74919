"""Pages of the care administrator: budgets, carers and agreements. Each look leaves a line."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_care_records, open_record
from wijkeconomie.budgets.carer_pages import Errors, read_time
from wijkeconomie.budgets.declaring import Declare, approve, declare, reject, turn_back
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
from wijkeconomie.budgets.models import CareLaw
from wijkeconomie.budgets.pages import blueprint, budget_content, form_key, new_key, said_in_words
from wijkeconomie.budgets.paying import name_payer
from wijkeconomie.budgets.refusals import (
    REFUSALS_OF_HOURS,
    CareCodeTakenError,
    OverBudgetError,
    OverFenceError,
    OwnCarerError,
    PayerFixedError,
)
from wijkeconomie.budgets.words import law_choices
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date

BUDGET = "/care/budgets/<int:budget_id>"


@blueprint.get("/care")
def overview() -> ResponseReturnValue:
    """All budgets, with what is left and what waits."""
    visit = current_visit()
    with visit.begin() as uow:
        open_care_records(uow, "budgets-read")
        budgets = queries.budgets(uow.session, uow.tenant)
        carers = queries.carers(uow.session, uow.tenant)
    return render_template("budgets/overview.html", visit=visit, budgets=budgets, carers=carers)


@blueprint.route("/care/new-budget", methods=["GET", "POST"])
def new_budget() -> ResponseReturnValue:
    """Write down a budget that was granted to a member."""
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    errors: Errors = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors, budget_id = _save_budget(uow)
        if not errors:
            flash(_("Written down. Now write down who gives the care."), "success")
            return redirect(url_for("budgets.budget_page", budget_id=budget_id), 303)
    page = render_template(
        "budgets/new_budget.html",
        visit=visit,
        laws=law_choices(),
        form=request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _save_budget(uow: UnitOfWork) -> tuple[Errors, int]:
    form = FormReader()
    code, member = form.text("code"), form.text("member")
    law = form.choice("law", [law for law, _words in law_choices()])
    starts_on, ends_on = form.day("starts_on"), form.day("ends_on")
    cents = form.amount("budget")
    holder_id = 0
    if member:
        try:
            holder_id = member_by_code(uow.session, uow.tenant, member).id
        except NotFoundError:
            form.errors.append(("member", _("There is no member with this number.")))
    if not form.errors and ends_on < starts_on:
        form.errors.append(("ends_on", _("It ends before it begins.")))
    if not form.errors and cents <= 0:
        form.errors.append(("budget", _("A budget is more than nothing.")))
    if form.errors:
        return form.errors, 0
    command = SaveBudget(
        code=code,
        holder_id=holder_id,
        law=CareLaw(law),
        starts_on=starts_on,
        ends_on=ends_on,
        budget_cents=cents,
        payer_name=form.text("payer_name", is_required=False) or None,
    )
    try:
        return [], save_budget(uow, command)
    except CareCodeTakenError as refusal:
        return [("code", said_in_words(refusal))], 0


@blueprint.get(BUDGET)
def budget_page(budget_id: int) -> ResponseReturnValue:
    """One budget with its agreements and declarations, and what can be done."""
    return _budget_page(current_visit(), budget_id, [])


def _budget_page(visit: Visit, budget_id: int, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        open_record(uow, "budget-read", "budget", budget_id)
        budget = queries.budget_view(uow.session, uow.tenant, budget_id)
        today = local_date(uow.now, LOCAL_TIME)
        page = render_template(
            "budgets/budget.html",
            visit=visit,
            carers=[
                (carer.id, f"{carer.name} ({carer.member_code or carer.alias})")
                for carer in queries.carers(uow.session, uow.tenant)
            ],
            key=request.form.get("idempotency_key") or new_key(),
            today=today,
            form={"month": f"{today:%Y-%m}", "decided_on": today.isoformat()}
            | request.form.to_dict(),
            errors=errors,
            **budget_content(uow, budget),
        )
    return page, 422 if errors else 200


def _back(budget_id: int, words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("budgets.budget_page", budget_id=budget_id), 303)


@blueprint.post(f"{BUDGET}/revise")
def revise(budget_id: int) -> ResponseReturnValue:
    """Change what was granted."""
    visit = current_visit()
    form = FormReader()
    cents, reason = form.amount("budget"), form.text("reason")
    if form.errors:
        return _budget_page(visit, budget_id, form.errors)
    try:
        with visit.begin() as uow:
            revise_budget(uow, budget_id, budget_cents=cents, reason=reason)
    except OverBudgetError:
        words = _("More than that was used already.")
        return _budget_page(visit, budget_id, [("budget", words)])
    return _back(budget_id, _("The budget has been changed."))


@blueprint.post(f"{BUDGET}/payer")
def payer(budget_id: int) -> ResponseReturnValue:
    """Write down who pays."""
    visit = current_visit()
    form = FormReader()
    name = form.text("payer_name")
    if form.errors:
        return _budget_page(visit, budget_id, form.errors)
    try:
        with visit.begin() as uow:
            name_payer(uow, budget_id, name)
    except PayerFixedError as refusal:
        return _budget_page(visit, budget_id, [("payer_name", said_in_words(refusal))])
    return _back(budget_id, _("Written down. Lists with these hours are for this body alone."))


@blueprint.post(f"{BUDGET}/agreements")
def new_agreement(budget_id: int) -> ResponseReturnValue:
    """Write down who gives care from a budget, with a new carer where needed."""
    visit = current_visit()
    form = FormReader()
    chosen = form.count("carer", if_empty=None)
    member = form.text("member", is_required=False)
    name = form.text("name", is_required=chosen is None and not member)
    rate = form.amount("rate")
    limit = form.amount("limit") if form.text("limit", is_required=False) else None
    if not form.errors and rate <= 0:
        form.errors.append(("rate", _("A rate is more than nothing.")))
    if form.errors:
        return _budget_page(visit, budget_id, form.errors)
    try:
        with visit.begin() as uow:
            carer_id = chosen or _carer(uow, name, member)
            save_agreement(
                uow,
                SaveAgreement(
                    budget_id=budget_id,
                    carer_id=carer_id,
                    hourly_rate_cents=rate,
                    limit_cents=limit,
                    starts_on=_day(form, "starts_on"),
                    ends_on=_day(form, "ends_on"),
                ),
            )
    except NotFoundError as refusal:
        if "member" not in refusal.context:
            raise
        words = _("There is no member with this number.")
        return _budget_page(visit, budget_id, [("member", words)])
    except OwnCarerError as refusal:
        return _budget_page(visit, budget_id, [("carer", said_in_words(refusal))])
    except InvalidInputError:
        words = _("An agreement lies within the days of its budget.")
        return _budget_page(visit, budget_id, [("starts_on", words)])
    return _back(budget_id, _("Written down. Hours can be declared once it is approved."))


def _day(form: FormReader, name: str) -> date | None:
    return form.day(name) if request.form.get(name, "").strip() else None


def _carer(uow: UnitOfWork, name: str, member: str) -> int:
    if not member:
        return save_carer(uow, SaveCarer(name=name))
    member_id = member_by_code(uow.session, uow.tenant, member).id
    return save_carer(uow, SaveCarer(name=None, member_id=member_id))


@blueprint.post(f"{BUDGET}/agreements/<int:agreement_id>/<any(decide, end, fence, name):step>")
def change_agreement(budget_id: int, agreement_id: int, step: str) -> ResponseReturnValue:
    """Write down a decision, end an agreement, fence it, or name its carer."""
    visit = current_visit()
    form = FormReader()
    act = {"decide": _decide, "end": _end, "fence": _fence, "name": _name}[step]
    try:
        with visit.begin() as uow:
            act(uow, form, agreement_id)
    except InvalidInputError as refusal:
        field = str(refusal.context["field"])
        words = (
            _("This is not an account number.")
            if field == "iban"
            else _("Choose a day within the agreement, and say who decided.")
        )
        errors = form.errors or [(field, words)]
        return _budget_page(visit, budget_id, errors)
    except OverFenceError:
        words = _("More than that was used already.")
        return _budget_page(visit, budget_id, [("limit", words)])
    return _back(budget_id, _("The agreement has been changed."))


def _require_right(form: FormReader) -> None:
    """Stop where the form is wrong, before anything is done."""
    if form.errors:
        raise InvalidInputError("look at the form", field=form.errors[0][0])


def _decide(uow: UnitOfWork, form: FormReader, agreement_id: int) -> None:
    command = DecideAgreement(
        agreement_id=agreement_id,
        is_approved=form.choice("decision", ("approved", "refused")) == "approved",
        decided_on=form.day("decided_on"),
        decided_by=form.text("decided_by"),
    )
    _require_right(form)
    decide_agreement(uow, command)


def _end(uow: UnitOfWork, form: FormReader, agreement_id: int) -> None:
    day = form.day("ends_on")
    _require_right(form)
    end_agreement(uow, agreement_id, ends_on=day)


def _fence(uow: UnitOfWork, form: FormReader, agreement_id: int) -> None:
    limit = form.amount("limit") if form.text("limit", is_required=False) else None
    _require_right(form)
    fence_agreement(uow, agreement_id, limit_cents=limit)


def _name(uow: UnitOfWork, form: FormReader, agreement_id: int) -> None:
    name, iban = form.text("name"), form.text("iban", is_required=False)
    _require_right(form)
    name_carer(uow, agreement_id, name=name, iban=iban)


@blueprint.post(f"{BUDGET}/hours")
def declare_for(budget_id: int) -> ResponseReturnValue:
    """Declare hours for a carer who does not do so himself."""
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    form = FormReader()
    agreement_id = form.count("agreement", if_empty=None)
    if agreement_id is None:
        form.errors.append(("agreement", _("Choose a carer.")))
    month, minutes = read_time(form)
    if form.errors or agreement_id is None:
        return _budget_page(visit, budget_id, form.errors)
    command = Declare(agreement_id=agreement_id, month=month, minutes=minutes)
    body = {"agreement": agreement_id, "month": month.isoformat(), "minutes": minutes}
    try:
        once(visit, form_key(), "care-hours", body, lambda uow: str(declare(uow, command).id))
    except REFUSALS_OF_HOURS as refusal:
        return _budget_page(visit, budget_id, [("", said_in_words(refusal))])
    except InvalidInputError as refusal:
        if refusal.context["field"] not in {"month", "minutes"}:
            raise
        words = _("Choose a month that has begun, and hours that it has.")
        return _budget_page(visit, budget_id, [("month", words)])
    return _back(budget_id, _("Declared. The hours count as soon as they are approved."))


@blueprint.post(
    f"{BUDGET}/declarations/<int:declaration_id>/<any(approve, reject, turn_back):step>"
)
def decide_declaration(budget_id: int, declaration_id: int, step: str) -> ResponseReturnValue:
    """Decide on hours for a holder who does so on paper, or turn approved ones back."""
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    form = FormReader()
    note = form.text("note")
    if form.errors:
        errors = [(f"note-{declaration_id}", words) for _name, words in form.errors]
        return _budget_page(visit, budget_id, errors)
    with visit.begin() as uow:
        if step == "approve":
            approve(uow, declaration_id, note=note)
        elif step == "reject":
            reject(uow, declaration_id, reason=note)
        else:
            turn_back(uow, declaration_id, reason=note)
    return _back(budget_id, _("Written down."))
