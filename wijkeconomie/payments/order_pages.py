"""Pages of payout runs: choose whom to pay, take the file to the bank, and settle what it paid."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, cooperative_blueprint, current_visit
from wijkeconomie.core.identity import Identity
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments import order_queries as queries
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.ordering import MakeRun, make_run, require_open, settle_run
from wijkeconomie.payments.own_accounts import VOUCHERS, keep_voucher_account, own_accounts
from wijkeconomie.payments.pain import payment_file
from wijkeconomie.payments.refusals import NothingToOrderError

Errors = list[tuple[str, str]]
blueprint = cooperative_blueprint("payments", __name__)

_KINDS: dict[PayeeKind, Any] = {
    PayeeKind.MERCHANT: lazy_gettext("Shops, for vouchers"),
    PayeeKind.MEMBER: lazy_gettext("Members: surpluses, and what they get back of projects"),
    PayeeKind.CARER: lazy_gettext("Who gives care, from budgets of an insurer"),
    PayeeKind.GRANT: lazy_gettext("Carers' grants by bank"),
}


@blueprint.app_template_filter()
def payee_words(kind: str) -> str:
    """Whom a run pays."""
    return str(_KINDS[PayeeKind(kind)])


@blueprint.get("/payouts")
def runs() -> ResponseReturnValue:
    """Who can be paid, and what was ordered before."""
    visit = current_visit()
    require_permission(visit.identity, "payment.read")
    return _runs_page(visit, [])


def _runs_page(visit: Visit, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        waiting = [(kind, None, None, _payees(uow, kind, None)) for kind in PayeeKind] + [
            (PayeeKind.GRANT, name, code, _payees(uow, PayeeKind.GRANT, code))
            for code, name in queries.rounds_to_pay(uow.session, uow.tenant)
        ]
        made = queries.payout_runs(uow.session, uow.tenant)
        own = own_accounts(uow.session, uow.tenant)
    page = render_template(
        "payments/runs.html",
        visit=visit,
        waiting=[
            (
                kind.value,
                name,
                code,
                len(found),
                sum(payee.cents for payee in found),
                sum(payee.came_back is not None for payee in found),
            )
            for kind, name, code, found in waiting
            if found
        ],
        runs=made,
        voucher_account=[iban for iban, key in own.items() if key == VOUCHERS],
        form=request.form,
        errors=errors,
    )
    return page, 422 if errors else 200


@blueprint.post("/payouts/voucher-account")
def voucher_account() -> ResponseReturnValue:
    """Write down which bank account holds the money of vouchers."""
    visit = current_visit()
    require_permission(visit.identity, "payment.order")
    try:
        with visit.begin() as uow:
            keep_voucher_account(uow, FormReader().text("iban"))
    except InvalidInputError:
        words = _("Write the number of a bank account beside that of the cooperative.")
        return _runs_page(visit, [("iban", words)])
    flash(_("Kept."), "success")
    return redirect(url_for("payments.runs"), 303)


def _payees(uow: UnitOfWork, kind: PayeeKind, code: str | None) -> list[queries.Payee]:
    return queries.payees(uow.session, uow.tenant, kind, code)


@blueprint.route("/payouts/new/<any(merchant, member, carer, grant):kind>", methods=["GET", "POST"])
def new_run(kind: str) -> ResponseReturnValue:
    """Choose whom of a kind to pay, from which account, and when."""
    visit = current_visit()
    require_permission(visit.identity, "payment.order")
    round_code = request.values.get("round") or None
    errors: Errors = []
    if request.method == "POST":
        errors, code = _make(visit, PayeeKind(kind), round_code)
        if not errors:
            flash(_("Made. Take the file to your bank."), "success")
            return redirect(url_for("payments.run", code=code), 303)
    with visit.begin() as uow:
        found = _payees(uow, PayeeKind(kind), round_code)
        account = queries.last_account(uow.session, uow.tenant, PayeeKind(kind).account_key)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "payments/new_run.html",
        visit=visit,
        kind=kind,
        is_chosen=round_code is None,
        round_code=round_code,
        payees=found,
        chosen=set(request.form.getlist("party")) or {each.choice for each in found},
        key=request.form.get("idempotency_key") or uuid.uuid4().hex,
        form={"iban": account or _usual_account(visit, kind), "on": today.isoformat()}
        | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _usual_account(visit: Visit, kind: str) -> str:
    """Our account; that of vouchers is another one, which the treasurer knows."""
    return "" if kind == PayeeKind.MERCHANT else visit.cooperative.iban


def _make(visit: Visit, kind: PayeeKind, round_code: str | None) -> tuple[Errors, str]:
    form = FormReader()
    key = form.text("idempotency_key")
    iban, day = form.text("iban"), form.day("on")
    parties = None if round_code is not None else tuple(request.form.getlist("party"))
    if form.errors:
        return form.errors, ""
    command = MakeRun(
        idempotency_key=key,
        kind=kind,
        debtor_iban=iban,
        execute_on=day,
        parties=parties,
        round_code=round_code,
    )
    try:
        with visit.begin() as uow:
            return [], make_run(uow, command)
    except NothingToOrderError:
        return [("", _("Choose someone to pay."))], ""
    except InvalidInputError as refusal:
        words = {
            "debtor_iban": ("iban", _("This is not a bank account.")),
            "execute_on": ("on", _("A bank pays today or later.")),
            "parties": ("", _("Of someone no bank account is known. Write it down first.")),
        }
        field = str(refusal.context["field"])
        if field not in words:
            raise
        return [words[field]], ""


@blueprint.get("/payouts/<code>")
def run(code: str) -> ResponseReturnValue:
    """One run: its payments, its file, and what the bank has paid."""
    visit = current_visit()
    require_permission(visit.identity, "payment.read")
    return _run_page(visit, code, [])


def _run_page(visit: Visit, code: str, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        found = queries.payout_run(uow.session, uow.tenant, code)
        orders = queries.orders_of_run(uow.session, uow.tenant, found.id)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "payments/run.html",
        visit=visit,
        run=found,
        orders=orders,
        shows_names=shows_names(visit.identity, found.kind),
        form={"on": today.isoformat()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def shows_names(identity: Identity, kind: str) -> bool:
    """Whether someone may see who is paid: who gives care, or got a grant, is for a few only."""
    needed = {PayeeKind.CARER.value: "care.money", PayeeKind.GRANT.value: "grant.review"}
    return may(identity, needed.get(kind, "payment.read"))


@blueprint.get("/payouts/<code>.xml")
def run_file(code: str) -> ResponseReturnValue:
    """The file for the bank, as long as the bank has not paid."""
    visit = current_visit()
    return file_answer(visit, code)


def file_answer(visit: Visit, code: str) -> Response:
    """The file of a run, the same bytes each time.

    Raises:
        PermissionDeniedError, NotFoundError; OrderSettledError: the bank has paid.
    """
    require_permission(visit.identity, "payment.order")
    with visit.begin() as uow:
        require_open(uow, code)
        found = queries.payout_run(uow.session, uow.tenant, code)
        orders = queries.orders_of_run(uow.session, uow.tenant, found.id)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.code}.xml"',
        "Cache-Control": "no-store",
    }
    content = payment_file(found, orders, payer=visit.cooperative.full_name)
    return Response(content, headers=headers, content_type="application/xml")


@blueprint.post("/payouts/<code>/settle")
def settle(code: str) -> ResponseReturnValue:
    """Note that the bank paid a run, where no bank line tells it."""
    visit = current_visit()
    require_permission(visit.identity, "payment.order")
    form = FormReader()
    day: date = form.day("on")
    if form.errors:
        return _run_page(visit, code, form.errors)
    try:
        with visit.begin() as uow:
            settle_run(uow, code, day)
    except InvalidInputError:
        words = _("Choose a day between making the run and today.")
        return _run_page(visit, code, [("on", words)])
    flash(_("Booked."), "success")
    return redirect(url_for("payments.run", code=code), 303)
