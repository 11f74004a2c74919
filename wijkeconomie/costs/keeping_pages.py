"""Pages by which the treasurer writes down costs, recurring costs and keys."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries as cooperative_queries
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.keeping import (
    RecordCost,
    SaveRecurringCost,
    record_cost,
    save_recurring_cost,
)
from wijkeconomie.costs.keys import MemberTerms, SaveKeyVersion, save_key_version
from wijkeconomie.costs.models import Basis, TiePolicy
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.words import basis_choices, policy_choices
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import vat_on

RATES = (("2100", "21 %"), ("900", "9 %"), ("", "0 %"))
EVERY = ("0", "1", "3", "12")
"""Months until it comes back; 0 is never."""


@blueprint.route("/new-cost", methods=["GET", "POST"])
def new_cost() -> ResponseReturnValue:
    """Write down a cost, once or as one that comes back."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        with visit.begin() as uow:
            errors = _save_cost(uow)
        if not errors:
            flash(_("Written down. It will be settled when its month has ended."), "success")
            return redirect(url_for("costs.overview"), 303)
    with visit.begin() as uow:
        keys = [(key.code, key.name) for key in queries.keys(uow.session, uow.tenant)]
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "costs/new.html",
        visit=visit,
        keys=keys,
        rates=RATES,
        every=_every_words(),
        form={"on": today.isoformat(), "every": "0", "rate": "2100"} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _every_words() -> list[tuple[str, str]]:
    words = {
        "0": _("only once"),
        "1": _("every month"),
        "3": _("every quarter"),
        "12": _("every year"),
    }
    return [(value, words[value]) for value in EVERY]


def _save_cost(uow: UnitOfWork) -> list[tuple[str, str]]:
    form = FormReader()
    code, description = form.text("code"), form.text("description")
    day, net = form.day("on"), form.amount("net")
    key = form.text("key")
    rate = form.choice("rate", [value for value, _words in RATES])
    every = int(form.choice("every", EVERY))
    if form.errors:
        return form.errors
    basis_points = int(rate) if rate else None
    vat = vat_on(net, basis_points)
    document = form.text("document", is_required=False) or None
    try:
        if every:
            save_recurring_cost(
                uow,
                SaveRecurringCost(
                    code=code,
                    description=description,
                    key_code=key,
                    net_cents=net,
                    vat_cents=vat,
                    vat_basis_points=basis_points,
                    starts_on=day,
                    day_of_month=day.day,
                    every_months=every,
                    document=document,
                ),
            )
        else:
            record_cost(
                uow,
                RecordCost(
                    code=code,
                    month=day,
                    incurred_on=day,
                    description=description,
                    key_code=key,
                    net_cents=net,
                    vat_cents=vat,
                    vat_basis_points=basis_points,
                    document=document,
                ),
            )
    except DomainError as refusal:
        if refusal.code != "code-taken":
            raise
        return [("code", _("This number is in use. Choose another one."))]
    return []


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
            return redirect(url_for("costs.overview"), 303)
    return _key_page(visit, errors)


def _key_page(visit: Visit, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        members = cooperative_queries.active_member_codes(uow.session, uow.tenant, today)
    page = render_template(
        "costs/key.html",
        visit=visit,
        members=members,
        bases=basis_choices(),
        policies=policy_choices(),
        form={"valid_from": today.replace(day=1).isoformat()}
        | request.args.to_dict()
        | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _save_key(uow: UnitOfWork) -> list[tuple[str, str]]:
    form = FormReader()
    code, name = form.text("code"), form.text("name")
    since = form.day("valid_from")
    basis = form.choice("basis", [value for value, _words in basis_choices()])
    policy = form.choice("tie_policy", [value for value, _words in policy_choices()])
    if form.errors:
        return form.errors
    try:
        save_key_version(
            uow,
            SaveKeyVersion(
                code=code,
                name=name,
                valid_from=since,
                basis=Basis(basis),
                tie_policy=TiePolicy(policy),
                is_prorated=request.form.get("is_prorated") == "yes",
                members=_terms(uow) if basis == Basis.WEIGHTS else (),
            ),
        )
    except DomainError as refusal:
        if refusal.code == "code-taken":
            return [("valid_from", _("The key has a version from that day."))]
        if refusal.context.get("field") == "weight":
            return [("weights", _("A weight is a number as in 12,5 or a part as in 45/1000."))]
        raise
    return []


def _terms(uow: UnitOfWork) -> list[MemberTerms]:
    """The weights that were typed, a field a member."""
    ids = cooperative_queries.member_ids_by_code(uow.session, uow.tenant)
    return [
        MemberTerms(member_id=ids[code], weight=typed.replace(",", "."))
        for code in ids
        if (typed := request.form.get(f"weight-{code}", "").strip())
    ]
