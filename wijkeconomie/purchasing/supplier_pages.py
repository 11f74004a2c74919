"""Pages of suppliers and what they offer."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.draft_queries import rounds_with_other_terms
from wijkeconomie.purchasing.drafts import renew_in_drafts
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

USUAL_RATES = ("900", "2100", "0")
"""In basis points; a product that has another one keeps it in its form."""
EXEMPT = ""
MOST_RATE = 10_000
RUNGS = 4
"""Lower prices that the form has room for."""


def vat_choices(*more: str) -> list[tuple[str, str]]:
    """The rates to choose from by their value, and that a product is exempt.

    Args:
        more: values that have to be among them, such as what a product has now.
    """
    rates = dict.fromkeys([*USUAL_RATES, *(each for each in more if each.isdecimal())])
    named = [
        (rate, f"{format_decimal(Decimal(rate) / 100, locale=page_language())} %") for rate in rates
    ]
    return [*named, (EXEMPT, _("exempt from VAT"))]


@pages.route("/suppliers", methods=["GET", "POST"])
def suppliers() -> ResponseReturnValue:
    """Suppliers, and a form to add one or change the one that the address names."""
    visit = current_visit()
    is_change = request.method == "POST"
    require_permission(visit.identity, "supplier.change" if is_change else "supplier.read")
    reader = FormReader()
    if is_change:
        command = _supplier(reader)
        if not reader.errors:
            reader.errors += _wrong_supplier(visit, command)
        if not reader.errors:
            flash(_("%(name)s has been saved.", name=command.name), "success")
            return redirect(url_for("purchasing.supplier", supplier_code=command.code), 303)
    with visit.begin() as uow:
        found = supplier_queries.suppliers(uow.session, uow.tenant)
    picked = (
        supplier_queries.with_code(found, request.args.get("supplier"))
        if visit.may("supplier.change")
        else None
    )
    page = render_template(
        "purchasing/suppliers.html",
        visit=visit,
        suppliers=found,
        picked=picked,
        form=request.form.to_dict() if is_change else _supplier_filled(picked),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def _wrong_supplier(visit: Visit, command: SaveSupplier) -> list[tuple[str, str]]:
    """Save a supplier, or tell at which field it cannot be."""
    words = {
        "code": _("A code is letters, figures, dots and dashes."),
        "iban": _("This is not a bank account."),
        "kvk": _("A number at the chamber of commerce has 8 figures."),
    }
    try:
        with visit.begin() as uow:
            save_supplier(uow, command)
    except InvalidInputError as refusal:
        field = str(refusal.context["field"])
        if field not in words:
            raise
        return [(field, words[field])]
    return []


def _supplier(reader: FormReader) -> SaveSupplier:
    """The supplier of the form; in an empty form a field that is left open says nothing."""
    code = reader.text("code")
    was_shown = request.args.get("supplier") == code
    texts = {
        name: reader.text(name, is_required=False)
        for name in ("category", "kvk", "iban", "email")
        if was_shown or request.form.get(name, "").strip()
    }
    if "iban" in texts:
        texts["iban"] = texts["iban"].replace(" ", "")
    minimum = reader.optional_amount("minimum")
    return SaveSupplier(
        code=code,
        name=reader.text("name"),
        payment_days=reader.count("payment_days", if_empty=None),
        minimum_net_cents=0 if minimum is None and was_shown else minimum,
        **texts,
    )


def _supplier_filled(picked: supplier_queries.SupplierView | None) -> dict[str, str]:
    """A form for a new supplier, or filled with the one that is to be changed."""
    if picked is None:
        return {}
    least = picked.minimum_net_cents
    return {
        "code": picked.code,
        "name": picked.name,
        "category": picked.category or "",
        "kvk": picked.kvk or "",
        "email": picked.email or "",
        "iban": picked.iban or "",
        "payment_days": str(picked.payment_days),
        "minimum": "" if least is None else filled_in(least),
    }


@pages.route("/suppliers/<supplier_code>", methods=["GET", "POST"])
def supplier(supplier_code: str) -> ResponseReturnValue:
    """The products of a supplier, and a form to add or change one."""
    visit = current_visit()
    is_change = request.method == "POST"
    require_permission(visit.identity, "supplier.change" if is_change else "supplier.read")
    reader = FormReader()
    with visit.begin() as uow:
        known = supplier_queries.suppliers(uow.session, uow.tenant)
        found = supplier_queries.with_code(known, supplier_code)
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
    form = request.form.to_dict() if is_change else _filled(picked)
    page = render_template(
        "purchasing/supplier.html",
        visit=visit,
        supplier=found,
        products=products,
        picked=picked,
        versions=versions,
        rungs=range(1, RUNGS + 1),
        form=form,
        vat_choices=vat_choices(form.get("vat", "")),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def _save_product(uow: UnitOfWork, reader: FormReader, supplier_code: str) -> None:
    command = _product(reader, supplier_code)
    if reader.errors:
        return
    try:
        product_id = save_product(uow, command)
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
    if reader.checked("also_in_drafts"):
        renew_in_drafts(uow, product_id)
    _tell_which_keep_theirs(uow, product_id)


def _tell_which_keep_theirs(uow: UnitOfWork, product_id: int) -> None:
    """Say which rounds have other terms than the product has now."""
    kept = rounds_with_other_terms(uow.session, uow.tenant, product_id)
    if kept:
        rounds = ", ".join(f"{theme} ({code})" for code, theme in kept)
        flash(
            _("These rounds keep the price and terms they have: %(rounds)s.", rounds=rounds),
            "attention",
        )


def _ladder(reader: FormReader) -> tuple[tuple[int, int], ...]:
    """The rungs that were filled in; one with a quantity has its price."""
    rungs = []
    for number in range(1, RUNGS + 1):
        quantity = reader.count(f"ladder-from-{number}", if_empty=None)
        if quantity is not None:
            rungs.append((quantity, reader.amount(f"ladder-price-{number}")))
    return tuple(rungs)


def _rate(reader: FormReader) -> int | None:
    """The rate of the form in basis points, ``None`` for exempt; nothing is taken for exempt."""
    said = request.form.get("vat")
    if said == EXEMPT:
        return None
    if said is None or not (said.isascii() and said.isdecimal() and int(said[:6]) <= MOST_RATE):
        reader.errors.append(("vat", _("Choose one of these.")))
        return None
    return int(said)


def _category(reader: FormReader, code: str) -> str | None:
    """The category of the form; in an empty form a field that is left open says nothing."""
    said = reader.text("category", is_required=False)
    return said if said or request.args.get("product") == code else None


def _product(reader: FormReader, supplier_code: str) -> SaveProduct:
    code = reader.text("code")
    return SaveProduct(
        supplier_code=supplier_code,
        code=code,
        category=_category(reader, code),
        name=reader.text("name"),
        unit=reader.text("unit"),
        price_excl_cents=reader.amount("price"),
        vat_basis_points=_rate(reader),
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
        ladder[f"ladder-price-{number}"] = filled_in(price)
    return ladder | {
        "full_packs_only": "" if wanted.sells_loose else "yes",
        "minimum_quantity": str(wanted.minimum_quantity or ""),
        "grams_per_unit": str(wanted.grams_per_unit or ""),
        "price_units": str(wanted.price_units),
        "supplier_unit": wanted.supplier_unit or "",
        "deposit": filled_in(wanted.deposit_cents),
        "code": wanted.code,
        "name": wanted.name,
        "category": wanted.category or "",
        "unit": wanted.unit,
        "price": filled_in(wanted.price_excl_cents),
        "vat": "" if rate is None else str(rate),
        "pack_size": str(wanted.pack_size),
        "max_per_member": "" if wanted.max_per_member is None else str(wanted.max_per_member),
        "is_offered": "yes" if wanted.is_offered else "",
    }
