"""Pages of sharing what came: the rule's figure, and what somebody decided beside it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.member_choices import member_choices
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.deciding import (
    ChooseRules,
    choose_rules,
    decide,
)
from wijkeconomie.purchasing.decision_forms import read_decisions
from wijkeconomie.purchasing.models import ShortageRule
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import CreditLimitError, InactiveMemberError, RoundStateError
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.round_rules import may_enter_delivery
from wijkeconomie.purchasing.sharing_queries import shared_products
from wijkeconomie.purchasing.words import shortage_words

Errors = list[tuple[str, str]]


@pages.get("/rounds/<round_code>/manage/share")
def share(round_code: str) -> ResponseReturnValue:
    """Who gets what of the delivery, by the rule and by hand."""
    return _page(round_code, [])


def _page(round_code: str, errors: Errors) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "round.receive")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        products = shared_products(uow, found)
        offered = supplier_queries.products_of_supplier(uow.session, uow.tenant, found.supplier_id)
        members = member_choices(uow.session, uow.tenant, local_date(uow.now, LOCAL_TIME))
    page = render_template(
        "purchasing/share.html",
        visit=visit,
        round=found,
        products=products,
        can_change=may_enter_delivery(found.state),
        rules=[("", _("As the round"))] + [(each[0], each[1]) for each in shortage_words()],
        members=[
            ("", _("Choose a member")),
            *((each.code, f"{each.name} ({each.code})") for each in members),
        ],
        others=[(each.code, each.name) for each in offered],
        errors=errors,
        form=request.form,
    )
    return page, 422 if errors else 200


def _saved(round_code: str, errors: Errors) -> ResponseReturnValue:
    if errors:
        return _page(round_code, errors)
    flash(_("Saved."), "success")
    return redirect(url_for("purchasing.share", round_code=round_code), 303)


@pages.post("/rounds/<round_code>/manage/share/<int:product_id>")
def save_shares(round_code: str, product_id: int) -> ResponseReturnValue:
    """Save what was decided about one product; an empty field leaves it to the rule."""
    visit = current_visit()
    reader = FormReader()
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            product = next(
                (
                    each
                    for each in shared_products(uow, found)
                    if each.delivery.round_product_id == product_id
                ),
                None,
            )
            if product is None:
                raise NotFoundError(f"nothing of {product_id} came", product_id=product_id)
            decisions = read_decisions(reader, found.id, product)
            rules = _rule(reader, found, product_id)
            if not reader.errors:
                choose_rules(uow, rules)
                for decision in decisions:
                    decide(uow, decision)
    except (CreditLimitError, InvalidInputError, RoundStateError) as refusal:
        reader.errors.append((str(refusal.context.get("field", "")), _refused(refusal)))
    return _saved(round_code, reader.errors)


def _rule(reader: FormReader, found: RoundView, product_id: int) -> ChooseRules:
    rule = reader.choice(f"rule-{product_id}", ["", *(each.value for each in ShortageRule)])
    chosen = ShortageRule(rule) if rule else None
    return ChooseRules(round_id=found.id, products=((product_id, chosen),))


@pages.post("/rounds/<round_code>/manage/replacement")
def enter_replacement(round_code: str) -> ResponseReturnValue:
    """Enter that something else came in place of a product."""
    visit = current_visit()
    reader = FormReader()
    replaced = reader.count("replaced", if_empty=0) or 0
    code = reader.text("product")
    delivered = reader.count("delivered", if_empty=0) or 0
    price = reader.amount("price") if request.form.get("price", "").strip() else None
    if not reader.errors:
        try:
            with visit.begin() as uow:
                found = queries.round_by_code(uow.session, uow.tenant, round_code)
                offered = supplier_queries.products_of_supplier(
                    uow.session, uow.tenant, found.supplier_id
                )
                chosen = next((each.id for each in offered if each.code == code), 0)
                add_replacement(
                    uow,
                    AddReplacement(
                        round_id=found.id,
                        replaced_id=replaced,
                        product_id=chosen,
                        delivered=delivered,
                        price_excl_cents=price,
                    ),
                )
        except DomainError as refusal:
            reader.errors.append((str(refusal.context.get("field", "product")), _refused(refusal)))
    return _saved(round_code, reader.errors)


@pages.post("/rounds/<round_code>/manage/extra")
def enter_extra(round_code: str) -> ResponseReturnValue:
    """Give a member something that he did not order."""
    visit = current_visit()
    reader = FormReader()
    product_id = reader.count("extra_product", if_empty=0) or 0
    code, quantity = reader.text("member"), reader.count("quantity", if_empty=0) or 0
    reason = reader.text("extra_reason")
    if not reader.errors:
        try:
            with visit.begin() as uow:
                found = queries.round_by_code(uow.session, uow.tenant, round_code)
                member_id = member_by_code(uow.session, uow.tenant, code).id
                give_extra(
                    uow,
                    GiveExtra(
                        round_id=found.id,
                        round_product_id=product_id,
                        member_id=member_id,
                        quantity=quantity,
                        reason=reason,
                    ),
                )
        except DomainError as refusal:
            reader.errors.append((str(refusal.context.get("field", "member")), _refused(refusal)))
    return _saved(round_code, reader.errors)


def _refused(refusal: DomainError) -> str:
    if isinstance(refusal, RoundStateError):
        return str(_("This was shared or settled already. Correct the round instead."))
    if isinstance(refusal, CreditLimitError):
        member = str(refusal.context["member"])
        return str(_("The account of %(member)s does not cover it.", member=member))
    if isinstance(refusal, InactiveMemberError):
        return str(_("This person is no member any more."))
    if isinstance(refusal, NotFoundError):
        return str(_("We do not know this one. Look at the number."))
    words = {
        "member": _("This member ordered it: change the number in the list instead."),
        "product": _("The round offers this product itself: count it there."),
    }
    return str(words.get(str(refusal.context.get("field")), _("This is not right.")))
