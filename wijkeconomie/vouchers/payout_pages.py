"""Invoices of fees as PDF: for the shop itself, and for who keeps or reads the books."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.typesetting import Language
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers.history_pages import require_own
from wijkeconomie.vouchers.pages import blueprint
from wijkeconomie.vouchers.payout_document import render_payout_pdf
from wijkeconomie.vouchers.payout_queries import PayoutInvoice, payout_invoice


@blueprint.get("/vouchers/payouts/<int:number>.pdf")
def payout_paper(number: int) -> ResponseReturnValue:
    """A payout as the invoice of its fee."""
    return payout_answer(current_visit(), number, page_language())


def payout_answer(visit: Visit, number: int, language: Language) -> Response:
    """The invoice, for who may see it.

    Raises:
        PermissionDeniedError, NotFoundError: also of another shop than the visitor's own.
    """
    with visit.begin() as uow:
        found = _payout(visit, uow, number)
    content = render_payout_pdf(found, visit.cooperative, language=language)
    headers = {"Content-Disposition": f'attachment; filename="payout-{number}.pdf"'}
    return Response(content, headers=headers, content_type="application/pdf")


def _payout(visit: Visit, uow: UnitOfWork, number: int) -> PayoutInvoice:
    if may(visit.identity, "voucher.read"):
        return payout_invoice(uow.session, uow.tenant, number)
    require_permission(visit.identity, "voucher.redeem")
    found = payout_invoice(uow.session, uow.tenant, number)
    require_own(visit, uow, found.merchant_code)
    return found
