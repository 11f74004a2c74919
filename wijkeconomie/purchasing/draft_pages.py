"""The page on which a draft is changed."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.draft_queries import ProductOfDraft, products_of_draft
from wijkeconomie.purchasing.drafts import ChangeDraft, DraftProduct, change_draft
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, RoundState, ShortageRule
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.words import freight_words, shortage_words, surplus_words


@pages.route("/rounds/<round_code>/manage/draft", methods=["GET", "POST"])
def draft(round_code: str) -> ResponseReturnValue:
    """Change a round that was not opened yet."""
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    reader = FormReader()
    if request.method == "POST":
        try:
            with visit.begin() as uow:
                _change(uow, reader, round_code)
        except RoundStateError:
            flash(_("The round has been opened, so it cannot be changed any more."), "attention")
            return to_manage(round_code)
        if not reader.errors:
            flash(_("The round has been changed."), "success")
            return redirect(url_for("purchasing.manage", round_code=round_code), 303)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        if found.state is not RoundState.DRAFT:
            return to_manage(round_code)
        products = products_of_draft(uow.session, uow.tenant, found.id)
        form = request.form.to_dict() if request.method == "POST" else _filled(found, products)
    page = render_template(
        "purchasing/draft.html",
        visit=visit,
        round=found,
        products=products,
        picked=_picked(products),
        form=form,
        freight=freight_words(),
        shortage=shortage_words(),
        surplus=surplus_words(),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def _picked(products: list[ProductOfDraft]) -> set[str]:
    if request.method == "POST":
        return set(request.form.getlist("products"))
    return {str(each.id) for each in products if each.is_in_round}


def _filled(found: RoundView, products: list[ProductOfDraft]) -> dict[str, str]:
    return {
        "theme": found.theme,
        "opens_at": found.opens_at.astimezone(LOCAL_TIME).strftime("%Y-%m-%dT%H:%M"),
        "closes_at": found.closes_at.astimezone(LOCAL_TIME).strftime("%Y-%m-%dT%H:%M"),
        "delivery_on": found.delivery_on.isoformat(),
        "freight": filled_in(found.freight_excl_cents),
        "freight_key": found.freight_key.value,
        "shortage_rule": found.shortage_rule.value,
        "surplus_rule": found.surplus_rule.value,
    } | {f"price-{each.id}": filled_in(each.price_cents) for each in products if each.is_in_round}


def _change(uow: UnitOfWork, reader: FormReader, round_code: str) -> None:
    found = queries.round_by_code(uow.session, uow.tenant, round_code)
    known = products_of_draft(uow.session, uow.tenant, found.id)
    command = ChangeDraft(
        round_id=found.id,
        theme=reader.text("theme"),
        opens_at=reader.moment("opens_at"),
        closes_at=reader.moment("closes_at"),
        delivery_on=reader.day("delivery_on"),
        freight_excl_cents=reader.amount("freight", if_empty=0),
        freight_key=reader.one_of("freight_key", FreightKey),
        shortage_rule=reader.one_of("shortage_rule", ShortageRule),
        surplus_rule=reader.one_of("surplus_rule", SurplusRule),
        products=tuple(
            DraftProduct(product_id=each.id, price_excl_cents=_price(reader, each))
            for each in known
            if str(each.id) in request.form.getlist("products")
        ),
        prices_stay=reader.checked("prices_stay"),
    )
    if not command.products:
        reader.errors.append(("products", _("Choose at least one product.")))
    if reader.errors:
        return
    try:
        with uow.session.begin_nested():
            change_draft(uow, command)
    except InvalidInputError as refusal:
        reader.errors.append(_refused(refusal))


def _price(reader: FormReader, product: ProductOfDraft) -> int | None:
    """The price that was typed; an empty field leaves it, and so does one that was not there."""
    return reader.optional_amount(f"price-{product.id}") if product.is_in_round else None


def _refused(refusal: InvalidInputError) -> tuple[str, str]:
    field = str(refusal.context["field"])
    if field.startswith("price-"):
        words = _("This price does not fit: the lower prices of the ladder are not lower then.")
        return field, words
    said = {
        "closes_at": _("A round closes after it opens."),
        "freight_excl_cents": _("Freight is not negative."),
    }
    at = {"freight_excl_cents": "freight", "product_ids": "products"}.get(field, field)
    return at, said.get(field, _("This is not right."))
