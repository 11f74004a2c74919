"""Typesetting: a template of ours and plain data become an accessible PDF."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import typst

Language = Literal["nl", "en"]

TEMPLATE_ROOT = Path(__file__).resolve().parent.parent
"""Templates import each other by paths from here: ``/core/typst/letter.typ``."""

_PROBE = TEMPLATE_ROOT / "core" / "typst" / "probe.typ"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Everything up to Latin Extended-B, Greek and Cyrillic, and the punctuation of a letter: in
# the bundled fonts. Others are tried one by one.
_SURELY_SHOWN = frozenset(
    chr(code)
    for first, last in ((0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3A1), (0x3B1, 0x3C9), (0x410, 0x44F))
    for code in range(first, last + 1)
) | frozenset("\n\t\u2010\u2011\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026\u20ac\u2212\u2022")


def render_pdf(
    template: Path,
    data: Mapping[str, Any],
    *,
    language: Language,
    title: str,
    timestamp: datetime,
) -> bytes:
    """Typeset ``data`` by ``template``: tagged, claiming PDF/UA-1 and PDF/A-3a.

    Text of users is only ever data: it goes in as JSON and never becomes source. A character
    that no bundled font can show is replaced by U+FFFD. Fonts of the machine are not used and
    no clock is read, so the same arguments give the same bytes on every machine with the same
    version of typst.

    Args:
        template: a ``.typ`` file of this package, reading ``json(bytes(sys.inputs.data))``.
        data: what ``json`` takes; ``language`` and ``title`` are added.
        timestamp: aware; becomes the date of creation.

    Raises:
        ValueError: ``timestamp`` has no timezone (a bug of the caller).
    """
    if timestamp.tzinfo is None:
        raise ValueError("a document's moment of creation carries its timezone")
    content = _showable({**data, "language": language, "title": title})
    inputs = {"data": json.dumps(content, ensure_ascii=False, sort_keys=True)}
    return _compile(template, inputs, timestamp)


def _compile(template: Path, inputs: dict[str, str], timestamp: datetime) -> bytes:
    document: bytes = typst.compile(
        template,
        root=TEMPLATE_ROOT,
        ignore_system_fonts=True,
        pdf_standards=["a-3a", "ua-1"],
        sys_inputs=inputs,
        timestamp=timestamp,
    )
    return document


def _showable(value: Any) -> Any:
    """The same data with only characters that the bundled fonts can show."""
    if isinstance(value, str):
        return showable_text(value)
    if isinstance(value, Mapping):
        return {key: _showable(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_showable(item) for item in value]
    return value


def showable_text(text: str) -> str:
    """Replace what cannot be typeset, and what would turn the reading order around.

    Letters and accents are joined first, so that ``e`` with a loose accent is one letter.
    """
    if _SURELY_SHOWN.issuperset(text):
        return text
    joined = unicodedata.normalize("NFC", text)
    return "".join(
        character if character in _SURELY_SHOWN or _can_be_shown(character) else REPLACEMENT
        for character in joined
    )


@lru_cache(maxsize=8192)
def _can_be_shown(character: str) -> bool:
    """Whether the typesetter takes a character under the standards we claim; some 3 ms, once."""
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return False
    try:
        _compile(_PROBE, {"text": f"a{character}"}, datetime.fromtimestamp(0, UTC))
    except typst.TypstError:
        return False
    return True
