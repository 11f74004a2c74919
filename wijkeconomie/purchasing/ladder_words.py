"""A price ladder in the words, figures and chart of a page. Prices here include VAT."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.core.charts import Step, step_chart
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.ladders import RungOutcome
from wijkeconomie.money.vat import vat_on
from wijkeconomie.purchasing.ladder_queries import ProductLadder
from wijkeconomie.purchasing.models import Dropout
from wijkeconomie.purchasing.queries import OfferedProduct
from wijkeconomie.purchasing.unit_price_words import priced
from wijkeconomie.purchasing.unit_prices import most_cents
from wijkeconomie.purchasing.unit_words import billed_unit, counted


@dataclass(frozen=True, slots=True)
class RungRow:
    """A rung in the table beside the chart; ``taken`` counts who accept its price."""

    from_quantity: int
    price_cents: int
    taken: int
    is_here: bool


@dataclass(frozen=True, slots=True)
class LadderShown:
    """What a page tells of one product: where the group is, and what more would bring."""

    price_cents: int
    """The price as things stand, or as the round reached it."""
    list_price_cents: int
    done: int
    total: int
    """Bounds of the progress bar: wanted at the next price, and needed for it."""
    progress: str | None
    """As in "24 more bottles to € 8.40 each"; ``None`` on the lowest rung."""
    packs: str | None
    """What is missing to order all that is wanted, where packs or a minimum ask for more."""
    rows: tuple[RungRow, ...]
    maxima: tuple[tuple[str, str], ...]
    """Choices of a maximum price: its cents without VAT and the words; empty: any price."""
    chart: Markup | None


def price_with_vat(price_excl_cents: int, vat_basis_points: int | None) -> int:
    """A price with its VAT, rounded: what a shelf would say. For as many units as the price."""
    return price_excl_cents + vat_on(price_excl_cents, vat_basis_points)


def ladder_shown(found: ProductLadder, product: OfferedProduct) -> LadderShown:
    """The ladder, packs and minimum of a product for a page."""
    outcome = found.outcome
    prices = [_with_vat(each, product) for each in outcome.rungs]
    following = outcome.following
    rows = tuple(
        RungRow(each.rung.from_quantity, price, each.wanted, number == outcome.position)
        for number, (each, price) in enumerate(zip(outcome.rungs, prices, strict=True))
    )
    return LadderShown(
        price_cents=prices[outcome.position],
        list_price_cents=prices[0],
        done=following.wanted if following else outcome.reached.wanted,
        total=following.rung.from_quantity if following else outcome.reached.wanted,
        progress=_progress(found, product) if following else None,
        packs=_packs(found, product),
        rows=rows,
        maxima=_maxima(found, product),
        chart=_chart(product, rows, outcome.reached.ordered) if len(rows) > 1 else None,
    )


def gain_cents(product: OfferedProduct, quantity: int) -> int:
    """What the ladder saves on some units, with VAT; 0 where the list price holds."""
    units = product.price_units
    before = most_cents(product.list_price_excl_cents, units, quantity)
    now = most_cents(product.price_excl_cents, units, quantity)
    rate = product.vat_basis_points
    return before + vat_on(before, rate) - now - vat_on(now, rate)


def dropout_words(reason: Dropout) -> str:
    """Why a pledge fell out, to its member."""
    words = {
        Dropout.PRICE: _("The price became higher than what you wanted to pay."),
        Dropout.MINIMUM: _("Too little was ordered for the supplier."),
        Dropout.PACKS: _("No full pack was filled for you."),
        Dropout.CREDIT: _("There was too little on your account."),
    }
    return str(words[reason])


def closing_words(found: ProductLadder, product: OfferedProduct) -> str | None:
    """What closing does with a product, to the coordinator; nothing where it is plain."""
    outcome = found.outcome
    reached = outcome.reached
    if not reached.wanted and not any(each.wanted for each in outcome.rungs):
        return None
    told = []
    if len(outcome.rungs) > 1:
        told.append(
            _(
                "%(price)s per %(unit)s: %(wanted)s ordered by who accept that",
                price=_money(_with_vat(reached, product)),
                unit=billed_unit(product.unit, product.price_units),
                wanted=_count(reached.wanted, product.unit),
            )
        )
    fallen = outcome.rungs[-1].pledges - reached.pledges
    if fallen:
        told.append(
            ngettext(
                "%(num)d order falls out by its maximum price",
                "%(num)d orders fall out by their maximum price",
                fallen,
            )
        )
    if reached.ordered != reached.wanted:
        told.append(
            _(
                "%(ordered)s can be ordered of %(wanted)s",
                ordered=_count(reached.ordered, product.unit),
                wanted=_count(reached.wanted, product.unit),
            )
        )
    return f"{product.name}: {'; '.join(told)}." if told else None


def _with_vat(outcome: RungOutcome, product: OfferedProduct) -> int:
    return price_with_vat(outcome.rung.price_cents, product.vat_basis_points)


def _money(cents: int) -> str:
    return format_amount(cents, page_language())


def _count(quantity: int, unit: str) -> str:
    return f"{quantity}\N{NO-BREAK SPACE}{unit}"


def _missing(missing: int, product: OfferedProduct) -> str:
    """A quantity, in packs beside it where it is a pack or more."""
    units = _count(missing, product.unit)
    if product.pack_size == 1 or missing < product.pack_size:
        return units
    if product.supplier_unit is not None:
        return f"{units} ({counted(-(-missing // product.pack_size), product.supplier_unit)})"
    packs = ngettext(
        "%(num)d pack of %(size)s",
        "%(num)d packs of %(size)s",
        -(-missing // product.pack_size),
        size=product.pack_size,
    )
    return f"{units} ({packs})"


def _progress(found: ProductLadder, product: OfferedProduct) -> str:
    following = found.outcome.following
    if following is None:
        return ""
    return str(
        _(
            "%(missing)s more to %(price)s per %(unit)s",
            missing=_missing(found.missing_to_next, product),
            price=_money(_with_vat(following, product)),
            unit=billed_unit(product.unit, product.price_units),
        )
    )


def _packs(found: ProductLadder, product: OfferedProduct) -> str | None:
    missing = found.missing_to_order
    if not missing:
        return None
    if found.outcome.reached.ordered or found.terms.minimum <= 1:
        return str(_("%(missing)s more to fill a pack", missing=_count(missing, product.unit)))
    return str(_("%(missing)s more, or nothing is ordered", missing=_count(missing, product.unit)))


def _maxima(found: ProductLadder, product: OfferedProduct) -> tuple[tuple[str, str], ...]:
    rungs = found.outcome.rungs
    if len(rungs) == 1:
        return ()
    any_price = _(
        "any price; now it is %(price)s at most", price=_money(_with_vat(rungs[0], product))
    )
    lower = [
        (
            str(each.rung.price_cents),
            _("only at %(price)s or less", price=_money(_with_vat(each, product))),
        )
        for each in rungs[1:]
    ]
    return (("", any_price), *lower)


def _chart(product: OfferedProduct, rows: tuple[RungRow, ...], ordered: int) -> Markup:
    told = "; ".join(
        _(
            "from %(quantity)s %(price)s",
            quantity=_count(row.from_quantity, product.unit),
            price=priced(row.price_cents, product.unit, product.price_units),
        )
        for row in rows
    )
    here = _("you are here: %(quantity)s", quantity=_count(ordered, product.unit))
    return step_chart(
        _("Price ladder of %(product)s", product=product.name),
        f"{told}. {here}.",
        [
            Step(
                row.from_quantity, row.price_cents, str(row.from_quantity), _money(row.price_cents)
            )
            for row in rows
        ],
        here=ordered,
        here_text=here,
    )
