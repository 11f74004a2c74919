"""REST resource of the invoice of a fee."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.vouchers.api import blueprint
from wijkeconomie.vouchers.payout_pages import payout_answer


class InvoiceQuerySchema(StrictSchema):
    """In which language the invoice is written."""

    language = fields.String(
        load_default="nl",
        validate=validate.OneOf(("nl", "en")),
        metadata={"description": "nl for Dutch, en for English"},
    )


@blueprint.route("/voucher-payouts/<int:number>/invoice")
class PayoutInvoiceResource(MethodView):
    """The invoice of a fee."""

    @blueprint.arguments(InvoiceQuerySchema, location="query")
    @blueprint.response(200, content_type="application/pdf")
    def get(self, query: dict[str, Any], number: int) -> Response:
        """Give the payout as a PDF, which is the invoice of its fee; a shop sees its own."""
        return payout_answer(current_visit(), number, query["language"])
