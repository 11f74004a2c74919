"""Pages to settle a round without charging its members: one asks, a second person decides."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.refusals import (
    ConfirmationError,
    FiguresChangedError,
    InvoiceMissingError,
    RoundStateError,
    SecondPersonError,
    UnchargedAskedError,
)
from wijkeconomie.purchasing.settling import preview_settlement
from wijkeconomie.purchasing.uncharged import (
    AskUncharged,
    DecideUncharged,
    ask_uncharged,
    decide_uncharged,
    requests_for,
    standing_request,
)

_EXPECTED = (
    ClosedPeriodError,
    ConfirmationError,
    FiguresChangedError,
    InvalidInputError,
    InvoiceMissingError,
    SecondPersonError,
    UnchargedAskedError,
)


@pages.route("/rounds/<round_code>/manage/uncharged", methods=["GET", "POST"])
def uncharged(round_code: str) -> ResponseReturnValue:
    """What it means when nobody is charged, and the form to ask for it or to decide on it."""
    visit = current_visit()
    require_permission(visit.identity, "round.settle-uncharged")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            with visit.begin() as uow:
                done = _act(uow, round_code)
            flash(done, "success")
            return redirect(url_for("purchasing.manage", round_code=round_code), 303)
        except _EXPECTED as refusal:
            errors.append(_refused(refusal))
        except RoundStateError:
            flash(_("This was done already. This is how the round is now."), "attention")
            return to_manage(round_code)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        if found.state not in {RoundState.RECEIVED, RoundState.ALLOCATED}:
            return to_manage(round_code)
        shown = {
            "asked": standing_request(uow, found.id),
            "invoice": settlement_queries.invoice(uow.session, uow.tenant, found.id),
            "preview": preview_settlement(uow, found.id),
        }
    page = render_template(
        "purchasing/uncharged.html",
        visit=visit,
        round=found,
        form=request.form,
        errors=errors,
        **shown,
    )
    return page, 422 if errors else 200


def _act(uow: UnitOfWork, round_code: str) -> str:
    found = queries.round_by_code(uow.session, uow.tenant, round_code)
    action, typed = request.form.get("action"), request.form.get("typed_code", "")
    if action == "ask":
        reason = request.form.get("reason", "")
        ask_uncharged(uow, AskUncharged(round_id=found.id, reason=reason, typed_code=typed))
        return str(_("It was asked. A second person gets a mail and decides."))
    asked = standing_request(uow, found.id)
    decide_uncharged(
        uow,
        DecideUncharged(
            request_id=0 if asked is None else asked.id,
            is_approved=action == "approve",
            typed_code=typed,
        ),
    )
    if action == "approve":
        return str(_("The round has been settled. No member pays anything."))
    return str(_("It was turned down. The round can be settled as usual."))


def _refused(refusal: DomainError) -> tuple[str, str]:
    words = {
        ConfirmationError: ("typed_code", _("Type the code of the round.")),
        InvalidInputError: ("reason", _("Say in a few words why. Members read this.")),
        InvoiceMissingError: ("", _("Enter the supplier's invoice first.")),
        SecondPersonError: ("", _("You asked for this yourself. Somebody else has to approve it.")),
        UnchargedAskedError: ("", _("This was asked already.")),
        FiguresChangedError: ("", _("The invoice has changed since it was asked. Turn it down.")),
        ClosedPeriodError: ("", _("The month of the invoice is closed. Ask the treasurer.")),
    }
    return words[type(refusal)]


def uncharged_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """Requests that wait for this visitor: those that somebody else made."""
    if not visit.may("round.settle-uncharged"):
        return []
    return [
        Task(
            label=_("%(theme)s: approve or turn down", theme=theme),
            url=url_for("purchasing.uncharged", round_code=code),
            explanation=_(
                "Somebody asks that the cooperative pays %(amount)s and members nothing.",
                amount=format_amount(cents, page_language()),
            ),
            due=code,
            kind="attention",
        )
        for code, theme, cents in requests_for(uow.session, uow.tenant, uow.actor)
    ]
