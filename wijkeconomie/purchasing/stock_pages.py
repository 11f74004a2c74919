"""Pages of the stock: what lies there, and selling, writing off and counting one product."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.member_choices import member_choices
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import vat_on
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.stock_counting import CountStock, WriteOff, count_stock, write_off
from wijkeconomie.purchasing.stock_queries import (
    StockLine,
    booked_value,
    stock_list,
    stock_movements,
    stock_of,
)
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)
from wijkeconomie.purchasing.stock_words import movement_words, refused_words

ACTIONS = ("sell", "lost", "count", "back")


@pages.get("/stock")
def stock() -> ResponseReturnValue:
    """What lies in stock, and that the books say the same."""
    visit = current_visit()
    require_permission(visit.identity, "stock.read")
    with visit.begin() as uow:
        lines = stock_list(uow.session, uow.tenant, with_empty=True)
        booked = booked_value(uow.session, uow.tenant)
    return render_template(
        "purchasing/stock.html",
        visit=visit,
        lines=lines,
        total=sum(line.value_cents for line in lines),
        booked=booked,
    )


@pages.route("/stock/<product_code>", methods=["GET", "POST"])
def stock_product(product_code: str) -> ResponseReturnValue:
    """One product: how much there is, what can be done with it, and everything that moved."""
    visit = current_visit()
    require_permission(visit.identity, "stock.read")
    reader = FormReader()
    if request.method == "POST":
        require_permission(visit.identity, "stock.change")
        done = _act(visit, product_code, reader)
        if not reader.errors:
            flash(done, "success")
            return redirect(url_for("purchasing.stock_product", product_code=product_code), 303)
    with visit.begin() as uow:
        line = stock_of(uow.session, uow.tenant, product_code)
        shown = {
            "line": line,
            "moved": stock_movements(uow.session, uow.tenant, line.product_id),
            "members": _choices(uow) if visit.may("stock.change") else [],
        }
    page = render_template(
        "purchasing/stock_product.html",
        visit=visit,
        form=request.form,
        action=request.form.get("action", "") if reader.errors else "",
        errors=reader.errors,
        key=secrets.token_urlsafe(16),
        movement_words=movement_words,
        cost_each=_cost_each(line, visit.cooperative.vat_regime),
        **shown,
    )
    return page, 422 if reader.errors else 200


def _choices(uow: UnitOfWork) -> list[tuple[str, str]]:
    """Who can buy: everyone who is a member today, by name, under an empty line."""
    today = local_date(uow.now, LOCAL_TIME)
    found = member_choices(uow.session, uow.tenant, today)
    return [
        ("", _("Choose a member")),
        *((each.code, f"{each.name} ({each.code})") for each in found),
    ]


def _cost_each(line: StockLine, regime: str) -> int | None:
    """About what a unit costs, with VAT: what stands beside the price to ask."""
    if not line.units:
        return None
    rate = None if regime == "kor" else line.vat_basis_points
    return (line.value_cents + vat_on(line.value_cents, rate)) // line.units


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed in one of the forms."""

    action: str
    units: int
    price: int | None
    number: int
    counted: int | None
    expected: int | None
    reason: str


def _typed(reader: FormReader) -> _Typed:
    action = reader.choice("action", ACTIONS)
    typed = _Typed(
        action=action,
        units=reader.count("units", if_empty=0) or 0,
        price=reader.optional_amount("price"),
        number=reader.count("number", if_empty=0) or 0,
        counted=reader.count("counted", if_empty=None),
        expected=reader.count("expected", if_empty=None),
        reason=request.form.get("reason", ""),
    )
    if action == "count" and typed.counted is None and not reader.errors:
        reader.errors.append(("counted", _("Type a whole number, as in 3.")))
    return typed


def _act(visit: Visit, product_code: str, reader: FormReader) -> str:
    typed = _typed(reader)
    if reader.errors:
        return ""
    body = {
        name: value for name, value in request.form.items() if name not in {"csrf_token", "key"}
    }
    key = request.form.get("key") or secrets.token_urlsafe(16)
    try:
        once(
            visit,
            key,
            f"stock/{product_code}/{typed.action}",
            body,
            lambda uow: str(_carry_out(uow, product_code, typed)),
        )
    except DomainError as refusal:
        reader.errors.append(refused_words(refusal))
    return _done(typed.action)


def _carry_out(uow: UnitOfWork, product_code: str, typed: _Typed) -> int | None:
    product = stock_of(uow.session, uow.tenant, product_code).product_id
    if typed.action == "sell":
        member = member_by_code(uow.session, uow.tenant, _member_code()).id
        sale = SellStock(
            product_id=product, member_id=member, units=typed.units, price_each_cents=typed.price
        )
        return sell_stock(uow, sale)
    if typed.action == "back":
        back = TakeSaleBack(product_id=product, number=typed.number, reason=typed.reason)
        return take_sale_back(uow, back)
    if typed.action == "lost":
        lost = WriteOff(product_id=product, units=typed.units, reason=typed.reason)
        return write_off(uow, lost)
    counted = CountStock(
        product_id=product,
        counted=typed.counted or 0,
        reason=typed.reason,
        expected=typed.expected,
    )
    return count_stock(uow, counted)


def _member_code() -> str:
    """The number that was typed, also where the name came along from the list."""
    return request.form.get("member", "").strip().partition(" ")[0]


def _done(action: str) -> str:
    words: dict[str, str] = {
        "sell": _("Sold. It stands on the member's account."),
        "back": _("Turned back. The goods lie in stock again."),
        "lost": _("Written off. The cooperative bears it."),
        "count": _("Counted. The list says what there is."),
    }
    return words[action]
