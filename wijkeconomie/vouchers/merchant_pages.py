"""Pages of the treasurer about merchants: put on the list, changed, stopped, paid."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant, stop_merchant
from wijkeconomie.vouchers.merchant_queries import fees_of_merchant
from wijkeconomie.vouchers.merchants import (
    ChangeMerchant,
    accept_again,
    change_fee,
    change_merchant,
)
from wijkeconomie.vouchers.models import VatMix
from wijkeconomie.vouchers.pages import Errors, blueprint, today, told
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
        return [_wrong_field(refusal)]
    except DomainError as refusal:
        return [("code", told(refusal))]
    return []


def _wrong_field(refusal: InvalidInputError) -> tuple[str, str]:
    words = {
        "fee_basis_points": ("fee", _("A fee is 0 to 100 percent.")),
        "valid_from": ("from", _("A fee counts from tomorrow at the earliest.")),
        "iban": ("iban", _("This is not a bank account.")),
        "contacts": ("contacts", _("This is not an e-mail address.")),
    }
    return words[str(refusal.context["field"])]


@blueprint.route("/vouchers/merchants/<merchant_code>", methods=["GET", "POST"])
def merchant_page(merchant_code: str) -> ResponseReturnValue:
    """One merchant: what is known of him, which can be changed, his fees and his payouts."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.read")
    errors: Errors = []
    if request.method == "POST":
        errors = _change_merchant(visit, merchant_code)
        if not errors:
            return _changed(merchant_code, _("Changed."))
    return _merchant_page(visit, merchant_code, errors)


def _merchant_page(visit: Visit, code: str, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        day = today(uow)
        shop = queries.merchant(uow.session, uow.tenant, code, day)
        fees = fees_of_merchant(uow.session, uow.tenant, code)
        payouts = queries.payouts(uow.session, uow.tenant, merchant_code=code)
    form = {
        "name": shop.name,
        "iban": shop.iban,
        "vat_mix": shop.vat_mix,
        "signed": shop.contract_signed_on.isoformat() if shop.contract_signed_on else "",
        "contacts": shop.contacts or "",
        "from": (day + timedelta(days=1)).isoformat(),
        "stopped": day.isoformat(),
    }
    page = render_template(
        "vouchers/merchant.html",
        visit=visit,
        shop=shop,
        accepts=shop.stopped_on is None or shop.stopped_on > day,
        fees=fees,
        payouts=payouts,
        mixes=mix_choices(),
        form=form | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _changed(code: str, words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("vouchers.merchant_page", merchant_code=code), 303)


def _change_merchant(visit: Visit, code: str) -> Errors:
    form = FormReader()
    command = ChangeMerchant(
        code=code,
        name=form.text("name"),
        iban=form.text("iban").replace(" ", "").upper(),
        vat_mix=VatMix(form.choice("vat_mix", [mix for mix, _words in mix_choices()])),
        contract_signed_on=form.optional_day("signed"),
        contacts=tuple(form.text("contacts", is_required=False).replace(",", " ").split()),
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            change_merchant(uow, command)
    except InvalidInputError as refusal:
        return [_wrong_field(refusal)]
    return []


@blueprint.post("/vouchers/merchants/<merchant_code>/fee")
def merchant_fee(merchant_code: str) -> ResponseReturnValue:
    """Let another fee count from a day on."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    form = FormReader()
    fee, day = form.amount("fee"), form.day("from")
    errors: Errors = form.errors
    if not errors:
        try:
            with visit.begin() as uow:
                change_fee(uow, merchant_code, fee_basis_points=fee, valid_from=day)
        except InvalidInputError as refusal:
            errors = [_wrong_field(refusal)]
    if errors:
        return _merchant_page(visit, merchant_code, errors)
    return _changed(merchant_code, _("Written down. What was taken before that day keeps its fee."))


@blueprint.post("/vouchers/merchants/<merchant_code>/stop")
def merchant_stop(merchant_code: str) -> ResponseReturnValue:
    """Let a merchant accept no more from a day on."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    form = FormReader()
    day, reason = form.day("stopped"), form.text("reason")
    if form.errors:
        return _merchant_page(visit, merchant_code, form.errors)
    with visit.begin() as uow:
        stop_merchant(uow, merchant_code, on=day, reason=reason)
    return _changed(merchant_code, _("Written down. What the shop is owed stays owed."))


@blueprint.post("/vouchers/merchants/<merchant_code>/accept-again")
def merchant_accepts(merchant_code: str) -> ResponseReturnValue:
    """Let a merchant who stopped accept vouchers again."""
    visit = current_visit()
    with visit.begin() as uow:
        accept_again(uow, merchant_code)
    return _changed(merchant_code, _("The shop takes part again."))


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
