"""Pages of a merchant's till on his phone: read a code, take an amount, give it back."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.answers import Redeem
from wijkeconomie.vouchers.codes import CodeState, shown_code
from wijkeconomie.vouchers.models import CodeKind
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, told
from wijkeconomie.vouchers.purses import Till, merchants_of_login
from wijkeconomie.vouchers.queries import PaymentView
from wijkeconomie.vouchers.refunding import Refund, refund
from wijkeconomie.vouchers.tills import redeem_now
from wijkeconomie.vouchers.words import in_unit, qr_picture


def own_tills(visit: Visit, uow: UnitOfWork) -> list[Till]:
    """The merchants for whom the visitor works.

    Raises:
        NotFoundError: none; the list of merchants does not have his address.
    """
    found = merchants_of_login(uow.session, uow.tenant, visit.login_id)
    if not found:
        raise NotFoundError("no merchant has this address")
    return found


@blueprint.get("/till")
def till() -> ResponseReturnValue:
    """Where a merchant types a code, and what he took last."""
    return _till(current_visit(), [])


def _till(visit: Visit, errors: Errors) -> ResponseReturnValue:
    require_permission(visit.identity, "voucher.redeem")
    with visit.begin() as uow:
        own = own_tills(visit, uow)
        lists = queries.merchants(uow.session, uow.tenant)
        codes = {each.code for each in own}
        payments = {
            code: queries.payments_of_merchant(uow.session, uow.tenant, code) for code in codes
        }
    page = render_template(
        "vouchers/till.html",
        visit=visit,
        shops=[shop for shop in lists if shop.code in codes],
        payments=payments,
        errors=errors,
        form=request.values,
    )
    return page, 422 if errors else 200


@blueprint.route("/till/pay", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    """A code that was read or typed: for how much is it, and take that."""
    visit = current_visit()
    written = request.values.get("code", "").strip()
    if not written:
        return _till(visit, [("code", _("Type the code of the customer."))])
    with visit.begin() as uow:
        own = own_tills(visit, uow)
    try:
        with visit.begin() as uow:
            state = shown_code(uow, written)
    except DomainError as refusal:
        return _till(visit, [("code", told(refusal))])
    if request.method == "POST":
        return _take(visit, written, state, own)
    if state.redemption_code is not None:
        if state.merchant_name not in {each.name for each in own}:
            return _till(visit, [("code", _("This code was used before."))])
        return redirect(url_for("vouchers.taken", payment_code=state.redemption_code), 303)
    return _taking(visit, written, state, own, [])


def _take(visit: Visit, written: str, state: CodeState, own: Sequence[Till]) -> ResponseReturnValue:
    form = FormReader()
    command = Redeem(
        idempotency_key=form.text("key"),
        merchant_code=form.choice("merchant", [each.code for each in own]),
        amount_minor=form.amount("amount"),
        payment_code=written,
    )
    if form.errors:
        return _taking(visit, written, state, own, form.errors)
    try:
        answer = redeem_now(visit, command)
    except InvalidInputError:
        errors = [("amount", _("Write an amount as in 12,50."))]
        return _taking(visit, written, state, own, errors)
    except DomainError as refusal:
        return _taking(visit, written, state, own, [("amount", told(refusal))])
    return redirect(url_for("vouchers.taken", payment_code=answer.code), 303)


def _taking(
    visit: Visit, written: str, state: CodeState, own: Sequence[Till], errors: Errors
) -> ResponseReturnValue:
    suggested = filled_in(state.maximum_minor)
    is_agreed = state.kind == CodeKind.PHONE
    page = render_template(
        "vouchers/take.html",
        visit=visit,
        state=state,
        written=written,
        shops=[(each.code, each.name) for each in own],
        errors=errors,
        # What was refused is answered the same again: another try is another request.
        form={
            "amount": request.form.get("amount", suggested if is_agreed else ""),
            "merchant": request.form.get("merchant", ""),
            "key": new_key(),
        },
    )
    return page, 422 if errors else 200


@blueprint.get("/till/payments/<payment_code>")
def taken(payment_code: str) -> ResponseReturnValue:
    """A payment that a merchant took: the answer at the till."""
    return _taken(current_visit(), payment_code, [])


def _taken(visit: Visit, payment_code: str, errors: Errors) -> ResponseReturnValue:
    payment = _own_payment(visit, payment_code)
    page = render_template(
        "vouchers/taken.html",
        visit=visit,
        payment=payment,
        errors=errors,
        form={"key": new_key()} | request.form.to_dict(),
    )
    return page, 422 if errors else 200


def _own_payment(visit: Visit, payment_code: str) -> PaymentView:
    """A payment to one of the visitor's merchants.

    Raises:
        NotFoundError: there is none, or it is another merchant's.
    """
    require_permission(visit.identity, "voucher.refund")
    with visit.begin() as uow:
        payment = queries.payment(uow.session, uow.tenant, payment_code)
        if not visit.may("voucher.change"):
            own = {each.code for each in own_tills(visit, uow)}
            if payment.merchant_code not in own:
                raise NotFoundError(f"there is no redemption {payment_code}", code=payment_code)
    return payment


@blueprint.post("/till/payments/<payment_code>/refund")
def give_back(payment_code: str) -> ResponseReturnValue:
    """Give a payment back, whole or in part."""
    visit = current_visit()
    payment = _own_payment(visit, payment_code)
    form = FormReader()
    amount, reason = form.amount("amount"), form.text("reason")
    if form.errors:
        return _taken(visit, payment_code, form.errors)
    try:
        with visit.begin() as uow:
            refund(
                uow,
                Refund(
                    idempotency_key=form.text("key"),
                    redemption_code=payment_code,
                    reason=reason,
                    amount_minor=amount,
                ),
            )
    except InvalidInputError:
        return _taken(visit, payment_code, [("amount", _("Write an amount as in 12,50."))])
    except DomainError as refusal:
        return _taken(visit, payment_code, [("amount", told(refusal))])
    words = in_unit(amount, payment.unit)
    flash(_("%(amount)s is back with %(name)s.", amount=words, name=payment.member_name), "success")
    return redirect(url_for("vouchers.taken", payment_code=payment_code), 303)


@blueprint.get("/till/poster/<merchant_code>")
def poster(merchant_code: str) -> ResponseReturnValue:
    """A poster for the counter: members read it and pay from their own phone."""
    visit = current_visit()
    with visit.begin() as uow:
        shops = {shop.code: shop for shop in queries.merchants(uow.session, uow.tenant)}
        if not visit.may("voucher.read"):
            require_permission(visit.identity, "voucher.redeem")
            shops = {each.code: shops[each.code] for each in own_tills(visit, uow)}
    if merchant_code not in shops:
        raise NotFoundError(f"there is no merchant {merchant_code}", code=merchant_code)
    address = url_for("vouchers.pay_shop", merchant_code=merchant_code, _external=True)
    return render_template(
        "vouchers/poster.html",
        visit=visit,
        shop=shops[merchant_code],
        address=address,
        qr=qr_picture(address, _("QR code to pay here")),
    )


def till_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """The way to the till, for who works at one."""
    if not visit.may("voucher.redeem"):
        return []
    if not merchants_of_login(uow.session, uow.tenant, visit.login_id):
        return []
    return [
        Task(
            label=_("To the till"),
            url=url_for("vouchers.till"),
            explanation=_("Read or type the code of a customer."),
        )
    ]
