"""How suppliers head the columns of their price lists, and name their VAT rates.

In lower case; Dutch, English and German as they are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Column = Literal[
    "status",
    "code",
    "name",
    "unit",
    "price",
    "vat",
    "pack_size",
    "category",
    "minimum_quantity",
    "ladder_from",
    "ladder_price",
    "price_units",
    "supplier_unit",
    "deposit",
]
HEADINGS: Mapping[Column, tuple[str, ...]] = {
    "status": ("status",),
    "code": (
        *("artikelnummer", "artikelnr", "artikelcode", "bestelnummer", "sku", "code"),
        *("order number", "article number", "item number", "bestellnummer", "artnr", "ean"),
    ),
    "name": ("omschrijving", "artikel", "product", "naam", "name", "description", "bezeichnung"),
    "unit": ("eenheid", "inhoud", "unit", "einheid", "einheit"),
    "price": (
        *("prijs", "inkoopprijs", "nettoprijs", "prijs excl", "price", "net price"),
        *("unit price", "price net", "nettopreis", "preis"),
    ),
    "vat": ("btw", "btw %", "vat", "vat %", "tax", "mwst", "btw-tarief"),
    "pack_size": (
        *("per verpakking", "aantal per doos", "verpakking", "colli", "per doos", "pack size"),
        *("unit quantity", "gebinde", "gebindegröße"),
    ),
    "category": ("categorie", "groep", "category", "kategorie"),
    "minimum_quantity": ("minimum", "minimale afname", "min", "minimum quantity"),
    "ladder_from": ("staffel vanaf", "vanaf", "staffelaantal", "scale quantity", "from quantity"),
    "ladder_price": ("staffelprijs", "scale price", "volume price"),
    "price_units": (
        *("prijs per aantal", "prijs voor aantal", "prijseenheid", "per aantal"),
        *("price for", "price per quantity"),
    ),
    "supplier_unit": (
        *("besteleenheid", "soort verpakking", "verpakkingssoort", "order unit", "supplier unit"),
        *("bestelleinheit",),
    ),
    "deposit": ("statiegeld", "emballage", "deposit", "pfand"),
}
PER_PACK = ("per doos", "per krat", "per verpakking", "per colli", "per pak", "per pack")
"""In the heading of a price: it is for a pack."""
RATE_WORDS: Mapping[str, int | None] = {
    "laag": 900,
    "low": 900,
    "verlaagd": 900,
    "hoog": 2100,
    "high": 2100,
    "nul": 0,
    "zero": 0,
    "vrij": None,
    "vrijgesteld": None,
    "exempt": None,
    "geen": None,
}
