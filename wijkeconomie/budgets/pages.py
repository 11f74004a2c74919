"""Pages for who has a care budget: what is left, what waits for approval, and who looked."""

from __future__ import annotations

import secrets
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import trail_of
from wijkeconomie.budgets.declaring import approve, reject
from wijkeconomie.budgets.list_document import hours_text
from wijkeconomie.budgets.models import DeclarationState
from wijkeconomie.budgets.queries import BudgetView
from wijkeconomie.budgets.rules import Forecast, MonthOfBudget, forecast
from wijkeconomie.budgets.words import (
    action_words,
    actor_words,
    agreement_badge,
    declaration_badge,
    law_words,
    objection_words,
    payer_words,
)
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import role_holders
from wijkeconomie.cooperatives.sessions import Task, Visit, cooperative_blueprint, current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork

CHART_MONTHS = 12
SHORT = 3

blueprint = cooperative_blueprint("budgets", __name__)
for _words in (law_words, objection_words, payer_words, action_words, hours_text):
    blueprint.app_template_filter(_words.__name__)(_words)
blueprint.app_template_global("agreement_badge")(agreement_badge)
blueprint.app_template_global("declaration_badge")(declaration_badge)


@blueprint.app_template_filter()
def care_month(month: date) -> str:
    """``januari 2026``."""
    return format_date(month, "MMMM y", locale=page_language())


def new_key() -> str:
    """A key for a form, which makes sending it twice the same as once."""
    return secrets.token_hex(8)


def form_key() -> str:
    """The key that a form came with.

    Raises:
        InvalidInputError: it came without, or with one that nobody made.
    """
    key = request.form.get("idempotency_key", "")
    if not 8 <= len(key) <= 64:
        raise InvalidInputError("open the page again", field="idempotency_key")
    return key


def said_in_words(refusal: DomainError) -> str:
    """A refusal in the sentence that every page has for it."""
    return str(current_app.jinja_env.filters["refusal_sentence"](refusal))


@blueprint.get("/my-care")
def mine() -> ResponseReturnValue:
    """The visitor's own budgets, and the hours that wait for him."""
    visit = current_visit()
    require_permission(visit.identity, "care.own")
    member_id = _member(visit)
    with visit.begin() as uow:
        budgets = queries.budgets(uow.session, uow.tenant, holder_id=member_id)
        waiting = queries.declarations(
            uow.session, uow.tenant, holder_id=member_id, state=DeclarationState.SUBMITTED
        )
    return render_template(
        "budgets/mine.html", visit=visit, budgets=budgets, waiting=waiting, form={}, errors=[]
    )


def _member(visit: Visit) -> int:
    member_id = visit.identity.member_id
    return abort(404) if member_id is None else member_id


@blueprint.get("/my-care/<int:budget_id>")
def my_budget(budget_id: int) -> ResponseReturnValue:
    """One of the visitor's own budgets: how it burns, agreements and declarations."""
    visit = current_visit()
    require_permission(visit.identity, "care.own")
    member_id = _member(visit)
    with visit.begin() as uow:
        budget = queries.budget_view(uow.session, uow.tenant, budget_id)
        if budget.holder_id != member_id:
            abort(404)
        return render_template("budgets/my_budget.html", visit=visit, **budget_content(uow, budget))


def budget_content(uow: UnitOfWork, budget: BudgetView) -> dict[str, object]:
    """What a page of a budget shows to whoever may see it."""
    used = queries.used_by_month(uow.session, uow.tenant, budget.id)
    burn = forecast(budget.budget_cents, budget.period, used)
    return {
        "budget": budget,
        "burn": burn,
        "chart": burn_chart(burn),
        "agreements": queries.agreements(uow.session, uow.tenant, budget_id=budget.id),
        "declarations": queries.declarations(uow.session, uow.tenant, budget_id=budget.id),
    }


def burn_chart(burn: Forecast) -> Markup:
    """What is left at the end of each month, as it was and as it is expected."""
    months = _shown(burn.months)
    texts = [_whole_euros(month.left_cents) for month in months]
    # On a phone long figures stand on every other bar; the table has them all.
    step = 2 if max(map(len, texts)) > SHORT else 1
    return bar_chart(
        _("What is left of the budget at the end of each month, in euros"),
        _("The same figures stand in the table below."),
        [
            Bar(
                format_date(month.month, "MMM", locale=page_language()),
                max(month.left_cents, 0),
                "" if position % step else written,
            )
            for position, (month, written) in enumerate(zip(months, texts, strict=True))
        ],
    )


def _shown(months: tuple[MonthOfBudget, ...]) -> tuple[MonthOfBudget, ...]:
    """Twelve months around the first that is expected: more do not fit on a phone."""
    past = sum(not month.is_expected for month in months)
    first = max(0, min(past - CHART_MONTHS // 2, len(months) - CHART_MONTHS))
    return months[first : first + CHART_MONTHS]


def _whole_euros(cents: int) -> str:
    """Euros short enough for a bar on a phone; the table has the cents."""
    return str(Decimal(cents).scaleb(-2).quantize(Decimal(1)))


@blueprint.post("/my-care/declarations/<int:declaration_id>/approve")
def approve_mine(declaration_id: int) -> ResponseReturnValue:
    """Approve hours that were worked for the visitor."""
    visit = current_visit()
    _member(visit)
    with visit.begin() as uow:
        approve(uow, declaration_id)
    flash(_("Approved."), "success")
    return redirect(url_for("budgets.mine"), 303)


@blueprint.post("/my-care/declarations/<int:declaration_id>/reject")
def reject_mine(declaration_id: int) -> ResponseReturnValue:
    """Reject hours, with the reason why."""
    visit = current_visit()
    member_id = _member(visit)
    form = FormReader()
    reason = form.text("reason")
    with visit.begin() as uow:
        if form.errors:
            page = render_template(
                "budgets/mine.html",
                visit=visit,
                budgets=queries.budgets(uow.session, uow.tenant, holder_id=member_id),
                waiting=[queries.declaration_view(uow.session, uow.tenant, declaration_id)],
                form=request.form,
                errors=[(f"reason-{declaration_id}", words) for _name, words in form.errors],
            )
            return page, 422
        reject(uow, declaration_id, reason=reason)
    flash(_("Rejected. The carer sees why."), "success")
    return redirect(url_for("budgets.mine"), 303)


@blueprint.get("/my-care/trail")
def my_trail() -> ResponseReturnValue:
    """Who looked into or changed the visitor's care data."""
    visit = current_visit()
    require_permission(visit.identity, "care.own")
    member_id = _member(visit)
    with visit.begin() as uow:
        names = {
            holder.login_id: holder.display_name for holder in role_holders(uow.session, uow.tenant)
        }
        lines = [
            (line, actor_words(line.actor, names))
            for line in trail_of(uow.session, uow.tenant, member_id)
        ]
    return render_template("budgets/trail.html", visit=visit, lines=lines)


def tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Hours that wait for the visitor's approval."""
    member_id = visit.identity.member_id
    if member_id is None:
        return []
    waiting = queries.declarations(
        uow.session, uow.tenant, holder_id=member_id, state=DeclarationState.SUBMITTED
    )
    if not waiting:
        return []
    return [
        Task(
            label=_("Look at the hours of your carer"),
            url=url_for("budgets.mine"),
            explanation=_("They count as soon as you approve them."),
            due=ngettext("%(num)d month waits", "%(num)d months wait", len(waiting)),
            kind="attention",
        )
    ]
