"""REST resources of rounds that are being prepared: a draft, and a cancelled round made again."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.draft_queries import products_of_draft
from wijkeconomie.purchasing.drafts import ChangeDraft, DraftProduct, change_draft
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.renewing import RenewRound, renew_round
from wijkeconomie.purchasing.round_wire import fields_named, round_named, told
from wijkeconomie.purchasing.schemas import ChangeDraftSchema, RoundSchema

blueprint = cooperative_resources("draft_api", __name__, "Rounds that are being prepared")

Body = dict[str, Any]


@blueprint.route("/rounds/<round_code>/draft")
class DraftResource(MethodView):
    """A round before it opens."""

    @blueprint.arguments(ChangeDraftSchema)
    @blueprint.response(200, RoundSchema)
    def put(self, body: Body, round_code: str) -> RoundView:
        """Change a round that was not opened yet; what is left out stays as it is."""
        with current_visit().begin() as uow:
            found = round_named(uow, round_code)
            values = dict(body)
            lines = values.pop("products")
            ids = {
                each.code: each.id for each in products_of_draft(uow.session, uow.tenant, found.id)
            }
            products = None if lines is None else tuple(_product(ids, line) for line in lines)
            command = ChangeDraft(round_id=found.id, products=products, **values)
            names = {"price": "price_excl_cents", "product_ids": "products"}
            with fields_named(ids, **names):
                change_draft(uow, command)
            return round_named(uow, round_code)


def _product(ids: dict[str, int], line: Body) -> DraftProduct:
    code = line["code"]
    if code not in ids:
        raise NotFoundError(f"the supplier does not offer {code}", code=code)
    return DraftProduct(product_id=ids[code], price_excl_cents=line["price_excl_cents"])


class RenewRoundSchema(StrictSchema):
    """When the round that is made again closes and is delivered."""

    closes_at = fields.AwareDateTime(
        required=True, metadata=told("The first moment that is too late to order")
    )
    delivery_on = fields.Date(required=True, metadata=told("The day on which the goods come"))


@blueprint.route("/rounds/<round_code>/renewal")
class RenewalResource(MethodView):
    """A cancelled round, again."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(RenewRoundSchema)
    @blueprint.response(201, RoundSchema)
    def post(self, headers: Body, body: Body, round_code: str) -> RoundView:
        """Make a cancelled round again and open it, with the orders whose terms are the same."""
        visit = current_visit()

        def act(uow: UnitOfWork) -> str:
            command = RenewRound(round_id=round_named(uow, round_code).id, **body)
            return queries.round_by_id(uow.session, uow.tenant, renew_round(uow, command)).code

        code = once(visit, headers["idempotency_key"], f"{round_code}/renewal", body, act)
        with visit.begin() as uow:
            return round_named(uow, code)
