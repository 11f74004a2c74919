"""REST resources of vouchers: the same use cases as the pages."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.queries import member_ids_by_code
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.vouchers import meters, queries
from wijkeconomie.vouchers.answers import Answer, Redeem
from wijkeconomie.vouchers.buying import OrderVouchers, give_up_order, order_vouchers
from wijkeconomie.vouchers.codes import MadeCode, make_phone_code
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers
from wijkeconomie.vouchers.order_queries import OrderView, orders
from wijkeconomie.vouchers.order_schemas import (
    AskVoucherOrderSchema,
    VoucherOrderListSchema,
    VoucherOrderSchema,
)
from wijkeconomie.vouchers.pages import own_number, today, wallet_of
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.purses import merchants_of_login
from wijkeconomie.vouchers.queries import PaymentView, PayoutView
from wijkeconomie.vouchers.refunding import Refund, refund
from wijkeconomie.vouchers.schemas import (
    AnswerSchema,
    CirculationSchema,
    IssuedSchema,
    IssueSchema,
    MadeCodeSchema,
    MakeCodeSchema,
    MerchantListSchema,
    PassedOnSchema,
    PassOnSchema,
    PaymentSchema,
    PayOutSchema,
    PayoutSchema,
    RedeemSchema,
    RefundSchema,
    WalletSchema,
)
from wijkeconomie.vouchers.subsidising import issue_from, subsidy_source
from wijkeconomie.vouchers.tills import redeem_now
from wijkeconomie.vouchers.transferring import PassOn, pass_on

blueprint = cooperative_resources("vouchers_api", __name__, "Vouchers")

Body = dict[str, Any]


@blueprint.route("/wallet")
class WalletResource(MethodView):
    """One's own vouchers."""

    @blueprint.response(200, WalletSchema)
    def get(self) -> Body:
        """List the vouchers that you can pay with, what expires first first."""
        visit = current_visit()
        member_id = wallet_of(visit)
        with visit.begin() as uow:
            return {"items": queries.wallet(uow.session, uow.tenant, member_id, today(uow))}


@blueprint.route("/merchants")
class MerchantsResource(MethodView):
    """The closed list."""

    @blueprint.response(200, MerchantListSchema)
    def get(self) -> Body:
        """List the merchants that accept vouchers."""
        visit = current_visit()
        require_permission(visit.identity, "cooperative.read")
        with visit.begin() as uow:
            return {"items": queries.merchants(uow.session, uow.tenant)}


@blueprint.route("/payment-codes")
class PaymentCodesResource(MethodView):
    """Codes to show to a merchant."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MakeCodeSchema)
    @blueprint.response(201, MadeCodeSchema)
    def post(self, _headers: Body, body: Body) -> MadeCode:
        """Make a payment code. Of codes only hashes are kept: a repetition makes a new one."""
        with current_visit().begin() as uow:
            return make_phone_code(uow, body["amount_minor"], unit=body["unit"])


@blueprint.route("/redemptions")
class RedemptionsResource(MethodView):
    """Payments by vouchers."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RedeemSchema)
    @blueprint.response(201, AnswerSchema)
    def post(self, headers: Body, body: Body) -> Answer:
        """Pay a merchant. A refusal for the balance or the day is recorded as an answer too."""
        visit = current_visit()
        is_own = body["payment_code"] is None and body["voucher_code"] is None
        command = Redeem(
            idempotency_key=headers["idempotency_key"],
            holder_id=wallet_of(visit) if is_own else None,
            **body,
        )
        return redeem_now(visit, command)


@blueprint.route("/redemptions/<payment_code>")
class RedemptionResource(MethodView):
    """One payment."""

    @blueprint.response(200, PaymentSchema)
    def get(self, payment_code: str) -> PaymentView:
        """Tell how a payment stands: to who paid, who was paid, and who keeps the books."""
        visit = current_visit()
        with visit.begin() as uow:
            payment = queries.payment(uow.session, uow.tenant, payment_code)
            is_own = may(visit.identity, "voucher.read")
            if not is_own and visit.identity.member_id is not None:
                is_own = payment.member_code == own_number(uow, visit.identity.member_id)
            if not is_own:
                own = merchants_of_login(uow.session, uow.tenant, visit.login_id)
                is_own = payment.merchant_code in {till.code for till in own}
        if not is_own:
            raise NotFoundError(f"there is no redemption {payment_code}", code=payment_code)
        return payment


@blueprint.route("/redemptions/<payment_code>/refunds")
class RefundsResource(MethodView):
    """What was given back."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RefundSchema)
    @blueprint.response(201, PaymentSchema)
    def post(self, headers: Body, body: Body, payment_code: str) -> PaymentView:
        """Give a payment back, whole or in part."""
        with current_visit().begin() as uow:
            key = headers["idempotency_key"]
            refund(uow, Refund(idempotency_key=key, redemption_code=payment_code, **body))
            return queries.payment(uow.session, uow.tenant, payment_code)


@blueprint.route("/vouchers")
class VouchersResource(MethodView):
    """Vouchers."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(IssueSchema)
    @blueprint.response(201, IssuedSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Issue vouchers, all or none, as one entry; ``fund_code`` is of a fund or a subsidy."""
        visit = current_visit()
        require_permission(visit.identity, "voucher.issue")
        with visit.begin() as uow:
            ids = member_ids_by_code(uow.session, uow.tenant)
            grants = []
            for each in body.pop("grants"):
                member = each.pop("member_code")
                if member not in ids:
                    raise NotFoundError(f"there is no member {member}", code=member)
                grants.append(Grant(member_id=ids[member], **each))
            command = IssueVouchers(
                idempotency_key=headers["idempotency_key"], grants=tuple(grants), **body
            )
            return {"entry_number": issue_from(uow, command, subsidy_source())}


@blueprint.route("/voucher-transfers")
class TransfersResource(MethodView):
    """Vouchers that members pass on."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(PassOnSchema)
    @blueprint.response(201, PassedOnSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Pass one's own vouchers on to another member."""
        visit = current_visit()
        command = PassOn(
            idempotency_key=headers["idempotency_key"], holder_id=wallet_of(visit), **body
        )
        with visit.begin() as uow:
            return {"voucher_codes": pass_on(uow, command)}


@blueprint.route("/voucher-orders")
class VoucherOrdersResource(MethodView):
    """Orders of vouchers."""

    @blueprint.response(200, VoucherOrderListSchema)
    def get(self) -> Body:
        """List one's own orders; who keeps vouchers sees those of all."""
        visit = current_visit()
        whose = None if visit.may("voucher.read") else wallet_of(visit)
        with visit.begin() as uow:
            return {"items": orders(uow.session, uow.tenant, member_id=whose)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(AskVoucherOrderSchema)
    @blueprint.response(201, VoucherOrderSchema)
    def post(self, headers: Body, body: Body) -> OrderView:
        """Order vouchers for oneself; they are issued when the bank has received the payment."""
        visit = current_visit()
        member_id = wallet_of(visit)
        command = OrderVouchers(
            idempotency_key=headers["idempotency_key"], member_id=member_id, **body
        )
        with visit.begin() as uow:
            code = order_vouchers(uow, command)
            found = orders(uow.session, uow.tenant, member_id=member_id)
        return next(each for each in found if each.code == code)


@blueprint.route("/voucher-orders/<order_code>")
class VoucherOrderResource(MethodView):
    """One order."""

    @blueprint.response(204)
    def delete(self, order_code: str) -> None:
        """Give an order up that was not paid."""
        with current_visit().begin() as uow:
            give_up_order(uow, order_code)


@blueprint.route("/merchants/<merchant_code>/payouts")
class PayoutsResource(MethodView):
    """Payouts to a merchant."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(PayOutSchema)
    @blueprint.response(201, PayoutSchema)
    def post(self, headers: Body, body: Body, merchant_code: str) -> PayoutView:
        """Book that a merchant was paid all that he is owed, less his fee."""
        key = headers["idempotency_key"]
        with current_visit().begin() as uow:
            command = PayOut(idempotency_key=key, merchant_code=merchant_code, **body)
            return queries.payout(uow.session, uow.tenant, pay_out(uow, command))


@blueprint.route("/voucher-circulation")
class CirculationResource(MethodView):
    """Circulation and its meters."""

    @blueprint.response(200, CirculationSchema)
    def get(self) -> Body:
        """Tell what was issued, redeemed and expired, its cover, and the year's volume."""
        visit = current_visit()
        require_permission(visit.identity, "voucher.read")
        with visit.begin() as uow:
            return {
                "units": meters.circulation(uow.session, uow.tenant),
                "cover": meters.cover(uow.session, uow.tenant),
                "volume": meters.volume(uow.session, uow.tenant, today(uow)),
            }
