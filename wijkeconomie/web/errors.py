"""What a visitor reads when something is refused, missing or broken."""

from __future__ import annotations

import logging
import uuid

from flask import Flask, Response, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from wijkeconomie.core.refusals import (
    DomainError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from wijkeconomie.ledger.refusals import UnknownEntryError
from wijkeconomie.web.refusal_messages import failure_sentence, sentence

log = logging.getLogger(__name__)

_STATUS: dict[type[DomainError], int] = {PermissionDeniedError: 403, InvalidInputError: 422}


def is_api_request() -> bool:
    """Whether the answer must be problem details rather than a page."""
    return request.path.startswith("/api/")


def init_errors(app: Flask) -> None:
    """Answer refusals and errors of pages with a page; the API answers for itself."""
    app.register_error_handler(DomainError, show_refusal)
    app.register_error_handler(CSRFError, show_stale_form)
    app.register_error_handler(404, show_missing)
    app.register_error_handler(429, show_too_many)
    app.register_error_handler(500, show_failure)
    app.add_template_filter(sentence, "refusal_sentence")
    app.add_template_filter(failure_sentence, "failure_sentence")


def show_refusal(refusal: DomainError) -> Response:
    """A refusal that no form caught: what was refused, and the way back."""
    if isinstance(refusal, NotFoundError | UnknownEntryError):
        return _page("errors/404.html", 404)
    status = _STATUS.get(type(refusal), 409)
    return _page("errors/refusal.html", status, message=sentence(refusal), back=request.referrer)


def show_stale_form(_error: CSRFError) -> Response:
    """A form that lay open too long, or came from another site."""
    return _page("errors/csrf.html", 400)


def show_missing(error: HTTPException) -> Response | HTTPException:
    """No such page."""
    if is_api_request():
        return error
    return _page("errors/404.html", 404)


def show_too_many(_error: HTTPException) -> Response:
    """Too many tries to sign in."""
    message = _("You tried too often. Wait a minute and try again.")
    return _page("errors/refusal.html", 429, message=message, back=request.referrer)


def show_failure(error: HTTPException) -> Response | HTTPException:
    """A bug: the visitor gets a reference that stands in the log beside the traceback."""
    reference = uuid.uuid4().hex[:8]
    original = getattr(error, "original_exception", None) or error
    log.error("request failed", exc_info=original, extra={"reference": reference})
    if is_api_request():
        return error
    return _page("errors/500.html", 500, reference=reference)


def _page(template: str, status: int, **values: object) -> Response:
    return make_response(render_template(template, **values), status)
