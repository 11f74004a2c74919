"""Pages of a round for its coordinator: the next step, the lines, and what will happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.audit import history
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.deadline_queries import round_deadline
from wijkeconomie.purchasing.deadline_words import agreed_words, miss_words
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.ladder_words import (
    LadderShown,
    closing_words,
    dropout_words,
    ladder_shown,
)
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.order_document import render_order_csv, render_order_pdf
from wijkeconomie.purchasing.order_letters import order_letters
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import (
    DeadlinePassedError,
    GoodsCameError,
    NothingPledgedError,
    RoundStateError,
    SupplierMinimumError,
)
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    cancel_round,
    close_round,
    open_round,
    order_round,
)
from wijkeconomie.purchasing.stock_queries import stock_of_round
from wijkeconomie.purchasing.withdrawal_letters import withdrawal_letter
from wijkeconomie.purchasing.words import change_words, road


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now: what the button says, where it leads, and what will happen."""

    label: str
    endpoint: str
    explanation: str


def next_step(found: RoundView) -> NextStep | None:
    """What a round waits for; nothing when it is finished or cancelled."""
    members = ngettext("%(num)d member", "%(num)d members", found.pledgers)
    worth = format_amount(found.pledged_net_cents, page_language())
    ordered = _(
        "%(members)s ordered for %(worth)s without VAT and freight.", members=members, worth=worth
    )
    steps = {
        RoundState.DRAFT: NextStep(
            _("Open the round"),
            "purchasing.confirm_opening",
            _("Members can order from then on, until the closing time."),
        ),
        RoundState.OPEN: NextStep(
            _("Close the round and order"), "purchasing.confirm_closing", ordered
        ),
        RoundState.CLOSED: NextStep(
            _("Order at the supplier"), "purchasing.confirm_closing", ordered
        ),
        RoundState.ORDERED: NextStep(
            _("Enter what came"),
            "purchasing.receive",
            _("Count what the supplier brings, one product at a time."),
        ),
        RoundState.RECEIVED: _settling(),
        RoundState.ALLOCATED: _settling(),
    }
    return steps.get(found.state)


def _settling() -> NextStep:
    return NextStep(
        _("Look at the settlement"),
        "purchasing.settle",
        _("See what each member pays. Nothing is booked before you say so."),
    )


@pages.get("/rounds/<round_code>/manage")
def manage(round_code: str) -> ResponseReturnValue:
    """The round for its coordinator."""
    visit = current_visit()
    require_permission(visit.identity, "round.read-all-pledges")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        key = (uow.session, uow.tenant, found.id)
        shown = {
            "products": queries.offered_products(*key),
            "stock": stock_of_round(*key),
            "pledges": [
                pledge
                for pledge in queries.pledges(*key, with_withdrawn=True)
                if pledge.withdrawn_at is None or pledge.dropout
            ],
            "dropout_words": dropout_words,
            "deliveries": settlement_queries.deliveries(*key),
            "invoice": settlement_queries.invoice(*key),
            "letters": order_letters(*key),
            "settlements": settlement_queries.settlements(*key),
            "ladders": _ladders(uow, found),
            "deadline": (deadline := round_deadline(*key)),
            "agreed": agreed_words(deadline),
            "misses": [miss_words(each) for each in deadline.misses] if deadline else [],
            "changes": [
                (change.recorded_at, change_words(change.action), change.reason)
                for change in history(uow.session, uow.tenant, f"round/{found.id}")
            ],
        }
    return render_template(
        "purchasing/manage.html",
        visit=visit,
        round=found,
        step=next_step(found) if visit.may("round.close") else None,
        road=road(),
        **shown,
    )


def _ladders(uow: UnitOfWork, found: RoundView) -> dict[int, LadderShown]:
    """Ladders, packs and minimums by product, where there are any."""
    offered = {
        each.id: each for each in queries.offered_products(uow.session, uow.tenant, found.id)
    }
    is_open = found.state is RoundState.OPEN
    return {
        each.round_product_id: ladder_shown(each, offered[each.round_product_id])
        for each in round_ladders(uow.session, uow.tenant, found.id, is_open=is_open)
        if each.has_choice
    }


def _what_closing_does(uow: UnitOfWork, found: RoundView) -> list[str]:
    """A sentence for each product of which closing fixes the price or the quantity."""
    offered = {
        each.id: each for each in queries.offered_products(uow.session, uow.tenant, found.id)
    }
    is_open = found.state is RoundState.OPEN
    told = [
        closing_words(each, offered[each.round_product_id])
        for each in round_ladders(uow.session, uow.tenant, found.id, is_open=is_open)
        if each.has_choice
    ]
    return [words for words in told if words]


def to_manage(round_code: str) -> Response:
    """Back to the coordinator's page of a round."""
    answer = redirect(url_for("purchasing.manage", round_code=round_code), 303)
    assert isinstance(answer, Response)  # noqa: S101 redirect() is typed wider than it is
    return answer


def take_step(
    round_code: str, step: Callable[[UnitOfWork, RoundView], object], done: str
) -> ResponseReturnValue:
    """Take a step in one transaction; one that was taken already is said kindly."""
    visit = current_visit()
    try:
        with visit.begin() as uow:
            step(uow, queries.round_by_code(uow.session, uow.tenant, round_code))
        flash(done, "success")
    except RoundStateError:
        flash(_("This was done already. This is how the round is now."), "attention")
    return to_manage(round_code)


@pages.get("/rounds/<round_code>/manage/open")
def confirm_opening(round_code: str) -> ResponseReturnValue:
    """What opening means."""
    return _confirm(
        round_code,
        permission="round.open",
        title=_("Open the round"),
        action=url_for("purchasing.open_now", round_code=round_code),
        button=_("Open the round for all members"),
        facts=[
            _("Every member can order, and change the order until the closing time."),
            _("You can close it earlier, or cancel it. Nobody pays anything then."),
        ],
    )


@pages.post("/rounds/<round_code>/manage/open")
def open_now(round_code: str) -> ResponseReturnValue:
    """Open the round."""
    try:
        return take_step(
            round_code,
            lambda uow, found: open_round(uow, found.id),
            _("The round is open: members can order."),
        )
    except DeadlinePassedError:
        flash(_("The closing time has passed. Prepare a new round."), "error")
        return to_manage(round_code)


@pages.get("/rounds/<round_code>/manage/close")
def confirm_closing(round_code: str) -> ResponseReturnValue:
    """What closing and ordering mean, for how many and how much."""
    visit = current_visit()
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        outcome = _what_closing_does(uow, found)
    step = next_step(found)
    return _confirm(
        round_code,
        permission="round.close",
        title=_("Close and order"),
        action=url_for("purchasing.close_and_order", round_code=round_code),
        button=_("Close the round and order at %(supplier)s", supplier=found.supplier_name),
        minimum_cents=found.minimum_net_cents,
        facts=[
            step.explanation if step else "",
            *outcome,
            _("Members can change nothing any more."),
            _(
                "The order to %(supplier)s is fixed. You can download it as PDF and as CSV.",
                supplier=found.supplier_name,
            ),
            _("This cannot be undone. If it goes wrong, cancel the round: nobody pays then."),
        ],
    )


@pages.post("/rounds/<round_code>/manage/close")
def close_and_order(round_code: str) -> ResponseReturnValue:
    """Close where it is open, and order."""
    try:
        return take_step(round_code, _close_and_order, _("The round is closed and ordered."))
    except NothingPledgedError:
        flash(_("Nobody ordered anything. Cancel the round instead."), "error")
        return to_manage(round_code)
    except SupplierMinimumError as refusal:
        short = format_amount(int(refusal.context["short_cents"] or 0), page_language())
        flash(
            _(
                "The order is %(short)s too small for the supplier. Say why it takes it all the"
                " same, or cancel the round.",
                short=short,
            ),
            "error",
        )
        return redirect(url_for("purchasing.confirm_closing", round_code=round_code), 303)


def _close_and_order(uow: UnitOfWork, found: RoundView) -> None:
    if found.state is RoundState.OPEN:
        close_round(uow, CloseRound(round_id=found.id))
    reason = request.form.get("below_minimum_reason")
    order_round(uow, OrderRound(round_id=found.id, below_minimum_reason=reason))


@pages.route("/rounds/<round_code>/manage/cancel", methods=["GET", "POST"])
def cancel(round_code: str) -> ResponseReturnValue:
    """Cancel the round, with the reason that members read."""
    visit = current_visit()
    require_permission(visit.identity, "round.cancel")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        reason = request.form.get("reason", "")
        try:
            return take_step(
                round_code,
                lambda uow, found: cancel_round(uow, CancelRound(round_id=found.id, reason=reason)),
                _("The round has been cancelled."),
            )
        except GoodsCameError:
            words = _("Goods came, or an invoice. Settle the round; see there if nobody is to pay.")
            errors = [("", words)]
        except InvalidInputError:
            errors = [("reason", _("Say in a few words why. Members read this."))]
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        letter = withdrawal_letter(uow, found.id)
    page = render_template(
        "purchasing/cancel.html",
        visit=visit,
        round=found,
        letter=letter,
        errors=errors,
        form=request.form,
    )
    return page, 422 if errors else 200


def _confirm(
    round_code: str,
    *,
    permission: str,
    title: str,
    action: str,
    button: str,
    facts: list[str],
    minimum_cents: int | None = None,
) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, permission)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
    return render_template(
        "purchasing/confirm.html",
        visit=visit,
        round=found,
        title=title,
        action=action,
        button=button,
        facts=[fact for fact in facts if fact],
        minimum_cents=minimum_cents,
    )


@pages.get("/rounds/<round_code>/manage/order.<any(csv, pdf):extension>")
def download_order(round_code: str, extension: str) -> ResponseReturnValue:
    """The order to the supplier as a letter or as a list."""
    visit = current_visit()
    with visit.begin() as uow:
        order = supplier_order(uow, round_code, contact=visit.display_name)
    if extension == "csv":
        content, kind = render_order_csv(order), "text/csv; charset=utf-8"
    else:
        content, kind = render_order_pdf(order, language=page_language()), "application/pdf"
    name = f"{_('order')}-{round_code}.{extension}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type=kind)
