"""Finding a product among many: by a word, or by what kind of thing it is. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wijkeconomie.purchasing.queries import OfferedProduct

MANY = 8
"""From so many products on a page offers to search."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What someone looks for; empty texts ask for everything."""

    words: str = ""
    category: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether everything is asked for."""
        return not self.words.strip() and not self.category


def finds(wish: Wish, product: OfferedProduct) -> bool:
    """Whether a product is what is looked for: every word stands in its name or category.

    Case and accents make no difference.
    """
    if wish.category and product.category != wish.category:
        return False
    told = _plain(f"{product.name} {product.category or ''}")
    return all(word in told for word in _plain(wish.words).split())


def categories(products: Iterable[OfferedProduct]) -> Sequence[str]:
    """The categories of some products, each once, in order of the alphabet."""
    return sorted({product.category for product in products if product.category})


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))
