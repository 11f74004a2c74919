"""Units in words: many of them, packs under the supplier's name, and what a price is for.

Pure. Units are words that people typed, most of them Dutch; one that is not known stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from wijkeconomie.money.amounts import NO_BREAK_SPACE

_PLURALS: Mapping[str, str] = {
    "bak": "bakken",
    "baal": "balen",
    "beker": "bekers",
    "blik": "blikken",
    "bos": "bossen",
    "brood": "broden",
    "bundel": "bundels",
    "colli": "colli",
    "doos": "dozen",
    "dozijn": "dozijn",
    "ei": "eieren",
    "emmer": "emmers",
    "fles": "flessen",
    "jerrycan": "jerrycans",
    "kist": "kisten",
    "krat": "kratten",
    "kuip": "kuipen",
    "net": "netten",
    "pak": "pakken",
    "pakje": "pakjes",
    "pakket": "pakketten",
    "pallet": "pallets",
    "paneel": "panelen",
    "plaat": "platen",
    "plant": "planten",
    "pot": "potten",
    "reep": "repen",
    "rol": "rollen",
    "set": "sets",
    "stronk": "stronken",
    "struik": "struiken",
    "stuk": "stuks",
    "tray": "trays",
    "tros": "trossen",
    "tube": "tubes",
    "vat": "vaten",
    "zak": "zakken",
}


def many(unit: str, count: int) -> str:
    """A unit as it is said with a count.

    >>> many("fles", 1), many("fles", 24), many("Krat", 3), many("kg", 5)
    ('fles', 'flessen', 'Kratten', 'kg')
    """
    if count == 1:
        return unit
    plural = _PLURALS.get(unit.casefold(), unit)
    return plural[:1].upper() + plural[1:] if unit[:1].isupper() else plural


def counted(count: int, unit: str) -> str:
    """A count with its unit, kept on one line."""
    return f"{count}{NO_BREAK_SPACE}{many(unit, count)}"


def billed_unit(unit: str, price_units: int) -> str:
    """What a price is for, to stand behind "per": ``fles`` or ``24 flessen``."""
    return unit if price_units == 1 else counted(price_units, unit)


def in_packs(quantity: int, pack_size: int, unit: str, supplier_unit: str) -> str:
    """Packs under the supplier's name, loose units beside them.

    >>> in_packs(77, 24, "fles", "krat").replace(NO_BREAK_SPACE, " ")
    '3 kratten + 5 flessen'
    """
    packs, loose = divmod(quantity, pack_size)
    parts = [counted(packs, supplier_unit)] if packs else []
    if loose or not packs:
        parts.append(counted(loose, unit))
    return " + ".join(parts)
