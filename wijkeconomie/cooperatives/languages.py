"""The language of a page."""

from __future__ import annotations

from typing import Literal

from flask_babel import get_locale

PageLanguage = Literal["nl", "en"]


def page_language() -> PageLanguage:
    """Dutch, unless the visitor reads the page in English."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "nl"
