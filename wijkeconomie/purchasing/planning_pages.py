"""Pages that prepare: a new round, suppliers and their products."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.rounds import PlanRound, plan_round
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)
from wijkeconomie.purchasing.words import freight_words, shortage_words, surplus_words

VAT_CHOICES = (("900", "9 %"), ("2100", "21 %"), ("0", "0 %"))
FRIDAY = 4
RUNGS = 4
"""Lower prices that the form has room for."""


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
        chosen = _chosen(suppliers, request.values.get("supplier"))
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


def _chosen(
    suppliers: list[supplier_queries.SupplierView], code: str | None
) -> supplier_queries.SupplierView | None:
    return next((each for each in suppliers if each.code == code), None)


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
    chosen = _chosen(suppliers, reader.text("supplier"))
    picked = tuple(int(value) for value in request.form.getlist("products") if value.isdecimal())
    command = PlanRound(
        theme=reader.text("theme"),
        supplier_id=chosen.id if chosen else 0,
        opens_at=reader.moment("opens_at"),
        closes_at=reader.moment("closes_at"),
        delivery_on=reader.day("delivery_on"),
        freight_excl_cents=reader.amount("freight", if_empty=0),
        freight_key=FreightKey(reader.choice("freight_key", [each.value for each in FreightKey])),
        shortage_rule=ShortageRule(
            reader.choice("shortage_rule", [each.value for each in ShortageRule])
        ),
        surplus_rule=SurplusRule(
            reader.choice("surplus_rule", [each.value for each in SurplusRule])
        ),
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


@pages.route("/suppliers", methods=["GET", "POST"])
def suppliers() -> ResponseReturnValue:
    """Suppliers, and a form to add or change one."""
    visit = current_visit()
    is_change = request.method == "POST"
    require_permission(visit.identity, "supplier.change" if is_change else "supplier.read")
    reader = FormReader()
    if is_change:
        command = SaveSupplier(
            code=reader.text("code"),
            name=reader.text("name"),
            email=reader.text("email", is_required=False) or None,
            iban=reader.text("iban", is_required=False).replace(" ", "") or None,
            payment_days=reader.count("payment_days", if_empty=14) or 0,
            minimum_net_cents=reader.amount("minimum", if_empty=0) or None,
        )
        if not reader.errors:
            with visit.begin() as uow:
                save_supplier(uow, command)
            flash(_("%(name)s has been saved.", name=command.name), "success")
            return redirect(url_for("purchasing.supplier", supplier_code=command.code), 303)
    with visit.begin() as uow:
        found = supplier_queries.suppliers(uow.session, uow.tenant)
    page = render_template(
        "purchasing/suppliers.html",
        visit=visit,
        suppliers=found,
        form=request.form,
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


@pages.route("/suppliers/<supplier_code>", methods=["GET", "POST"])
def supplier(supplier_code: str) -> ResponseReturnValue:
    """The products of a supplier, and a form to add or change one."""
    visit = current_visit()
    is_change = request.method == "POST"
    require_permission(visit.identity, "supplier.change" if is_change else "supplier.read")
    reader = FormReader()
    with visit.begin() as uow:
        known = supplier_queries.suppliers(uow.session, uow.tenant)
        found = _chosen(known, supplier_code)
        if found is None:
            raise NotFoundError(f"there is no supplier {supplier_code}", code=supplier_code)
        if is_change:
            _save_product(uow, reader, supplier_code)
        products = supplier_queries.products_of_supplier(uow.session, uow.tenant, found.id)
        picked = _picked(products)
        versions = (
            supplier_queries.price_versions(uow.session, uow.tenant, picked.id) if picked else []
        )
    if is_change and not reader.errors:
        return redirect(url_for("purchasing.supplier", supplier_code=supplier_code), 303)
    page = render_template(
        "purchasing/supplier.html",
        visit=visit,
        supplier=found,
        products=products,
        picked=picked,
        versions=versions,
        rungs=range(1, RUNGS + 1),
        form=request.form.to_dict() if request.method == "POST" else _filled(picked),
        vat_choices=[*VAT_CHOICES, ("", _("exempt from VAT"))],
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def _save_product(uow: UnitOfWork, reader: FormReader, supplier_code: str) -> None:
    command = _product(reader, supplier_code)
    if reader.errors:
        return
    try:
        save_product(uow, command)
    except InvalidInputError as refusal:
        # Of a ladder the context tells which rung is wrong, and whether in quantity or price.
        field, _dash, rung = str(refusal.context.get("field", "")).partition("-")
        names = {"quantity": f"ladder-from-{rung}", "price": f"ladder-price-{rung}"}
        words = (
            _("Quantities rise and prices fall, from the first line down.")
            if field in names
            else _("Something in this form is not right.")
        )
        reader.errors.append((names.get(field, field), words))
        return
    flash(_("%(name)s has been saved.", name=command.name), "success")


def _ladder(reader: FormReader) -> tuple[tuple[int, int], ...]:
    """The rungs that were filled in; one with a quantity has its price."""
    rungs = []
    for number in range(1, RUNGS + 1):
        quantity = reader.count(f"ladder-from-{number}", if_empty=None)
        if quantity is not None:
            rungs.append((quantity, reader.amount(f"ladder-price-{number}")))
    return tuple(rungs)


def _product(reader: FormReader, supplier_code: str) -> SaveProduct:
    rate = request.form.get("vat", "")
    return SaveProduct(
        supplier_code=supplier_code,
        code=reader.text("code"),
        name=reader.text("name"),
        unit=reader.text("unit"),
        price_excl_cents=reader.amount("price"),
        vat_basis_points=int(rate) if rate in {"0", "900", "2100"} else None,
        pack_size=reader.count("pack_size", if_empty=1) or 1,
        max_per_member=reader.count("max_per_member", if_empty=None) or None,
        is_offered=request.form.get("is_offered") == "yes",
        grams_per_unit=reader.count("grams_per_unit", if_empty=0),
        price_units=reader.count("price_units", if_empty=1) or 1,
        supplier_unit=reader.text("supplier_unit", is_required=False),
        deposit_cents=reader.amount("deposit", if_empty=0),
        terms=SaleTerms(
            sells_loose=request.form.get("full_packs_only") != "yes",
            minimum_quantity=reader.count("minimum_quantity", if_empty=None) or None,
            ladder=_ladder(reader),
        ),
    )


def _picked(
    products: list[supplier_queries.ProductView],
) -> supplier_queries.ProductView | None:
    """The product that is to be changed, if any."""
    return next((each for each in products if each.code == request.args.get("product")), None)


def _filled(wanted: supplier_queries.ProductView | None) -> dict[str, str]:
    """A form for a new product, or filled with the one that is to be changed."""
    if wanted is None:
        return {"pack_size": "1", "price_units": "1", "vat": "900", "is_offered": "yes"}
    rate = wanted.vat_basis_points
    ladder = {}
    for number, (quantity, price) in enumerate(wanted.ladder, start=1):
        ladder[f"ladder-from-{number}"] = str(quantity)
        ladder[f"ladder-price-{number}"] = format_plain(price).replace(".", ",")
    return ladder | {
        "full_packs_only": "" if wanted.sells_loose else "yes",
        "minimum_quantity": str(wanted.minimum_quantity or ""),
        "grams_per_unit": str(wanted.grams_per_unit or ""),
        "price_units": str(wanted.price_units),
        "supplier_unit": wanted.supplier_unit or "",
        "deposit": format_plain(wanted.deposit_cents).replace(".", ","),
        "code": wanted.code,
        "name": wanted.name,
        "unit": wanted.unit,
        "price": format_plain(wanted.price_excl_cents).replace(".", ","),
        "vat": "" if rate is None else str(rate),
        "pack_size": str(wanted.pack_size),
        "max_per_member": "" if wanted.max_per_member is None else str(wanted.max_per_member),
        "is_offered": "yes" if wanted.is_offered else "",
    }
