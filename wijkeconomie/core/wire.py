"""Wire shapes that several resources share."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate


class StrictSchema(Schema):
    """A body in which an unknown field is an error, so that a typing mistake is not lost."""

    class Meta:
        """Options of marshmallow."""

        unknown = RAISE


class IdempotencyKeySchema(Schema):
    """The header of every POST; the client makes the key and keeps it over its retries."""

    idempotency_key = fields.String(
        required=True, data_key="Idempotency-Key", validate=validate.Length(min=8, max=255)
    )


class PageSchema(Schema):
    """Cursor pagination: ask with the ``next`` of the page before."""

    cursor = fields.String(load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
