"""The page on which freight is entered as it turned out to be."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.actual_freight import BEFORE_SETTLING, RecordFreight, record_freight
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.refusals import RoundStateError


@pages.route("/rounds/<round_code>/manage/freight", methods=["GET", "POST"])
def freight(round_code: str) -> ResponseReturnValue:
    """Enter what the supplier asks for freight, where that is not what was planned."""
    visit = current_visit()
    require_permission(visit.identity, "round.settle")
    reader = FormReader()
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
    if found.state not in BEFORE_SETTLING:
        return to_manage(round_code)
    form = {
        "freight": filled_in(found.freight_excl_cents),
        "reason": found.freight_reason or "",
    }
    if request.method == "POST":
        form = request.form.to_dict()
        _record(reader, found.id)
        if not reader.errors:
            flash(_("The freight has been entered. Members see it with the reason."), "success")
            return redirect(url_for("purchasing.manage", round_code=round_code), 303)
    page = render_template(
        "purchasing/freight.html", visit=visit, round=found, form=form, errors=reader.errors
    )
    return page, 422 if reader.errors else 200


def _record(reader: FormReader, round_id: int) -> None:
    command = RecordFreight(
        round_id=round_id,
        freight_excl_cents=reader.amount("freight"),
        reason=reader.text("reason", is_required=False),
    )
    if reader.errors:
        return
    try:
        with current_visit().begin() as uow:
            record_freight(uow, command)
    except InvalidInputError as refusal:
        words = {
            "reason": _("Say in a few words why. Members read this."),
            "freight_excl_cents": _("Freight is not negative."),
        }
        field = str(refusal.context["field"])
        reader.errors.append((field.replace("freight_excl_cents", "freight"), words[field]))
    except RoundStateError:
        reader.errors.append(("", _("This was done already. This is how the round is now.")))
