"""Pages for who gives care: agreements, and hours to declare."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.declaring import Declare, declare, withdraw
from wijkeconomie.budgets.pages import blueprint, form_key, new_key, said_in_words
from wijkeconomie.budgets.refusals import REFUSALS_OF_HOURS
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date

Errors = list[tuple[str, str]]


@blueprint.get("/care-work")
def work() -> ResponseReturnValue:
    """The carer's agreements, a form for hours, and what became of earlier ones."""
    return _work([])


def _work(errors: Errors) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "care.own")
    member_id = visit.identity.member_id
    if member_id is None:
        raise PermissionDeniedError("only members give care", permission="care.own", roles="member")
    with visit.begin() as uow:
        agreements = queries.agreements(uow.session, uow.tenant, member_id=member_id)
        declared = queries.declarations(uow.session, uow.tenant, member_id=member_id)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "budgets/work.html",
        visit=visit,
        agreements=agreements,
        declarations=declared,
        key=request.form.get("idempotency_key") or new_key(),
        form={"month": f"{today:%Y-%m}"} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def read_time(form: FormReader) -> tuple[date, int]:
    """The month and the minutes of a form that asks for month, hours and minutes."""
    month = date.min
    try:
        period = Period.parse(form.text("month"))
        month = period.start
    except ValueError:
        if not any(name == "month" for name, _words in form.errors):
            form.errors.append(("month", _("Write a month as in 2026-01.")))
    hours = form.count("hours", if_empty=0) or 0
    minutes = form.count("minutes", if_empty=0) or 0
    if minutes > 59:
        form.errors.append(("minutes", _("An hour has 60 minutes: fill in 0 to 59.")))
    total = hours * 60 + minutes
    if not total and not form.errors:
        form.errors.append(("hours", _("Fill in how long you worked.")))
    return month, total


@blueprint.post("/care-work")
def declare_hours() -> ResponseReturnValue:
    """Declare hours; sending the form twice declares them once."""
    visit = current_visit()
    form = FormReader()
    agreement_id = form.count("agreement", if_empty=None)
    if agreement_id is None:
        form.errors.append(("agreement", _("Choose for whom you worked.")))
    month, minutes = read_time(form)
    if form.errors or agreement_id is None:
        return _work(form.errors)
    command = Declare(agreement_id=agreement_id, month=month, minutes=minutes)

    def act(uow: UnitOfWork) -> str:
        return str(declare(uow, command).id)

    body = {"agreement": agreement_id, "month": month.isoformat(), "minutes": minutes}
    try:
        once(visit, form_key(), "care-work", body, act)
    except InvalidInputError as refusal:
        words = {
            "minutes": _("A month has not so many hours."),
            "month": _("This month has not begun yet."),
        }
        field = str(refusal.context["field"])
        if field not in words:
            raise
        return _work([("hours" if field == "minutes" else field, words[field])])
    except REFUSALS_OF_HOURS as refusal:
        return _work([("", said_in_words(refusal))])
    flash(_("Declared. The hours count as soon as they are approved."), "success")
    return redirect(url_for("budgets.work"), 303)


@blueprint.post("/care-work/<int:declaration_id>/withdraw")
def take_back(declaration_id: int) -> ResponseReturnValue:
    """Take hours back that were not decided on."""
    with current_visit().begin() as uow:
        withdraw(uow, declaration_id)
    flash(_("Taken back. You can declare the right hours now."), "success")
    return redirect(url_for("budgets.work"), 303)
