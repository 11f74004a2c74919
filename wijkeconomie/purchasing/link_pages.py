"""Pages of a round's link: give it, take it back, print it; and what everyone with it sees."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import CooperativeView, cooperative_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.identity import ANONYMOUS
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.calendars import CONTENT_TYPE, CalendarTerms, render_calendar
from wijkeconomie.purchasing.ladder_queries import ProductLadder
from wijkeconomie.purchasing.ladder_words import LadderShown, ladder_shown, price_with_vat
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.poster import picture_on_page, render_poster
from wijkeconomie.purchasing.poster_queries import poster_of
from wijkeconomie.purchasing.queries import OfferedProduct
from wijkeconomie.purchasing.round_links import (
    PublicRound,
    link_of_round,
    round_by_link,
    share_round,
    withdraw_link,
)


@dataclass(frozen=True, slots=True)
class PublicLine:
    """A product on the page that everyone sees."""

    product: OfferedProduct
    price_cents: int
    ladder: LadderShown | None


def address_of(token: str) -> str:
    """The address of a round for everyone, as members know this site."""
    settings = current_runtime().settings
    return settings.external_url + url_for("purchasing.public_round", token=token)


@pages.get("/rounds/<round_code>/share")
def share_link(round_code: str) -> ResponseReturnValue:
    """The link of a round with its picture, or the button that makes it."""
    visit = current_visit()
    require_permission(visit.identity, "round.share")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        token = link_of_round(uow, found.id)
    link = None if token is None else address_of(token)
    title = _("Code that leads to this round")
    return render_template(
        "purchasing/share_link.html",
        visit=visit,
        round=found,
        link=link,
        picture=None if link is None else picture_on_page(link, str(title)),
    )


@pages.post("/rounds/<round_code>/share")
def make_link(round_code: str) -> ResponseReturnValue:
    """Let everyone with the link look at the round."""
    with current_visit().begin() as uow:
        share_round(uow, queries.round_by_code(uow.session, uow.tenant, round_code).id)
    flash(_("Everyone with the link can look at this round now."), "success")
    return redirect(url_for("purchasing.share_link", round_code=round_code), 303)


@pages.post("/rounds/<round_code>/share/withdraw")
def end_link(round_code: str) -> ResponseReturnValue:
    """Make the link worthless."""
    with current_visit().begin() as uow:
        withdraw_link(uow, queries.round_by_code(uow.session, uow.tenant, round_code).id)
    flash(_("The link does not work any more."), "success")
    return redirect(url_for("purchasing.share_link", round_code=round_code), 303)


@pages.get("/rounds/<round_code>/poster.pdf")
def poster(round_code: str) -> ResponseReturnValue:
    """A sheet for the window, with a code that leads to the round.

    Raises:
        NotFoundError: the round is not shared, so that a code would lead nowhere.
    """
    visit = current_visit()
    require_permission(visit.identity, "round.share")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        token = link_of_round(uow, found.id)
        if token is None:
            raise NotFoundError("share the round first", round=round_code)
        shown = poster_of(uow, found, visit.cooperative.full_name, address_of(token))
    content = render_poster(shown, language=page_language())
    headers = {"Content-Disposition": f'inline; filename="poster-{found.code}.pdf"'}
    return Response(content, headers=headers, content_type="application/pdf")


def _looked_up(token: str) -> tuple[CooperativeView, PublicRound]:
    runtime = current_runtime()
    with runtime.units_of_work.begin(identity=ANONYMOUS) as uow:
        cooperative = cooperative_by_code(uow.session, g.cooperative_code)
    begin = runtime.units_of_work.begin
    with begin(identity=ANONYMOUS, cooperative_id=cooperative.id) as uow:
        return cooperative, round_by_link(uow, token)


@pages.get("/look/<token>")
def public_round(token: str) -> ResponseReturnValue:
    """A round for everyone with the link: what is on offer, and until when."""
    cooperative, seen = _looked_up(token)
    now = current_runtime().units_of_work.clock()
    page = render_template(
        "purchasing/public_round.html",
        cooperative=cooperative,
        seen=seen,
        round=seen.round,
        token=token,
        is_open=seen.round.state is RoundState.OPEN and now < seen.round.closes_at,
        lines=[_line(*each) for each in seen.products],
    )
    # Passed on from hand to hand, not found by searching.
    return Response(page, headers={"X-Robots-Tag": "noindex, nofollow"})


def _line(product: OfferedProduct, ladder: ProductLadder | None) -> PublicLine:
    shown = ladder_shown(ladder, product) if ladder is not None else None
    price = price_with_vat(product.price_excl_cents, product.vat_basis_points)
    return PublicLine(product, shown.price_cents if shown else price, shown)


@pages.get("/look/<token>/calendar.ics")
def public_calendar(token: str) -> ResponseReturnValue:
    """The moments of a round for a calendar, for everyone with the link."""
    cooperative, seen = _looked_up(token)
    terms = CalendarTerms(
        cooperative_code=cooperative.code,
        cooperative_name=cooperative.full_name,
        address=address_of(token),
        language=page_language(),
        now=current_runtime().units_of_work.clock(),
    )
    return Response(render_calendar([seen.round], terms), content_type=CONTENT_TYPE)
