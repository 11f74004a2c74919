"""Pages of payments that do not arrive: call them off, or note that the bank sent one back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments import order_queries as queries
from wijkeconomie.payments.order_pages import Errors, blueprint, shows_names
from wijkeconomie.payments.returning import CallOff, call_off, take_back


@blueprint.route("/payouts/<code>/call-off", methods=["GET", "POST"])
def call_off_run(code: str) -> ResponseReturnValue:
    """Call off a run or one of its payments, after a look at what that means."""
    visit = current_visit()
    require_permission(visit.identity, "payment.order")
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        key, reason = form.text("idempotency_key"), form.text("reason")
        reference = request.form.get("reference") or None
        command = CallOff(code=code, reason=reason, reference=reference)
        errors = form.errors or _done(
            visit,
            key,
            f"payouts/{code}/call-off",
            {"reason": reason, "end_to_end_id": reference},
            lambda uow: str(call_off(uow, command)),
        )
        if not errors:
            flash(_("Called off. It waits to be ordered anew."), "success")
            return redirect(url_for("payments.run", code=code), 303)
    return _page(visit, code, "payments/call_off.html", errors)


@blueprint.route("/payouts/<code>/returned", methods=["GET", "POST"])
def returned(code: str) -> ResponseReturnValue:
    """Note by hand that the bank sent a payment back."""
    visit = current_visit()
    require_permission(visit.identity, "payment.order")
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        key, reference = form.text("idempotency_key"), form.text("reference")
        reason = form.text("reason")
        day: date = form.day("on")
        errors = form.errors or _done(
            visit,
            key,
            f"payouts/{code}/returned",
            {"end_to_end_id": reference, "on": day, "reason": reason},
            lambda uow: str(take_back(uow, code, reference, day, reason=reason)),
        )
        if not errors:
            flash(_("Booked. It waits to be ordered anew."), "success")
            return redirect(url_for("payments.run", code=code), 303)
    return _page(visit, code, "payments/returned.html", errors)


def _done(
    visit: Visit, key: str, target: str, body: dict[str, object], act: Callable[[UnitOfWork], str]
) -> Errors:
    try:
        once(visit, key, target, body, act)
    except InvalidInputError as refusal:
        words = {
            "on": _("Choose a day between the payment and today."),
            "reason": _("Say why."),
        }
        field = str(refusal.context["field"])
        if field not in words:
            raise
        return [(field, words[field])]
    return []


def _page(visit: Visit, code: str, template: str, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        run = queries.payout_run(uow.session, uow.tenant, code)
        orders = queries.orders_of_run(uow.session, uow.tenant, run.id)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        template,
        visit=visit,
        run=run,
        waiting=[each for each in orders if each.is_open],
        paid=[each for each in orders if each.settled_on and each.returned_on is None],
        shows_names=shows_names(visit.identity, run.kind),
        key=request.form.get("idempotency_key") or uuid.uuid4().hex,
        form={"on": today.isoformat()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200
