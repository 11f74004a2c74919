"""REST resources of sharing what came: what the rule gives, and what is decided by hand."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing.deciding import (
    ChooseRules,
    KeepAsStock,
    SetShare,
    WeighPledge,
    choose_rules,
    decide,
)
from wijkeconomie.purchasing.handing_models import PledgeOrigin, SurplusRule
from wijkeconomie.purchasing.models import ShortageRule
from wijkeconomie.purchasing.round_wire import (
    fields_named,
    pledge_ids,
    product_codes,
    product_in,
    round_named,
    row_of,
    told,
)
from wijkeconomie.purchasing.sharing_queries import SharedProduct, shared_products

blueprint = cooperative_resources("sharing_api", __name__, "Sharing what came")

Body = dict[str, Any]
_COUNT = validate.Range(min=0, max=10**9)
_REASON = validate.Length(min=1, max=500)


class SharedLineSchema(Schema):
    """What a member gets of a product: by the rule, and in the end."""

    member_code = fields.String(required=True, metadata=told("The member"))
    origin = fields.Enum(
        PledgeOrigin,
        by_value=True,
        required=True,
        metadata=told("Whether it was ordered, came in place of something, or was given besides"),
    )
    ordered = fields.Integer(required=True, metadata=told("Units that were ordered"))
    computed = fields.Integer(required=True, metadata=told("Units that the rule comes to"))
    quantity = fields.Integer(required=True, metadata=told("Units that the member gets"))
    is_by_hand = fields.Boolean(
        required=True, metadata=told("Whether somebody set the quantity beside the rule")
    )
    reason = fields.String(
        attribute="by_hand_reason",
        allow_none=True,
        metadata=told("Why it was set by hand; null where the rule decides"),
    )
    grams = fields.Integer(
        allow_none=True, metadata=told("What was weighed for the member, in grams; null: nothing")
    )


class SharedProductSchema(Schema):
    """What came of a product, and who gets it."""

    product_code = fields.String(required=True, metadata=told("The product"))
    product_name = fields.String(required=True, metadata=told("Its name in the round"))
    unit = fields.String(required=True, metadata=told("What quantities count"))
    replaces = fields.String(
        allow_none=True, metadata=told("The product in whose place it came; null for none")
    )
    shortage_rule = fields.Enum(
        ShortageRule,
        by_value=True,
        allow_none=True,
        metadata=told("How a shortage of it is shared; null: as the round says"),
    )
    ordered = fields.Integer(required=True, metadata=told("Units that were ordered"))
    usable = fields.Integer(required=True, metadata=told("Units that can be handed out"))
    stock = fields.Integer(
        allow_none=True,
        metadata=told("Units that somebody said the cooperative keeps; null: nobody did"),
    )
    left = fields.Integer(required=True, metadata=told("Units that go to nobody"))
    open_units = fields.Integer(
        required=True,
        metadata=told("Units that wait for a decision; negative where too many were given"),
    )
    lacks_weight = fields.Boolean(
        required=True, metadata=told("Whether weights of it are missing to settle the round")
    )
    members = fields.List(
        fields.Nested(SharedLineSchema), required=True, metadata=told("By number of the member")
    )


class SharingSchema(Schema):
    """How a round is shared."""

    shortage_rule = fields.Enum(
        ShortageRule,
        by_value=True,
        required=True,
        metadata=told("How it is shared when too little comes"),
    )
    surplus_rule = fields.Enum(
        SurplusRule,
        by_value=True,
        required=True,
        metadata=told("What becomes of units that nobody ordered: stock, or somebody decides"),
    )
    products = fields.List(
        fields.Nested(SharedProductSchema),
        required=True,
        metadata=told("Products that were ordered or came, in the order of the round"),
    )


class RulesSchema(StrictSchema):
    """The rules of a round; what is left out stays as it is."""

    shortage_rule = fields.Enum(
        ShortageRule,
        by_value=True,
        load_default=None,
        metadata=told("How it is shared when too little comes"),
    )
    surplus_rule = fields.Enum(
        SurplusRule,
        by_value=True,
        load_default=None,
        metadata=told("What becomes of units that nobody ordered"),
    )


class ProductDecisionSchema(StrictSchema):
    """What is decided of one product; what is left out stays as it is."""

    shortage_rule = fields.Enum(
        ShortageRule,
        by_value=True,
        allow_none=True,
        metadata=told("How a shortage of it is shared; null: as the round says"),
    )
    stock = fields.Integer(
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata=told("Units that the cooperative keeps; null takes the decision back"),
    )


class ShareByHandSchema(StrictSchema):
    """What a member gets, whatever the rule says."""

    quantity = fields.Integer(
        required=True, strict=True, validate=_COUNT, metadata=told("Units of the product")
    )
    reason = fields.String(
        required=True, validate=_REASON, metadata=told("Why; the member reads it")
    )


class WeightSchema(StrictSchema):
    """What was weighed for a member."""

    grams = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=10**9),
        metadata=told("Grams of all units of the member together"),
    )


@blueprint.route("/rounds/<round_code>/sharing")
class SharingResource(MethodView):
    """Who gets what of the delivery."""

    @blueprint.response(200, SharingSchema)
    def get(self, round_code: str) -> Body:
        """Tell what everyone gets, by the rule and by hand, and what waits for a decision."""
        visit = current_visit()
        require_permission(visit.identity, "round.receive")
        with visit.begin() as uow:
            return sharing_of(uow, round_code)

    @blueprint.arguments(RulesSchema)
    @blueprint.response(200, SharingSchema)
    def put(self, body: Body, round_code: str) -> Body:
        """Choose how a shortage and a surplus are shared."""
        with current_visit().begin() as uow:
            choose_rules(uow, ChooseRules(round_id=round_named(uow, round_code).id, **body))
            return sharing_of(uow, round_code)


@blueprint.route("/rounds/<round_code>/sharing/<product_code>")
class ProductSharingResource(MethodView):
    """What is decided of one product."""

    @blueprint.arguments(ProductDecisionSchema)
    @blueprint.response(200, SharingSchema)
    def put(self, body: Body, round_code: str, product_code: str) -> Body:
        """Choose a rule for one product, or say how much of it the cooperative keeps."""
        with current_visit().begin() as uow, fields_named():
            found = round_named(uow, round_code)
            product = product_in(uow, found, product_code)
            if "shortage_rule" in body:
                chosen = ((product, body["shortage_rule"]),)
                choose_rules(uow, ChooseRules(round_id=found.id, products=chosen))
            if "stock" in body:
                kept = body["stock"]
                decide(uow, KeepAsStock(round_id=found.id, round_product_id=product, quantity=kept))
            return sharing_of(uow, round_code)


@blueprint.route("/rounds/<round_code>/sharing/<product_code>/<member_code>")
class ShareResource(MethodView):
    """What one member gets of one product."""

    @blueprint.arguments(ShareByHandSchema)
    @blueprint.response(200, SharingSchema)
    def put(self, body: Body, round_code: str, product_code: str, member_code: str) -> Body:
        """Set what a member gets; counting again does not lose it."""
        with current_visit().begin() as uow, fields_named(share="quantity", why="reason"):
            round_id, pledge = _pledge(uow, round_code, product_code, member_code)
            decide(uow, SetShare(round_id=round_id, pledge_id=pledge, **body))
            return sharing_of(uow, round_code)

    @blueprint.response(204)
    def delete(self, round_code: str, product_code: str, member_code: str) -> None:
        """Leave it to the rule again."""
        with current_visit().begin() as uow:
            round_id, pledge = _pledge(uow, round_code, product_code, member_code)
            decide(uow, SetShare(round_id=round_id, pledge_id=pledge, quantity=None))


@blueprint.route("/rounds/<round_code>/sharing/<product_code>/<member_code>/weight")
class WeightResource(MethodView):
    """What was weighed for one member."""

    @blueprint.arguments(WeightSchema)
    @blueprint.response(200, SharingSchema)
    def put(self, body: Body, round_code: str, product_code: str, member_code: str) -> Body:
        """Write down a weight, of goods that are settled by weight."""
        grams = {"grams-of": "grams"}
        with current_visit().begin() as uow, fields_named(**grams):
            round_id, pledge = _pledge(uow, round_code, product_code, member_code)
            decide(uow, WeighPledge(round_id=round_id, pledge_id=pledge, **body))
            return sharing_of(uow, round_code)

    @blueprint.response(204)
    def delete(self, round_code: str, product_code: str, member_code: str) -> None:
        """Take a weight back."""
        with current_visit().begin() as uow:
            round_id, pledge = _pledge(uow, round_code, product_code, member_code)
            decide(uow, WeighPledge(round_id=round_id, pledge_id=pledge, grams=None))


def _pledge(
    uow: UnitOfWork, round_code: str, product_code: str, member_code: str
) -> tuple[int, int]:
    # Before anything is looked up: whether a member ordered something is not for everyone.
    require_permission(uow.identity, "round.receive")
    found = round_named(uow, round_code)
    [pledge] = pledge_ids(uow, found, [(product_code, member_code)])
    return found.id, pledge


def sharing_of(uow: UnitOfWork, round_code: str) -> Body:
    """How a round is shared, as :class:`SharingSchema` has it."""
    found = round_named(uow, round_code)
    codes = product_codes(uow, found)
    return {
        "shortage_rule": found.shortage_rule,
        "surplus_rule": SurplusRule(row_of(uow, found).surplus_rule),
        "products": [_told(each, codes) for each in shared_products(uow, found)],
    }


def _told(each: SharedProduct, codes: dict[int, str]) -> Body:
    delivery = each.delivery
    names = ("product_code", "product_name", "unit", "shortage_rule", "ordered", "usable", "stock")
    return {name: getattr(delivery, name) for name in names} | {
        "replaces": codes.get(delivery.replaces_id or 0),
        "left": each.left,
        "open_units": each.open_units,
        "lacks_weight": each.lacks_weight,
        "members": each.lines,
    }
