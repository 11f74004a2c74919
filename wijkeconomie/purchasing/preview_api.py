"""REST resource of why a settlement comes to what it does, before anything is booked."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.round_wire import product_codes, round_named, told
from wijkeconomie.purchasing.rounding_rules import Rounding
from wijkeconomie.purchasing.settlement_preview import SettlementPreview
from wijkeconomie.purchasing.settling import preview_settlement

blueprint = cooperative_resources("preview_api", __name__, "Why a settlement is what it is")

Body = dict[str, Any]


class PreviewedShareSchema(Schema):
    """What a pledge would become, with the figures that explain it."""

    member_code = fields.String(required=True, metadata=told("The member"))
    product_code = fields.String(required=True, metadata=told("The product"))
    delivered = fields.Integer(required=True, metadata=told("Units that the member gets"))
    net_cents = fields.Integer(required=True, metadata=told("Goods, in cents without VAT"))
    freight_cents = fields.Integer(required=True, metadata=told("Freight, in cents without VAT"))
    vat_cents = fields.Integer(required=True, metadata=told("VAT, in cents"))
    gross_cents = fields.Integer(required=True, metadata=told("What the member pays, in cents"))
    explanation = fields.Dict(
        required=True, metadata=told("The figures from which every amount can be computed again")
    )


class RoundingSchema(Schema):
    """A product whose price for the units that are charged is no whole number of cents."""

    product_code = fields.String(required=True, metadata=told("The product"))
    units = fields.Integer(required=True, metadata=told("Units that the supplier charges"))
    price_excl_cents = fields.Integer(
        required=True, metadata=told("The price of `price_units` units, in cents without VAT")
    )
    price_units = fields.Integer(
        required=True, metadata=told("For how many units together the price is")
    )
    total_cents = fields.Integer(
        required=True, metadata=told("What they come to, rounded once, in cents without VAT")
    )


class PreviewLineSchema(Schema):
    """A line of the entry that would be booked."""

    account = fields.String(
        attribute="account_key", required=True, metadata=told("The account of the chart, by key")
    )
    party = fields.String(
        allow_none=True, metadata=told("The member or supplier; null where it is of none")
    )
    amount_cents = fields.Integer(required=True, metadata=told("In cents; a debit is positive"))


class PreviewDetailsSchema(Schema):
    """Every share, every rounding, and the entry."""

    shares = fields.List(
        fields.Nested(PreviewedShareSchema), required=True, metadata=told("By member")
    )
    roundings = fields.List(
        fields.Nested(RoundingSchema),
        required=True,
        metadata=told("Products whose price does not divide"),
    )
    entry = fields.List(
        fields.Nested(PreviewLineSchema), required=True, metadata=told("They sum to nothing")
    )


@blueprint.route("/rounds/<round_code>/settlement-preview/details")
class PreviewDetailsResource(MethodView):
    """Why a settlement comes to what it does."""

    @blueprint.response(200, PreviewDetailsSchema)
    def get(self, round_code: str) -> Body:
        """Tell of each share why it is what it is, and which entry would be booked."""
        visit = current_visit()
        require_permission(visit.identity, "round.read-all-pledges")
        with visit.begin() as uow:
            found = round_named(uow, round_code)
            preview = preview_settlement(uow, found.id)
            return _details(uow, found, preview)


def _details(uow: UnitOfWork, found: RoundView, preview: SettlementPreview) -> Body:
    codes = product_codes(uow, found)
    members = {each.member_id: each.code for each in preview.members}
    names = ("delivered", "net_cents", "freight_cents", "vat_cents", "gross_cents", "explanation")
    return {
        "shares": [
            {"member_code": members[share.member], "product_code": codes[share.product]}
            | {name: getattr(share, name) for name in names}
            for share in preview.result.shares
        ],
        "roundings": [_rounding(each, codes) for each in preview.roundings],
        "entry": [*preview.lines, *preview.deposit_entry.lines],
    }


def _rounding(each: Rounding, codes: dict[int, str]) -> Body:
    names = ("units", "price_excl_cents", "price_units", "total_cents")
    return {name: getattr(each, name) for name in names} | {"product_code": codes[each.product]}
