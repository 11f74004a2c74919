"""Pages of the treasurer about merchants: put on the list, changed, stopped, paid."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant
from wijkeconomie.vouchers.models import VatMix
from wijkeconomie.vouchers.pages import Errors, blueprint, told
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.words import mix_choices


@blueprint.route("/vouchers/merchants/new", methods=["GET", "POST"])
def new_merchant() -> ResponseReturnValue:
    """Put a merchant on the list."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    errors: Errors = []
    if request.method == "POST":
        errors = _save_merchant(visit)
        if not errors:
            flash(_("The shop takes part now."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    page = render_template(
        "vouchers/new_merchant.html",
        visit=visit,
        mixes=mix_choices(),
        form=request.form,
        errors=errors,
    )
    return page, 422 if errors else 200


def _save_merchant(visit: Visit) -> Errors:
    form = FormReader()
    fee = form.amount("fee")  # percents have hundredths too
    command = SaveMerchant(
        code=form.text("code"),
        name=form.text("name"),
        iban=form.text("iban").replace(" ", "").upper(),
        vat_mix=VatMix(form.choice("vat_mix", [mix for mix, _words in mix_choices()])),
        fee_basis_points=fee,
        contract_signed_on=form.day("signed"),
        contacts=tuple(form.text("contacts", is_required=False).replace(",", " ").split()),
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            save_merchant(uow, command)
    except InvalidInputError as refusal:
        words = {
            "fee_basis_points": ("fee", _("A fee is 0 to 100 percent.")),
            "iban": ("iban", _("This is not a bank account.")),
            "contacts": ("contacts", _("This is not an e-mail address.")),
        }
        return [words[str(refusal.context["field"])]]
    except DomainError as refusal:
        return [("code", told(refusal))]
    return []


@blueprint.post("/vouchers/merchants/<merchant_code>/pay-out")
def pay_merchant(merchant_code: str) -> ResponseReturnValue:
    """Book that a merchant was paid what he is owed."""
    visit = current_visit()
    with visit.begin() as uow:
        number = pay_out(
            uow,
            PayOut(
                idempotency_key=f"{request.form.get('key', '')}/{merchant_code}",
                merchant_code=merchant_code,
            ),
        )
    flash(_("Booked as payout %(number)s.", number=number), "success")
    return redirect(url_for("vouchers.overview"), 303)
