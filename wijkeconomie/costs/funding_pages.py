"""Pages of subsidies: written down, received, spent, and accounted for to the funder."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.funding import (
    MoveSubsidy,
    SubsidyAccounts,
    account_for_subsidy,
    receive_subsidy,
    repay_subsidy,
    spend_subsidy,
)
from wijkeconomie.costs.funding_queries import SubsidyReport, subsidy_report
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.subsidy_document import render_report_pdf
from wijkeconomie.costs.words import subsidy_line_words
from wijkeconomie.money.amounts import format_amount, format_plain
from wijkeconomie.money.periods import LOCAL_TIME, local_date

WARNED_BEFORE = timedelta(days=60)
"""So long before the day by which a subsidy must be accounted for it stands on the home page."""

blueprint.app_template_filter("subsidy_line_words")(subsidy_line_words)

MOVES: Mapping[str, Callable[[UnitOfWork, MoveSubsidy], SubsidyAccounts]] = {
    "received": receive_subsidy,
    "spent": spend_subsidy,
    "repaid": repay_subsidy,
}


SUMS = (
    "awarded",
    "received",
    "spent",
    "given_as_vouchers",
    "returned_by_vouchers",
    "lapsed",
    "repaid",
    "left",
)
"""The sums of an accounting, in order; what vouchers gave and brought back is in ``spent``."""


@blueprint.get("/subsidies/<code>")
def subsidy_page(code: str) -> ResponseReturnValue:
    """The accounting for a subsidy."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    return _subsidy_page(visit, code, [])


def _subsidy_page(visit: Visit, code: str, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    with visit.begin() as uow:
        report = subsidy_report(uow.session, uow.tenant, code)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "costs/subsidy.html",
        visit=visit,
        report=report,
        moves=_moves(report) if visit.may("cost.change") else [],
        today=today,
        key=uuid.uuid4().hex,
        errors=errors,
    )
    return page, 422 if errors else 200


def _moves(report: SubsidyReport) -> list[tuple[str, str, int]]:
    """What can be noted now: the move, the button, the amount that is proposed."""
    owed = report.to_receive_cents
    if report.accounted_on is not None:
        # What vouchers brought back since lapses first.
        owed -= report.to_lapse_cents
        second = ("repaid", _("Note what was paid back"), report.to_repay_cents)
    else:
        second = ("spent", _("Note what was spent"), report.left_cents)
    offered = [("received", _("Note what the funder paid"), owed), second]
    return [move for move in offered if move[2] > 0]


@blueprint.get("/subsidies/<code>/report.pdf")
def subsidy_paper(code: str) -> ResponseReturnValue:
    """The accounting for a subsidy as a PDF for its funder; no names of members stand in it."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        report, made_at = subsidy_report(uow.session, uow.tenant, code), uow.now
    content = render_report_pdf(
        report, visit.cooperative, made_at=made_at, language=page_language()
    )
    headers = {"Content-Disposition": f'attachment; filename="subsidy-{code}.pdf"'}
    return Response(content, headers=headers, content_type="application/pdf")


@blueprint.get("/subsidies/<code>/report.csv")
def subsidy_file(code: str) -> ResponseReturnValue:
    """The accounting for a subsidy as a CSV file; no names of members stand in it."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        report = subsidy_report(uow.session, uow.tenant, code)
    headers = {"Content-Disposition": f'attachment; filename="subsidy-{code}.csv"'}
    content = report_csv(report)
    return Response(content, headers=headers, content_type="text/csv; charset=utf-8")


def report_csv(report: SubsidyReport) -> bytes:
    """The sums first, then each entry that they are made of; amounts in euros with a point."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["subsidy", "grantor", "purpose", "item", "date", "entry", "amount"])
    own = [report.code, text_cell(report.grantor), text_cell(report.purpose)]
    for item in SUMS:
        writer.writerow([*own, item, "", "", format_plain(getattr(report, f"{item}_cents"))])
    for line in report.lines:
        day, number = line.accounting_date.isoformat(), str(line.entry_number)
        writer.writerow([*own, line.source, day, number, format_plain(line.amount)])
    return out.getvalue().encode()


@blueprint.post("/subsidies/<code>/<any(received, spent, repaid):move>")
def move_subsidy(code: str, move: str) -> ResponseReturnValue:
    """Note an amount that was received, spent or paid back."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    command = MoveSubsidy(
        code=code,
        cents=form.amount("amount"),
        on=form.day("on"),
        reference=request.form.get("idempotency_key", "") or uuid.uuid4().hex,
    )
    if command.cents <= 0 and not form.errors:
        form.errors.append(("", _("Write an amount as in 12,50.")))
    if form.errors:
        return _subsidy_page(visit, code, form.errors)
    with visit.begin() as uow:
        MOVES[move](uow, command)
    flash(_("Booked."), "success")
    return redirect(url_for("costs.subsidy_page", code=code), 303)


@blueprint.post("/subsidies/<code>/accounted")
def account_for(code: str) -> ResponseReturnValue:
    """Note that the funder was told how it was spent."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    day = form.day("on")
    if form.errors:
        return _subsidy_page(visit, code, form.errors)
    with visit.begin() as uow:
        account_for_subsidy(uow, code, day)
    flash(_("Accounted for. Nothing is spent of it any more."), "success")
    return redirect(url_for("costs.subsidy_page", code=code), 303)


def tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Subsidies that must be accounted for soon, or should have been."""
    if not visit.may("cost.change"):
        return []
    today = local_date(uow.now, LOCAL_TIME)
    return [
        Task(
            label=_("Account for the subsidy of %(grantor)s", grantor=each.grantor),
            url=url_for("costs.subsidy_page", code=each.code),
            explanation=f"{each.purpose}, {format_amount(each.awarded_cents, page_language())}",
            due=_("before %(day)s", day=each.accountable_by.isoformat()),
            kind="wrong" if each.accountable_by < today else "attention",
        )
        for each in queries.subsidies(uow.session, uow.tenant)
        if each.accountable_by is not None
        and each.accounted_on is None
        and each.accountable_by - WARNED_BEFORE <= today
    ]
