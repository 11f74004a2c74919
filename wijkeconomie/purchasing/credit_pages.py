"""Pages of credit: how far members' accounts may go below zero, and one member's own limit."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.credit import (
    CreditTerms,
    credit_terms,
    member_limit,
    own_limits,
    set_credit_terms,
    set_member_limit,
)
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.audit import history
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.credit_queries import position


@pages.route("/credit", methods=["GET", "POST"])
def credit() -> ResponseReturnValue:
    """The cooperative's terms, and who has a limit of his own."""
    visit = current_visit()
    require_permission(visit.identity, "credit.read")
    form = FormReader()
    if request.method == "POST":
        limit = form.amount("limit")
        if limit < 0:
            form.errors.append(("limit", _("A limit is not below zero.")))
        if not form.errors:
            with visit.begin() as uow:
                terms = CreditTerms(request.form.get("is_enforced") == "yes", limit)
                set_credit_terms(uow, terms)
            flash(_("Saved. It counts for every change of an order from now on."), "success")
            return redirect(url_for("purchasing.credit"), 303)
    with visit.begin() as uow:
        shown = {"terms": credit_terms(uow), "own": own_limits(uow)}
    page = render_template(
        "purchasing/credit.html", visit=visit, errors=form.errors, form=request.form, **shown
    )
    return page, 422 if form.errors else 200


@pages.route("/members/<member_code>/credit", methods=["GET", "POST"])
def member_credit(member_code: str) -> ResponseReturnValue:
    """One member: what is on the account, what is reserved, and how far it may go."""
    visit = current_visit()
    require_permission(visit.identity, "credit.read")
    form = FormReader()
    if request.method == "POST":
        limit = None
        if request.form.get("own") == "yes":
            limit = form.amount("limit")
            if limit < 0:
                form.errors.append(("limit", _("A limit is not below zero.")))
        reason = form.text("reason")
        if not form.errors:
            with visit.begin() as uow:
                set_member_limit(uow, member_code, limit, reason=reason)
            flash(_("Saved. It counts for every change of an order from now on."), "success")
            return redirect(url_for("purchasing.member_credit", member_code=member_code), 303)
    with visit.begin() as uow:
        member = member_by_code(uow.session, uow.tenant, member_code)
        shown = {
            "member": member,
            "terms": credit_terms(uow),
            "own": member_limit(uow, member_code),
            "position": position(uow, member.id, member.code),
            "changes": [
                change
                for change in history(uow.session, uow.tenant, f"member/{member.id}")
                if change.action == "credit-limit-changed"
            ],
        }
    page = render_template(
        "purchasing/member_credit.html",
        visit=visit,
        errors=form.errors,
        form=request.form,
        **shown,
    )
    return page, 422 if form.errors else 200
