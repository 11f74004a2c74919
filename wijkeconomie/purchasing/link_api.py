"""REST resources that lead to a round: its link, the poster, and calendars."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from flask.views import MethodView
from marshmallow import Schema, fields

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.purchasing.calendar_links import (
    end_calendar_link,
    has_calendar_link,
    make_calendar_link,
)
from wijkeconomie.purchasing.calendars import (
    CONTENT_TYPE,
    CalendarTerms,
    pickups_of,
    render_calendar,
)
from wijkeconomie.purchasing.poster import render_poster
from wijkeconomie.purchasing.poster_queries import poster_of
from wijkeconomie.purchasing.round_links import link_of_round, share_round, withdraw_link
from wijkeconomie.purchasing.round_wire import round_named, told

blueprint = cooperative_resources("link_api", __name__, "Links, posters and calendars of rounds")

Body = dict[str, Any]


class LinkSchema(Schema):
    """The address by which everyone may look at a round; null when it is not shared."""

    address = fields.String(
        allow_none=True, metadata=told("The address for everyone; null where it is not shared")
    )


class CalendarLinkSchema(Schema):
    """Whether there is a link to one's own calendar."""

    has_link = fields.Boolean(required=True, metadata=told("Whether you have a link that works"))


class SecretLinkSchema(Schema):
    """The address for a calendar program; it is told this once."""

    address = fields.String(
        required=True, metadata=told("The address for a calendar program, which signs in nobody")
    )


@blueprint.route("/rounds/<round_code>/link")
class LinkResource(MethodView):
    """The link by which everyone may look at a round."""

    @blueprint.response(200, LinkSchema)
    def get(self, round_code: str) -> Body:
        """Tell the link of a round, if it is shared."""
        visit = current_visit()
        require_permission(visit.identity, "round.share")
        with visit.begin() as uow:
            token = link_of_round(uow, round_named(uow, round_code).id)
        if token is None:
            return {"address": None}
        return {"address": _address(visit, "purchasing.public_round", token=token)}

    @blueprint.response(200, LinkSchema)
    def put(self, round_code: str) -> Body:
        """Share a round; one that is shared keeps its link."""
        visit = current_visit()
        with visit.begin() as uow:
            token = share_round(uow, round_named(uow, round_code).id)
        return {"address": _address(visit, "purchasing.public_round", token=token)}

    @blueprint.response(204)
    def delete(self, round_code: str) -> None:
        """Take the link back: it leads nowhere from now on."""
        with current_visit().begin() as uow:
            withdraw_link(uow, round_named(uow, round_code).id)


@blueprint.route("/calendar-link")
class CalendarLinkResource(MethodView):
    """The secret link of one's own calendar."""

    @blueprint.response(200, CalendarLinkSchema)
    def get(self) -> Body:
        """Tell whether you have a link; the link itself was told once."""
        with current_visit().begin() as uow:
            return {"has_link": has_calendar_link(uow)}

    @blueprint.response(200, SecretLinkSchema)
    def put(self) -> Body:
        """Make a link and tell it, this once; the one before stops."""
        visit = current_visit()
        with visit.begin() as uow:
            token = make_calendar_link(uow)
        return {"address": _address(visit, "purchasing.calendar_feed", token=token)}

    @blueprint.response(204)
    def delete(self) -> None:
        """Make the link worthless."""
        with current_visit().begin() as uow:
            end_calendar_link(uow)


@blueprint.route("/rounds/<round_code>/poster.pdf")
class PosterResource(MethodView):
    """A sheet for the window."""

    def get(self, round_code: str) -> Response:
        """Download the poster of a round that is shared, with a code that leads to it."""
        visit = current_visit()
        require_permission(visit.identity, "round.share")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            token = link_of_round(uow, found.id)
            if token is None:
                raise NotFoundError("share the round first", round=round_code)
            link = _address(visit, "purchasing.public_round", token=token)
            shown = poster_of(uow, found, visit.cooperative.full_name, link)
        content = render_poster(shown, language=page_language())
        return Response(content, content_type="application/pdf")


@blueprint.route("/rounds/<round_code>/calendar.ics")
class RoundCalendarResource(MethodView):
    """The moments of a round."""

    def get(self, round_code: str) -> Response:
        """Download until when one can order and when the goods come, for a calendar."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        address = _address(visit, "purchasing.round_page", round_code="CODE")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            terms = CalendarTerms(
                cooperative_code=visit.cooperative.code,
                cooperative_name=visit.cooperative.full_name,
                address=address.replace("CODE", "{code}"),
                language=page_language(),
                now=uow.now,
            )
            pickups = pickups_of(uow, visit.identity.member_id)
        content = render_calendar([found], terms, pickups=pickups)
        return Response(content, content_type=CONTENT_TYPE)


def _address(visit: Visit, endpoint: str, **values: Any) -> str:
    path = url_for(endpoint, cooperative_code=visit.cooperative.code, **values)
    return current_runtime().settings.external_url + path
