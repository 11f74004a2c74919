"""The poster of a round: what can be bought together, until when, and a code for a phone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import segno
from babel.dates import format_date, format_datetime
from markupsafe import Markup

from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME

TEMPLATE = Path(__file__).parent / "typst" / "poster.typ"
SHOWN_PRODUCTS = 8
"""More do not fit on a sheet that is read from two metres."""

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "nl": {
        "title": "Koop mee: {theme}",
        "from": "Van {supplier}",
        "until": "Bestel vóór",
        "delivery": "Levering",
        "products": "Onder andere",
        "more": "en nog {count} andere producten",
        "per": "{price} per {unit}",
        "from_price": "vanaf {price} per {unit}",
        "scan": "Richt de camera van je telefoon hierop, of ga naar",
        "together": "Hoe meer we samen bestellen, hoe lager de prijs.",
        "code": "Code die naar {link} leidt",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Buy together: {theme}",
        "from": "From {supplier}",
        "until": "Order before",
        "delivery": "Delivery",
        "products": "Among others",
        "more": "and {count} other products",
        "per": "{price} per {unit}",
        "from_price": "from {price} per {unit}",
        "scan": "Point the camera of your phone at this, or go to",
        "together": "The more we order together, the lower the price.",
        "code": "Code that leads to {link}",
        "page": "Page",
        "of": "of",
    },
}


@dataclass(frozen=True, slots=True)
class PosterProduct:
    """A product on the poster; prices include VAT, ``lowest_cents`` is that of its ladder.

    ``unit`` is what they are for, as in ``24 flessen``.
    """

    name: str
    unit: str
    price_cents: int
    lowest_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What a poster says. No person stands on it."""

    cooperative_name: str
    theme: str
    supplier_name: str
    closes_at: datetime
    delivery_on: date
    products: Sequence[PosterProduct]
    link: str
    made_at: datetime


def render_poster(poster: Poster, *, language: Language = "nl") -> bytes:
    """The poster as an accessible PDF of one sheet; the same poster gives the same bytes."""
    words = _WORDS[language]
    shown = poster.products[:SHOWN_PRODUCTS]
    rest = len(poster.products) - len(shown)
    theme = poster.theme[:1].upper() + poster.theme[1:]
    title = words["title"].format(theme=theme)
    closes = poster.closes_at.astimezone(LOCAL_TIME)
    data = {
        "words": dict(words),
        "cooperative": {"name": poster.cooperative_name},
        "theme": theme,
        "from": words["from"].format(supplier=poster.supplier_name),
        "until": format_datetime(closes, "EEEE d MMMM, HH:mm", locale=language),
        "delivery": format_date(poster.delivery_on, "EEEE d MMMM", locale=language),
        "products": [[each.name, _price(each, words, language)] for each in shown],
        "more": words["more"].format(count=rest) if rest else "",
        "together": words["together"] if any(map(_has_ladder, poster.products)) else "",
        "link": poster.link,
        "code": words["code"].format(link=poster.link),
        "picture": picture(poster.link),
    }
    return render_pdf(TEMPLATE, data, language=language, title=title, timestamp=poster.made_at)


def _has_ladder(product: PosterProduct) -> bool:
    return product.lowest_cents < product.price_cents


def _price(product: PosterProduct, words: Mapping[str, str], language: Language) -> str:
    key = "from_price" if _has_ladder(product) else "per"
    price = format_amount(product.lowest_cents, language)
    return words[key].format(price=price, unit=product.unit)


def picture(link: str) -> str:
    """A QR code (ISO/IEC 18004) of a link as SVG, readable with a seventh of it gone."""
    out = io.BytesIO()
    segno.make(link, error="m", micro=False).save(out, kind="svg", border=4, scale=10)
    return out.getvalue().decode()


def picture_on_page(link: str, title: str) -> Markup:
    """The same within a page, with a title for who does not see it."""
    drawn = segno.make(link, error="m", micro=False).svg_inline(
        border=4, omitsize=True, svgclass="qr", lineclass=None, title=title
    )
    # Only the link and the title are not segno's own; it escapes the title, and draws the link.
    return Markup(drawn)  # noqa: S704
