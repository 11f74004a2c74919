"""Errors on the wire: RFC 9457 problem details, one status for each refusal."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from wijkeconomie.api.field_descriptions import describe_field
from wijkeconomie.core.refusals import DomainError

log = logging.getLogger(__name__)

PROBLEM_TYPES = "/problems/"
# Everything that is not listed is a conflict between the request and what is the case: 409.
STATUS_BY_CODE: Mapping[str, HTTPStatus] = {
    "permission-denied": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "unknown-entry": HTTPStatus.NOT_FOUND,
    "unknown-voucher": HTTPStatus.NOT_FOUND,
    "invalid-input": HTTPStatus.UNPROCESSABLE_ENTITY,
    "idempotency-key-reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "stale-version": HTTPStatus.PRECONDITION_FAILED,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "wrong-credentials": HTTPStatus.UNAUTHORIZED,
}


class ProblemSchema(Schema):
    """The shape of every error answer (RFC 9457, section 3.1)."""

    type = fields.String(
        required=True,
        metadata={"description": "what kind of problem it is, as a path; a program decides by it"},
    )
    title = fields.String(required=True, metadata={"description": "the kind in a few words"})
    status = fields.Integer(required=True, metadata={"description": "the status of HTTP"})
    detail = fields.String(metadata={"description": "what happened, for a developer"})
    context = fields.Dict(
        keys=fields.String(),
        metadata={"description": "what it is about, by name: amounts, codes, days"},
    )
    errors = fields.Dict(metadata={"description": "messages by the path of the field"})
    reference = fields.String(metadata={"description": "what to name when you ask us about it"})


def problem(status: int, code: str, title: str, **members: object) -> Response:
    """One ``application/problem+json`` answer."""
    body = {"type": PROBLEM_TYPES + code, "title": title, "status": int(status), **members}
    return Response(json.dumps(body), status, mimetype="application/problem+json")


def refusal_problem(refusal: DomainError) -> Response:
    """A refusal as its problem."""
    status = STATUS_BY_CODE.get(refusal.code, HTTPStatus.CONFLICT)
    response = problem(
        status, refusal.code, refusal.title, detail=refusal.detail, context=refusal.context
    )
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


class ProblemApi(Api):
    """flask-smorest, speaking problem details instead of its own error body."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Malformed input and HTTP errors; a bug gets a reference, never a traceback."""
        status = HTTPStatus(error.code or 500)
        data: dict[str, Any] = getattr(error, "data", None) or {}
        members: dict[str, object] = {"errors": data["messages"]} if "messages" in data else {}
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            reference = uuid.uuid4().hex[:8]
            original = getattr(error, "original_exception", None) or error
            log.error("request failed", exc_info=original, extra={"reference": reference})
            members["reference"] = reference
        code = status.phrase.lower().replace(" ", "-")
        response = problem(status, code, status.phrase, **members)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response


def init_api(app: Flask) -> ProblemApi:
    """The API of ``app``, with its OpenAPI document at ``/api/v1/openapi.json``."""
    app.config.update(
        API_TITLE="wijkeconomie",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "security": [{"bearer": []}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        },
    )
    api = ProblemApi(app)
    api.ma_plugin.converter.add_attribute_function(describe_field)
    return api


def route_errors_by_path(app: Flask, api: ProblemApi) -> None:
    """Give requests below ``/api/`` problem details and all others a page.

    flask-smorest answers every HTTP error of the application; pages have handlers of their own,
    so the choice is made here, once.
    """
    page_handlers = {
        kind: handler
        for handlers in app.error_handler_spec[None].values()
        for kind, handler in handlers.items()
    }

    def answer(error: Exception) -> Any:
        if request.path.startswith("/api/"):
            if isinstance(error, DomainError):
                return refusal_problem(error)
            assert isinstance(error, HTTPException)  # noqa: S101 nothing else is registered here
            return api.handle_http_exception(error)
        handler = _closest(page_handlers, error)
        return handler(error) if handler is not None else error

    app.error_handler_spec[None].clear()
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(DomainError, answer)


def _closest(handlers: Mapping[type[Exception], Any], error: Exception) -> Any:
    for kind in type(error).__mro__:
        if kind in handlers:
            return handlers[kind]
    return None
