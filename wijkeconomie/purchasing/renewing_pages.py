"""The page on which a cancelled round is made again."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.renewing import RenewRound, renew_round, renewed_as


@pages.route("/rounds/<round_code>/manage/again", methods=["GET", "POST"])
def renew(round_code: str) -> ResponseReturnValue:
    """Make a cancelled round again, with the orders of its members."""
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    reader = FormReader()
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        again = renewed_as(uow.session, uow.tenant, found.id)
        now = uow.now
    if again is not None:
        return to_manage(again)
    if found.state is not RoundState.CANCELLED:
        return to_manage(round_code)
    later = max(now - found.closes_at, timedelta()) + timedelta(days=7)
    form = {
        "closes_at": (found.closes_at + later).astimezone(LOCAL_TIME).strftime("%Y-%m-%dT20:00"),
        "delivery_on": (found.delivery_on + later).isoformat(),
    }
    if request.method == "POST":
        form = request.form.to_dict()
        code = _renew(reader, found.id)
        if not reader.errors:
            flash(_("The round is open again. Who ordered is told."), "success")
            return redirect(url_for("purchasing.manage", round_code=code), 303)
    page = render_template(
        "purchasing/renew.html", visit=visit, round=found, form=form, errors=reader.errors
    )
    return page, 422 if reader.errors else 200


def _renew(reader: FormReader, round_id: int) -> str:
    command = RenewRound(
        round_id=round_id,
        closes_at=reader.moment("closes_at"),
        delivery_on=reader.day("delivery_on"),
    )
    if reader.errors:
        return ""
    try:
        with current_visit().begin() as uow:
            return queries.round_by_id(uow.session, uow.tenant, renew_round(uow, command)).code
    except InvalidInputError as refusal:
        words = {
            "closes_at": _("A round closes after it opens."),
            "product_ids": _("The supplier offers nothing of this round any more."),
        }
        field = str(refusal.context["field"])
        reader.errors.append((field if field == "closes_at" else "", words[field]))
    except RoundStateError:
        reader.errors.append(("", _("This was done already. This is how the round is now.")))
    return ""
