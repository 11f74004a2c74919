"""Page of the treasurer: money of insurers for care, by alias and without any holder's name."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.budgets.holding import (
    MoveCareMoney,
    held_budgets,
    owed_carers,
    pay_carer,
    receive_care_money,
)
from wijkeconomie.budgets.pages import blueprint, form_key, new_key, said_in_words
from wijkeconomie.budgets.refusals import NotOurMoneyError
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.ledger.refusals import BalanceLimitError, ClosedPeriodError
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@blueprint.route("/care-money", methods=["GET", "POST"])
def money() -> ResponseReturnValue:
    """What insurers still owe for care, what carers are owed, and what was paid of it."""
    visit = current_visit()
    require_permission(visit.identity, "care.money")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        errors = _move()
        if not errors:
            flash(_("Booked."), "success")
            return redirect(url_for("budgets.money"), 303)
    with visit.begin() as uow:
        held = held_budgets(uow.session, uow.tenant)
        owed = owed_carers(uow.session, uow.tenant)
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "budgets/money.html",
        visit=visit,
        held=held,
        owed=owed,
        key=request.form.get("idempotency_key") or new_key(),
        form={"on": today.isoformat()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _move() -> list[tuple[str, str]]:
    form = FormReader()
    direction = form.choice("direction", ("received", "paid"))
    alias, cents, day = form.text("alias"), form.amount("amount"), form.day("on")
    if not form.errors and cents <= 0:
        form.errors.append(("amount", _("Write an amount as in 12,50.")))
    if form.errors:
        return form.errors
    command = MoveCareMoney(idempotency_key=form_key(), alias=alias, cents=cents, on=day)
    act = pay_carer if direction == "paid" else receive_care_money
    try:
        with current_visit().begin() as uow:
            act(uow, command)
    except BalanceLimitError:
        return [("amount", _("This carer is not owed so much."))]
    except (NotOurMoneyError, ClosedPeriodError) as refusal:
        field = "on" if isinstance(refusal, ClosedPeriodError) else "alias"
        return [(field, said_in_words(refusal))]
    return []
