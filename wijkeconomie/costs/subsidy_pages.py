"""Page of a subsidy: who gives it, how much, for whom, and when it is accounted for."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries as cooperative_queries
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.words import mode_choices
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@blueprint.route("/new-subsidy", methods=["GET", "POST"])
def new_subsidy() -> ResponseReturnValue:
    """Write down a subsidy that was awarded."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _save(uow)
        if not errors:
            flash(_("Written down, and booked as money to come."), "success")
            return redirect(url_for("costs.subsidy_page", code=request.form["code"].strip()), 303)
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        keys = [(key.code, key.name) for key in queries.keys(uow.session, uow.tenant)]
        members = cooperative_queries.active_member_codes(uow.session, uow.tenant, today)
    page = render_template(
        "costs/new_subsidy.html",
        visit=visit,
        keys=[("", _("no shared costs: it is kept for another use")), *keys],
        modes=mode_choices(),
        members=members,
        form=request.form.to_dict() or {"valid_from": f"{today:%Y}-01-01"},
        errors=errors,
    )
    return page, 422 if errors else 200


def _save(uow: UnitOfWork) -> list[tuple[str, str]]:
    form = FormReader()
    command = SaveSubsidy(
        code=form.text("code"),
        grantor=form.text("grantor"),
        purpose=form.text("purpose"),
        mode=SubsidyMode(form.choice("mode", [value for value, _words in mode_choices()])),
        awarded_cents=form.amount("awarded"),
        valid_from=form.day("valid_from"),
        valid_until=form.day("valid_until"),
        accountable_by=form.optional_day("accountable_by"),
        key_code=form.text("key", is_required=False) or None,
        earmarks=_earmarks(uow, form),
    )
    if form.errors:
        return form.errors
    try:
        save_subsidy(uow, command)
    except InvalidInputError as refusal:
        return [_said(refusal)]
    except DomainError as refusal:
        if refusal.code != "code-taken":
            raise
        return [("code", _("This number is in use. Choose another one."))]
    return []


def _earmarks(uow: UnitOfWork, form: FormReader) -> list[tuple[int, int]]:
    """What is set apart for each member, where something was typed."""
    ids = cooperative_queries.member_ids_by_code(uow.session, uow.tenant)
    typed = {member_id: form.optional_amount(f"earmark-{code}") for code, member_id in ids.items()}
    return [(member_id, cents) for member_id, cents in typed.items() if cents is not None]


def _said(refusal: InvalidInputError) -> tuple[str, str]:
    sentences = {
        "awarded_cents": ("awarded", _("A subsidy is more than nothing.")),
        "valid_until": ("valid_until", _("This is before the first day.")),
        "earmarks": (
            "earmarks",
            _("Amounts for named members go with that kind of subsidy, and are more than nothing."),
        ),
    }
    return sentences[str(refusal.context.get("field"))]
