"""Page on which a member buys vouchers and sees how to pay for them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.vouchers.buying import MOST_CENTS, OrderVouchers, give_up_order, order_vouchers
from wijkeconomie.vouchers.order_queries import kinds_for_sale, orders
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, told, wallet_of


@blueprint.route("/wallet/buy", methods=["GET", "POST"])
def buy() -> ResponseReturnValue:
    """Order vouchers, and see what is to be paid, to whom and with which reference."""
    visit = current_visit()
    member_id = wallet_of(visit)
    errors: Errors = []
    if request.method == "POST":
        errors = _order(visit, member_id)
        if not errors:
            flash(_("Ordered. You get the vouchers when your payment has come in."), "success")
            return redirect(url_for("vouchers.buy"), 303)
    with visit.begin() as uow:
        kinds = kinds_for_sale(uow.session, uow.tenant)
        own = orders(uow.session, uow.tenant, member_id=member_id, only_open=True)
    page = render_template(
        "vouchers/buy.html",
        visit=visit,
        kinds=kinds,
        orders=own,
        form={"key": new_key()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _order(visit: Visit, member_id: int) -> Errors:
    form = FormReader()
    amount, kind = form.amount("amount"), form.text("kind")
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            command = OrderVouchers(
                idempotency_key=form.text("key"),
                member_id=member_id,
                scheme_code=kind,
                cents=amount,
            )
            order_vouchers(uow, command)
    except InvalidInputError:
        most = format_amount(MOST_CENTS, page_language())
        return [("amount", _("Write an amount up to %(most)s.", most=most))]
    except DomainError as refusal:
        return [("amount", told(refusal))]
    return []


@blueprint.post("/wallet/orders/<order_code>/give-up")
def give_up(order_code: str) -> ResponseReturnValue:
    """Give an order up that was not paid."""
    with current_visit().begin() as uow:
        give_up_order(uow, order_code)
    flash(_("Given up. Do not pay it any more."), "success")
    return redirect(url_for("vouchers.buy"), 303)
