"""Pages by which the treasurer takes back a voucher that was issued by mistake."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.vouchers.holder_queries import whole_vouchers
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, told
from wijkeconomie.vouchers.refusals import VoucherUsedError
from wijkeconomie.vouchers.withdrawing import WithdrawVoucher, withdraw_voucher


@blueprint.get("/vouchers/withdraw")
def whole() -> ResponseReturnValue:
    """Find a voucher of which nothing was used, to take it back."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.issue")
    search = request.args.get("search", "").strip()
    with visit.begin() as uow:
        found = whole_vouchers(uow.session, uow.tenant, search=search)
    return render_template("vouchers/whole.html", visit=visit, vouchers=found, search=search)


@blueprint.route("/vouchers/withdraw/<voucher_code>", methods=["GET", "POST"])
def withdraw_whole(voucher_code: str) -> ResponseReturnValue:
    """Say why a voucher is taken back, after seeing what that does."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.issue")
    errors: Errors = []
    if request.method == "POST":
        errors = _withdraw(visit, voucher_code)
        if not errors:
            flash(_("Withdrawn. The holder gets a letter, if we know an address."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    with visit.begin() as uow:
        found = [
            each
            for each in whole_vouchers(uow.session, uow.tenant, search=voucher_code)
            if each.code == voucher_code
        ]
    if not found:
        raise VoucherUsedError(f"voucher {voucher_code} is not whole", voucher=voucher_code)
    page = render_template(
        "vouchers/withdraw.html",
        visit=visit,
        voucher=found[0],
        form={"key": new_key()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _withdraw(visit: Visit, code: str) -> Errors:
    form = FormReader()
    reason, key = form.text("reason"), form.text("key")
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            command = WithdrawVoucher(idempotency_key=key, voucher_code=code, reason=reason)
            withdraw_voucher(uow, command)
    except DomainError as refusal:
        return [("reason", told(refusal))]
    return []
