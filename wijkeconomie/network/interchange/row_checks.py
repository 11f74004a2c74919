"""Checks of one row on its own: cells that cannot stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.network.interchange.layout import Remark, Values


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
    """Refuse times in the wrong order."""
    if values["closes"] <= values["opens"]:
        yield "closes", "a round closes after it opens"
    if values["delivery_date"] < values["closes"].astimezone(LOCAL_TIME).date():
        yield "delivery_date", "a delivery comes after the closing"


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
