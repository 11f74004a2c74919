"""Pages that correct hours on a month list: by who gave the care, or by an administrator."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_own_record
from wijkeconomie.budgets.correcting import CorrectHours, correct_hours
from wijkeconomie.budgets.pages import blueprint, form_key, new_key, said_in_words
from wijkeconomie.budgets.refusals import (
    DeclarationStateError,
    OverBudgetError,
    OverFenceError,
)
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError

Errors = list[tuple[str, str]]


@blueprint.route("/care-declarations/<int:declaration_id>/correct", methods=["GET", "POST"])
def correct(declaration_id: int) -> ResponseReturnValue:
    """Say what hours should have been; the holder approves them again."""
    visit = current_visit()
    require_permission(visit.identity, "care.own")
    with visit.begin() as uow:
        open_own_record(uow, "declaration-read", "declaration", declaration_id)
        declaration = queries.declaration_view(uow.session, uow.tenant, declaration_id)
    errors: Errors = []
    if request.method == "POST":
        errors = _correct(visit, declaration_id)
        if not errors:
            flash(_("Written down. It counts as soon as the holder approves it."), "success")
            return redirect(_back(visit, declaration.budget_id), 303)
    page = render_template(
        "budgets/correct.html",
        visit=visit,
        declaration=declaration,
        back=_back(visit, declaration.budget_id),
        key=request.form.get("idempotency_key") or new_key(),
        form={
            "hours": str(declaration.minutes // 60),
            "minutes": str(declaration.minutes % 60),
        }
        | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _back(visit: Visit, budget_id: int) -> str:
    if visit.may("care.administer"):
        return url_for("budgets.budget_page", budget_id=budget_id)
    return url_for("budgets.work")


def _correct(visit: Visit, declaration_id: int) -> Errors:
    form = FormReader()
    hours = form.count("hours", if_empty=0) or 0
    minutes = form.count("minutes", if_empty=0) or 0
    reason = form.text("reason")
    if form.errors:
        return form.errors
    command = CorrectHours(
        declaration_id=declaration_id, minutes=hours * 60 + minutes, reason=reason
    )
    body = {"minutes": command.minutes, "reason": reason}
    target = f"care-declarations/{declaration_id}/correct"
    try:
        once(visit, form_key(), target, body, lambda uow: str(correct_hours(uow, command).id))
    except (DeclarationStateError, OverBudgetError, OverFenceError) as refusal:
        return [("", said_in_words(refusal))]
    except InvalidInputError as refusal:
        if refusal.context["field"] != "minutes":
            raise
        return [("hours", _("Give other hours than before, and no more than a month has."))]
    return []
