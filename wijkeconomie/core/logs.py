"""Structured logging: one event a line, with its fields, as text or as JSON."""

from __future__ import annotations

import logging
import sys

import structlog

from wijkeconomie.core.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Send every log record of the process to standard error in the chosen format.

    Fields given with ``extra=`` become fields of the event. Nothing personal belongs in a
    log: identities are pseudonyms such as ``login:12``.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.logging_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.logging_level)
    for chatty in ("alembic", "apscheduler"):
        logging.getLogger(chatty).setLevel("WARNING")
