"""Pages from the van to the books: receiving, the invoice, settling and correcting."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.decision_forms import read_decisions
from wijkeconomie.purchasing.deposit_words import deposit_steps
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    RecordInvoice,
    finish_receiving,
    receive_line,
    record_invoice,
)
from wijkeconomie.purchasing.refusals import (
    FiguresChangedError,
    GoodsNotWeighedError,
    InvoiceDifferenceError,
    InvoiceKnownError,
    InvoiceMissingError,
    LinesNotReceivedError,
    OverOrderError,
    RoundStateError,
    UndecidedUnitsError,
)
from wijkeconomie.purchasing.settlement_preview import SettlementPreview, figures_seen
from wijkeconomie.purchasing.settlement_queries import DeliveryView
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.sharing_queries import shared_products
from wijkeconomie.purchasing.unit_price_words import rounding_words

Errors = list[tuple[str, str]]
STANDS_IN_THE_WAY = (
    ClosedPeriodError,
    GoodsNotWeighedError,
    InvoiceDifferenceError,
    InvoiceMissingError,
    UndecidedUnitsError,
)


@pages.route("/rounds/<round_code>/manage/receive", methods=["GET", "POST"])
def receive(round_code: str) -> ResponseReturnValue:
    """Count what came, one product at a time; each time it is saved it may be saved again."""
    visit = current_visit()
    require_permission(visit.identity, "round.receive")
    reader = FormReader()
    if request.method == "POST":
        is_finished = request.form.get("action") == "finish"
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            lines = read_lines(reader, uow, found)
        if not reader.errors:
            reader.errors += _save_lines(round_code, lines, is_finished=is_finished)
        if not reader.errors:
            flash(_("Saved."), "success")
            here = url_for("purchasing.receive", round_code=round_code)
            return to_manage(round_code) if is_finished else redirect(here, 303)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        lines_shown = settlement_queries.deliveries(uow.session, uow.tenant, found.id)
    page = render_template(
        "purchasing/receive.html",
        visit=visit,
        round=found,
        lines=lines_shown,
        errors=reader.errors,
        form=request.form,
    )
    return page, 422 if reader.errors else 200


def read_lines(reader: FormReader, uow: UnitOfWork, found: RoundView) -> tuple[ReceiveLine, ...]:
    """The lines of a form with ``delivered-<id>``, ``damaged-<id>`` and ``reason-<id>``."""
    lines = []
    for shown in settlement_queries.deliveries(uow.session, uow.tenant, found.id):
        key = shown.round_product_id
        delivered = reader.count(f"delivered-{key}", if_empty=None)
        if delivered is None:
            continue
        lines.append(
            ReceiveLine(
                round_id=found.id,
                round_product_id=key,
                delivered=delivered,
                damaged=(damaged := reader.count(f"damaged-{key}", if_empty=0) or 0),
                uncredited=_charged(shown, delivered, damaged),
                grams=reader.count(f"grams-{key}", if_empty=None),
                reason=reader.text(f"reason-{key}", is_required=False) or None,
            )
        )
    return tuple(lines)


def _charged(shown: DeliveryView, delivered: int, damaged: int) -> int:
    """What the supplier charges of what is lost: by one tick all of it, or nothing."""
    if request.form.get(f"charged-{shown.round_product_id}") != "yes":
        return 0
    return damaged + max(shown.ordered - delivered, 0)


def _save_lines(round_code: str, lines: tuple[ReceiveLine, ...], *, is_finished: bool) -> Errors:
    visit = current_visit()
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            for line in lines:
                receive_line(uow, line)
            if is_finished:
                finish_receiving(uow, FinishReceiving(round_id=found.id))
    except OverOrderError as refusal:
        words = _("More came of %(product)s than was ordered: say why.", **_plain(refusal.context))
        return [(str(refusal.context["field"]), words)]
    except LinesNotReceivedError as refusal:
        words = _(
            "Enter how much came of: %(products)s. Type 0 if nothing came.",
            **_plain(refusal.context),
        )
        return [("", words)]
    except InvalidInputError as refusal:
        return [(str(refusal.context["field"]), _("Not more can be damaged than came."))]
    except RoundStateError:
        return [("", _("This delivery was finished already. Correct the round after settling."))]
    return []


def _plain(context: dict[str, str | int | None]) -> dict[str, str]:
    return {name: str(value) for name, value in context.items()}


def read_invoice(reader: FormReader, found: RoundView) -> RecordInvoice:
    """The invoice of a form with number, day, amount without VAT, and VAT."""
    return RecordInvoice(
        round_id=found.id,
        code=reader.text("invoice_code"),
        invoiced_on=reader.day("invoiced_on"),
        net_cents=reader.amount("net"),
        vat_cents=reader.amount("vat"),
        deposit_cents=reader.optional_amount("deposit"),
    )


@pages.post("/rounds/<round_code>/manage/invoice")
def enter_invoice(round_code: str) -> ResponseReturnValue:
    """Write down the supplier's invoice."""
    visit = current_visit()
    reader = FormReader()
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
    command = read_invoice(reader, found)
    if not reader.errors:
        try:
            with visit.begin() as uow:
                record_invoice(uow, command)
            flash(_("The invoice has been saved."), "success")
            return redirect(url_for("purchasing.settle", round_code=round_code), 303)
        except InvoiceKnownError:
            words = _("This invoice was entered for another round. Look at the number.")
            reader.errors.append(("invoice_code", words))
        except InvalidInputError as refusal:
            reader.errors.append((str(refusal.context["field"]), _("This day has not come yet.")))
        except RoundStateError:
            return to_manage(round_code)
    return _settlement_page(round_code, reader.errors)


@pages.route("/rounds/<round_code>/manage/settle", methods=["GET", "POST"])
def settle(round_code: str) -> ResponseReturnValue:
    """What settling does, to the cent; and the button that does it."""
    visit = current_visit()
    reader = FormReader()
    if request.method == "GET":
        return _settlement_page(round_code, [])
    on = reader.day("accounting_date")
    if reader.errors:
        return _settlement_page(round_code, reader.errors)
    is_accepted = request.form.get("accept_difference") == "yes"
    accepted = request.form.get("difference_cents", type=int) if is_accepted else None
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            settle_round(
                uow,
                SettleRound(
                    round_id=found.id, accounting_date=on, accepted_difference_cents=accepted
                ),
            )
    except STANDS_IN_THE_WAY as refusal:
        return _settlement_page(round_code, [settling_error(refusal)])
    except RoundStateError:
        flash(_("This was done already. This is how the round is now."), "attention")
        return to_manage(round_code)
    flash(_("The round has been settled. Members see what they pay and why."), "success")
    return to_manage(round_code)


def settling_error(refusal: DomainError) -> tuple[str, str]:
    """The field and the words for what stands in the way of booking."""
    if isinstance(refusal, ClosedPeriodError):
        words = _("The month of this day is closed. Choose a later day, or ask the treasurer.")
        return "accounting_date", words
    if isinstance(refusal, InvoiceMissingError):
        return "invoice_code", _("Enter the supplier's invoice first.")
    if isinstance(refusal, UndecidedUnitsError):
        words = _("Decide first who gets %(product)s.", **_plain(refusal.context))
        return "", words
    if isinstance(refusal, GoodsNotWeighedError):
        return "", _("Weigh %(product)s first.", **_plain(refusal.context))
    words = _(
        "The invoice differs from what came. Ask the supplier, count again, or accept the "
        "difference for the cooperative."
    )
    return "accept_difference", words


def _settlement_page(round_code: str, errors: Errors) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "round.settle")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        if found.state not in {RoundState.RECEIVED, RoundState.ALLOCATED, RoundState.ORDERED}:
            return to_manage(round_code)
        preview = preview_settlement(uow, found.id)
        shown = preview_values(uow, found, preview)
        today = uow.now
    page = render_template(
        "purchasing/settle.html",
        visit=visit,
        round=found,
        today=today.date().isoformat(),
        form=request.form,
        errors=errors,
        **shown,
    )
    return page, 422 if errors else 200


def preview_values(
    uow: UnitOfWork, found: RoundView, preview: SettlementPreview
) -> dict[str, object]:
    """What a page shows of a settlement: members with their why, and the lines of the entry."""
    language = page_language()
    products = {
        product.id: product
        for product in queries.offered_products(uow.session, uow.tenant, found.id)
    }
    reasons: dict[int, list[dict[str, object]]] = {}
    for share in preview.result.shares:
        product = products[share.product]
        reasons.setdefault(share.member, []).append(
            {
                "name": product.name,
                "gross_cents": share.gross_cents,
                "steps": explain_share(share.explanation, language, unit=product.unit),
            }
        )
    for line in preview.deposits.lines:
        product = products[line.product]
        steps = deposit_steps(line.units, product.unit, line.each_cents)
        reasons.setdefault(line.member, []).append(
            {
                "name": _("Deposit on %(product)s", product=product.name),
                "gross_cents": line.cents,
                "steps": steps,
            }
        )
    names = {line.key: line.name_en if language == "en" else line.name_nl for line in load_chart()}
    return {
        "preview": preview,
        "seen": figures_seen(preview),
        "roundings": [rounding_words(each, products[each.product]) for each in preview.roundings],
        "reasons": reasons,
        "entry": [
            (names[line.account_key], line.party, line.amount_cents)
            for line in (*preview.lines, *preview.deposit_entry.lines)
        ],
    }


@pages.route("/rounds/<round_code>/manage/correct", methods=["GET", "POST"])
def correct(round_code: str) -> ResponseReturnValue:
    """Put a settled round right: first what would change, member by member, then booking it."""
    visit = current_visit()
    require_permission(visit.identity, "round.correct")
    reader = FormReader()
    shown: dict[str, object] = {}
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        if found.state is not RoundState.SETTLED:
            return to_manage(round_code)
        command = _correction(reader, uow, found) if request.method == "POST" else None
    if command is not None and not reader.errors:
        if request.form.get("action") == "book":
            reader.errors += _book(command)
            if not reader.errors:
                flash(
                    _("The round has been corrected. Only who pays another amount is told."),
                    "success",
                )
                return to_manage(round_code)
        try:
            with visit.begin() as uow:
                preview = preview_correction(uow, command)
                shown = preview_values(uow, found, preview)
        except (InvalidInputError, OverOrderError, InvoiceKnownError) as refusal:
            field = str(refusal.context.get("field", "invoice_code"))
            reader.errors.append(
                (field, _("This is not right. Look at the number and the reason."))
            )
    return _correction_page(round_code, reader.errors, shown)


def _correction(reader: FormReader, uow: UnitOfWork, found: RoundView) -> CorrectRound:
    """The correction of a form; an invoice that was left as it was is not written again."""
    known = settlement_queries.invoice(uow.session, uow.tenant, found.id)
    invoice = read_invoice(reader, found) if known else None
    is_accepted = request.form.get("accept_difference") == "yes"
    reason = reader.text("reason")
    decisions = [
        decision
        for product in shared_products(uow, found)
        for decision in read_decisions(reader, found.id, product, reason=reason)
    ]
    return CorrectRound(
        round_id=found.id,
        reason=reason,
        decisions=tuple(decisions),
        lines=read_lines(reader, uow, found),
        invoice=None if invoice is None or known is None else replace(invoice, note=known.note),
        accepted_difference_cents=(
            request.form.get("difference_cents", type=int) if is_accepted else None
        ),
        seen=request.form.get("seen", ""),
    )


def _book(command: CorrectRound) -> Errors:
    try:
        with current_visit().begin() as uow:
            correct_round(uow, command)
    except FiguresChangedError:
        return [("", _("These are not the differences that you saw. Look again, then book."))]
    except STANDS_IN_THE_WAY as refusal:
        return [settling_error(refusal)]
    except (InvalidInputError, OverOrderError, InvoiceKnownError) as refusal:
        field = str(refusal.context.get("field", "invoice_code"))
        return [(field, _("This is not right. Look at the number and the reason."))]
    return []


def _correction_page(
    round_code: str, errors: Errors, shown: dict[str, object]
) -> ResponseReturnValue:
    visit = current_visit()
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        shared = shared_products(uow, found)
        invoice = settlement_queries.invoice(uow.session, uow.tenant, found.id)
        products = queries.offered_products(uow.session, uow.tenant, found.id)
    page = render_template(
        "purchasing/correct.html",
        visit=visit,
        round=found,
        shared=shared,
        invoice=invoice,
        has_deposits=any(product.deposit_cents for product in products),
        form=request.form,
        errors=errors,
        **{"preview": None, **shown},
    )
    return page, 422 if errors else 200
