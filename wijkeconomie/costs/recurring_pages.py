"""Pages of costs that come back, after they were written down: change from a month on, or stop."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, asked_month, filled_in
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.field_words import said_at_field
from wijkeconomie.costs.keeping_pages import rate_words, typed_amounts
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.recurring import (
    ChangeRecurringCost,
    change_recurring_cost,
    stop_recurring_cost,
)
from wijkeconomie.costs.recurring_queries import RecurringView, recurring_cost
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@blueprint.route("/recurring-costs/<code>", methods=["GET", "POST"])
def recurring(code: str) -> ResponseReturnValue:
    """Change what a cost that comes back is from a month on: its amount, its key, its end."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _change(uow, code)
        if not errors:
            flash(_("Changed. What was written down before stays."), "success")
            return redirect(url_for("costs.overview"), 303)
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        view = recurring_cost(uow.session, uow.tenant, code, today)
        keys = [(key.code, key.name) for key in queries.keys(uow.session, uow.tenant)]
    page = render_template(
        "costs/recurring.html",
        visit=visit,
        cost=view,
        keys=keys,
        rates=rate_words(),
        form=_filled(view, today) | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _filled(view: RecurringView, today: date) -> dict[str, str]:
    """The form as the cost is now, from the month on in which it comes next."""
    from_month = view.next_on or (today.replace(day=1) + timedelta(days=31))
    return {
        "from_month": f"{from_month:%Y-%m}",
        "net": filled_in(view.net_cents),
        "vat": filled_in(view.vat_cents),
        "rate": "" if view.vat_basis_points is None else str(view.vat_basis_points),
        "key": view.key_code,
        "ends_on": view.ends_on.isoformat() if view.ends_on else "",
    }


def _change(uow: UnitOfWork, code: str) -> list[tuple[str, str]]:
    form = FormReader()
    try:
        from_month = asked_month(request.form.get("from_month", ""))
    except InvalidInputError:
        form.errors.append(("from_month", _("Write a month as in 2026-05.")))
        return form.errors
    amounts, last = typed_amounts(form), form.optional_day("ends_on")
    key = form.text("key")
    if form.errors:
        return form.errors
    try:
        change_recurring_cost(
            uow,
            ChangeRecurringCost(
                code=code, from_month=from_month, key_code=key, ends_on=last, **amounts
            ),
        )
    except InvalidInputError as refusal:
        return [said_at_field(refusal)]
    return []


@blueprint.post("/recurring-costs/<code>/stop")
def stop_recurring(code: str) -> ResponseReturnValue:
    """Let a cost come back no more."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    with visit.begin() as uow:
        stop_recurring_cost(uow, code, reason="stopped by hand")
    flash(_("It does not come back any more. What was written down before stays."), "success")
    return redirect(url_for("costs.overview"), 303)
