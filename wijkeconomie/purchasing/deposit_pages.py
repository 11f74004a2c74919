"""The page of deposits: who still has packaging, and what comes back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.deposit_queries import (
    deposit_products,
    empties_returns,
    member_deposits,
    supplier_deposits,
    supplier_id,
)
from wijkeconomie.purchasing.deposit_returning import (
    SendEmpties,
    TakeEmpties,
    send_empties,
    take_empties,
    undo_return,
)
from wijkeconomie.purchasing.refusals import DepositTooMuchError, ReturnUndoneError

ACTIONS = ("take", "send", "undo")


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed in one of the forms."""

    action: str
    party: str
    product_id: int | None
    units: int | None
    cents: int | None
    number: int
    reason: str


@pages.route("/deposits", methods=["GET", "POST"])
def deposits() -> ResponseReturnValue:
    """What members and suppliers still have, and the forms for what comes back."""
    visit = current_visit()
    require_permission(visit.identity, "stock.read")
    reader = FormReader()
    if request.method == "POST":
        require_permission(visit.identity, "stock.change")
        _act(visit, reader)
        if not reader.errors:
            flash(_("Booked."), "success")
            return redirect(url_for("purchasing.deposits"), 303)
    with visit.begin() as uow:
        key = (uow.session, uow.tenant)
        shown = {
            "of_members": member_deposits(*key),
            "of_suppliers": supplier_deposits(*key),
            "returns": empties_returns(*key),
            "products": deposit_products(*key),
        }
    page = render_template(
        "purchasing/deposits.html",
        visit=visit,
        form=request.form,
        action=request.form.get("action", "") if reader.errors else "",
        errors=reader.errors,
        key=secrets.token_urlsafe(16),
        **shown,
    )
    return page, 422 if reader.errors else 200


def _act(visit: Visit, reader: FormReader) -> None:
    product = request.form.get("product", "")
    typed = _Typed(
        action=reader.choice("action", ACTIONS),
        party=request.form.get("party", "").strip().partition(" ")[0],
        product_id=int(product) if product.isdecimal() else None,
        units=reader.count("units", if_empty=None) if product else None,
        cents=None if product else reader.optional_amount("amount"),
        number=reader.count("number", if_empty=0) or 0,
        reason=request.form.get("reason", ""),
    )
    if reader.errors:
        return
    body = {
        name: value for name, value in request.form.items() if name not in {"csrf_token", "key"}
    }
    key = request.form.get("key") or secrets.token_urlsafe(16)
    try:
        once(visit, key, f"deposits/{typed.action}", body, lambda uow: _carry_out(uow, typed))
    except DomainError as refusal:
        reader.errors.append(_refused(refusal))


def _carry_out(uow: UnitOfWork, typed: _Typed) -> str:
    if typed.action == "undo":
        undo_return(uow, typed.number, typed.reason)
        return str(typed.number)
    if typed.action == "take":
        member_id = member_by_code(uow.session, uow.tenant, typed.party).id
        taken = TakeEmpties(
            member_id=member_id,
            product_id=typed.product_id,
            units=typed.units,
            cents=typed.cents,
            note=typed.reason,
        )
        return str(take_empties(uow, taken))
    sent = SendEmpties(
        supplier_id=supplier_id(uow.session, uow.tenant, typed.party),
        product_id=typed.product_id,
        units=typed.units,
        cents=typed.cents,
        note=typed.reason,
    )
    return str(send_empties(uow, sent))


def _refused(refusal: DomainError) -> tuple[str, str]:
    if isinstance(refusal, DepositTooMuchError):
        left = format_amount(int(str(refusal.context["left_cents"])), page_language())
        return "amount", _("Only %(left)s was paid in deposits.", left=left)
    if isinstance(refusal, NotFoundError):
        return "party", _("We do not know this one. Look at the number.")
    if isinstance(refusal, ReturnUndoneError):
        return "", _("This was turned back already.")
    if isinstance(refusal, ClosedPeriodError):
        return "", _("This month is closed. Ask the treasurer.")
    if isinstance(refusal, InvalidInputError) and refusal.context.get("field") == "reason":
        return "", _("Say in a few words why.")
    return "amount", _("Say how many came back, or which amount.")
