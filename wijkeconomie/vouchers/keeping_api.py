"""REST resources of what the treasurer keeps: kinds of vouchers, funds and merchants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.money.periods import Period
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.api import blueprint
from wijkeconomie.vouchers.codes import print_codes
from wijkeconomie.vouchers.funds import SaveFund, save_fund
from wijkeconomie.vouchers.history_pages import require_own
from wijkeconomie.vouchers.holder_queries import holders_to_visit
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant, stop_merchant
from wijkeconomie.vouchers.keeping_schemas import (
    ChangeFeeSchema,
    ChangeKindSchema,
    ChangeMerchantSchema,
    HistoryPeriodSchema,
    HoldersToVisitSchema,
    MerchantDetailSchema,
    MerchantHistorySchema,
    MoveCoverSchema,
    MovedCoverSchema,
    NewMerchantSchema,
    NothingToSaySchema,
    PaperCodeListSchema,
    PaperCodesSchema,
    SaveFundSchema,
    SaveKindSchema,
    StopMerchantSchema,
    VoucherFundListSchema,
    VoucherFundSchema,
    VoucherKindListSchema,
    VoucherKindSchema,
    WithdrawnVoucherSchema,
    WithdrawVoucherSchema,
)
from wijkeconomie.vouchers.kinds import ChangeKind, SaveScheme, change_kind, save_scheme
from wijkeconomie.vouchers.merchant_history import months_of_merchant, movements
from wijkeconomie.vouchers.merchant_queries import fees_of_merchant
from wijkeconomie.vouchers.merchants import (
    ChangeMerchant,
    accept_again,
    change_fee,
    change_merchant,
)
from wijkeconomie.vouchers.meters import cover
from wijkeconomie.vouchers.pages import today
from wijkeconomie.vouchers.paying_out import MoveCover, move_cover
from wijkeconomie.vouchers.queries import FundView, SchemeView
from wijkeconomie.vouchers.subsidising import subsidy_source
from wijkeconomie.vouchers.withdrawing import WithdrawVoucher, withdraw_voucher

Body = dict[str, Any]


@blueprint.route("/voucher-kinds")
class VoucherKindsResource(MethodView):
    """Kinds of vouchers."""

    @blueprint.response(200, VoucherKindListSchema)
    def get(self) -> Body:
        """List the kinds of vouchers, by name."""
        visit = current_visit()
        require_permission(visit.identity, "voucher.read")
        with visit.begin() as uow:
            return {"items": queries.schemes(uow.session, uow.tenant)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(SaveKindSchema)
    @blueprint.response(201, VoucherKindSchema)
    def post(self, headers: Body, body: Body) -> SchemeView:
        """Make a kind of voucher."""
        visit = current_visit()
        command = SaveScheme(**(body | {"merchants": tuple(body["merchants"])}))

        def act(uow: UnitOfWork) -> str:
            save_scheme(uow, command)
            return command.code

        code = once(visit, headers["idempotency_key"], "voucher-kinds", body, act)
        with visit.begin() as uow:
            found = queries.schemes(uow.session, uow.tenant)
        return next(each for each in found if each.code == code)


@blueprint.route("/voucher-kinds/<kind_code>")
class VoucherKindResource(MethodView):
    """One kind of voucher."""

    @blueprint.arguments(ChangeKindSchema)
    @blueprint.response(200, VoucherKindSchema)
    def put(self, body: Body, kind_code: str) -> SchemeView:
        """Change a kind of voucher; who holds one keeps what he has."""
        command = ChangeKind(code=kind_code, **(body | {"merchants": tuple(body["merchants"])}))
        with current_visit().begin() as uow:
            change_kind(uow, command)
            found = queries.schemes(uow.session, uow.tenant)
        return next(each for each in found if each.code == kind_code)


@blueprint.route("/voucher-funds")
class VoucherFundsResource(MethodView):
    """Funds."""

    @blueprint.response(200, VoucherFundListSchema)
    def get(self) -> Body:
        """List the funds, by code; also those of subsidies and of carers' grants."""
        visit = current_visit()
        require_permission(visit.identity, "voucher.read")
        with visit.begin() as uow:
            return {"items": queries.funds(uow.session, uow.tenant)}


@blueprint.route("/voucher-funds/<fund_code>")
class VoucherFundResource(MethodView):
    """One fund."""

    @blueprint.arguments(SaveFundSchema)
    @blueprint.response(200, VoucherFundSchema)
    def put(self, body: Body, fund_code: str) -> FundView:
        """Write down a fund of our own, or what it grants from now on.

        The fund of a subsidy or of a round of carers' grants is refused: it follows from these.
        """
        with current_visit().begin() as uow:
            if subsidy_source().exists(uow, fund_code):
                raise InvalidInputError("this is a subsidy", field="fund_code")
            save_fund(uow, SaveFund(code=fund_code, **body))
            found = queries.funds(uow.session, uow.tenant)
        return next(each for each in found if each.code == fund_code)


def _merchant(visit: Visit, code: str) -> Body:
    require_permission(visit.identity, "voucher.read")
    with visit.begin() as uow:
        found = queries.merchant(uow.session, uow.tenant, code, today(uow))
        fees = fees_of_merchant(uow.session, uow.tenant, code)
    return asdict(found) | {
        "contacts": found.contacts.split(", ") if found.contacts else [],
        "fees": [
            asdict(fee) | {"valid_from": None if fee.valid_from == date.min else fee.valid_from}
            for fee in fees
        ],
    }


def _do_once(
    headers: Body, body: Body, place: tuple[str, str], act: Callable[[UnitOfWork], object]
) -> Body:
    """Change a merchant once, and tell how he stands; ``place`` is his code and what is done."""
    visit = current_visit()
    code, step = place

    def do(uow: UnitOfWork) -> str:
        act(uow)
        return code

    return _merchant(
        visit, once(visit, headers["idempotency_key"], f"merchants/{code}/{step}", body, do)
    )


def _plain_iban(body: Body) -> Body:
    return body | {
        "iban": body["iban"].replace(" ", "").upper(),
        "contacts": tuple(body["contacts"]),
    }


@blueprint.route("/merchants", methods=["POST"])
class NewMerchantResource(MethodView):
    """New merchants."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NewMerchantSchema)
    @blueprint.response(201, MerchantDetailSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Put a merchant on the closed list."""
        command = SaveMerchant(**_plain_iban(body))
        place = (command.code, "new")
        return _do_once(headers, body, place, lambda uow: save_merchant(uow, command))


@blueprint.route("/merchants/<merchant_code>")
class MerchantResource(MethodView):
    """One merchant."""

    @blueprint.response(200, MerchantDetailSchema)
    def get(self, merchant_code: str) -> Body:
        """Tell about a merchant: bank account, fees, and what he is owed."""
        return _merchant(current_visit(), merchant_code)

    @blueprint.arguments(ChangeMerchantSchema)
    @blueprint.response(200, MerchantDetailSchema)
    def put(self, body: Body, merchant_code: str) -> Body:
        """Change what is known of a merchant; who changed what is written down."""
        visit = current_visit()
        with visit.begin() as uow:
            change_merchant(uow, ChangeMerchant(code=merchant_code, **_plain_iban(body)))
        return _merchant(visit, merchant_code)


@blueprint.route("/merchants/<merchant_code>/history")
class MerchantHistoryResource(MethodView):
    """What came and went at a merchant."""

    @blueprint.arguments(HistoryPeriodSchema, location="query")
    @blueprint.response(200, MerchantHistorySchema)
    def get(self, asked: Body, merchant_code: str) -> Body:
        """Tell a merchant, or who keeps the books, what was taken, given back and paid out."""
        visit = current_visit()
        with visit.begin() as uow:
            if not visit.may("voucher.read"):
                require_permission(visit.identity, "voucher.redeem")
                require_own(visit, uow, merchant_code)
            queries.merchant(uow.session, uow.tenant, merchant_code, today(uow))
            period = Period(asked["start"], asked["end"])
            return {
                "items": movements(uow.session, uow.tenant, merchant_code, period),
                "months": months_of_merchant(uow.session, uow.tenant, merchant_code),
            }


@blueprint.route("/merchants/<merchant_code>/fees")
class MerchantFeesResource(MethodView):
    """Fees of a merchant."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ChangeFeeSchema)
    @blueprint.response(201, MerchantDetailSchema)
    def post(self, headers: Body, body: Body, merchant_code: str) -> Body:
        """Let another fee count for what he takes from a day to come on."""
        place = (merchant_code, "fees")
        return _do_once(headers, body, place, lambda uow: change_fee(uow, merchant_code, **body))


@blueprint.route("/merchants/<merchant_code>/stop")
class StopMerchantResource(MethodView):
    """Merchants who stop."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(StopMerchantSchema)
    @blueprint.response(200, MerchantDetailSchema)
    def post(self, headers: Body, body: Body, merchant_code: str) -> Body:
        """Let a merchant accept no more from a day on; what he is owed stays owed."""
        place = (merchant_code, "stop")
        return _do_once(headers, body, place, lambda uow: stop_merchant(uow, merchant_code, **body))


@blueprint.route("/merchants/<merchant_code>/accept-again")
class AcceptAgainResource(MethodView):
    """Merchants who take part again."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(NothingToSaySchema)
    @blueprint.response(200, MerchantDetailSchema)
    def post(self, headers: Body, body: Body, merchant_code: str) -> Body:
        """Let a merchant who stopped accept vouchers again."""
        place = (merchant_code, "accept-again")
        return _do_once(headers, body, place, lambda uow: accept_again(uow, merchant_code))


@blueprint.route("/voucher-cover")
class VoucherCoverResource(MethodView):
    """Money set apart for vouchers."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(MoveCoverSchema)
    @blueprint.response(201, MovedCoverSchema)
    def post(self, headers: Body, body: Body) -> Body:
        """Book that money was moved to the bank account of vouchers, or back."""
        command = MoveCover(idempotency_key=headers["idempotency_key"], **body)
        with current_visit().begin() as uow:
            number = move_cover(uow, command)
            short = cover(uow.session, uow.tenant).short_cents
        return {"entry_number": number, "short_cents": short}


@blueprint.route("/vouchers/<voucher_code>/withdrawal")
class WithdrawalResource(MethodView):
    """Vouchers that were issued by mistake."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(WithdrawVoucherSchema)
    @blueprint.response(201, WithdrawnVoucherSchema)
    def post(self, headers: Body, body: Body, voucher_code: str) -> Body:
        """Take a whole voucher back; what was paid for it goes back to where it came from."""
        command = WithdrawVoucher(
            idempotency_key=headers["idempotency_key"], voucher_code=voucher_code, **body
        )
        with current_visit().begin() as uow:
            return {"entry_number": withdraw_voucher(uow, command)}


@blueprint.route("/voucher-holders-to-visit")
class HoldersToVisitResource(MethodView):
    """Holders whom no letter reaches."""

    @blueprint.response(200, HoldersToVisitSchema)
    def get(self) -> Body:
        """List who holds vouchers that expire soon and has no e-mail address."""
        visit = current_visit()
        require_permission(visit.identity, "voucher.print")
        with visit.begin() as uow:
            return {"items": holders_to_visit(uow.session, uow.tenant, today(uow))}


@blueprint.route("/vouchers/<voucher_code>/paper-codes")
class PaperCodesResource(MethodView):
    """Sheets of codes for members without a phone."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(PaperCodesSchema)
    @blueprint.response(201, PaperCodeListSchema)
    def post(self, _headers: Body, body: Body, voucher_code: str) -> Body:
        """Make a sheet. Only hashes are kept: a repetition makes a new sheet for the old one."""
        with current_visit().begin() as uow:
            return {"items": print_codes(uow, voucher_code, **body)}
