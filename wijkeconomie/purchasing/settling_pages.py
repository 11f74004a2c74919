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
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.decision_forms import read_decisions
from wijkeconomie.purchasing.delivery_forms import delivery_error, read_lines
from wijkeconomie.purchasing.deposit_words import deposit_steps
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.invoicing import (
    RecordInvoice,
    WithdrawInvoice,
    record_invoice,
    withdraw_invoice,
)
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import (
    FiguresChangedError,
    GoodsNotWeighedError,
    InvoiceDifferenceError,
    InvoiceKnownError,
    InvoiceMissingError,
    OverOrderError,
    RoundStateError,
    UndecidedUnitsError,
)
from wijkeconomie.purchasing.settlement_preview import SettlementPreview
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
        except (InvoiceKnownError, InvalidInputError) as refusal:
            reader.errors.append(invoice_error(refusal))
        except RoundStateError:
            return to_manage(round_code)
    return _settlement_page(round_code, reader.errors)


def invoice_error(refusal: DomainError) -> tuple[str, str]:
    """The field and the words for what is not right about an invoice."""
    if isinstance(refusal, InvoiceKnownError):
        words = _("This invoice was entered for another round. Look at the number.")
        return "invoice_code", words
    name = str(refusal.context["field"])
    fields = {"code": "invoice_code", "net_cents": "net", "vat_cents": "vat"}
    fields["deposit_cents"] = "deposit"
    wrong = {
        "code": _("Fill this in."),
        "invoiced_on": _("This day has not come yet."),
    }
    return fields.get(name, name), wrong.get(name, _("An amount is not below zero."))


@pages.post("/rounds/<round_code>/manage/invoice/withdraw")
def take_back_invoice(round_code: str) -> ResponseReturnValue:
    """Take back an invoice that was of another round, while nothing was settled."""
    reason = request.form.get("withdraw_reason", "")
    try:
        with current_visit().begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            withdraw_invoice(uow, WithdrawInvoice(round_id=found.id, reason=reason))
    except InvalidInputError:
        return _settlement_page(round_code, [("withdraw_reason", _("Say why in a few words."))])
    except (NotFoundError, RoundStateError):
        flash(_("This was done already. This is how the round is now."), "attention")
        return to_manage(round_code)
    flash(_("The invoice has been taken back."), "success")
    return redirect(url_for("purchasing.settle", round_code=round_code), 303)


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
                    round_id=found.id,
                    accounting_date=on,
                    accepted_difference_cents=accepted,
                    seen=request.form.get("seen", ""),
                ),
            )
    except FiguresChangedError:
        words = _("These are not the amounts that you saw. This is how they are now: look again.")
        return _settlement_page(round_code, [("", words)])
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
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "purchasing/settle.html",
        visit=visit,
        round=found,
        today=today.isoformat(),
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
            reader.errors.append(_fact_error(refusal))
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
        return [_fact_error(refusal)]
    return []


def _fact_error(refusal: DomainError) -> tuple[str, str]:
    """The field and the words for a line, a decision or an invoice that is not right."""
    kind = str(refusal.context.get("field", "code")).rpartition("-")[0]
    if kind in {"delivered", "damaged", "uncredited", "grams"} or isinstance(
        refusal, OverOrderError
    ):
        return delivery_error(refusal)
    if not kind:
        return invoice_error(refusal)
    words = _("This is not right. Look at the number and the reason.")
    return str(refusal.context["field"]), words


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
