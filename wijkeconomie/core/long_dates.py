"""A day in words, as letters and documents tell it."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date


def long_date(day: date, language: str) -> str:
    """``9 januari 2026``; ``language`` is a code as ``nl`` or ``en``."""
    return format_date(day, "d MMMM y", locale=language)
