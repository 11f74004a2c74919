"""Pages of correcting a settled cost: who would pay another amount, and then the booking of it."""

from __future__ import annotations

import secrets

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.correcting import CorrectCost, correct_cost, preview_correction
from wijkeconomie.costs.field_words import said_at_field
from wijkeconomie.costs.pages import asked_page, blueprint, cost_page_with, seen_fingerprint
from wijkeconomie.costs.paging import page_of


@blueprint.post("/costs/<code>/correct")
def correct(code: str) -> ResponseReturnValue:
    """Show what a correction comes to, member by member; nothing is booked."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    form = FormReader()
    command = _command(form, code)
    if form.errors:
        return cost_page_with(visit, code, form.errors)
    try:
        return _preview(visit, command)
    except InvalidInputError as refusal:
        return cost_page_with(visit, code, [said_at_field(refusal)])


@blueprint.post("/costs/<code>/corrected")
def book_correction(code: str) -> ResponseReturnValue:
    """Turn the settlement back and settle the cost anew, as it was looked at; twice is once."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    form = FormReader()
    command = _command(form, code, seen=seen_fingerprint())
    if form.errors:
        return cost_page_with(visit, code, form.errors)
    body = {"net": command.net_cents, "vat": command.vat_cents, "reason": command.reason}

    def act(uow: UnitOfWork) -> str:
        return str(len(correct_cost(uow, command)))

    key = form.text("idempotency_key")
    count = once(visit, key, f"costs/{code}/correction", body, act)
    flash(_("Corrected. %(count)s members pay another amount.", count=count), "success")
    return redirect(url_for("costs.cost_page", code=code), 303)


def _command(form: FormReader, code: str, *, seen: bytes | None = None) -> CorrectCost:
    return CorrectCost(
        cost_code=code,
        reason=form.text("reason"),
        net_cents=form.amount("net"),
        vat_cents=form.amount("vat"),
        seen=seen,
    )


def _preview(visit: Visit, command: CorrectCost) -> ResponseReturnValue:
    with visit.begin() as uow:
        cost = queries.cost_view(uow.session, uow.tenant, command.cost_code)
        preview = preview_correction(uow, command)
    return render_template(
        "costs/correct.html",
        visit=visit,
        cost=cost,
        command=command,
        preview=preview,
        shown=page_of(preview.changes, asked_page(), lambda change: change.code),
        key=request.form.get("idempotency_key") or secrets.token_hex(8),
    )
