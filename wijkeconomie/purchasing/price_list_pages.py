"""Pages of a supplier's price list: upload it, say what its columns mean, take it over."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.heading_words import Column
from wijkeconomie.purchasing.listed_prices import Fault
from wijkeconomie.purchasing.price_list_changes import ChangedProduct
from wijkeconomie.purchasing.price_list_rules import (
    COLUMNS,
    NEEDED,
    Article,
    ListTerms,
    Mapped,
    guess_terms,
)
from wijkeconomie.purchasing.price_lists import (
    PriceListPreview,
    TakeOverList,
    keep_price_list,
    preview_price_list,
    price_list_rows,
    take_over_price_list,
)
from wijkeconomie.purchasing.refusals import PriceListTakenOverError, PriceListUnreadableError
from wijkeconomie.purchasing.supplier_pages import vat_choices
from wijkeconomie.purchasing.unit_price_words import price_words

_NOTHING = "\N{EN DASH}"
SHOWN = 200
"""Rows of each kind that a preview shows; the counts are of all."""
_COLUMN_WORDS: dict[Column, object] = {
    "status": lazy_gettext("x where it is not sold any more"),
    "code": lazy_gettext("Article number"),
    "name": lazy_gettext("Name"),
    "unit": lazy_gettext("Unit"),
    "price": lazy_gettext("Price"),
    "vat": lazy_gettext("VAT"),
    "pack_size": lazy_gettext("Units in a pack"),
    "category": lazy_gettext("Category"),
    "minimum_quantity": lazy_gettext("Least in one order"),
    "ladder_from": lazy_gettext("Lower price from"),
    "ladder_price": lazy_gettext("Lower price"),
    "price_units": lazy_gettext("For how many units the price is"),
    "supplier_unit": lazy_gettext("What the supplier calls a pack"),
    "deposit": lazy_gettext("Deposit on packaging"),
}
_FAULT_WORDS: dict[Fault, object] = {
    "code-missing": lazy_gettext("there is no article number"),
    "code-twice": lazy_gettext("this article number stands on the list twice"),
    "name-missing": lazy_gettext("there is no name"),
    "unit-missing": lazy_gettext("there is no unit"),
    "price-wrong": lazy_gettext("this is no price"),
    "price-fraction": lazy_gettext("this price has parts of a cent"),
    "vat-wrong": lazy_gettext("this is no VAT rate"),
    "pack-wrong": lazy_gettext("this is no whole number of units"),
    "units-wrong": lazy_gettext("this is no whole number of units"),
    "units-weighed": lazy_gettext(
        "this is paid by weight, so its price is for one unit and not for so many"
    ),
    "minimum-wrong": lazy_gettext("this is no whole number of units"),
    "ladder-wrong": lazy_gettext("the lower price is not lower"),
    "deposit-wrong": lazy_gettext("this is no deposit"),
    "deposit-fraction": lazy_gettext("this deposit does not come to whole cents for one unit"),
}
_FIELD_WORDS = {
    "name": lazy_gettext("Name"),
    "unit": lazy_gettext("Unit"),
    "price_excl_cents": lazy_gettext("Price without VAT"),
    "vat_basis_points": lazy_gettext("VAT"),
    "pack_size": lazy_gettext("Units in a pack"),
    "category": lazy_gettext("Category"),
    "minimum_quantity": lazy_gettext("Least in one order"),
    "ladder": lazy_gettext("Price ladder"),
    "sells_loose": lazy_gettext("Sells loose units"),
    "is_gone": lazy_gettext("Offered"),
    "supplier_unit": lazy_gettext("What the supplier calls a pack"),
    "deposit_cents": lazy_gettext("Deposit on one unit"),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a product before and after, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """A product that the list changes."""

    name: str
    is_steep: bool
    fields: tuple[FieldChange, ...]


@pages.post("/suppliers/<supplier_code>/price-lists")
def upload_price_list(supplier_code: str) -> ResponseReturnValue:
    """Keep the file, then show what it would change."""
    visit = current_visit()
    require_permission(visit.identity, "product.change")
    sent = request.files.get("file")
    try:
        with visit.begin() as uow:
            content = sent.read() if sent is not None else b""
            name = (sent.filename if sent is not None else None) or ""
            kept = keep_price_list(uow, supplier_code, name, content)
    except PriceListUnreadableError:
        words = _("This file cannot be read as a price list. Save it as CSV or XLSX and try again.")
        flash(words, "error")
        return redirect(url_for("purchasing.supplier", supplier_code=supplier_code), 303)
    return redirect(
        url_for("purchasing.price_list", supplier_code=supplier_code, price_list_id=kept), 303
    )


@pages.route("/suppliers/<supplier_code>/price-lists/<int:price_list_id>", methods=["GET", "POST"])
def price_list(supplier_code: str, price_list_id: int) -> ResponseReturnValue:
    """What the list changes, by the columns that were chosen; a post takes it over."""
    visit = current_visit()
    require_permission(visit.identity, "product.change")
    if request.method == "POST":
        return _take_over(supplier_code, price_list_id)
    with visit.begin() as uow:
        supplier = _supplier(uow, supplier_code)
        heading = price_list_rows(uow, price_list_id)[0]
        terms, gone = _terms(heading), request.args.get("absent_are_gone") == "yes"
        try:
            preview = preview_price_list(uow, price_list_id, terms, absent_are_gone=gone)
        except InvalidInputError:
            preview = None
    options = [("", _("not on the list"))]
    options += [(str(number), cell or str(number + 1)) for number, cell in enumerate(heading)]
    return render_template(
        "purchasing/price_list.html",
        visit=visit,
        supplier=supplier,
        price_list_id=price_list_id,
        columns=[(column, _COLUMN_WORDS[column], column in NEEDED) for column in COLUMNS],
        options=options,
        terms=terms,
        absent_are_gone=gone,
        vat_choices=vat_choices(),
        preview=preview,
        shown=SHOWN,
        changed=_changed(preview),
        fault_words=_FAULT_WORDS,
        button=_button(preview),
    )


def _take_over(supplier_code: str, price_list_id: int) -> ResponseReturnValue:
    visit = current_visit()
    here = url_for(
        "purchasing.price_list",
        supplier_code=supplier_code,
        price_list_id=price_list_id,
        **request.args.to_dict(),  # type: ignore[arg-type]
    )
    try:
        with visit.begin() as uow:
            heading = price_list_rows(uow, price_list_id)[0]
            command = TakeOverList(
                price_list_id=price_list_id,
                terms=_terms(heading),
                absent_are_gone=request.args.get("absent_are_gone") == "yes",
                seen=request.form.get("seen", ""),
            )
            preview = take_over_price_list(uow, command)
    except StaleVersionError:
        words = _("Products were changed in the meantime. This is what the list changes now.")
        flash(words, "attention")
        return redirect(here, 303)
    except PriceListTakenOverError:
        flash(_("This price list was taken over already."), "attention")
        return redirect(url_for("purchasing.supplier", supplier_code=supplier_code), 303)
    count = ngettext("%(num)d product", "%(num)d products", preview.count)
    flash(_("The price list has been taken over: %(count)s.", count=count), "success")
    return redirect(url_for("purchasing.supplier", supplier_code=supplier_code), 303)


def _supplier(uow: UnitOfWork, code: str) -> supplier_queries.SupplierView:
    known = supplier_queries.suppliers(uow.session, uow.tenant)
    found = next((each for each in known if each.code == code), None)
    if found is None:
        raise NotFoundError(f"there is no supplier {code}", code=code)
    return found


def _terms(heading: list[str]) -> ListTerms:
    """How to read the list: as was chosen, else as its heading suggests."""
    if "vat" not in request.args:
        return guess_terms(heading)
    columns: Mapped = {}
    for column in COLUMNS:
        position = request.args.get(f"column-{column}", type=int)
        if position is not None and 0 <= position < len(heading):
            columns[column] = position
    return ListTerms(
        columns=columns,
        default_vat=request.args.get("vat", type=int),
        prices_include_vat=request.args.get("prices_include_vat") == "yes",
        full_packs_only=request.args.get("full_packs_only") == "yes",
        prices_per_pack=request.args.get("prices_per_pack") == "yes",
    )


def _button(preview: PriceListPreview | None) -> str:
    if preview is None or not preview.count:
        return ""
    found = preview.changes
    parts = [
        words
        for count, words in (
            (len(found.new), ngettext("%(num)d new", "%(num)d new", len(found.new))),
            (
                len(found.changed),
                ngettext("%(num)d changed", "%(num)d changed", len(found.changed)),
            ),
            (
                len(found.gone),
                ngettext(
                    "%(num)d not offered any more", "%(num)d not offered any more", len(found.gone)
                ),
            ),
        )
        if count
    ]
    return str(_("Take over the price list: %(what)s", what=", ".join(parts)))


def _changed(preview: PriceListPreview | None) -> list[ChangeShown]:
    if preview is None:
        return []
    return [_change(each) for each in preview.changes.changed[:SHOWN]]


def _change(each: ChangedProduct) -> ChangeShown:
    fields = tuple(
        FieldChange(
            str(_FIELD_WORDS[field]), _value(each.before, field), _value(each.article, field)
        )
        for field in _told(each.fields)
    )
    return ChangeShown(each.before.name, each.is_steep, fields)


def _told(fields: tuple[str, ...]) -> list[str]:
    """The fields to show: an amount and what it is for are one price."""
    told = ["price_excl_cents" if each == "price_units" else each for each in fields]
    return list(dict.fromkeys(told))


def _value(article: Article, field: str) -> str:
    language = page_language()
    if field == "price_excl_cents":
        return price_words(article.price_excl_cents, article.unit, article.price_units)
    if field == "ladder":
        rungs = (f"{number}: {format_amount(price, language)}" for number, price in article.ladder)
        return "; ".join(rungs) or _NOTHING
    if field in {"sells_loose", "is_gone"}:
        is_so = article.sells_loose if field == "sells_loose" else not article.is_gone
        return str(_("yes") if is_so else _("no"))
    if field == "deposit_cents":
        return format_amount(article.deposit_cents, language)
    value = getattr(article, field)
    if field == "vat_basis_points":
        return _rate_words(value)
    return _NOTHING if value is None else str(value)


def _rate_words(basis_points: int | None) -> str:
    if basis_points is None:
        return str(_("exempt from VAT"))
    whole, part = divmod(basis_points, 100)
    return f"{whole},{part:02d} %" if part else f"{whole} %"
