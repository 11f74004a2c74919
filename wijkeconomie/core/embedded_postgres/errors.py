"""The one error of the embedded server."""

from __future__ import annotations


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run; the message says why and what to do."""
