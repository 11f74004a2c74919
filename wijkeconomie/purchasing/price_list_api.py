"""REST resources of suppliers' price lists: send a file, see what it changes, take it over."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.purchasing.price_list_rules import (
    COLUMNS,
    Article,
    ListTerms,
    guess_columns,
    guess_terms,
)
from wijkeconomie.purchasing.price_lists import (
    PriceListPreview,
    TakeOverList,
    keep_price_list,
    preview_price_list,
    price_list_rows,
    take_over_price_list,
)
from wijkeconomie.purchasing.round_wire import told

blueprint = cooperative_resources("price_list_api", __name__, "Price lists of suppliers")

Body = dict[str, Any]


class FileSchema(Schema):
    """The file as the supplier sent it: CSV or XLSX."""

    file = Upload(required=True)


class KeptListSchema(Schema):
    """A file that was kept, its heading, and which column seems to mean what."""

    id = fields.Integer(required=True)
    heading = fields.List(fields.String(), required=True)
    columns = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class ListTermsSchema(StrictSchema):
    """What the columns mean, counted from 0; left out: as their headings suggest."""

    columns = fields.Dict(
        keys=fields.String(validate=validate.OneOf(COLUMNS)),
        values=fields.Integer(strict=True, validate=validate.Range(min=0, max=59)),
        load_default=None,
        allow_none=True,
    )
    default_vat = fields.Integer(load_default=900, strict=True, allow_none=True)
    prices_include_vat = fields.Boolean(load_default=False)
    full_packs_only = fields.Boolean(load_default=False)
    prices_per_pack = fields.Boolean(load_default=None, allow_none=True)
    absent_are_gone = fields.Boolean(load_default=False)


class TakeOverSchema(ListTermsSchema):
    """The same, with the mark of the changes that the preview told."""

    seen = fields.String(
        required=True, metadata=told("The mark of the preview; other changes are not taken over")
    )


class ListedProductSchema(Schema):
    """A product as the list has it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    price_excl_cents = fields.Integer(required=True)
    vat_basis_points = fields.Integer(allow_none=True)
    pack_size = fields.Integer(required=True)
    price_units = fields.Integer(required=True)
    supplier_unit = fields.String(allow_none=True)
    deposit_cents = fields.Integer(required=True)


class ChangedProductSchema(Schema):
    """A product that the list changes, and in what; ``is_steep``: its price by a quarter."""

    before = fields.Nested(ListedProductSchema, required=True)
    after = fields.Nested(ListedProductSchema, required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    is_steep = fields.Boolean(required=True)


class WrongRowSchema(Schema):
    """A row that is left out, and why."""

    line = fields.Integer(required=True)
    fault = fields.String(required=True)
    cell = fields.String(required=True)


class ListPreviewSchema(Schema):
    """What taking over a list changes, or changed."""

    count = fields.Integer(required=True)
    seen = fields.String(
        required=True, metadata=told("The mark of these changes, to send when it is taken over")
    )
    new = fields.List(fields.Nested(ListedProductSchema), required=True)
    changed = fields.List(fields.Nested(ChangedProductSchema), required=True)
    gone = fields.List(fields.Nested(ListedProductSchema), required=True)
    wrong = fields.List(fields.Nested(WrongRowSchema), required=True)


def _terms(uow: UnitOfWork, price_list_id: int, body: Body) -> ListTerms:
    columns, per_pack = body["columns"], body["prices_per_pack"]
    if columns is None:
        guessed = guess_terms(price_list_rows(uow, price_list_id)[0])
        columns = guessed.columns
        per_pack = guessed.prices_per_pack if per_pack is None else per_pack
    return ListTerms(
        columns=columns,
        default_vat=body["default_vat"],
        prices_include_vat=body["prices_include_vat"],
        full_packs_only=body["full_packs_only"],
        prices_per_pack=bool(per_pack),
    )


def _told(preview: PriceListPreview) -> Body:
    found = preview.changes
    return {
        "count": preview.count,
        "seen": preview.seen,
        "new": found.new,
        "changed": [
            {
                "before": each.before,
                "after": _after(each.before, each.article, each.fields),
                "fields_": each.fields,
                "is_steep": each.is_steep,
            }
            for each in found.changed
        ],
        "gone": [each.article for each in found.gone],
        "wrong": preview.wrong,
    }


def _after(before: Article, article: Article, changed: tuple[str, ...]) -> Body:
    """What the list does not tell stays as it was."""
    names = (
        *("code", "name", "unit", "price_excl_cents", "vat_basis_points", "pack_size"),
        *("price_units", "supplier_unit", "deposit_cents"),
    )
    return {name: getattr(article if name in changed else before, name) for name in names}


@blueprint.route("/suppliers/<supplier_code>/price-lists")
class PriceListsResource(MethodView):
    """Files that suppliers sent."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(FileSchema, location="files")
    @blueprint.response(201, KeptListSchema)
    def post(self, headers: Body, files: Body, supplier_code: str) -> Body:
        """Keep a file; nothing changes yet."""
        visit = current_visit()
        content = files["file"].read()
        name = files["file"].filename or ""

        def act(uow: UnitOfWork) -> str:
            return str(keep_price_list(uow, supplier_code, name, content))

        target = f"{supplier_code}/price-lists"
        body = {"name": name, "content": content}
        kept = int(once(visit, headers["idempotency_key"], target, body, act))
        with visit.begin() as uow:
            heading = price_list_rows(uow, kept)[0]
        return {"id": kept, "heading": heading, "columns": guess_columns(heading)}


@blueprint.route("/suppliers/<supplier_code>/price-lists/<int:price_list_id>/preview")
class PriceListPreviewResource(MethodView):
    """What a list changes."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(ListTermsSchema)
    @blueprint.response(200, ListPreviewSchema)
    def post(self, _headers: Body, body: Body, supplier_code: str, price_list_id: int) -> Body:
        """Compare a list with what its supplier offers today; nothing changes."""
        del supplier_code
        with current_visit().begin() as uow:
            terms = _terms(uow, price_list_id, body)
            gone = body["absent_are_gone"]
            return _told(preview_price_list(uow, price_list_id, terms, absent_are_gone=gone))


@blueprint.route("/suppliers/<supplier_code>/price-lists/<int:price_list_id>/take-over")
class PriceListTakeOverResource(MethodView):
    """Taking a list over."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(TakeOverSchema)
    @blueprint.response(204)
    def post(self, headers: Body, body: Body, supplier_code: str, price_list_id: int) -> None:
        """Take a list over as it was previewed; rounds that exist keep their prices."""

        def act(uow: UnitOfWork) -> str:
            command = TakeOverList(
                price_list_id=price_list_id,
                terms=_terms(uow, price_list_id, body),
                absent_are_gone=body["absent_are_gone"],
                seen=body["seen"],
            )
            return str(take_over_price_list(uow, command).count)

        target = f"{supplier_code}/price-lists/{price_list_id}/take-over"
        once(current_visit(), headers["idempotency_key"], target, body, act)
