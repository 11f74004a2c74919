"""REST resources of purchase rounds: the same use cases as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema
from wijkeconomie.purchasing import queries, settlement_queries, supplier_queries
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.receiving import FinishReceiving, finish_receiving
from wijkeconomie.purchasing.refusals import ProductNotInRoundError
from wijkeconomie.purchasing.round_wire import fields_named
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    PlanRound,
    cancel_round,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.schemas import (
    LadderListSchema,
    OrderSchema,
    PlanRoundSchema,
    PledgeListSchema,
    ProductListSchema,
    RoundFilterSchema,
    RoundListSchema,
    RoundSchema,
    SettlementPreviewSchema,
    ShareListSchema,
    StepSchema,
)
from wijkeconomie.purchasing.settlement_preview import SettlementPreview
from wijkeconomie.purchasing.settling import (
    SettleRound,
    allocate_round,
    preview_settlement,
    settle_round,
)

blueprint = cooperative_resources("purchasing_api", __name__, "Purchase rounds")

Body = dict[str, Any]
_ORDER_NAMES = {"max-price": "max_price_excl_cents"}


def _round(uow: UnitOfWork, code: str) -> RoundView:
    return queries.round_by_code(uow.session, uow.tenant, code)


def _read(visit: Visit, code: str) -> RoundView:
    require_permission(visit.identity, "round.read")
    with visit.begin() as uow:
        return _round(uow, code)


@blueprint.route("/rounds")
class RoundsResource(MethodView):
    """All rounds."""

    @blueprint.arguments(RoundFilterSchema, location="query")
    @blueprint.response(200, RoundListSchema)
    def get(self, wanted: Body) -> Body:
        """List rounds, the one that closes last first."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        states = tuple(RoundState) if wanted["state"] is None else (wanted["state"],)
        with visit.begin() as uow:
            return {"items": queries.rounds(uow.session, uow.tenant, states=states)}

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(PlanRoundSchema)
    @blueprint.response(201, RoundSchema)
    def post(self, headers: Body, body: Body) -> RoundView:
        """Prepare a round as a draft."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            with fields_named(product_ids="products"):
                return queries.round_by_id(uow.session, uow.tenant, _plan(uow, body)).code

        code = once(visit, headers["idempotency_key"], "rounds", body, act)
        return _read(visit, code)


def _plan(uow: UnitOfWork, body: Body) -> int:
    values = dict(body)
    code, wanted = values.pop("supplier_code"), values.pop("products")
    known = supplier_queries.suppliers(uow.session, uow.tenant)
    supplier = next((each for each in known if each.code == code), None)
    if supplier is None:
        raise NotFoundError(f"there is no supplier {code}", code=code)
    product_ids = None
    if wanted is not None:
        offered = supplier_queries.products_of_supplier(uow.session, uow.tenant, supplier.id)
        ids = {product.code: product.id for product in offered}
        if missing := [each for each in wanted if each not in ids]:
            raise NotFoundError(f"{code} has no product {missing[0]}", code=missing[0])
        product_ids = tuple(ids[each] for each in wanted)
    return plan_round(uow, PlanRound(supplier_id=supplier.id, product_ids=product_ids, **values))


@blueprint.route("/rounds/<round_code>")
class RoundResource(MethodView):
    """One round."""

    @blueprint.response(200, RoundSchema)
    def get(self, round_code: str) -> RoundView:
        """Tell how a round stands."""
        return _read(current_visit(), round_code)


_STEPS: dict[str, Callable[[UnitOfWork, int, Body], object]] = {
    "open": lambda uow, key, _body: open_round(uow, key),
    "close": lambda uow, key, _body: close_round(uow, CloseRound(round_id=key)),
    "order": lambda uow, key, body: order_round(
        uow, OrderRound(round_id=key, below_minimum_reason=body["reason"])
    ),
    "receive": lambda uow, key, _body: finish_receiving(uow, FinishReceiving(round_id=key)),
    "allocate": lambda uow, key, _body: allocate_round(uow, key),
    "settle": lambda uow, key, body: settle_round(
        uow,
        SettleRound(
            round_id=key,
            accounting_date=body["accounting_date"],
            accepted_difference_cents=body["accepted_difference_cents"],
            seen=body["seen"],
        ),
    ),
    "cancel": lambda uow, key, body: cancel_round(
        uow, CancelRound(round_id=key, reason=body["reason"])
    ),
}


@blueprint.route(f"/rounds/<round_code>/<any({', '.join(_STEPS)}):step>")
class RoundStepResource(MethodView):
    """A step in the life of a round."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(StepSchema)
    @blueprint.response(200, RoundSchema)
    def post(self, headers: Body, body: Body, round_code: str, step: str) -> RoundView:
        """Take a step; the answer is the round after it."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            with fields_named(below_minimum_reason="reason"):
                _STEPS[step](uow, _round(uow, round_code).id, body)
            return round_code

        once(visit, headers["idempotency_key"], f"{round_code}/{step}", body, act)
        return _read(visit, round_code)


@blueprint.route("/rounds/<round_code>/products")
class RoundProductsResource(MethodView):
    """What a round offers."""

    @blueprint.response(200, ProductListSchema)
    def get(self, round_code: str) -> Body:
        """List the products of a round with what was pledged for each."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        with visit.begin() as uow:
            found = _round(uow, round_code)
            return {"items": queries.offered_products(uow.session, uow.tenant, found.id)}


@blueprint.route("/rounds/<round_code>/ladders")
class LaddersResource(MethodView):
    """Price ladders, packs and minimums."""

    @blueprint.response(200, LadderListSchema)
    def get(self, round_code: str) -> Body:
        """Tell of each product which price the round has reached, and what is missing."""
        visit = current_visit()
        require_permission(visit.identity, "round.read")
        with visit.begin() as uow:
            found = _round(uow, round_code)
            codes = {
                key: code
                for code, key in queries.product_ids_by_code(
                    uow.session, uow.tenant, found.id
                ).items()
            }
            is_open = found.state is RoundState.OPEN
            ladders = round_ladders(uow.session, uow.tenant, found.id, is_open=is_open)
        return {
            "items": [
                {
                    "product_code": codes[each.round_product_id],
                    "is_fixed": each.is_fixed,
                    "position": each.outcome.position,
                    "missing_to_next": each.missing_to_next,
                    "missing_to_order": each.missing_to_order,
                    "rungs": each.outcome.rungs,
                }
                for each in ladders
            ]
        }


@blueprint.route("/rounds/<round_code>/pledges")
class PledgesResource(MethodView):
    """The pledges of everyone."""

    @blueprint.response(200, PledgeListSchema)
    def get(self, round_code: str) -> Body:
        """List all pledges of a round."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            return {"items": queries.pledges(uow.session, uow.tenant, _round(uow, round_code).id)}


@blueprint.route("/rounds/<round_code>/pledges/<member_code>")
class OrderResource(MethodView):
    """One member's order."""

    @blueprint.response(200, PledgeListSchema)
    def get(self, round_code: str, member_code: str) -> Body:
        """Tell what a member ordered; members see their own."""
        visit = current_visit()
        with visit.begin() as uow:
            member_id = member_by_code(uow.session, uow.tenant, member_code).id
            is_own = member_id == visit.identity.member_id
            require_permission(visit.identity, "round.read" if is_own else "round.read-all-pledges")
            return _own_pledges(uow, round_code, member_id)

    @blueprint.arguments(OrderSchema)
    @blueprint.response(200, PledgeListSchema)
    def put(self, body: Body, round_code: str, member_code: str) -> Body:
        """Save lines of a member's order, all or none; sending it again changes nothing."""
        visit = current_visit()
        with visit.begin() as uow:
            found = _round(uow, round_code)
            member_id = member_by_code(uow.session, uow.tenant, member_code).id
            products = queries.product_ids_by_code(uow.session, uow.tenant, found.id)
            lines = tuple(
                PledgeLine(
                    _product(products, line),
                    line["quantity"],
                    line["version"],
                    line["tolerance"],
                    line["max_price_excl_cents"],
                )
                for line in body["lines"]
            )
            command = SavePledges(round_id=found.id, member_id=member_id, lines=lines)
            with fields_named(products, **_ORDER_NAMES):
                save_pledges(uow, command)
            return _own_pledges(uow, round_code, member_id)


def _product(products: dict[str, int], line: Body) -> int:
    code = line["product_code"]
    if code not in products:
        raise ProductNotInRoundError(f"the round does not offer {code}", product=code)
    return products[code]


def _own_pledges(uow: UnitOfWork, round_code: str, member_id: int) -> Body:
    found = _round(uow, round_code)
    return {"items": queries.pledges(uow.session, uow.tenant, found.id, member_id=member_id)}


@blueprint.route("/rounds/<round_code>/settlement-preview")
class SettlementPreviewResource(MethodView):
    """What settling would do."""

    @blueprint.response(200, SettlementPreviewSchema)
    def get(self, round_code: str) -> SettlementPreview:
        """Compute the settlement without booking it."""
        visit = current_visit()
        with visit.begin() as uow:
            return preview_settlement(uow, _round(uow, round_code).id)


@blueprint.route("/rounds/<round_code>/shares")
class SharesResource(MethodView):
    """What pledges became."""

    @blueprint.response(200, ShareListSchema)
    def get(self, round_code: str) -> Body:
        """List the shares of the valid settlement; members see their own."""
        visit = current_visit()
        sees_all = visit.may("round.read-all-pledges")
        if not sees_all:
            require_permission(visit.identity, "statement.read-own")
        member_id = None if sees_all else visit.identity.member_id
        if not sees_all and member_id is None:
            raise NotFoundError("only members have shares")
        with visit.begin() as uow:
            found = _round(uow, round_code)
            version = found.settlement_version
            return {
                "items": settlement_queries.shares(
                    uow.session, uow.tenant, found.id, version, member_id=member_id
                )
            }
