"""REST resource of rounds that are still drafts."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.purchasing.draft_queries import products_of_draft
from wijkeconomie.purchasing.drafts import ChangeDraft, DraftProduct, change_draft
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import fields_named, round_named
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
