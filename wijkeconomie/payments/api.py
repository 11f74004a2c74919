"""REST resources of payout runs: the same use cases as the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.payments import order_queries as queries
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.order_pages import file_answer, shows_names
from wijkeconomie.payments.ordering import MakeRun, make_run, settle_run
from wijkeconomie.payments.own_accounts import keep_voucher_account
from wijkeconomie.payments.returning import CallOff, call_off, take_back

blueprint = cooperative_resources("payments_api", __name__, "Payouts by bank")

Body = dict[str, Any]


class NewPayoutRunSchema(StrictSchema):
    """Whom to pay: ``parties`` of that kind, or all with an account; ``round_code`` of grants."""

    kind = fields.Enum(PayeeKind, by_value=True, required=True)
    debtor_iban = fields.String(required=True)
    execute_on = fields.Date(required=True)
    parties = fields.List(
        fields.String(), load_default=None, allow_none=True, validate=validate.Length(1, 10_000)
    )
    round_code = fields.String(load_default=None, allow_none=True)


class PayoutOrderSchema(Schema):
    """A payment; name and account of a carer's grant are erased once the bank has paid.

    Who may not know who gives care or got a grant is told neither party, name nor account.
    """

    end_to_end_id = fields.String(required=True)
    party = fields.String(required=True, allow_none=True)
    name = fields.String(allow_none=True)
    iban = fields.String(allow_none=True)
    cents = fields.Integer(required=True)
    purpose = fields.String(required=True)
    settled_on = fields.Date(allow_none=True)
    returned_on = fields.Date(
        allow_none=True,
        metadata={
            "description": "the day on which it was called off or came back; null while it"
            " was neither"
        },
    )
    return_reason = fields.String(
        allow_none=True, metadata={"description": "why it was called off or came back"}
    )
    ordered_anew = fields.String(
        allow_none=True, metadata={"description": "the run that orders it anew; null before that"}
    )


class PayoutRunSchema(Schema):
    """A run; what the bank has not paid is under way."""

    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(PayeeKind))
    debtor_iban = fields.String(required=True)
    execute_on = fields.Date(required=True)
    payments = fields.Integer(required=True)
    total_cents = fields.Integer(required=True)
    settled_cents = fields.Integer(required=True)
    called_off_cents = fields.Integer(
        required=True,
        metadata={"description": "what was called off before the bank paid it, in cents"},
    )
    returned_cents = fields.Integer(
        required=True, metadata={"description": "what the bank paid and sent back, in cents"}
    )


class PayoutRunDetailSchema(PayoutRunSchema):
    """A run with its payments."""

    orders = fields.List(fields.Nested(PayoutOrderSchema), required=True)


class PayoutRunListSchema(Schema):
    """The last runs, the newest first."""

    items = fields.List(fields.Nested(PayoutRunSchema), required=True)


class SettlePayoutRunSchema(StrictSchema):
    """The day on which the bank paid; ``end_to_end_id`` where it was one payment of the run."""

    on = fields.Date(required=True)
    end_to_end_id = fields.String(load_default=None)


class CallOffPayoutRunSchema(StrictSchema):
    """Why; ``end_to_end_id`` where it is one payment, all that waits for the bank without it."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))
    end_to_end_id = fields.String(load_default=None)


class ReturnedPaymentSchema(StrictSchema):
    """A payment that the bank sent back, the day, and why."""

    end_to_end_id = fields.String(required=True)
    on = fields.Date(required=True)
    reason = fields.String(required=True, validate=validate.Length(1, 500))


class VoucherAccountSchema(StrictSchema):
    """The bank account on which the money of vouchers stands."""

    iban = fields.String(required=True)


def _run(visit: Visit, code: str) -> Body:
    require_permission(visit.identity, "payment.read")
    with visit.begin() as uow:
        found = queries.payout_run(uow.session, uow.tenant, code)
        orders = queries.orders_of_run(uow.session, uow.tenant, found.id)
    if not shows_names(visit.identity, found.kind):
        orders = [replace(each, party=None, name=None, iban=None) for each in orders]
    names = PayoutRunSchema().fields
    return {name: getattr(found, name) for name in names} | {"orders": orders}


@blueprint.route("/payout-runs")
class PayoutRunsResource(MethodView):
    """Payout runs."""

    @blueprint.response(200, PayoutRunListSchema)
    def get(self) -> Body:
        """List the last runs, the newest first."""
        visit = current_visit()
        require_permission(visit.identity, "payment.read")
        with visit.begin() as uow:
            return {"items": queries.payout_runs(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewPayoutRunSchema)
    @blueprint.response(201, PayoutRunDetailSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Order at the bank what payees are owed; the file of the run goes to the bank."""
        visit = current_visit()
        parties = body.pop("parties")
        command = MakeRun(
            idempotency_key=headers["idempotency_key"],
            parties=None if parties is None else tuple(parties),
            **body,
        )
        with visit.begin() as uow:
            code = make_run(uow, command)
        return _run(visit, code)


@blueprint.route("/payout-runs/<code>")
class PayoutRunResource(MethodView):
    """One run."""

    @blueprint.response(200, PayoutRunDetailSchema)
    def get(self, code: str) -> Body:
        """Tell what a run pays to whom, and what of it the bank has paid."""
        return _run(current_visit(), code)


@blueprint.route("/payout-runs/<code>/file")
class PayoutFileResource(MethodView):
    """The file of a run."""

    @blueprint.response(200, content_type="application/xml")
    def get(self, code: str) -> Response:
        """Give the file for the bank (pain.001.001.09), as long as the bank has not paid."""
        return file_answer(current_visit(), code)


@blueprint.route("/payout-runs/<code>/settle")
class SettlePayoutRunResource(MethodView):
    """What the bank paid."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SettlePayoutRunSchema)
    @blueprint.response(200, PayoutRunDetailSchema)
    def post(self, headers: Body, body: Body, code: str) -> Body:
        """Note that the bank paid a run or one payment of it, where no bank line tells it."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            settle_run(uow, code, body["on"], reference=body["end_to_end_id"])
            return code

        once(visit, headers["idempotency_key"], f"payout-runs/{code}/settle", body, act)
        return _run(visit, code)


@blueprint.route("/payout-runs/<code>/call-off")
class CallOffPayoutRunResource(MethodView):
    """Payments that will not be made."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(CallOffPayoutRunSchema)
    @blueprint.response(200, PayoutRunDetailSchema)
    def post(self, headers: Body, body: Body, code: str) -> Body:
        """Call off what the bank has not paid and will not pay; it waits to be ordered anew."""
        visit = current_visit()
        command = CallOff(code=code, reason=body["reason"], reference=body["end_to_end_id"])
        key = headers["idempotency_key"]
        once(visit, key, f"payouts/{code}/call-off", body, lambda uow: str(call_off(uow, command)))
        return _run(visit, code)


@blueprint.route("/payout-runs/<code>/returned")
class ReturnedPaymentResource(MethodView):
    """Payments that came back."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ReturnedPaymentSchema)
    @blueprint.response(200, PayoutRunDetailSchema)
    def post(self, headers: Body, body: Body, code: str) -> Body:
        """Note that the bank sent a payment back, where no bank line tells it."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            reference, reason = body["end_to_end_id"], body["reason"]
            return str(take_back(uow, code, reference, body["on"], reason=reason))

        once(visit, headers["idempotency_key"], f"payouts/{code}/returned", body, act)
        return _run(visit, code)


@blueprint.route("/voucher-bank-account")
class VoucherAccountResource(MethodView):
    """The bank account of vouchers."""

    @blueprint.arguments(VoucherAccountSchema)
    @blueprint.response(200, VoucherAccountSchema)
    def put(self, body: Body) -> Body:
        """Write down which bank account holds the money of vouchers; its lines are booked there."""
        with current_visit().begin() as uow:
            return {"iban": keep_voucher_account(uow, body["iban"])}
