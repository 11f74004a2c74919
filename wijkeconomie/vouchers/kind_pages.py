"""Pages of the treasurer about kinds of vouchers: make one, change one."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.kinds import ChangeKind, SaveScheme, change_kind, save_scheme
from wijkeconomie.vouchers.models import VatKind
from wijkeconomie.vouchers.pages import Errors, blueprint, told

RATES = (("", "-"), ("900", "9 %"), ("2100", "21 %"), ("0", "0 %"))


@blueprint.route("/vouchers/kinds/new", methods=["GET", "POST"])
def new_kind() -> ResponseReturnValue:
    """Make a kind of voucher."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    errors: Errors = []
    if request.method == "POST":
        errors = _save_kind(visit)
        if not errors:
            flash(_("Made. You can issue it now."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    with visit.begin() as uow:
        shops = [(each.code, each.name) for each in queries.merchants(uow.session, uow.tenant)]
    page = render_template(
        "vouchers/new_kind.html",
        visit=visit,
        rates=RATES,
        shops=shops,
        chosen=request.form.getlist("merchants"),
        form={"unit": "EUR", "days": "365", "transferable": "yes"}
        | (request.form.to_dict() | {"transferable": request.form.get("transferable", "")})
        if request.form
        else {"unit": "EUR", "days": "365", "transferable": "yes"},
        errors=errors,
    )
    return page, 422 if errors else 200


def _save_kind(visit: Visit) -> Errors:
    form = FormReader()
    rate = form.choice("rate", [value for value, _words in RATES])
    days = form.count("days", if_empty=365)
    command = SaveScheme(
        code=form.text("code"),
        name=form.text("name"),
        unit=form.text("unit").upper(),
        vat_kind=VatKind.SPV if rate else VatKind.MPV,
        vat_basis_points=int(rate) if rate else None,
        valid_days=days or 0,
        is_transferable=request.form.get("transferable") == "yes",
        merchants=tuple(request.form.getlist("merchants")),
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            save_scheme(uow, command)
    except InvalidInputError as refusal:
        words = {
            "unit": ("unit", _("A unit is EUR, or 2 to 12 letters. Tax is in EUR only.")),
            "valid_days": ("days", _("A voucher is valid for a day at least.")),
        }
        return [words[str(refusal.context["field"])]]
    except DomainError as refusal:
        return [("code", told(refusal))]
    return []


@blueprint.route("/vouchers/kinds/<kind_code>", methods=["GET", "POST"])
def kind_page(kind_code: str) -> ResponseReturnValue:
    """Change a kind of voucher: its name, its days, and the shops it is for."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    with visit.begin() as uow:
        kinds = {each.code: each for each in queries.schemes(uow.session, uow.tenant)}
        shops = [(each.code, each.name) for each in queries.merchants(uow.session, uow.tenant)]
    if kind_code not in kinds:
        raise NotFoundError(f"there is no kind of voucher {kind_code}", code=kind_code)
    errors: Errors = []
    if request.method == "POST":
        errors = _change_kind(visit, kind_code)
        if not errors:
            flash(_("Changed."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    kind = kinds[kind_code]
    page = render_template(
        "vouchers/kind.html",
        visit=visit,
        kind=kind,
        shops=shops,
        chosen=request.form.getlist("merchants") if request.form else kind.merchant_codes,
        form={
            "name": kind.name,
            "days": str(kind.valid_days),
            "reminder": str(kind.reminder_days),
            "hold": str(kind.hold_days),
            "sale": "yes" if kind.is_for_sale and not request.form else "",
        }
        | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _change_kind(visit: Visit, code: str) -> Errors:
    form = FormReader()
    command = ChangeKind(
        code=code,
        name=form.text("name"),
        valid_days=form.count("days", if_empty=0) or 0,
        reminder_days=form.count("reminder", if_empty=0) or 0,
        hold_days=form.count("hold", if_empty=0) or 0,
        is_for_sale=request.form.get("sale") == "yes",
        merchants=tuple(request.form.getlist("merchants")),
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            change_kind(uow, command)
    except InvalidInputError as refusal:
        if refusal.context["field"] == "is_for_sale":
            return [("sale", _("Only vouchers in euro can be bought."))]
        return [("days", _("A voucher is valid for a day at least."))]
    except DomainError as refusal:
        return [("merchants", told(refusal))]
    return []
