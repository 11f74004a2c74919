"""The page on which the treasurer writes down costs, once or as ones that come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.field_words import said_at_field
from wijkeconomie.costs.keeping import (
    RecordCost,
    SaveRecurringCost,
    record_cost,
    save_recurring_cost,
)
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.ledger.queries import party_account_ids
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import vat_on

RATES = ("2100", "900", "0", "")
"""Basis points; empty is exempt."""
EVERY = ("0", "1", "3", "12")
"""Months until it comes back; 0 is never."""
EXTENSION = "wijkeconomie.known_suppliers"


def init_suppliers(app: Flask, known: Callable[[UnitOfWork], Sequence[str]]) -> None:
    """Let the form know the suppliers whom the cooperative buys from, by their codes."""
    app.extensions[EXTENSION] = known


def _suppliers(uow: UnitOfWork) -> set[str]:
    """Everyone who may be owed something: who delivers, or stands in the books already."""
    known: Callable[[UnitOfWork], Sequence[str]] = current_app.extensions[EXTENSION]
    return {*known(uow), *party_account_ids(uow.session, uow.tenant, "suppliers")}


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
        suppliers = sorted(_suppliers(uow))
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "costs/new.html",
        visit=visit,
        keys=keys,
        suppliers=suppliers,
        rates=rate_words(),
        every=_every_words(),
        form={"on": today.isoformat(), "every": "0", "rate": "2100"} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def rate_words() -> list[tuple[str, str]]:
    """The VAT rates to choose from."""
    words = {"2100": "21 %", "900": "9 %", "0": "0 %", "": _("exempt from VAT")}
    return [(value, words[value]) for value in RATES]


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
    every = int(form.choice("every", EVERY))
    save = _save_recurring if every else _save_once
    try:
        save(uow, form, every)
    except DomainError as refusal:
        if refusal.code == "code-taken":
            return [("code", _("This number is in use. Choose another one."))]
        if not isinstance(refusal, InvalidInputError):
            raise
        return [said_at_field(refusal)]
    return form.errors


def _save_once(uow: UnitOfWork, form: FormReader, _every: int) -> None:
    day = form.day("on")
    typed = _typed_cost(uow, form)
    if not form.errors:
        record_cost(uow, RecordCost(month=day, incurred_on=day, **typed))


def _save_recurring(uow: UnitOfWork, form: FormReader, every: int) -> None:
    day, last = form.day("on"), form.optional_day("ends_on")
    typed = _typed_cost(uow, form)
    if not form.errors:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                starts_on=day,
                ends_on=last,
                day_of_month=day.day,
                every_months=every,
                **typed,
            ),
        )


def _typed_cost(uow: UnitOfWork, form: FormReader) -> dict[str, Any]:
    """What a cost of once and one that comes back have in common."""
    supplier = form.text("supplier", is_required=False) or None
    return {
        "code": form.text("code"),
        "description": form.text("description"),
        "key_code": form.text("key"),
        "supplier_code": supplier,
        "is_new_supplier": form.checked("new_supplier") or supplier in _suppliers(uow),
        "document": form.text("document", is_required=False) or None,
        **typed_amounts(form),
    }


def typed_amounts(form: FormReader) -> dict[str, Any]:
    """An amount with its VAT: what the rate gives, unless the invoice says another amount."""
    net, typed_vat = form.amount("net"), form.optional_amount("vat")
    rate = form.choice("rate", RATES)
    basis_points = int(rate) if rate else None
    return {
        "net_cents": net,
        "vat_cents": vat_on(net, basis_points) if typed_vat is None else typed_vat,
        "vat_basis_points": basis_points,
    }
