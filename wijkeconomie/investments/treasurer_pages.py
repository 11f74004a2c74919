"""Pages by which treasurer and board open campaigns, note payments, and pay out."""

from __future__ import annotations

import uuid
from datetime import date

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.campaigns import (
    OpenCampaign,
    call_off_campaign,
    earlier_offers,
    open_campaign,
)
from wijkeconomie.investments.leaver_queries import waiting_leavers
from wijkeconomie.investments.leaving import PayMember, pay_member, release_units
from wijkeconomie.investments.models import Instrument, TransferRule
from wijkeconomie.investments.pages import blueprint, show_project
from wijkeconomie.investments.participating import receive_payment
from wijkeconomie.investments.register import register_csv
from wijkeconomie.investments.rules import EXEMPT_OFFER_CENTS, OFFER_WARNING_CENTS, offered_cents
from wijkeconomie.investments.words import instrument_choices, rule_choices
from wijkeconomie.money.periods import LOCAL_TIME, local_date

DEFAULT_MONTHS = "12"


@blueprint.route("/new-project", methods=["GET", "POST"])
def new_project() -> ResponseReturnValue:
    """Open a campaign."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            code, errors = _open(uow)
        if not errors:
            flash(_("The campaign stands. Members can take part from its first day."), "success")
            return redirect(url_for("investments.project_page", code=code), 303)
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        offered = offered_cents(earlier_offers(uow), today)
    page = render_template(
        "investments/new.html",
        visit=visit,
        instruments=instrument_choices(),
        rules=rule_choices(),
        offered_cents=offered,
        limit_cents=EXEMPT_OFFER_CENTS,
        is_near_limit=offered >= OFFER_WARNING_CENTS,
        form={"opens_on": today.isoformat(), "repayment_months": DEFAULT_MONTHS}
        | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _open(uow: UnitOfWork) -> tuple[str, list[tuple[str, str]]]:
    form = FormReader()
    target = form.count("target_units", if_empty=0) or 0
    closes = form.day("closes_on") if request.form.get("closes_on") else None
    command = OpenCampaign(
        code=form.text("code"),
        name=form.text("name"),
        explanation=form.text("explanation", is_required=False),
        instrument=Instrument(
            form.choice("instrument", [value for value, _words in instrument_choices()])
        ),
        unit_price_cents=form.amount("unit_price_cents"),
        target_units=target,
        stage_units=form.count("stage_units", if_empty=target) or 0,
        maximum_units=form.count("maximum_units", if_empty=None),
        opens_on=form.day("opens_on"),
        closes_on=closes,
        repayment_months=form.count("repayment_months", if_empty=12) or 0,
        repayment_cents_per_year=form.amount("repayment_cents_per_year", if_empty=0) or None,
        prospectus=form.text("prospectus", is_required=False) or None,
        transfers=TransferRule(
            form.choice("transfers", [value for value, _words in rule_choices()])
        ),
    )
    if form.errors:
        return command.code, form.errors
    try:
        open_campaign(uow, command)
    except InvalidInputError as refusal:
        return command.code, [(str(refusal.context["field"]), _field_words(refusal))]
    except DomainError as refusal:
        if refusal.code != "project-code-taken":
            raise
        return command.code, [("code", _("This code is in use. Choose another one."))]
    return command.code, []


def _field_words(refusal: InvalidInputError) -> str:
    words = {
        "code": _("A code has 1 to 30 characters."),
        "unit_price_cents": _("A unit costs something."),
        "target_units": _("Ask for one unit or more."),
        "stage_units": _("This is at least one unit, and not more than you ask for."),
        "maximum_units": _("This is at least one unit, and not more than you ask for."),
        "closes_on": _("Give a last day, after the first one. Money may have to go back then."),
    }
    return str(words.get(str(refusal.context["field"]), _("This cannot be right.")))


@blueprint.post("/projects/<code>/call-off")
def call_off(code: str) -> ResponseReturnValue:
    """End a campaign before it goes on; members hear why."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    reason = form.text("reason")
    if form.errors:
        return show_project(visit, code, form.errors)
    with visit.begin() as uow:
        call_off_campaign(uow, code, reason=reason)
    flash(_("Called off. Who paid is owed everything back."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


@blueprint.post("/participations/<code>/payment")
def payment(code: str) -> ResponseReturnValue:
    """Note that the bank received what a participation costs."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    day = form.day("paid_on")
    with visit.begin() as uow:
        project = queries.participation(uow.session, uow.tenant, code).project_code
    if form.errors:
        return show_project(visit, project, form.errors)
    try:
        with visit.begin() as uow:
            counts = receive_payment(uow, code, day)
    except InvalidInputError:
        words = _("Choose a day between taking part and today.")
        return show_project(visit, project, [("paid_on", words)])
    if counts:
        flash(_("Booked. The units count from now on."), "success")
    else:
        flash(_("Booked. The money is kept apart until enough has come in."), "success")
    return redirect(url_for("investments.project_page", code=project), 303)


@blueprint.get("/register")
def register() -> ResponseReturnValue:
    """Who holds what on a day."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read-register")
    with visit.begin() as uow:
        day = _asked_day(local_date(uow.now, LOCAL_TIME))
        rows = queries.register_on(uow.session, uow.tenant, day)
    return render_template("investments/register.html", visit=visit, day=day, rows=rows)


@blueprint.get("/register.csv")
def register_file() -> ResponseReturnValue:
    """The register on a day as a CSV file."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read-register")
    with visit.begin() as uow:
        day = _asked_day(local_date(uow.now, LOCAL_TIME))
        rows = queries.register_on(uow.session, uow.tenant, day)
    headers = {"Content-Disposition": f'attachment; filename="register-{day}.csv"'}
    return Response(register_csv(rows), headers=headers, content_type="text/csv; charset=utf-8")


def _asked_day(today: date) -> date:
    """The day of the address, or today.

    Raises:
        InvalidInputError: it is not a day.
    """
    asked = request.args.get("on", "")
    try:
        return date.fromisoformat(asked) if asked else today
    except ValueError as error:
        raise InvalidInputError("write a day as 2026-12-31", field="on") from error


@blueprint.get("/owed")
def owed() -> ResponseReturnValue:
    """What members are owed, and who left with units."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    return _owed_page(visit, [])


def _owed_page(visit: Visit, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        page = render_template(
            "investments/owed.html",
            visit=visit,
            today=today,
            owed=[
                (each, uuid.uuid4().hex)
                for each in queries.owed_to_members(uow.session, uow.tenant)
            ],
            leavers=waiting_leavers(uow.session, uow.tenant, today=today),
            errors=errors,
        )
    return page, 422 if errors else 200


@blueprint.post("/owed/<member>/payment")
def pay_out(member: str) -> ResponseReturnValue:
    """Book that the bank paid a member."""
    visit = current_visit()
    require_permission(visit.identity, "investment.change")
    form = FormReader()
    command = PayMember(
        idempotency_key=request.form.get("idempotency_key", "") or uuid.uuid4().hex,
        member_code=member,
        cents=form.amount("amount"),
        paid_on=form.day("paid_on"),
    )
    if not command.cents and not form.errors:
        form.errors.append(("", _("Write an amount as in 12,50.")))
    if form.errors:
        return _owed_page(visit, form.errors)
    with visit.begin() as uow:
        pay_member(uow, command)
    flash(_("Booked."), "success")
    return redirect(url_for("investments.owed"), 303)


@blueprint.post("/projects/<code>/release")
def release(code: str) -> ResponseReturnValue:
    """Release the units of a member before the rule does."""
    visit = current_visit()
    form = FormReader()
    member = form.text("member")
    with visit.begin() as uow:
        release_units(uow, code, member)
    flash(_("Released. The member can be paid now."), "success")
    return redirect(url_for("investments.owed"), 303)
