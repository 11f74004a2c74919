"""Pages of allocation keys: a version of a key with the terms of each member."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries as cooperative_queries
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.key_queries import key_with_versions, latest_terms, members_of_form
from wijkeconomie.costs.keys import (
    GRACE_DAYS,
    MemberTerms,
    SaveKeyVersion,
    record_decision,
    save_key_version,
)
from wijkeconomie.costs.models import Basis, TiePolicy
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.words import basis_choices, fixed_basis_choices, policy_choices
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@blueprint.route("/new-key", methods=["GET", "POST"])
def new_key() -> ResponseReturnValue:
    """Write down a key, or a new version of one."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _save_key(uow)
        if not errors:
            flash(_("Written down. Months that were settled stay as they are."), "success")
            return redirect(url_for("costs.key_page", code=request.form["code"].strip()), 303)
    return _key_page(visit, errors)


def _key_page(visit: Visit, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        code = request.form.get("code", request.args.get("code", ""))
        known = latest_terms(uow.session, uow.tenant, code) if code else {}
        members = members_of_form(
            uow.session, uow.tenant, code, since=_first_day(today), today=today
        )
    # What was typed stands alone: a box that was cleared is not in it.
    form = request.form.to_dict() or {"valid_from": today.replace(day=1).isoformat()} | known
    page = render_template(
        "costs/key.html",
        visit=visit,
        members=members,
        bases=basis_choices(),
        fixed_bases=fixed_basis_choices(),
        policies=policy_choices(),
        form=form,
        has_bounds=any(
            value for name, value in form.items() if name.startswith(("minimum-", "cap-", "exclu"))
        ),
        errors=errors,
    )
    return page, 422 if errors else 200


def _first_day(today: date) -> date:
    """The day that was typed, or else the day a year ago: who left since is in the form."""
    try:
        return date.fromisoformat(request.form.get("valid_from", ""))
    except ValueError:
        return today - timedelta(days=366)


@blueprint.get("/costs/keys/<code>")
def key_page(code: str) -> ResponseReturnValue:
    """A key with all that it was, and the decision that a version waits for."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    return _versions_page(visit, code, [])


def _versions_page(visit: Visit, code: str, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    with visit.begin() as uow:
        key = key_with_versions(uow.session, uow.tenant, code)
    page = render_template(
        "costs/key_versions.html", visit=visit, key=key, errors=errors, form=request.form
    )
    return page, 422 if errors else 200


@blueprint.post("/costs/keys/<code>/versions/<int:number>/decision")
def decide(code: str, number: int) -> ResponseReturnValue:
    """Write down the decision that a version waits for."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    decision = form.text(f"decision-{number}")
    if form.errors:
        return _versions_page(visit, code, form.errors)
    with visit.begin() as uow:
        record_decision(uow, code, number, decision)
    flash(_("Written down. From now on costs are settled by it."), "success")
    return redirect(url_for("costs.key_page", code=code), 303)


def _save_key(uow: UnitOfWork) -> list[tuple[str, str]]:
    form = FormReader()
    command = _typed_version(uow, form)
    if form.errors:
        return form.errors
    try:
        save_key_version(uow, command)
    except InvalidInputError as refusal:
        return [_said(refusal)]
    return []


def _typed_version(uow: UnitOfWork, form: FormReader) -> SaveKeyVersion:
    basis = Basis(form.choice("basis", [value for value, _words in basis_choices()]))
    fixed = form.choice("fixed_basis", [value for value, _words in fixed_basis_choices()])
    return SaveKeyVersion(
        code=form.text("code"),
        name=form.text("name"),
        valid_from=form.day("valid_from"),
        basis=basis,
        fixed_basis=Basis(fixed) if fixed else None,
        fixed_percent=_number(form.text("fixed_percent")) if fixed else None,
        parts_total=_number(form.text("parts_total")) if Basis.PARTS in {basis, fixed} else None,
        tie_policy=TiePolicy(form.choice("tie_policy", [value for value, _w in policy_choices()])),
        is_prorated=form.checked("is_prorated"),
        requires_decision=form.checked("requires_decision"),
        decision=form.text("decision", is_required=False) or None,
        grace_days=form.count("grace_days", if_empty=GRACE_DAYS) or 0,
        members=_terms(uow, form),
    )


def _number(typed: str) -> str:
    return typed.replace(",", ".")


def _terms(uow: UnitOfWork, form: FormReader) -> list[MemberTerms]:
    """What was typed for each member; who has nothing of his own is left out."""
    ids = cooperative_queries.member_ids_by_code(uow.session, uow.tenant)
    found = [
        MemberTerms(
            member_id=member_id,
            weight=_number(form.text(f"weight-{code}", is_required=False)) or None,
            is_excluded=form.checked(f"excluded-{code}"),
            minimum_cents=form.optional_amount(f"minimum-{code}"),
            cap_cents=form.optional_amount(f"cap-{code}"),
        )
        for code, member_id in ids.items()
    ]
    return [terms for terms in found if terms != MemberTerms(member_id=terms.member_id)]


def _said(refusal: InvalidInputError) -> tuple[str, str]:
    """What was wrong, at the field where it was typed."""
    field = str(refusal.context.get("field"))
    sentences = {
        "weight": ("members", _("A weight is a number as in 12,5 or a part as in 45/1000.")),
        "cap_cents": (
            "members",
            _("A most is not below a least, and goes with a key of one part that carries nothing."),
        ),
        "fixed_percent": ("fixed_percent", _("Write a percentage from 0 to 100.")),
        "parts_total": ("parts_total", _("Write the total of the parts, as in 1204.")),
        "fixed_basis": (
            "fixed_basis",
            _("Weights and parts of a deed go for one part of the key, not for both."),
        ),
        "grace_days": ("grace_days", _("Choose 0 up to 92 days.")),
        "tie_policy": ("tie_policy", _("With a fixed part, cents are not carried over.")),
    }
    return sentences[field]
