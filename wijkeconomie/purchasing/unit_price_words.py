"""Prices for several units as pages say them: what for, and about how much for one."""

from __future__ import annotations

from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.explanations import exact_cents
from wijkeconomie.purchasing.queries import OfferedProduct
from wijkeconomie.purchasing.rounding_rules import Rounding
from wijkeconomie.purchasing.unit_prices import quoted_cents
from wijkeconomie.purchasing.unit_words import billed_unit, counted, in_packs


@pages.app_template_filter("billed")
def billed(unit: str, price_units: int = 1) -> str:
    """What a price is for, to stand behind "per"."""
    return billed_unit(unit, price_units)


@pages.app_template_filter("priced")
def priced(price_cents: int, unit: str, price_units: int = 1) -> str:
    """An amount, and for how many units it is where that is not one.

    Beside a unit that is shown already; :func:`price_words` tells all of it.
    """
    price = format_amount(price_cents, page_language())
    if price_units == 1:
        return price
    return str(_("%(price)s per %(unit)s", price=price, unit=billed_unit(unit, price_units)))


@pages.app_template_filter("about_one")
def about_one(price_cents: int, unit: str, price_units: int = 1) -> str:
    """What one unit costs about, as in "about € 0.73 per fles"; empty where the price says it."""
    if price_units == 1:
        return ""
    about = format_amount(quoted_cents(price_cents, price_units, 1), page_language())
    return str(_("about %(price)s per %(unit)s", price=about, unit=unit))


@pages.app_template_filter("price_words")
def price_words(price_cents: int, unit: str, price_units: int = 1) -> str:
    """A price in full, as in "€ 17.50 per 24 flessen (about € 0.73 per fles)"."""
    price = format_amount(price_cents, page_language())
    whole = str(_("%(price)s per %(unit)s", price=price, unit=billed_unit(unit, price_units)))
    about = about_one(price_cents, unit, price_units)
    return f"{whole} ({about})" if about else whole


@pages.app_template_filter("packed")
def packed(quantity: int, pack_size: int, unit: str, supplier_unit: str) -> str:
    """A quantity in packs as the supplier calls them, and loose units."""
    return in_packs(quantity, pack_size, unit, supplier_unit)


def rounding_words(rounding: Rounding, product: OfferedProduct) -> str:
    """How the whole cents of the supplier came about, to who settles."""
    language = page_language()
    return str(
        _(
            "%(product)s: %(count)s is exactly %(exact)s at %(price)s; the supplier charges"
            " %(total)s.",
            product=product.name,
            count=counted(rounding.units, product.unit),
            exact=exact_cents(rounding.exact_cents, language),
            price=priced(rounding.price_excl_cents, product.unit, rounding.price_units),
            total=format_amount(rounding.total_cents, language),
        )
    )
