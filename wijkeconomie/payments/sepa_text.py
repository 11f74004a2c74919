"""Texts as banks take them: letters of the Latin alphabet, figures and a few signs."""

from __future__ import annotations

import re
import unicodedata

_REPLACED = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        "€": "EUR",
        "&": "+",
        "\u2019": "'",
        "\u2013": "-",
        "\u2014": "-",
        "_": "-",
    }
)
_NOT_TAKEN = re.compile(r"[^a-zA-Z0-9/\-?:().,'+ ]+")


def sepa_text(text: str, most: int) -> str:
    """A text that every bank takes, of at most so many characters; a dot where nothing is left.

    Accents are left out, as in ``café`` and ``Dordević``; what has no Latin letter becomes a
    space. It neither begins nor ends with a slash, and has no two of them together.

    Source: EPC217-08, SEPA requirements for an extended character set.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_REPLACED))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    taken = re.sub(r"/+", "/", _NOT_TAKEN.sub(" ", bare))
    return re.sub(r" +", " ", taken)[:most].strip(" /") or "."
