"""Pages that prepare a round."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.rounds import PlanRound, plan_round
from wijkeconomie.purchasing.words import freight_words, shortage_words, surplus_words

FRIDAY = 4


@pages.route("/rounds/new", methods=["GET", "POST"])
def plan() -> ResponseReturnValue:
    """Prepare a round: supplier, times, freight and products."""
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    errors: list[tuple[str, str]] = []
    if request.method == "POST" and "supplier" in request.form:
        with visit.begin() as uow:
            code, errors = _plan(uow)
        if not errors:
            flash(_("The round is ready. Look at it, then open it."), "success")
            return redirect(url_for("purchasing.manage", round_code=code), 303)
    with visit.begin() as uow:
        suppliers = supplier_queries.suppliers(uow.session, uow.tenant)
        chosen = supplier_queries.with_code(suppliers, request.values.get("supplier"))
        products = (
            supplier_queries.products_of_supplier(uow.session, uow.tenant, chosen.id)
            if chosen
            else []
        )
        defaults = _defaults(uow.now.astimezone(LOCAL_TIME))
    page = render_template(
        "purchasing/plan.html",
        visit=visit,
        suppliers=suppliers,
        supplier_options=[(each.code, each.name) for each in suppliers],
        chosen=chosen,
        products=[product for product in products if product.is_offered],
        form=defaults | request.form.to_dict(),
        picked=set(request.form.getlist("products")),
        freight=freight_words(),
        shortage=shortage_words(),
        surplus=surplus_words(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _defaults(now: datetime) -> dict[str, str]:
    """From now until the next Friday evening that is at least three days away."""
    ahead = (FRIDAY - now.weekday() - 3) % 7 + 3
    closes = datetime.combine(now.date() + timedelta(days=ahead), time(20))
    return {
        "opens_at": now.strftime("%Y-%m-%dT%H:%M"),
        "closes_at": closes.strftime("%Y-%m-%dT%H:%M"),
        "delivery_on": (closes.date() + timedelta(days=5)).isoformat(),
        "freight": "0,00",
        "freight_key": FreightKey.VALUE.value,
        "shortage_rule": ShortageRule.PRO_RATA.value,
        "surplus_rule": SurplusRule.ASK.value,
    }


def _plan(uow: UnitOfWork) -> tuple[str, list[tuple[str, str]]]:
    reader = FormReader()
    suppliers = supplier_queries.suppliers(uow.session, uow.tenant)
    chosen = supplier_queries.with_code(suppliers, reader.text("supplier"))
    picked = tuple(int(value) for value in request.form.getlist("products") if value.isdecimal())
    command = PlanRound(
        theme=reader.text("theme"),
        supplier_id=chosen.id if chosen else 0,
        opens_at=reader.moment("opens_at"),
        closes_at=reader.moment("closes_at"),
        delivery_on=reader.day("delivery_on"),
        freight_excl_cents=reader.amount("freight", if_empty=0),
        freight_key=reader.one_of("freight_key", FreightKey),
        shortage_rule=reader.one_of("shortage_rule", ShortageRule),
        surplus_rule=reader.one_of("surplus_rule", SurplusRule),
        product_ids=picked,
    )
    if not picked:
        reader.errors.append(("products", _("Choose at least one product.")))
    if reader.errors:
        return "", reader.errors
    try:
        round_id = plan_round(uow, command)
    except InvalidInputError as refusal:
        words = {
            "closes_at": _("A round closes after it opens."),
            "freight_excl_cents": _("Freight is not negative."),
        }
        name = str(refusal.context["field"])
        at = {"freight_excl_cents": "freight", "product_ids": "products"}.get(name, name)
        return "", [(at, words.get(name, _("This is not right.")))]
    return queries.round_by_id(uow.session, uow.tenant, round_id).code, []
