"""A statement as JSON: stable, versioned, whole, in no language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from wijkeconomie.money.periods import Period
from wijkeconomie.reports.statement import Statement

FORMAT = "wijkeconomie-statement"
VERSION = 1
"""Goes up when a field changes its meaning or disappears; new fields may come at any time."""


def statement_document(statement: Statement) -> dict[str, Any]:
    """The statement as plain values.

    Amounts are whole cents (``…_cents``), dates ISO 8601, the period half-open (``until`` is
    the first day after it). A line has the key of its text with its parameters, and a share
    the compact explanation that its amounts can be computed from.
    """
    return {"format": FORMAT, "version": VERSION, "statement": _plain(statement)}


def render_json(statement: Statement) -> bytes:
    """The same statement always gives the same bytes: sorted keys, UTF-8, one line feed last."""
    document = statement_document(statement)
    return (
        json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"
    ).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Period):
        return {"from": value.start.isoformat(), "until": value.end.isoformat()}
    if is_dataclass(value):
        return {
            field.name: (
                dict(value.parameters)
                if field.name == "parameters" and hasattr(value, "parameters")
                else _plain(getattr(value, field.name))
            )
            for field in fields(value)
        }
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
