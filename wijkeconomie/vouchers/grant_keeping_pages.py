"""Pages of who keeps carers' grants: set up a round, review, decide, pay, and the report."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.vouchers import grant_queries as queries
from wijkeconomie.vouchers.grant_applying import refuse_application
from wijkeconomie.vouchers.grant_document import render_grant_report_pdf
from wijkeconomie.vouchers.grant_models import GrantRefusal
from wijkeconomie.vouchers.grant_money import (
    MoveGrantMoney,
    PayGrants,
    account_for_round,
    pay_grants,
    receive_grant_money,
    repay_grant_money,
)
from wijkeconomie.vouchers.grant_report import (
    count_text,
    grant_report_csv,
    outcome_lines,
    payout_lines,
)
from wijkeconomie.vouchers.grant_rules import BudgetRule
from wijkeconomie.vouchers.grant_words import reason_choices, rule_choices
from wijkeconomie.vouchers.granting import KEEP_DAYS, SaveGrantRound, decide_round, save_grant_round
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, told
from wijkeconomie.vouchers.queries import schemes


@blueprint.get("/grants/<code>")
def grant_round(code: str) -> ResponseReturnValue:
    """A round: its next step, its applications for who may see them, and its report."""
    return _round_page(current_visit(), code, [])


def _round_page(visit: Visit, code: str, errors: Errors) -> ResponseReturnValue:
    require_permission(visit.identity, "grant.read")
    with visit.begin() as uow:
        report = queries.grant_report(uow.session, uow.tenant, code)
        applications = (
            queries.applications_of_round(uow.session, uow.tenant, code)
            if visit.may("grant.review")
            else []
        )
    to_transfer = [
        each for each in applications if each.payout == "bank" and each.state == "granted"
    ]
    page = render_template(
        "vouchers/grant_round.html",
        visit=visit,
        report=report,
        round=report.round,
        applications=applications,
        to_transfer=to_transfer,
        reasons=reason_choices(),
        outcomes=outcome_lines(report),
        ways=payout_lines(report),
        people=[
            (_("Applications"), count_text(report.round.applications)),
            (_("Carers with a grant"), count_text(report.carers)),
            (_("Persons cared for"), count_text(report.persons)),
        ],
        key=new_key(),
        form=request.form,
        errors=errors,
    )
    return page, 422 if errors else 200


@blueprint.get("/grants/<code>/report.pdf")
def grant_report_paper(code: str) -> ResponseReturnValue:
    """The report for the municipality as a PDF; no names stand in it."""
    visit = current_visit()
    require_permission(visit.identity, "grant.read")
    with visit.begin() as uow:
        report, made_at = queries.grant_report(uow.session, uow.tenant, code), uow.now
    content = render_grant_report_pdf(
        report, visit.cooperative, made_at=made_at, language=page_language()
    )
    headers = {"Content-Disposition": f'attachment; filename="grants-{code}.pdf"'}
    return Response(content, headers=headers, content_type="application/pdf")


@blueprint.get("/grants/<code>/report.csv")
def grant_report_file(code: str) -> ResponseReturnValue:
    """The report for the municipality as a CSV file; no names stand in it."""
    visit = current_visit()
    require_permission(visit.identity, "grant.read")
    with visit.begin() as uow:
        content = grant_report_csv(queries.grant_report(uow.session, uow.tenant, code))
    headers = {"Content-Disposition": f'attachment; filename="grants-{code}.csv"'}
    return Response(content, headers=headers, content_type="text/csv; charset=utf-8")


@blueprint.route("/grants/new", methods=["GET", "POST"])
def new_grant_round() -> ResponseReturnValue:
    """Set up a round."""
    visit = current_visit()
    require_permission(visit.identity, "grant.change")
    errors: Errors = []
    if request.method == "POST":
        errors = _save(visit)
        if not errors:
            flash(_("The round is set up. It opens by itself."), "success")
            return redirect(url_for("vouchers.grants"), 303)
    with visit.begin() as uow:
        kinds = [
            (each.code, each.name)
            for each in schemes(uow.session, uow.tenant)
            if each.unit == "EUR"
        ]
    page = render_template(
        "vouchers/new_grant_round.html",
        visit=visit,
        kinds=[("", _("no vouchers")), *kinds],
        rules=rule_choices(),
        form=request.form or {"once": "yes", "account": "yes", "keep": str(KEEP_DAYS)},
        errors=errors,
    )
    return page, 422 if errors else 200


def _save(visit: Visit) -> Errors:
    form = FormReader()
    command = SaveGrantRound(
        code=form.text("code"),
        name=form.text("name"),
        grantor=form.text("grantor"),
        budget_cents=form.amount("budget"),
        person_cap_cents=form.amount("person_cap"),
        carer_cap_cents=form.optional_amount("carer_cap"),
        carer_limit=form.count("carer_limit", if_empty=None),
        is_one_per_carer=form.checked("once"),
        budget_rule=BudgetRule(form.choice("rule", [rule for rule, _words in rule_choices()])),
        opens_on=form.day("opens"),
        closes_on=form.day("closes"),
        pays_to_account=form.checked("account"),
        pays_to_bank=form.checked("bank"),
        scheme_code=form.text("kind", is_required=False) or None,
        keep_days=form.count("keep", if_empty=KEEP_DAYS) or 0,
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            save_grant_round(uow, command)
    except InvalidInputError as refusal:
        amount = _("Write an amount as in 12,50.")
        words = {
            "budget_cents": ("budget", amount),
            "person_cap_cents": ("person_cap", amount),
            "carer_cap_cents": ("carer_cap", amount),
            "carer_limit": ("carer_limit", _("Type a whole number, as in 3.")),
            "closes_on": ("closes", _("The last day is not before the first.")),
            "payouts": ("account", _("Choose at least one way to pay.")),
        }
        return [words[str(refusal.context["field"])]]
    except DomainError as refusal:
        return [("code", told(refusal))]
    return []


@blueprint.post("/grants/<code>/applications/<int:number>/refuse")
def refuse_grant(code: str, number: int) -> ResponseReturnValue:
    """Turn an application down."""
    form = FormReader()
    reason = form.choice("reason", [value for value, _words in reason_choices()])
    with current_visit().begin() as uow:
        refuse_application(uow, number, GrantRefusal(reason))
    flash(_("Refused. The carer sees why."), "success")
    return redirect(url_for("vouchers.grant_round", code=code), 303)


@blueprint.post("/grants/<code>/decide")
def decide_grants(code: str) -> ResponseReturnValue:
    """Share the budget out."""
    with current_visit().begin() as uow:
        decide_round(uow, code)
    flash(_("Decided. Look at the amounts, then pay them."), "success")
    return redirect(url_for("vouchers.grant_round", code=code), 303)


@blueprint.post("/grants/<code>/pay")
def pay_grant_round(code: str) -> ResponseReturnValue:
    """Book everything as paid and issue the vouchers."""
    with current_visit().begin() as uow:
        key = request.form.get("key", "")
        pay_grants(uow, PayGrants(idempotency_key=key, round_code=code))
    flash(_("Paid. Carers with an e-mail address get a letter."), "success")
    return redirect(url_for("vouchers.grant_round", code=code), 303)


@blueprint.post("/grants/<code>/account")
def account_for_grants(code: str) -> ResponseReturnValue:
    """Note that the municipality was told."""
    with current_visit().begin() as uow:
        account_for_round(uow, code)
    flash(_("Noted. What was received and not spent can be paid back."), "success")
    return redirect(url_for("vouchers.grant_round", code=code), 303)


@blueprint.post("/grants/<code>/<any(received, repaid):move>")
def move_grant_money(code: str, move: str) -> ResponseReturnValue:
    """Note what the municipality paid, or what it was paid back."""
    visit = current_visit()
    form = FormReader()
    amount = form.amount("amount")
    if form.errors:
        return _round_page(visit, code, form.errors)
    command = MoveGrantMoney(idempotency_key=form.text("key"), round_code=code, cents=amount)
    try:
        with visit.begin() as uow:
            (receive_grant_money if move == "received" else repay_grant_money)(uow, command)
    except InvalidInputError:
        return _round_page(visit, code, [("amount", _("Write an amount as in 12,50."))])
    except DomainError as refusal:
        return _round_page(visit, code, [("amount", told(refusal))])
    flash(_("Booked."), "success")
    return redirect(url_for("vouchers.grant_round", code=code), 303)
