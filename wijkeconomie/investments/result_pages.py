"""Pages by which treasurer and board share a result after a look at it, and put things right."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.building_pages import form_page
from wijkeconomie.investments.pages import blueprint, show_project
from wijkeconomie.investments.results import ShareResult, preview_result, share_project_result
from wijkeconomie.investments.reversing import turn_back_payment, turn_back_result

RESULT = "investments/result.html"


@blueprint.route("/projects/<code>/new-result", methods=["GET", "POST"])
def new_result(code: str) -> ResponseReturnValue:
    """Share the result of a year: the first time it is sent it shows what each holder gets."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    if request.method == "GET":
        return form_page(visit, code, RESULT, [])
    form = FormReader()
    command = ShareResult(
        project_code=code,
        year=form.count("year", if_empty=0) or 0,
        cents=form.amount("result"),
        accounting_date=form.day("on"),
        decision=form.text("decision", is_required=False) or None,
    )
    if form.errors:
        return form_page(visit, code, RESULT, form.errors)
    found = None
    try:
        with visit.begin() as uow:
            if "seen" in request.form:
                share_project_result(uow, command)
            else:
                found = preview_result(uow, command)
    except InvalidInputError:
        words = _("Give the year of which this is the result.")
        return form_page(visit, code, RESULT, [("year", words)])
    if found is not None:
        return form_page(visit, code, RESULT, [], found=found, command=command)
    flash(_("Shared. Members see their part on the page of the project."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


@blueprint.post("/projects/<code>/results/<int:year>/turn-back")
def turn_back_shared(code: str, year: int) -> ResponseReturnValue:
    """Turn a result back that was shared wrongly."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    reason = form.text("reason")
    if form.errors:
        return show_project(visit, code, [(f"reason-{year}", form.errors[0][1])])
    with visit.begin() as uow:
        turn_back_result(uow, code, year, reason=reason)
    flash(_("Turned back. The result of this year can be shared anew."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


@blueprint.post("/projects/<code>/turn-back-payment")
def turn_back_paid(code: str) -> ResponseReturnValue:
    """Turn a payment back that was noted on the wrong participation."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    number, reason = form.text("number"), form.text("why")
    if form.errors:
        return show_project(visit, code, form.errors)
    try:
        with visit.begin() as uow:
            _require_of_project(uow, number, code)
            turn_back_payment(uow, number, reason=reason)
    except NotFoundError:
        words = _("This project has no participation with this number.")
        return show_project(visit, code, [("number", words)])
    flash(_("Turned back. These units wait to be paid."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


def _require_of_project(uow: UnitOfWork, number: str, code: str) -> None:
    if queries.participation(uow.session, uow.tenant, number).project_code != code:
        raise NotFoundError("this is of another project", participation=number)
