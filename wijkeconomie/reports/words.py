"""Kinds of journal entries in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

_KINDS: dict[str, Any] = {
    "round.settled": lazy_gettext("Purchase round settled"),
    "round.uncharged": lazy_gettext("Purchase round settled without charging"),
    "cost.settled": lazy_gettext("Shared costs settled"),
    "contribution.charged": lazy_gettext("Contribution charged"),
    "contribution.collected": lazy_gettext("Contribution collected"),
    "contribution.returned": lazy_gettext("Contribution returned by the bank"),
}


def kind_words(kind: str) -> str:
    """What an entry is about."""
    plain = kind.removesuffix(".reversed")
    words = str(_KINDS.get(plain, plain))
    return _("Reversal: %(what)s", what=words) if plain != kind else words
