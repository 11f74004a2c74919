"""REST resources from the van to the invoice: what came, and what the supplier asks for it."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.purchasing import settlement_queries
from wijkeconomie.purchasing.invoicing import (
    RecordInvoice,
    WithdrawInvoice,
    record_invoice,
    withdraw_invoice,
)
from wijkeconomie.purchasing.receiving import (
    ReceiveLine,
    ReceiveTheRest,
    receive_line,
    receive_the_rest,
)
from wijkeconomie.purchasing.round_wire import fields_named, product_in, round_named
from wijkeconomie.purchasing.schemas import (
    DeliveryListSchema,
    InvoiceSchema,
    ReceiveLineSchema,
    RestSchema,
    WithdrawnInvoiceSchema,
)
from wijkeconomie.purchasing.settlement_queries import InvoiceView

blueprint = cooperative_resources("receiving_api", __name__, "What came, and its invoice")

Body = dict[str, Any]


def _deliveries(visit: Visit, round_code: str) -> Body:
    with visit.begin() as uow:
        found = round_named(uow, round_code)
        return {"items": settlement_queries.deliveries(uow.session, uow.tenant, found.id)}


@blueprint.route("/rounds/<round_code>/deliveries")
class DeliveriesResource(MethodView):
    """What came."""

    @blueprint.response(200, DeliveryListSchema)
    def get(self, round_code: str) -> Body:
        """List what was ordered and what came."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        return _deliveries(visit, round_code)


@blueprint.route("/rounds/<round_code>/deliveries/rest")
class RestResource(MethodView):
    """All that nobody has counted."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RestSchema)
    @blueprint.response(200, DeliveryListSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> Body:
        """Say that every product that was not counted came as it was ordered."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            found = round_named(uow, round_code)
            ids = tuple(product_in(uow, found, code) for code in body["product_codes"])
            return str(
                receive_the_rest(uow, ReceiveTheRest(round_id=found.id, round_product_ids=ids))
            )

        once(visit, headers["idempotency_key"], f"{round_code}/deliveries/rest", body, act)
        return _deliveries(visit, round_code)


@blueprint.route("/rounds/<round_code>/deliveries/<product_code>")
class DeliveryResource(MethodView):
    """What came of one product."""

    @blueprint.arguments(ReceiveLineSchema)
    @blueprint.response(200, DeliveryListSchema)
    def put(self, body: Body, round_code: str, product_code: str) -> Body:
        """Enter what came of a product; again when it was wrong."""
        visit = current_visit()
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            line = product_in(uow, found, product_code)
            with fields_named():
                receive_line(uow, ReceiveLine(round_id=found.id, round_product_id=line, **body))
            return {"items": settlement_queries.deliveries(uow.session, uow.tenant, found.id)}


@blueprint.route("/rounds/<round_code>/invoice")
class InvoiceResource(MethodView):
    """The supplier's invoice."""

    @blueprint.response(200, InvoiceSchema)
    def get(self, round_code: str) -> InvoiceView:
        """Tell what the supplier's invoice of a round is."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            round_id = round_named(uow, round_code).id
            found = settlement_queries.invoice(uow.session, uow.tenant, round_id)
        if found is None:
            raise NotFoundError(f"no invoice of {round_code} was entered", round=round_code)
        return found

    @blueprint.arguments(InvoiceSchema)
    @blueprint.response(200, InvoiceSchema)
    def put(self, body: Body, round_code: str) -> Body:
        """Write down the supplier's invoice; again when it was wrong."""
        visit = current_visit()
        with visit.begin() as uow:
            record_invoice(uow, RecordInvoice(round_id=round_named(uow, round_code).id, **body))
        return body


@blueprint.route("/rounds/<round_code>/invoice/withdrawal")
class InvoiceWithdrawalResource(MethodView):
    """Taking back an invoice that was of another round."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(WithdrawnInvoiceSchema)
    @blueprint.response(204)
    def post(self, headers: Body, body: Body, round_code: str) -> None:
        """Take the invoice of a round back that is not settled; its number may be used again."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            round_id = round_named(uow, round_code).id
            with fields_named(withdraw_reason="reason"):
                withdraw_invoice(uow, WithdrawInvoice(round_id=round_id, reason=body["reason"]))
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/invoice/withdrawal", body, act)
