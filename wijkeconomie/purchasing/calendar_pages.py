"""Pages of the calendar: make and end one's own link, one round's moments, and the feed itself."""

from __future__ import annotations

from flask import Response, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.identity import ANONYMOUS
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.calendar_links import (
    end_calendar_link,
    has_calendar_link,
    make_calendar_link,
    member_by_calendar,
)
from wijkeconomie.purchasing.calendars import (
    CONTENT_TYPE,
    CalendarTerms,
    pickups_of,
    render_calendar,
    rounds_for_calendar,
)


def _address() -> str:
    """Where a round is seen, with ``{code}`` for its code."""
    site = current_runtime().settings.external_url
    return site + url_for("purchasing.round_page", round_code="CODE").replace("CODE", "{code}")


def calendar_address(token: str) -> str:
    """The address that a calendar program is given."""
    site = current_runtime().settings.external_url
    return site + url_for("purchasing.calendar_feed", token=token)


@pages.get("/calendar")
def calendar() -> ResponseReturnValue:
    """What the calendar is, and one's own link."""
    return _page(None)


@pages.post("/calendar")
def make_calendar() -> ResponseReturnValue:
    """Make a link and show it, this once."""
    with current_visit().begin() as uow:
        token = make_calendar_link(uow)
    return _page(calendar_address(token))


def _page(link: str | None) -> ResponseReturnValue:
    visit = current_visit()
    if visit.identity.member_id is None:
        raise NotFoundError("only members have a calendar")
    with visit.begin() as uow:
        has_link = has_calendar_link(uow)
    return render_template(
        "purchasing/calendar.html",
        visit=visit,
        link=link,
        subscription=None if link is None else "webcal" + link[link.index(":") :],
        has_link=has_link,
    )


@pages.post("/calendar/end")
def end_calendar() -> ResponseReturnValue:
    """Make the link worthless."""
    with current_visit().begin() as uow:
        end_calendar_link(uow)
    flash(_("The link to your calendar does not work any more."), "success")
    return redirect(url_for("purchasing.calendar"), 303)


@pages.get("/calendar/<token>.ics")
def calendar_feed(token: str) -> ResponseReturnValue:
    """A member's rounds for his calendar program, which cannot sign in."""
    runtime = current_runtime()
    with runtime.units_of_work.begin(identity=ANONYMOUS) as uow:
        cooperative = cooperative_by_code(uow.session, g.cooperative_code)
    begin = runtime.units_of_work.begin
    with begin(identity=ANONYMOUS, cooperative_id=cooperative.id) as uow:
        member = member_by_calendar(uow, token)
        if member is None:
            raise NotFoundError("there is no such calendar")
        terms = CalendarTerms(
            cooperative_code=cooperative.code,
            cooperative_name=cooperative.full_name,
            address=_address(),
            language="en" if member.language == "en" else "nl",
            now=uow.now,
        )
        rounds = rounds_for_calendar(uow, member.id)
        content = render_calendar(rounds, terms, pickups=pickups_of(uow, member.id))
    return Response(content, content_type=CONTENT_TYPE)


@pages.get("/rounds/<round_code>/calendar.ics")
def round_calendar(round_code: str) -> ResponseReturnValue:
    """The moments of one round, to put into a calendar."""
    visit = current_visit()
    require_permission(visit.identity, "round.read")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        terms = CalendarTerms(
            cooperative_code=visit.cooperative.code,
            cooperative_name=visit.cooperative.full_name,
            address=_address(),
            language=page_language(),
            now=uow.now,
        )
        pickups = pickups_of(uow, visit.identity.member_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.code}.ics"'}
    content = render_calendar([found], terms, pickups=pickups)
    return Response(content, headers=headers, content_type=CONTENT_TYPE)
