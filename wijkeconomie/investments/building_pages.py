"""Pages by which treasurer and board spend a project's money and say who pays for its assets."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.building import (
    DrawForInvoice,
    PutIntoUse,
    draw_for_invoice,
    put_into_use,
    share_cost_of_asset,
    turn_back_drawing,
)
from wijkeconomie.investments.pages import blueprint
from wijkeconomie.investments.sharing import CostSharing
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import vat_on

RATES = (("2100", "21 %"), ("900", "9 %"), ("", "0 %"))
EXTENSION = "cost_sharing"


def init_cost_sharing(app: Flask, sharing: CostSharing) -> None:
    """Give the pages the way to shared costs."""
    app.extensions[EXTENSION] = sharing


def cost_sharing() -> CostSharing:
    """The way to shared costs that the composition root gave."""
    return cast(CostSharing, current_app.extensions[EXTENSION])


@blueprint.route("/projects/<code>/new-invoice", methods=["GET", "POST"])
def new_invoice(code: str) -> ResponseReturnValue:
    """Enter a supplier's invoice."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _draw(uow, code)
        if not errors:
            flash(_("Entered. The invoice is owed to the supplier."), "success")
            return redirect(url_for("investments.project_page", code=code), 303)
    return form_page(visit, code, "investments/invoice.html", errors, rates=RATES)


def form_page(
    visit: Visit, code: str, template: str, errors: list[tuple[str, str]], **more: object
) -> ResponseReturnValue:
    """The page of a form of a project."""
    with visit.begin() as uow:
        project = queries.project(uow.session, uow.tenant, code)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        template,
        visit=visit,
        project=project,
        today=today,
        form={"on": today.isoformat()} | request.form.to_dict(),
        errors=errors,
        **more,
    )
    return page, 422 if errors else 200


def _draw(uow: UnitOfWork, code: str) -> list[tuple[str, str]]:
    form = FormReader()
    net = form.amount("net")
    rate = form.choice("rate", [value for value, _words in RATES])
    command = DrawForInvoice(
        project_code=code,
        supplier_code=form.text("supplier"),
        document=form.text("document"),
        description=form.text("description"),
        net_cents=net,
        vat_cents=vat_on(net, int(rate) if rate else None),
        drawn_on=form.day("on"),
    )
    if form.errors:
        return form.errors
    try:
        draw_for_invoice(uow, command)
    except InvalidInputError:
        return [("net", _("Write an amount as in 12,50."))]
    except DomainError as refusal:
        if refusal.code != "project-code-taken":
            raise
        return [("document", _("This invoice was entered before."))]
    return []


@blueprint.post("/projects/<code>/invoices/<int:drawing>/turn-back")
def turn_back(code: str, drawing: int) -> ResponseReturnValue:
    """Take a wrong invoice back."""
    visit = current_visit()
    reason = request.form.get("reason", "").strip() or _("entered wrongly")
    with visit.begin() as uow:
        turn_back_drawing(uow, drawing, reason=reason)
    flash(_("Turned back. The money can be spent again."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


@blueprint.route("/projects/<code>/new-asset", methods=["GET", "POST"])
def new_asset(code: str) -> ResponseReturnValue:
    """Put what was built into use."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _put_into_use(uow, code)
        if not errors:
            flash(_("In use. Each month its loss of value is booked by itself."), "success")
            return redirect(url_for("investments.project_page", code=code), 303)
    with visit.begin() as uow:
        project = queries.project(uow.session, uow.tenant, code)
        waiting = [
            each
            for each in queries.drawings(uow.session, uow.tenant, project.id)
            if each.asset_id is None
        ]
    return form_page(visit, code, "investments/asset.html", errors, waiting=waiting)


def _put_into_use(uow: UnitOfWork, code: str) -> list[tuple[str, str]]:
    form = FormReader()
    years = form.count("years", if_empty=0) or 0
    command = PutIntoUse(
        project_code=code,
        code=form.text("code"),
        name=form.text("name"),
        in_use_from=form.day("on"),
        life_months=years * 12,
        residual_cents=form.amount("residual"),
    )
    if form.errors:
        return form.errors
    try:
        put_into_use(uow, command)
    except InvalidInputError as refusal:
        words = {
            "code": ("code", _("A code has 1 to 40 characters.")),
            "life_months": ("years", _("Give how many years it lasts: 1 to 100.")),
            "residual_cents": ("residual", _("This cannot be more than it cost.")),
        }
        return [words[str(refusal.context["field"])]]
    except DomainError as refusal:
        if refusal.code != "project-code-taken":
            raise
        return [("code", _("This code is in use. Choose another one."))]
    return []


@blueprint.route("/assets/<code>/share", methods=["GET", "POST"])
def share_asset(code: str) -> ResponseReturnValue:
    """Let members pay what an asset loses, by a key; or stop that."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    with visit.begin() as uow:
        project = queries.project_of_asset(uow.session, uow.tenant, code)
        keys = cost_sharing().keys(uow)
        if request.method == "POST":
            share_cost_of_asset(uow, code, request.form.get("key") or None, cost_sharing())
    if request.method == "POST":
        flash(_("Written down. It holds from the next month that is booked."), "success")
        return redirect(url_for("investments.project_page", code=project), 303)
    return form_page(
        visit,
        project,
        "investments/share.html",
        [],
        asset=code,
        keys=[("", _("no key: the cooperative bears it")), *keys],
    )
