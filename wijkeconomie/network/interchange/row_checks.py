"""Checks of one row on its own: cells that cannot stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise

from wijkeconomie.money.ladders import LadderError, ladder
from wijkeconomie.network.interchange.layout import Remark, Values

RUNG_SIZE = 6
"""Numbers of a rung that closing kept: from, price, wanted, tolerance, pledges and ordered."""


def in_order(first: str, second: str, reason: str) -> Callable[[Values], Iterable[Remark]]:
    """Refuse a second date before the first one."""

    def check(values: Values) -> Iterable[Remark]:
        earlier: date | None = values[first]
        later: date | None = values[second]
        if earlier is not None and later is not None and later < earlier:
            yield second, reason

    return check


def check_gross(values: Values) -> Iterable[Remark]:
    """Refuse a gross that is not net and VAT."""
    total = values["net_cents"] + values["vat_cents"]
    if values["gross_cents"] != total:
        yield "gross_cents", f"net and VAT come to {total}"


def check_liability(values: Values) -> Iterable[Remark]:
    """Refuse a cap where liability has none, and the other way round."""
    if (values["liability"] == "BA") != (values["liability_cap_cents"] is not None):
        yield "liability_cap_cents", "liability BA has a cap, WA and UA have none"


def check_round(values: Values) -> Iterable[Remark]:
    """Refuse a round that closes before it opens."""
    if values["closes"] <= values["opens"]:
        yield "closes", "a round closes after it opens"


def check_product_terms(values: Values) -> Iterable[Remark]:
    """Refuse a ladder that does not fall, and a price for several units of weighed goods."""
    yield from _ladder_remarks(values, values["price_excl_cents"])
    if values["price_units"] > 1 and values["grams_per_unit"] is not None:
        yield "price_units", "weighed goods have a price for a weight"


def check_round_product(values: Values) -> Iterable[Remark]:
    """Refuse a ladder that does not fall, and a price that does not stand on it."""
    first = values["list_price_excl_cents"]
    yield from _ladder_remarks(values, first)
    if values["price_excl_cents"] not in {first, *(values["ladder_prices_cents"] or ())}:
        yield "price_excl_cents", "this is no price of its ladder"
    if values["price_units"] > 1 and values["grams_per_unit"] is not None:
        yield "price_units", "weighed goods have a price for a weight"
    told = values["closing"] or (0,)
    if len(told) % RUNG_SIZE != 1 or told[0] * RUNG_SIZE >= max(len(told) - 1, 1):
        yield "closing", "this is the rung that counts, and six numbers of each rung"


def _ladder_remarks(values: Values, first: int) -> Iterable[Remark]:
    quantities = values["ladder_quantities"] or ()
    prices = values["ladder_prices_cents"] or ()
    if len(quantities) != len(prices):
        yield "ladder_prices_cents", "a ladder has as many prices as quantities"
        return
    try:
        ladder(first, quantities, prices)
    except LadderError as error:
        yield "ladder_prices_cents", str(error)


def check_round_pledge(values: Values) -> Iterable[Remark]:
    """Refuse claims without their moments, and a replacement of nothing."""
    if len(values["later_at"] or ()) != len(values["later_quantities"] or ()):
        yield "later_quantities", "there are as many moments as quantities"
    if (values["origin"] == "replacement") != (values["instead_of"] is not None):
        yield "instead_of", "a replacement is in place of another pledge, and nothing else is"


def check_delivery(values: Values) -> Iterable[Remark]:
    """Refuse more damage than goods."""
    if values["damaged_quantity"] > values["delivered_quantity"]:
        yield "damaged_quantity", "more is damaged than was delivered"


def check_uncharged(values: Values) -> Iterable[Remark]:
    """Refuse a round that charges nobody without a reason and two people."""
    told = [
        values[name] for name in ("uncharged_reason", "uncharged_asked_by", "uncharged_approved_by")
    ]
    if any(told) and not all(told):
        yield "uncharged_reason", "charging nobody takes a reason, who asked and who approved"
    if all(told) and told[1] == told[2]:
        yield "uncharged_approved_by", "somebody else than who asked approves"


def check_moments(values: Values) -> Iterable[Remark]:
    """Refuse a step without those before it, and a cancellation without a reason."""
    steps = ("opened_at", "closed_at", "ordered_at", "received_at", "settled_at")
    for before, after in pairwise(steps):
        if values[after] is not None and values[before] is None:
            yield before, f"the round cannot have been {after.removesuffix('_at')} without this"
    if values["allocated_at"] is not None and values["received_at"] is None:
        yield "received_at", "the round cannot have been allocated without this"
    if (values["cancelled_at"] is None) != (values["cancel_reason"] is None):
        yield "cancel_reason", "a cancelled round has a reason, and no other has"
    if values["cancelled_at"] is not None and values["settled_at"] is not None:
        yield "cancelled_at", "a round is settled or cancelled"


def check_deadline(values: Values) -> Iterable[Remark]:
    """Refuse what is agreed about a deadline in part."""
    names = ("prolong_days", "most_prolongations", "prolonged", "when_spent", "planned_closes_at")
    for name in names:
        if (values[name] is None) != (values["on_miss"] is None):
            yield name, "what happens on a miss is told whole or not at all"
    if (values["asked_at"] is None) != (values["missed"] is None):
        yield "missed", "a question is about what was missed"


def check_voucher(values: Values) -> Iterable[Remark]:
    """Refuse dates in the wrong order, and a rate that does not fit the kind."""
    yield from in_order("issued_on", "expires_on", "it expires before it is issued")(values)
    if (values["kind"] == "SPV") != (values["vat_basis_points"] is not None):
        yield "vat_basis_points", "an SPV voucher has one rate, an MPV voucher has none"


def check_bank_line(values: Values) -> Iterable[Remark]:
    """Refuse an amount or a reason that does not fit the kind."""
    if not values["cents"]:
        yield "cents", "a bank line is not zero"
    elif (values["kind"] == "storno") != (values["cents"] < 0):
        yield "cents", "a storno is negative, an incasso positive"
    if (values["kind"] == "storno") != (values["return_reason"] is not None):
        yield "return_reason", "a storno has a reason, an incasso has none"
