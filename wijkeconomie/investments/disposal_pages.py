"""Pages by which treasurer and board take something out of use, after a look at what follows."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.investments import queries
from wijkeconomie.investments.building_pages import cost_sharing
from wijkeconomie.investments.disposing import (
    DisposalPreview,
    DisposeAsset,
    dispose_asset,
    preview_disposal,
    receive_sale,
)
from wijkeconomie.investments.models import DisposalKind
from wijkeconomie.investments.pages import blueprint, show_project
from wijkeconomie.investments.refusals import AssetDepreciatedError
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Errors = list[tuple[str, str]]


@blueprint.route("/assets/<code>/dispose", methods=["GET", "POST"])
def dispose(code: str) -> ResponseReturnValue:
    """Take something out of use: the first time it is sent it shows what follows."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    if request.method == "GET":
        return _page(visit, code, [], None)
    form = FormReader()
    command = _command(form, code)
    if form.errors:
        return _page(visit, code, form.errors, None)
    is_seen = "seen" in request.form
    try:
        with visit.begin() as uow:
            project = queries.project_of_asset(uow.session, uow.tenant, code)
            act = dispose_asset if is_seen else preview_disposal
            found = act(uow, command, cost_sharing())
    except InvalidInputError as refusal:
        return _page(visit, code, [_words(refusal)], None)
    except AssetDepreciatedError as refusal:
        words = _("That month was booked already. Choose %(date)s or a later day.")
        return _page(visit, code, [("on", words % refusal.context)], None)
    if not is_seen:
        return _page(visit, code, [], found)
    flash(_("Out of use. What it cost and what was written off are out of the books."), "success")
    return redirect(url_for("investments.project_page", code=project), 303)


@blueprint.post("/assets/<code>/buyer-paid")
def buyer_paid(code: str) -> ResponseReturnValue:
    """Note that who bought something paid for it."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    day = form.day("paid_on")
    with visit.begin() as uow:
        project = queries.project_of_asset(uow.session, uow.tenant, code)
    if form.errors:
        return show_project(visit, project, form.errors)
    try:
        with visit.begin() as uow:
            receive_sale(uow, code, day)
    except InvalidInputError:
        words = _("Choose a day since it was sold, up to today.")
        return show_project(visit, project, [("paid_on", words)])
    flash(_("Booked. The buyer owes nothing more."), "success")
    return redirect(url_for("investments.project_page", code=project), 303)


def _command(form: FormReader, code: str) -> DisposeAsset:
    kind = form.one_of("kind", DisposalKind)
    is_sold = kind is DisposalKind.SOLD
    return DisposeAsset(
        asset_code=code,
        kind=kind,
        disposed_on=form.day("on"),
        reason=form.text("reason"),
        proceeds_cents=form.amount("proceeds") if is_sold else 0,
        is_taxed=form.choice("vat", ("high", "none")) == "high",
        buyer=(form.text("buyer", is_required=False) or None) if is_sold else None,
    )


def _words(refusal: InvalidInputError) -> tuple[str, str]:
    words = {
        "disposed_on": ("on", _("Choose a day since it was in use, up to today.")),
        "proceeds_cents": ("proceeds", _("What is sold brings something.")),
        "buyer": ("buyer", _("A code has 1 to 40 characters.")),
    }
    return words.get(str(refusal.context["field"]), ("reason", _("Say why.")))


def _page(
    visit: Visit, code: str, errors: Errors, found: DisposalPreview | None
) -> ResponseReturnValue:
    with visit.begin() as uow:
        project_code = queries.project_of_asset(uow.session, uow.tenant, code)
        project = queries.project(uow.session, uow.tenant, project_code)
        known = queries.assets(uow.session, uow.tenant, project.id)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "investments/dispose.html",
        visit=visit,
        project=project,
        asset=next(each for each in known if each.code == code),
        kinds=[
            (DisposalKind.SOLD.value, _("sold")),
            (DisposalKind.SCRAPPED.value, _("scrapped: nobody pays for it")),
        ],
        rates=[("high", _("with VAT at the standard rate in it")), ("none", _("without VAT"))],
        form={"on": today.isoformat()} | request.form.to_dict(),
        errors=errors,
        found=found,
    )
    return page, 422 if errors else 200
