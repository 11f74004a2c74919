"""Pages by which members pass units on to each other, and the board approves."""

from __future__ import annotations

import uuid

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.models import ParticipationState, TransferState
from wijkeconomie.investments.pages import blueprint
from wijkeconomie.investments.transfer_queries import unit_transfer, unit_transfers
from wijkeconomie.investments.transferring import (
    OfferUnits,
    accept_units,
    approve_units,
    offer_units,
    refuse_units,
    withdraw_units,
)
from wijkeconomie.investments.words import rule_words, transfer_badge

Errors = list[tuple[str, str]]
blueprint.app_template_filter("rule_words")(rule_words)
blueprint.app_template_global("transfer_badge")(transfer_badge)


@blueprint.route("/projects/<code>/transfers", methods=["GET", "POST"])
def transfers(code: str) -> ResponseReturnValue:
    """Units of a project that were passed on or wait, and a form to offer one's own."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read")
    errors: Errors = []
    if request.method == "POST":
        errors = _offer(visit, code)
        if not errors:
            flash(_("Offered. They move once the other accepts."), "success")
            return redirect(url_for("investments.transfers", code=code), 303)
    return _page(visit, code, errors)


def _page(visit: Visit, code: str, errors: Errors) -> ResponseReturnValue:
    member_id = visit.identity.member_id
    sees_all = visit.may("investment.read-register")
    with visit.begin() as uow:
        project = queries.project(uow.session, uow.tenant, code)
        found = (
            unit_transfers(
                uow.session,
                uow.tenant,
                project_code=code,
                member_id=None if sees_all else member_id,
            )
            if sees_all or member_id is not None
            else []
        )
        own = 0
        if member_id is not None:
            held = queries.participations(
                uow.session, uow.tenant, project_code=code, member_id=member_id
            )
            own = sum(each.units for each in held if each.state == ParticipationState.ISSUED)
    page = render_template(
        "investments/transfers.html",
        visit=visit,
        project=project,
        transfers=found,
        member_id=member_id,
        own_units=own,
        key=request.form.get("idempotency_key") or uuid.uuid4().hex,
        form=request.form,
        errors=errors,
    )
    return page, 422 if errors else 200


def _offer(visit: Visit, code: str) -> Errors:
    form = FormReader()
    member_id = visit.identity.member_id
    if member_id is None:
        raise NotFoundError("only members have units")
    buyer, units = form.text("member"), form.count("units", if_empty=0) or 0
    key = form.text("idempotency_key")
    if form.errors:
        return form.errors
    command = OfferUnits(
        idempotency_key=key,
        project_code=code,
        seller_id=member_id,
        buyer_code=buyer,
        units=units,
    )
    try:
        with visit.begin() as uow:
            offer_units(uow, command)
    except InvalidInputError as refusal:
        words = {
            "units": ("units", _("Type a whole number, as in 3.")),
            "member": ("member", _("Choose someone else.")),
        }
        return [words[str(refusal.context["field"])]]
    except NotFoundError as refusal:
        if "member" not in refusal.context:
            raise
        return [("member", _("There is no member with this number."))]
    except DomainError as refusal:
        return [("units", str(current_app.jinja_env.filters["refusal_sentence"](refusal)))]
    return []


@blueprint.post("/unit-transfers/<int:transfer_id>/<any(accept, withdraw, approve, refuse):step>")
def decide_transfer(transfer_id: int, step: str) -> ResponseReturnValue:
    """Accept or take back as a party; approve or refuse for the board."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read")
    with visit.begin() as uow:
        code = unit_transfer(uow.session, uow.tenant, transfer_id).project_code
        if step == "refuse":
            form = FormReader()
            reason = form.text("reason")
            if form.errors:
                return _page(visit, code, [(f"reason-{transfer_id}", form.errors[0][1])])
            refuse_units(uow, transfer_id, reason=reason)
        elif step == "accept":
            accept_units(uow, transfer_id)
        elif step == "withdraw":
            withdraw_units(uow, transfer_id)
        else:
            approve_units(uow, transfer_id)
    flash(_("Written down."), "success")
    return redirect(url_for("investments.transfers", code=code), 303)


def transfer_tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Units that wait for the visitor, or for the board."""
    found = []
    for each in unit_transfers(uow.session, uow.tenant, is_open=True):
        is_mine = each.state == TransferState.OFFERED and each.buyer_id == visit.identity.member_id
        is_ours = each.state == TransferState.ACCEPTED and visit.may("investment.change")
        if is_mine or is_ours:
            found.append(
                Task(
                    label=_("Look at units that are passed on"),
                    url=url_for("investments.transfers", code=each.project_code),
                    explanation=_(
                        "%(units)s units of %(project)s", units=each.units, project=each.project
                    ),
                    kind="attention",
                )
            )
    return found
