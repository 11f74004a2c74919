"""Pages of one month of shared costs: look, keep a draft, settle what was seen, show it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, asked_month
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.costs import queries
from wijkeconomie.costs.drafts import draft_month, drop_draft
from wijkeconomie.costs.pages import asked_page, blueprint, seen_fingerprint
from wijkeconomie.costs.paging import page_of
from wijkeconomie.costs.previewing import preview_month
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import booking_day, last_day, publish_run, settle_month
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date


@blueprint.get("/costs/months/<month>")
def month_page(month: str) -> ResponseReturnValue:
    """A month: what was settled, and what settling the rest comes to, member by member."""
    visit = current_visit()
    first = asked_month(month)
    period = Period.month_of(first)
    with visit.begin() as uow:
        preview = preview_month(uow, first)
        return render_template(
            "costs/month.html",
            visit=visit,
            month=first,
            preview=preview,
            shown=page_of(preview.members, asked_page(), lambda member: member.code),
            booked_on=booking_day(uow.session, uow.tenant, period),
            last_day=last_day(period),
            draft=queries.draft_of_month(uow.session, uow.tenant, first),
            runs=queries.runs_of_month(uow.session, uow.tenant, first),
            costs=queries.costs_of_month(uow.session, uow.tenant, first),
            has_ended=period.end <= local_date(uow.now, LOCAL_TIME),
        )


@blueprint.post("/costs/months/<month>")
def settle(month: str) -> ResponseReturnValue:
    """Settle what waits of a month, if it is still what was looked at."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    first = asked_month(month)
    is_shown_later = "later" in request.form
    publication = Publication.LATER if is_shown_later else Publication.WITH_LETTER
    form = FormReader()
    booked_on = form.optional_day("booked_on")
    if form.errors:
        raise InvalidInputError("the form was changed", field="booked_on")
    with visit.begin() as uow:
        settled = settle_month(
            uow, first, publication, accounting_date=booked_on, seen=seen_fingerprint()
        )
    if settled is None:
        flash(_("Nothing of this month was waiting any more."), "error")
    elif is_shown_later:
        flash(_("Settled. The members get a letter as soon as you show it to them."), "success")
    else:
        flash(_("Settled. The members can see what they pay and why."), "success")
    return _back(month)


@blueprint.post("/costs/months/<month>/draft")
def keep_draft(month: str) -> ResponseReturnValue:
    """Keep what the month comes to now, for somebody else to look at."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    first = asked_month(month)
    with visit.begin() as uow:
        draft_month(uow, first)
    flash(_("Kept as a draft. Nothing was booked."), "success")
    return _back(month)


@blueprint.post("/costs/months/<month>/draft/drop")
def throw_draft_away(month: str) -> ResponseReturnValue:
    """Forget the draft of a month."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    first = asked_month(month)
    with visit.begin() as uow:
        drop_draft(uow, first)
    flash(_("The draft is gone. The costs go on waiting."), "success")
    return _back(month)


@blueprint.post("/costs/months/<month>/publish/<int:run_id>")
def publish(month: str, run_id: int) -> ResponseReturnValue:
    """Show a settled month to the members, and write to them."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    asked_month(month)
    with visit.begin() as uow:
        publish_run(uow, run_id)
    flash(_("The members can see what they pay and why."), "success")
    return _back(month)


def _back(month: str) -> ResponseReturnValue:
    return redirect(url_for("costs.month_page", month=month), 303)
