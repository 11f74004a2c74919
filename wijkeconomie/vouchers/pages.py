"""Pages of a member's wallet: balance, paying by QR code, passing on, and the last payments."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import date

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.queries import grants_of_login, member_by_code
from wijkeconomie.cooperatives.sessions import (
    Visit,
    cooperative_blueprint,
    current_login,
    current_visit,
    login_identity,
)
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.answers import Redeem
from wijkeconomie.vouchers.codes import make_phone_code, own_code
from wijkeconomie.vouchers.order_queries import kinds_for_sale
from wijkeconomie.vouchers.refusals import WrongCooperativeError
from wijkeconomie.vouchers.tills import redeem_now
from wijkeconomie.vouchers.transferring import PassOn, pass_on
from wijkeconomie.vouchers.words import in_unit, kind_words, mix_words, qr_picture, refusal_words

Errors = list[tuple[str, str]]
SHOWN_CODE = "payment_code"

blueprint = cooperative_blueprint("vouchers", __name__)
blueprint.app_template_filter("in_unit")(in_unit)
blueprint.app_template_filter("mix_words")(mix_words)
blueprint.app_template_filter("voucher_kind_words")(kind_words)
blueprint.app_template_filter("voucher_refusal_words")(refusal_words)
scan = Blueprint("scan", __name__)
"""Where a QR code leads, whoever reads it: it is the same address for all cooperatives."""


def told(refusal: DomainError) -> str:
    """A refusal in the sentence that pages use."""
    return str(current_app.jinja_env.filters["refusal_sentence"](refusal))


def new_key() -> str:
    """A key by which sending a form twice is the same as once."""
    return secrets.token_urlsafe(16)


def today(uow: UnitOfWork) -> date:
    """The day in the cooperative's time zone."""
    return local_date(uow.now, LOCAL_TIME)


def wallet_of(visit: Visit) -> int:
    """The member whose wallet is shown.

    Raises:
        NotFoundError: the visitor is no member.
    """
    if visit.identity.member_id is None:
        raise NotFoundError("only members have a wallet")
    return visit.identity.member_id


@blueprint.get("/wallet")
def wallet() -> ResponseReturnValue:
    """What a member can pay with, how, where, and what he paid last."""
    return _wallet(current_visit(), [])


def _wallet(visit: Visit, errors: Errors) -> ResponseReturnValue:
    member_id = wallet_of(visit)
    with visit.begin() as uow:
        day = today(uow)
        held = queries.wallet(uow.session, uow.tenant, member_id, day)
        payments = queries.payments_of_member(uow.session, uow.tenant, member_id)
        is_for_sale = bool(kinds_for_sale(uow.session, uow.tenant))
        shops = [
            shop
            for shop in queries.merchants(uow.session, uow.tenant)
            if shop.stopped_on is None or shop.stopped_on > day
        ]
    balances: Counter[str] = Counter({"EUR": 0} if not held else {})
    for voucher in held:
        balances[voucher.unit] += voucher.balance if voucher.usable_from <= day else 0
    page = render_template(
        "vouchers/wallet.html",
        visit=visit,
        today=day,
        balances=sorted(balances.items()),
        vouchers=held,
        payments=payments,
        shops=shops,
        is_for_sale=is_for_sale,
        errors=errors,
        form=request.form,
    )
    return page, 422 if errors else 200


@blueprint.post("/wallet/codes")
def make_code() -> ResponseReturnValue:
    """Make a payment code for an amount and show it."""
    visit = current_visit()
    form = FormReader()
    amount = form.amount("amount")
    unit = form.text("unit", is_required=False) or "EUR"
    if form.errors:
        return _wallet(visit, form.errors)
    try:
        with visit.begin() as uow:
            made = make_phone_code(uow, amount, unit=unit)
    except InvalidInputError:
        return _wallet(visit, [("amount", _("Write an amount as in 12,50."))])
    except DomainError as refusal:
        return _wallet(visit, [("amount", told(refusal))])
    # Only a hash of the code is kept; the member's own session remembers what he shows.
    session[SHOWN_CODE] = {"id": made.id, "secret": made.secret, "written": made.written}
    return redirect(url_for("vouchers.code", code_id=made.id), 303)


@blueprint.get("/wallet/codes/<int:code_id>")
def code(code_id: int) -> ResponseReturnValue:
    """The code to show to a merchant, and then that he was paid."""
    visit = current_visit()
    with visit.begin() as uow:
        state = own_code(uow, code_id)
        is_late = state.valid_until < uow.now
    shown = session.get(SHOWN_CODE) or {}
    is_shown = shown.get("id") == code_id and not is_late and not state.is_withdrawn
    address = None
    if is_shown and state.redemption_code is None:
        address = url_for(
            "scan.pay",
            cooperative_code=visit.cooperative.code,
            secret=shown["secret"],
            _external=True,
        )
    return render_template(
        "vouchers/code.html",
        visit=visit,
        state=state,
        written=shown.get("written", ""),
        address=address,
        qr=qr_picture(address, _("QR code for the shop")) if address else None,
    )


@scan.get("/pay/<cooperative_code>/<secret>")
def pay(cooperative_code: str, secret: str) -> ResponseReturnValue:
    """Take whoever reads a payment code to his till, or tell that it is of another cooperative."""
    login = current_login()
    with current_runtime().units_of_work.begin(identity=login_identity(login)) as uow:
        known = {grant.code for grant in grants_of_login(uow.session, login.login_id)}
    if cooperative_code not in known and not login.is_platform:
        raise WrongCooperativeError(
            f"this is a voucher of cooperative {cooperative_code}", cooperative=cooperative_code
        )
    shown = f"{cooperative_code}.{secret}"
    return redirect(url_for("vouchers.show", cooperative_code=cooperative_code, code=shown))


@blueprint.get("/wallet/receive")
def receive() -> ResponseReturnValue:
    """The QR code by which another member passes vouchers on to this one."""
    visit = current_visit()
    member_id = wallet_of(visit)
    with visit.begin() as uow:
        own = own_number(uow, member_id)
    address = url_for("vouchers.send", to=own, _external=True)
    return render_template(
        "vouchers/receive.html",
        visit=visit,
        member=own,
        qr=qr_picture(address, _("QR code for another member")),
    )


def own_number(uow: UnitOfWork, member_id: int) -> str:
    """A member's number."""
    return queries.member_code(uow.session, uow.tenant, member_id)


@blueprint.route("/wallet/send", methods=["GET", "POST"])
def send() -> ResponseReturnValue:
    """Pass vouchers on to another member."""
    visit = current_visit()
    member_id = wallet_of(visit)
    errors: Errors = []
    if request.method == "POST":
        errors = _send(visit, member_id)
        if not errors:
            return redirect(url_for("vouchers.wallet"), 303)
    with visit.begin() as uow:
        held = queries.wallet(uow.session, uow.tenant, member_id, today(uow))
        units = sorted({voucher.unit for voucher in held}) or ["EUR"]
    form = {"to": request.args.get("to", ""), "key": new_key()} | request.form.to_dict()
    page = render_template("vouchers/send.html", visit=visit, units=units, form=form, errors=errors)
    return page, 422 if errors else 200


def _send(visit: Visit, member_id: int) -> Errors:
    form = FormReader()
    to, amount = form.text("to"), form.amount("amount")
    unit = form.text("unit", is_required=False) or "EUR"
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            pass_on(
                uow,
                PassOn(
                    idempotency_key=form.text("key"),
                    holder_id=member_id,
                    to_member_code=to,
                    amount_minor=amount,
                    unit=unit,
                ),
            )
            name = member_by_code(uow.session, uow.tenant, to.strip()).name
    except InvalidInputError as refusal:
        words = {"amount": _("Write an amount as in 12,50."), "to": _("This is your own number.")}
        field = str(refusal.context["field"])
        return [(field, words[field])]
    except DomainError as refusal:
        field = "to" if refusal.code == "not-transferable" else "amount"
        return [(field, told(refusal))]
    flash(_("%(name)s has %(amount)s now.", name=name, amount=in_unit(amount, unit)), "success")
    return []


@blueprint.route("/wallet/shops/<merchant_code>", methods=["GET", "POST"])
def pay_shop(merchant_code: str) -> ResponseReturnValue:
    """Pay a shop from one's own phone, as its poster asks."""
    visit = current_visit()
    member_id = wallet_of(visit)
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        amount = form.amount("amount")
        errors = form.errors
        if not errors:
            command = Redeem(
                idempotency_key=form.text("key"),
                merchant_code=merchant_code,
                amount_minor=amount,
                holder_id=member_id,
                unit=form.text("unit", is_required=False) or "EUR",
            )
            try:
                answer = redeem_now(visit, command)
            except InvalidInputError:
                errors = [("amount", _("Write an amount as in 12,50."))]
            except DomainError as refusal:
                errors = [("amount", told(refusal))]
            else:
                return redirect(url_for("vouchers.paid", payment_code=answer.code), 303)
    with visit.begin() as uow:
        shops = {shop.code: shop for shop in queries.merchants(uow.session, uow.tenant)}
        held = queries.wallet(uow.session, uow.tenant, member_id, today(uow))
    units = sorted({voucher.unit for voucher in held}) or ["EUR"]
    if merchant_code not in shops:
        raise NotFoundError(f"there is no merchant {merchant_code}", code=merchant_code)
    page = render_template(
        "vouchers/pay_shop.html",
        visit=visit,
        shop=shops[merchant_code],
        errors=errors,
        # What was refused is answered the same again: another try is another request.
        form={
            "amount": request.form.get("amount", ""),
            "unit": request.form.get("unit", ""),
            "key": new_key(),
        },
        units=[(unit, unit) for unit in units],
    )
    return page, 422 if errors else 200


@blueprint.get("/wallet/payments/<payment_code>")
def paid(payment_code: str) -> ResponseReturnValue:
    """A payment of one's own: to show at the till."""
    visit = current_visit()
    member_id = wallet_of(visit)
    with visit.begin() as uow:
        payment = queries.payment(uow.session, uow.tenant, payment_code)
        own = own_number(uow, member_id)
    if payment.member_code != own:
        raise NotFoundError(f"there is no redemption {payment_code}", code=payment_code)
    return render_template("vouchers/paid.html", visit=visit, payment=payment)
