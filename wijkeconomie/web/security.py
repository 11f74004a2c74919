"""What every answer carries so that a browser protects its user."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from wijkeconomie.core.settings import Settings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_security(app: Flask, settings: Settings) -> CSRFProtect:
    """Set cookies, cross-site request protection and headers; the API is exempted by itself."""
    is_secure = settings.external_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="wijkeconomie",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_secure,
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.security_session_days),
        MAX_CONTENT_LENGTH=5_000_000,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: forms stay open over an evening
        WTF_CSRF_SSL_STRICT=is_secure,
    )
    protection = CSRFProtect(app)

    @app.after_request
    def _add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return protection
