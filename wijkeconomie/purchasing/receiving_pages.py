"""Pages of the van: what came, counted product by product, by one or more people at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    StaleVersionError,
)
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.delivery_forms import delivery_error, read_line
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveTheRest,
    finish_receiving,
    receive_line,
    receive_the_rest,
)
from wijkeconomie.purchasing.refusals import (
    LinesNotReceivedError,
    OverOrderError,
    RoundStateError,
)
from wijkeconomie.purchasing.settlement_queries import DeliveryView

Errors = list[tuple[str, str]]
_EXPECTED = (
    InvalidInputError,
    LinesNotReceivedError,
    OverOrderError,
    RoundStateError,
    StaleVersionError,
)


@pages.get("/rounds/<round_code>/manage/receive")
def receive(round_code: str) -> ResponseReturnValue:
    """Count what came, one product at a time; each is saved by itself."""
    return _page(round_code, [])


@pages.post("/rounds/<round_code>/manage/receive/<int:product_id>")
def count_product(round_code: str, product_id: int) -> ResponseReturnValue:
    """Save what came of one product, and of no other."""
    visit = current_visit()
    require_permission(visit.identity, "round.receive")
    reader = FormReader()

    def act(uow: UnitOfWork) -> None:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        lines = settlement_queries.deliveries(uow.session, uow.tenant, found.id)
        shown = next((line for line in lines if line.round_product_id == product_id), None)
        if shown is None:
            raise NotFoundError(f"nothing of {product_id} is expected", product_id=product_id)
        line = read_line(reader, found.id, shown)
        if line is None and not reader.errors:
            reader.errors.append((f"delivered-{product_id}", _("Type a whole number, as in 3.")))
        if line is not None and not reader.errors:
            receive_line(uow, line)

    refused = _refused(act)
    errors = reader.errors + refused
    if errors or request.headers.get("HX-Request"):
        is_stale = any(not field for field, _words in errors)
        return _page(round_code, errors, wrong_id=product_id, keeps_typed=not is_stale)
    flash(_("Saved."), "success")
    return redirect(_next_place(round_code), 303)


@pages.post("/rounds/<round_code>/manage/receive")
def receive_step(round_code: str) -> ResponseReturnValue:
    """Say that all that was not counted is as it was ordered, or that everything is counted."""
    visit = current_visit()
    require_permission(visit.identity, "round.receive")
    is_rest = request.form.get("action") == "rest"

    def act(uow: UnitOfWork) -> None:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        if is_rest:
            ids = tuple(request.form.getlist("line", type=int))
            receive_the_rest(uow, ReceiveTheRest(round_id=found.id, round_product_ids=ids))
        else:
            finish_receiving(uow, FinishReceiving(round_id=found.id))

    errors = _refused(act)
    if errors:
        return _page(round_code, errors)
    flash(_("Saved."), "success")
    return redirect(_next_place(round_code), 303) if is_rest else to_manage(round_code)


def _refused(act: Callable[[UnitOfWork], None]) -> Errors:
    """Do it in one transaction; what stands in the way, in words."""
    try:
        with current_visit().begin() as uow:
            act(uow)
    except _EXPECTED as refusal:
        return [_words(refusal)]
    return []


def _words(refusal: DomainError) -> tuple[str, str]:
    context = {name: str(value) for name, value in refusal.context.items()}
    if isinstance(refusal, LinesNotReceivedError):
        return "", _(
            "Enter how much came of: %(products)s. Type 0 if nothing came.",
            products=context["products"],
        )
    if isinstance(refusal, RoundStateError):
        return "", _("This delivery was finished already. Correct the round after settling.")
    if isinstance(refusal, StaleVersionError):
        return "", _counted_by_others(refusal)
    return delivery_error(refusal)


def _counted_by_others(refusal: DomainError) -> str:
    """What somebody else counted, so that two people at the van can talk about it."""
    context = refusal.context
    if "waiting" in context:
        words = _("Somebody else counted in the meantime. Look which products are left.")
    else:
        words = _(
            "Somebody else counted %(product)s in the meantime: %(came)s came, %(damaged)s "
            "damaged. That is how it is now. Count again where it is not right.",
            product=context["product"],
            came=context["delivered"],
            damaged=context["damaged"],
        )
    return str(words)


def _next_place(round_code: str) -> str:
    """Where to go on without scripts: the next product that nobody counted."""
    with current_visit().begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        lines = settlement_queries.deliveries(uow.session, uow.tenant, found.id)
    waiting = _waiting(lines)
    anchor = f"line-{waiting[0].round_product_id}" if waiting else "receive-actions"
    return url_for("purchasing.receive", round_code=round_code, _anchor=anchor)


def _waiting(lines: Sequence[DeliveryView]) -> list[DeliveryView]:
    return [line for line in lines if line.delivered is None]


def _page(
    round_code: str, errors: Errors, *, wrong_id: int | None = None, keeps_typed: bool = True
) -> ResponseReturnValue:
    """The page; ``wrong_id``: the product whose form was sent and said again where it was wrong."""
    visit = current_visit()
    require_permission(visit.identity, "round.receive")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        lines = settlement_queries.deliveries(uow.session, uow.tenant, found.id)
    waiting = _waiting(lines)
    counted = len(lines) - len(waiting)
    page = render_template(
        "purchasing/receive.html",
        visit=visit,
        round=found,
        lines=lines,
        waiting=waiting,
        counted=counted,
        progress_words=ngettext(
            "%(done)s of %(num)d product counted",
            "%(done)s of %(num)d products counted",
            len(lines),
            done=counted,
        ),
        errors=errors,
        wrong_id=wrong_id,
        is_part="HX-Request" in request.headers,
        typed=request.form if errors and keeps_typed else {},
    )
    # A card has no place on a page on which nothing is counted any more.
    is_over = found.state not in {RoundState.ORDERED, RoundState.RECEIVED}
    return page, 422 if errors else 200, {"HX-Refresh": "true"} if is_over else {}
