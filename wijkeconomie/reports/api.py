"""REST resources of statements and of the books."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from wijkeconomie.cooperatives.api import cooperative_resources
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.accountant_queries import entry_rows
from wijkeconomie.reports.rendering import CONTENT_TYPES, file_name, render
from wijkeconomie.reports.service import StatementRequest, statement_for

blueprint = cooperative_resources("reports_api", __name__, "Statements and the books")

Body = dict[str, Any]


class PeriodSchema(Schema):
    """A period: ``from`` is its first day, ``to`` the first day after it."""

    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date(required=True)


class StatementQuerySchema(PeriodSchema):
    """Which statement, and how it is written."""

    member = fields.String(load_default=None)
    round = fields.String(load_default=None)
    format = fields.String(load_default="json", validate=validate.OneOf(tuple(CONTENT_TYPES)))
    language = fields.String(load_default="nl", validate=validate.OneOf(["nl", "en"]))


class EntryQuerySchema(PeriodSchema):
    """Which entries; ``after`` is the last number of the page before."""

    after = fields.Integer(load_default=0, validate=validate.Range(min=0))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class EntryRowSchema(Schema):
    """An entry in the list."""

    number = fields.Integer(required=True)
    accounting_date = fields.Date(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    description = fields.String(required=True)
    debit_cents = fields.Integer(required=True, attribute="debit")
    reverses = fields.Integer(allow_none=True)
    hash = fields.String(required=True)


class EntryPageSchema(Schema):
    """A page of entries; ``next`` is the ``after`` of the following one, or null."""

    items = fields.List(fields.Nested(EntryRowSchema), required=True)
    next = fields.Integer(allow_none=True)


class PostingSchema(Schema):
    """A line of an entry: a debit is positive, in the smallest unit."""

    account_code = fields.String(required=True)
    unit = fields.String(required=True)
    amount = fields.Integer(required=True)


class EntrySchema(Schema):
    """An entry with its lines and its place in the chain."""

    number = fields.Integer(required=True)
    accounting_date = fields.Date(required=True)
    posted_at = fields.AwareDateTime(required=True)
    posted_by = fields.String(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    description = fields.String(required=True)
    reverses = fields.Integer(allow_none=True)
    reversed_by = fields.Integer(allow_none=True)
    previous_hash = fields.Function(lambda entry: entry.previous_hash.hex())
    hash = fields.Function(lambda entry: entry.hash.hex())
    postings = fields.List(fields.Nested(PostingSchema), required=True)


class TrialBalanceLineSchema(Schema):
    """An account over a period, in the smallest unit; a debit balance is positive."""

    account_code = fields.String(required=True)
    name_nl = fields.String(required=True)
    name_en = fields.String(required=True)
    rgs_code = fields.String(required=True)
    kind = fields.String(required=True)
    unit = fields.String(required=True)
    opening = fields.Integer(required=True)
    debit = fields.Integer(required=True)
    credit = fields.Integer(required=True)
    closing = fields.Integer(required=True)


class TrialBalanceSchema(Schema):
    """Every account with postings before the end of the period."""

    items = fields.List(fields.Nested(TrialBalanceLineSchema), required=True)


class VerificationSchema(Schema):
    """Whether the books are in order, and the first thing that is wrong."""

    is_in_order = fields.Boolean(required=True)
    entries = fields.Integer(required=True)
    postings = fields.Integer(required=True)
    last_hash = fields.String(required=True)
    fault = fields.String(allow_none=True)
    fault_entry = fields.Integer(allow_none=True)


def _period(first: date, until: date) -> Period:
    if until <= first:
        raise InvalidInputError("to is the first day after the period", field="to")
    return Period(first, until)


@blueprint.route("/statements")
class StatementResource(MethodView):
    """A statement of the cooperative, or of one member or round of it."""

    @blueprint.arguments(StatementQuerySchema, location="query")
    @blueprint.response(200, description="The statement, in the format that was asked for")
    def get(self, wanted: Body) -> Response:
        """Write a statement; the same request gives the same bytes."""
        request = StatementRequest(
            period=_period(wanted["from_"], wanted["to"]),
            member_code=wanted["member"],
            round_code=wanted["round"],
        )
        with current_visit().begin() as uow:
            statement = statement_for(uow, request)
        format_ = wanted["format"]
        headers = {"Content-Disposition": f'attachment; filename="{file_name(statement, format_)}"'}
        content = render(statement, format_, language=wanted["language"])
        return Response(content, headers=headers, content_type=CONTENT_TYPES[format_])


@blueprint.route("/ledger/entries")
class EntriesResource(MethodView):
    """The entries of the books."""

    @blueprint.arguments(EntryQuerySchema, location="query")
    @blueprint.response(200, EntryPageSchema)
    def get(self, wanted: Body) -> Body:
        """List entries dated in a period, by number, a page at a time."""
        visit = current_visit()
        require_permission(visit.identity, "ledger.read")
        period = _period(wanted["from_"], wanted["to"])
        limit = wanted["limit"]
        with visit.begin() as uow:
            found = entry_rows(
                uow.session,
                uow.tenant,
                period.start,
                period.end,
                after=wanted["after"],
                limit=limit + 1,
            )
        shown = found[:limit]
        return {"items": shown, "next": shown[-1].number if len(found) > limit else None}


@blueprint.route("/ledger/entries/<int:number>")
class EntryResource(MethodView):
    """One entry."""

    @blueprint.response(200, EntrySchema)
    def get(self, number: int) -> ledger.Entry:
        """Show an entry with its lines and hashes."""
        visit = current_visit()
        require_permission(visit.identity, "ledger.read")
        with visit.begin() as uow:
            return ledger.entry(uow.session, uow.tenant, number)


@blueprint.route("/ledger/trial-balance")
class TrialBalanceResource(MethodView):
    """The trial balance."""

    @blueprint.arguments(PeriodSchema, location="query")
    @blueprint.response(200, TrialBalanceSchema)
    def get(self, wanted: Body) -> Body:
        """Show opening, movements and closing of every account."""
        visit = current_visit()
        require_permission(visit.identity, "ledger.read")
        period = _period(wanted["from_"], wanted["to"])
        with visit.begin() as uow:
            lines = ledger.trial_balance(
                uow.session, uow.tenant, from_=period.start, until=period.end
            )
        return {"items": lines}


@blueprint.route("/ledger/verification")
class VerificationResource(MethodView):
    """Whether the books are in order."""

    @blueprint.response(200, VerificationSchema)
    def get(self) -> Body:
        """Add everything up again, from the first entry on."""
        visit = current_visit()
        require_permission(visit.identity, "ledger.read")
        with visit.begin() as uow:
            outcome = verify_books(uow.session, uow.tenant, visit.cooperative.code)
        fault = outcome.fault
        return {
            "is_in_order": fault is None,
            "entries": outcome.entries,
            "postings": outcome.postings,
            "last_hash": outcome.last_hash.hex(),
            "fault": None if fault is None else fault.detail,
            "fault_entry": None if fault is None else fault.entry_number,
        }
