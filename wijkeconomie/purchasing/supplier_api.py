"""REST resources of suppliers and what they offer: the same use cases as the pages."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import StrictSchema
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.drafts import renew_in_drafts
from wijkeconomie.purchasing.round_wire import fields_named, told
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

blueprint = cooperative_resources("supplier_api", __name__, "Suppliers and their products")

Body = dict[str, Any]
_COUNT = validate.Range(min=0)
_POSITIVE = validate.Range(min=1)


class SupplierSchema(Schema):
    """A supplier."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    products = fields.Integer(required=True)
    minimum_net_cents = fields.Integer(allow_none=True)


class SupplierListSchema(Schema):
    """The suppliers, by name."""

    items = fields.List(fields.Nested(SupplierSchema), required=True)


class SaveSupplierSchema(StrictSchema):
    """A supplier as it should be; what is left out stays as it is, null takes it away."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    category = fields.String(allow_none=True)
    kvk = fields.String(allow_none=True)
    iban = fields.String(allow_none=True)
    email = fields.Email(allow_none=True)
    payment_days = fields.Integer(
        strict=True, validate=_COUNT, metadata=told("14 for a supplier that is new")
    )
    minimum_net_cents = fields.Integer(strict=True, allow_none=True, validate=_POSITIVE)


class SupplierDetailsSchema(SaveSupplierSchema):
    """A supplier with all that is known of it."""

    code = fields.String(required=True)


class LadderRungSchema(StrictSchema):
    """A lower price, without VAT, and the quantity of a whole round from which it holds."""

    from_quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=2))
    price_excl_cents = fields.Integer(required=True, strict=True, validate=_COUNT)


class SaveProductSchema(StrictSchema):
    """A product as it should be from now on; ``vat_basis_points`` null is exempt.

    ``price_excl_cents`` and the prices of the ladder are for ``price_units`` units together.
    """

    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    unit = fields.String(required=True, validate=validate.Length(min=1, max=50))
    price_excl_cents = fields.Integer(required=True, strict=True, validate=_COUNT)
    vat_basis_points = fields.Integer(required=True, strict=True, allow_none=True)
    category = fields.String(
        load_default=None,
        allow_none=True,
        metadata=told("An empty text takes it away, null leaves it"),
    )
    pack_size = fields.Integer(load_default=1, strict=True, validate=_POSITIVE)
    max_per_member = fields.Integer(
        load_default=None, strict=True, allow_none=True, validate=_POSITIVE
    )
    is_offered = fields.Boolean(load_default=True)
    sells_loose = fields.Boolean(load_default=True)
    minimum_quantity = fields.Integer(
        load_default=None, strict=True, allow_none=True, validate=_POSITIVE
    )
    ladder = fields.List(fields.Nested(LadderRungSchema), load_default=list)
    price_units = fields.Integer(load_default=1, strict=True, validate=_POSITIVE)
    supplier_unit = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=50)
    )
    deposit_cents = fields.Integer(load_default=None, strict=True, allow_none=True, validate=_COUNT)
    grams_per_unit = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=_COUNT,
        metadata=told(
            "What a unit is expected to weigh, where it is settled by weight;"
            " 0 for no longer, null leaves it"
        ),
    )


class SaveProductInRoundsSchema(SaveProductSchema):
    """The same, and for which rounds it is."""

    also_in_drafts = fields.Boolean(
        load_default=False,
        metadata=told(
            "Rounds that are being prepared take it over too; else only those that are made"
            " from now on. Open rounds keep theirs"
        ),
    )


class ProductSchema(SaveProductSchema):
    """A product as its supplier offers it today."""

    code = fields.String(required=True)


class SupplierProductListSchema(Schema):
    """The products of a supplier, in order of arrival."""

    items = fields.List(fields.Nested(ProductSchema), required=True)


class PriceVersionSchema(Schema):
    """What a product cost from a moment on; ``source`` is the price list that said so."""

    version = fields.Integer(required=True)
    valid_from = fields.AwareDateTime(required=True)
    price_excl_cents = fields.Integer(required=True)
    vat_basis_points = fields.Integer(allow_none=True)
    ladder = fields.List(fields.Nested(LadderRungSchema), required=True)
    source = fields.String(allow_none=True)
    price_units = fields.Integer(required=True)


class PriceVersionListSchema(Schema):
    """Every price of a product, the newest first."""

    items = fields.List(fields.Nested(PriceVersionSchema), required=True)


@blueprint.route("/suppliers")
class SuppliersResource(MethodView):
    """All suppliers."""

    @blueprint.response(200, SupplierListSchema)
    def get(self) -> Body:
        """List the suppliers."""
        visit = current_visit()
        require_permission(visit.identity, "supplier.read")
        with visit.begin() as uow:
            return {"items": supplier_queries.suppliers(uow.session, uow.tenant)}


@blueprint.route("/suppliers/<supplier_code>")
class SupplierResource(MethodView):
    """One supplier."""

    @blueprint.response(200, SupplierDetailsSchema)
    def get(self, supplier_code: str) -> supplier_queries.SupplierView:
        """Tell all that is known of a supplier, for who may change it."""
        visit = current_visit()
        require_permission(visit.identity, "supplier.change")
        with visit.begin() as uow:
            return _supplier(uow, supplier_code)

    @blueprint.arguments(SaveSupplierSchema)
    @blueprint.response(200, SupplierDetailsSchema)
    def put(self, body: Body, supplier_code: str) -> supplier_queries.SupplierView:
        """Add a supplier, or change the one with this code."""
        # Null takes away, where the use case takes an empty value for that.
        values: Body = {name: "" if value is None else value for name, value in body.items()}
        if "minimum_net_cents" in body:
            values["minimum_net_cents"] = body["minimum_net_cents"] or 0
        with current_visit().begin() as uow, fields_named(minimum="minimum_net_cents"):
            save_supplier(uow, SaveSupplier(code=supplier_code, **values))
            return _supplier(uow, supplier_code)


@blueprint.route("/suppliers/<supplier_code>/products")
class SupplierProductsResource(MethodView):
    """What a supplier offers."""

    @blueprint.response(200, SupplierProductListSchema)
    def get(self, supplier_code: str) -> Body:
        """List the products of a supplier with their ladders and terms."""
        visit = current_visit()
        require_permission(visit.identity, "supplier.read")
        with visit.begin() as uow:
            return {"items": [_shown(each) for each in _products(uow, supplier_code)]}


@blueprint.route("/suppliers/<supplier_code>/products/<product_code>")
class ProductResource(MethodView):
    """One product."""

    @blueprint.arguments(SaveProductInRoundsSchema)
    @blueprint.response(200, ProductSchema)
    def put(self, body: Body, supplier_code: str, product_code: str) -> Body:
        """Add a product, or change the one with this code; open rounds keep their terms."""
        values = dict(body)
        also_in_drafts = values.pop("also_in_drafts")
        terms = SaleTerms(
            sells_loose=values.pop("sells_loose"),
            minimum_quantity=values.pop("minimum_quantity"),
            ladder=tuple(
                (rung["from_quantity"], rung["price_excl_cents"]) for rung in values.pop("ladder")
            ),
        )
        # What is left out is empty, here too.
        values["supplier_unit"] = values["supplier_unit"] or ""
        command = SaveProduct(supplier_code=supplier_code, code=product_code, terms=terms, **values)
        with current_visit().begin() as uow:
            product_id = save_product(uow, command)
            if also_in_drafts:
                renew_in_drafts(uow, product_id)
            return _shown(_product(uow, supplier_code, product_code))


@blueprint.route("/suppliers/<supplier_code>/products/<product_code>/prices")
class PricesResource(MethodView):
    """The prices of a product over time."""

    @blueprint.response(200, PriceVersionListSchema)
    def get(self, supplier_code: str, product_code: str) -> Body:
        """List every version of a price with the moment it began."""
        visit = current_visit()
        require_permission(visit.identity, "supplier.read")
        with visit.begin() as uow:
            product = _product(uow, supplier_code, product_code)
            found = supplier_queries.price_versions(uow.session, uow.tenant, product.id)
            return {"items": [_shown(each) for each in found]}


def _supplier(uow: UnitOfWork, supplier_code: str) -> supplier_queries.SupplierView:
    known = supplier_queries.suppliers(uow.session, uow.tenant)
    supplier = supplier_queries.with_code(known, supplier_code)
    if supplier is None:
        raise NotFoundError(f"there is no supplier {supplier_code}", code=supplier_code)
    return supplier


def _products(uow: UnitOfWork, supplier_code: str) -> list[supplier_queries.ProductView]:
    supplier = _supplier(uow, supplier_code)
    return supplier_queries.products_of_supplier(uow.session, uow.tenant, supplier.id)


def _product(uow: UnitOfWork, supplier_code: str, code: str) -> supplier_queries.ProductView:
    found = next((each for each in _products(uow, supplier_code) if each.code == code), None)
    if found is None:
        raise NotFoundError(f"{supplier_code} has no product {code}", code=code)
    return found


def _shown(found: supplier_queries.ProductView | supplier_queries.PriceVersion) -> Body:
    """A row with its ladder as objects."""
    rungs = [
        {"from_quantity": quantity, "price_excl_cents": price} for quantity, price in found.ladder
    ]
    values = {name: getattr(found, name) for name in found.__slots__}
    return values | {"ladder": rungs}
