"""REST resources of a small group's bills: keep the file, see what it does, book it."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.core.wire import IdempotencyKeySchema, StrictSchema
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.network.splitting.lines import SplitFile, SplitSource
from wijkeconomie.network.splitting.service import (
    SplitChoice,
    book_split,
    guess_members,
    keep_split_file,
    neighbours,
    preview_split,
    split_file,
)

blueprint = cooperative_resources("splitting_api", __name__, "Bills of small groups")

Body = dict[str, Any]


class BillsFileSchema(Schema):
    """The export as IHateMoney (JSON or CSV) or Splitwise (CSV) made it."""

    file = Upload(required=True)


class PersonInFileSchema(Schema):
    """A name in the file, and the member that it seems to be."""

    name = fields.String(required=True, metadata={"description": "the name as the file writes it"})
    member_code = fields.String(allow_none=True)
    weight = fields.String(
        allow_none=True,
        metadata={"description": "the person's weight where the file has weights"},
    )


class KeptBillsSchema(Schema):
    """A file that waits to be booked, and who is in it."""

    id = fields.Integer(required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf(SplitSource),
        metadata={"description": "the program that wrote the file"},
    )
    people = fields.List(
        fields.Nested(PersonInFileSchema),
        required=True,
        metadata={"description": "everyone whom the file names"},
    )


class WhoIsWhoSchema(StrictSchema):
    """Member numbers by name; lines with a name that has none are left out."""

    members = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "the member number of each name in the file"},
    )
    weights = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "weights by name, where they are others than in the file"},
    )
    accounting_date = fields.Date(load_default=None, allow_none=True)


class BookBillsSchema(WhoIsWhoSchema):
    """The same, with how many bills and repayments the preview told."""

    expected = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))


class MemberEffectSchema(Schema):
    """What the file does to one member; ``owes_cents`` is what his account changes by."""

    code = fields.String(required=True)
    paid_cents = fields.Integer(
        required=True, metadata={"description": "what the member paid for the others, in cents"}
    )
    share_cents = fields.Integer(
        required=True, metadata={"description": "the member's share of all bills, in cents"}
    )
    repaid_cents = fields.Integer(
        required=True,
        metadata={"description": "what the member paid back to others, less what came, in cents"},
    )
    owes_cents = fields.Integer(
        required=True, metadata={"description": "what the member owes more, in cents"}
    )


class BillsPreviewSchema(Schema):
    """What booking comes to; nothing was written."""

    bills = fields.Integer(required=True, metadata={"description": "how many bills are booked"})
    repayments = fields.Integer(
        required=True, metadata={"description": "how many repayments are booked"}
    )
    total_cents = fields.Integer(required=True)
    known = fields.Integer(
        required=True, metadata={"description": "how many lines the books have already"}
    )
    members = fields.List(fields.Nested(MemberEffectSchema), required=True)
    left_out = fields.Integer(
        required=True, metadata={"description": "how many lines are left out"}
    )
    agrees = fields.Boolean(
        allow_none=True,
        metadata={
            "description": "whether it comes to the balances in the file; null where it has none"
        },
    )


class BookedBillsSchema(Schema):
    """What was booked."""

    bills = fields.Integer(required=True, metadata={"description": "how many bills were booked"})
    repayments = fields.Integer(
        required=True, metadata={"description": "how many repayments were booked"}
    )


def _choice(body: Body) -> SplitChoice:
    return SplitChoice(
        members=body["members"],
        weights=body["weights"],
        accounting_date=body["accounting_date"],
    )


def _kept(uow: UnitOfWork, import_id: int) -> Body:
    file: SplitFile = split_file(uow, import_id)
    guessed = guess_members(file.people, neighbours(uow, local_date(uow.now, LOCAL_TIME)))
    weights = dict(file.weights)
    return {
        "id": import_id,
        "source": file.source,
        "people": [
            {"name": name, "member_code": guessed.get(name), "weight": weights.get(name)}
            for name in file.people
        ],
    }


@blueprint.route("/small-group-files")
class SmallGroupFilesResource(MethodView):
    """Files of bill splitting programs."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(BillsFileSchema, location="files")
    @blueprint.response(201, KeptBillsSchema)
    def post(self, headers: Body, files: Body) -> Body:
        """Keep a file; nothing is booked yet."""
        visit = current_visit()
        require_permission(visit.identity, "cost.settle")
        content = files["file"].read()
        name = files["file"].filename or ""
        kept = once(
            visit,
            headers["idempotency_key"],
            "small-group-files",
            {"name": name, "content": content},
            lambda uow: str(keep_split_file(uow, name, content)),
        )
        with visit.begin() as uow:
            return _kept(uow, int(kept))


@blueprint.route("/small-group-files/<int:import_id>")
class SmallGroupFileResource(MethodView):
    """A file that waits."""

    @blueprint.response(200, KeptBillsSchema)
    def get(self, import_id: int) -> Body:
        """Tell who is in a file, and which members they seem to be."""
        with current_visit().begin() as uow:
            return _kept(uow, import_id)


@blueprint.route("/small-group-files/<int:import_id>/preview")
class SmallGroupPreviewResource(MethodView):
    """What a file does."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(WhoIsWhoSchema)
    @blueprint.response(200, BillsPreviewSchema)
    def post(self, _headers: Body, body: Body, import_id: int) -> Body:
        """Tell what booking does to each member; nothing is written."""
        with current_visit().begin() as uow:
            found = preview_split(uow, split_file(uow, import_id), _choice(body))
        return {
            "bills": found.bills,
            "repayments": found.repayments,
            "total_cents": found.total_cents,
            "known": found.known,
            "members": found.members,
            "left_out": len(found.left_out),
            "agrees": found.agrees,
        }


@blueprint.route("/small-group-files/<int:import_id>/book")
class SmallGroupBookingResource(MethodView):
    """Booking a file."""

    @blueprint.arguments(IdempotencyKeySchema, location="headers")
    @blueprint.arguments(BookBillsSchema)
    @blueprint.response(200, BookedBillsSchema)
    def post(self, headers: Body, body: Body, import_id: int) -> Body:
        """Book what the preview told, once; the names in the file are forgotten."""

        def act(uow: UnitOfWork) -> str:
            booked = book_split(uow, import_id, _choice(body), expected=body["expected"])
            return f"{len(booked.costs)} {len(booked.repayments)}"

        target = f"small-group-files/{import_id}/book"
        done = once(current_visit(), headers["idempotency_key"], target, body, act)
        bills, repayments = done.split()
        return {"bills": int(bills), "repayments": int(repayments)}
