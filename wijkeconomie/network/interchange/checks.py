"""Checks that take more than one row: a round as a whole, and what its members may do.

They use the rules that the use cases use, so what passes here settles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    INVOICE_TERMS,
    ROUND_DEPOSITS,
    ROUND_PLEDGES,
    ROUND_PRODUCTS,
)
from wijkeconomie.network.interchange.expected import expected_settlement, product_terms
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_rows import RoundRows, Surroundings
from wijkeconomie.network.interchange.unfinished_files import PICKUP_CHOICES, PICKUP_SLOTS
from wijkeconomie.purchasing.round_rules import is_active_member
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.unit_prices import quoted_cents


def price_faults(around: Surroundings) -> Iterator[RowError]:
    """Prices for several units that are not the price of one in the plain file, to the cent."""
    for sku, row in around.terms.items():
        each = quoted_cents(row["price_excl_cents"], row["price_units"], 1)
        if sku in around.products and each != around.products[sku]["price_excl_cents"]:
            yield fault(row, "price_excl_cents", f"products.csv has another price: this is {each}")


def check_round(rows: RoundRows, around: Surroundings) -> list[RowError]:
    """What is wrong with a round, each fault at its own row; none when it can be imported."""
    faults = [
        *_time_faults(rows),
        *_product_faults(rows, around),
        *_pledge_faults(rows, around),
        *_delivery_faults(rows),
        *_invoice_faults(rows),
        *detail_faults(rows),
        *_choice_faults(rows),
    ]
    if not faults and rows.is_delivered:
        faults = list(_settlement_faults(rows, around))
    return faults


def detail_faults(rows: RoundRows) -> Iterator[RowError]:
    """What the details of a round tell of rows that are not its own, or that it cannot have."""
    kept = {row["pledge_id"] for row in rows.kept_pledges()}
    asked = set(rows.skus())
    pledges = {row["pledge_id"] for row in rows.pledges}
    for layout, column, known in (
        (DECISIONS, "pledge_id", kept),
        (ROUND_PRODUCTS, "sku", asked),
        (ROUND_DEPOSITS, "sku", asked),
        (ROUND_PLEDGES, "pledge_id", pledges),
        (ROUND_PLEDGES, "instead_of", {None, *pledges}),
        (DELIVERY_DECISIONS, "sku", {row["sku"] for row in rows.deliveries}),
        (INVOICE_TERMS, "invoice_id", {row["invoice_id"] for row in rows.invoices}),
    ):
        for row in rows.details.of(layout):
            if row[column] not in known:
                yield fault(row, column, f"round {rows.code} has no such row")
    if (uncharged := rows.details.uncharged) is not None and not rows.is_delivered:
        yield fault(uncharged, "uncharged_reason", f"round {rows.code} was not settled")
    moments = rows.details.moments
    yield from _moment_faults(rows, moments)
    withdrawn = {row["pledge_id"] for row in rows.pledges if row["withdrawn"]}
    was_ordered = rows.is_delivered or (moments is not None and moments["ordered_at"] is not None)
    for pledge_id, row in rows.details.pledges.items():
        yield from _pledge_detail_faults(row, is_withdrawn=pledge_id in withdrawn)
        if row["origin"] != "pledged" and not was_ordered:
            yield fault(row, "origin", f"round {rows.code} was not ordered")


_LAST_STEP = {
    "delivered": "settled_at",
    "cancelled": "cancelled_at",
    "open": "opened_at",
    "closed": "closed_at",
    "ordered": "ordered_at",
    "received": "received_at",
    "allocated": "allocated_at",
}


def _moment_faults(rows: RoundRows, moments: Row | None) -> Iterator[RowError]:
    """Where the steps that a round took are not those of its state."""
    status = rows.round["status"]
    if moments is None:
        if not rows.is_finished:
            yield fault(rows.round, "status", "round_moments.csv does not tell when")
        return
    last = _LAST_STEP.get(status)
    if last is not None and moments[last] is None:
        yield fault(moments, last, f"round {rows.code} is {status}")
    if not rows.is_finished:
        steps = list(_LAST_STEP.values())[2:]
        later = steps[steps.index(last) + 1 :] if last is not None else steps
        for column in (*later, "settled_at", "cancelled_at"):
            if moments[column] is not None:
                yield fault(moments, column, f"round {rows.code} is {status}")


def _pledge_detail_faults(row: Row, *, is_withdrawn: bool) -> Iterator[RowError]:
    for column in ("dropout", "withdrawn_at"):
        if row[column] is not None and not is_withdrawn:
            yield fault(row, column, "this pledge was not withdrawn")
    if row["origin"] != "pledged" and is_withdrawn:
        yield fault(row, "origin", "what came about after ordering is not withdrawn")


def _choice_faults(rows: RoundRows) -> Iterator[RowError]:
    """Choices of a time to collect that is not there, or by who ordered nothing."""
    numbers = {row["number"] for row in rows.resumed.get(PICKUP_SLOTS, ())}
    ordering = {row["member_id"] for row in rows.kept_pledges()}
    for row in rows.resumed.get(PICKUP_CHOICES, ()):
        if row["number"] not in numbers:
            yield fault(row, "number", f"pickup_slots.csv has no such time of {rows.code}")
        if row["member_id"] not in ordering:
            yield fault(row, "member_id", f"{row['member_id']} ordered nothing")


def fault(row: Row, column: str, reason: str) -> RowError:
    """A fault at a cell of a row, or at the row when ``column`` is empty."""
    return RowError(row.file, row.line, column, row.cells.get(column, ""), reason)


def _time_faults(rows: RoundRows) -> Iterator[RowError]:
    """Days before the step they belong to; where the folder tells all moments, as they were."""
    if rows.details.moments is not None:
        return
    closed = rows.round["closes"].astimezone(LOCAL_TIME).date()
    if rows.round["delivery_date"] < closed:
        yield fault(rows.round, "delivery_date", "a delivery comes after the closing")
    for row in rows.deliveries:
        if row["delivered_on"] < closed:
            yield fault(row, "delivered_on", f"round {rows.code} was still open")
    for row in rows.invoices:
        if row["invoice_date"] < rows.round["opens"].astimezone(LOCAL_TIME).date():
            yield fault(row, "invoice_date", f"round {rows.code} had not opened")


def _product_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    supplier = rows.round["supplier_id"]
    for row in (*rows.pledges, *rows.deliveries):
        if not rows.is_finished and row["sku"] not in rows.details.products:
            yield fault(row, "sku", f"round_products.csv has no {row['sku']} of {rows.code}")
        product = around.products[row["sku"]]
        if row["sku"] not in rows.details.products and product["supplier_id"] != supplier:
            reason = (
                f"round {rows.code} is of supplier {supplier}, this of {product['supplier_id']}"
            )
            yield fault(row, "sku", reason)


def _pledge_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    seen: dict[tuple[Any, Any], int] = {}
    for row in rows.pledges:
        yield from _own_faults(rows, row, around)
        key = (row["member_id"], row["sku"])
        if key in seen:
            reason = f"{key[0]} pledged for {key[1]} on line {seen[key]} already"
            yield fault(row, "sku", reason)
        seen.setdefault(key, row.line)


def _own_faults(rows: RoundRows, row: Row, around: Surroundings) -> Iterator[RowError]:
    """What is wrong with a pledge by itself; what was given after closing has no limits."""
    if rows.is_gift(row):
        return
    at, member = row["pledged_at"], around.members[row["member_id"]]
    told = rows.details.pledges.get(row["pledge_id"])
    if not rows.round["opens"] <= at < rows.round["closes"]:
        yield fault(row, "pledged_at", f"round {rows.code} is not open then")
    if told is None and not is_active_member(member.joined, member.left, at):
        local = at.astimezone(LOCAL_TIME).date()
        yield fault(row, "member_id", f"{row['member_id']} is no member on {local}")
    most = product_terms(rows, row["sku"], around).max_per_member
    tolerance = 0 if told is None else told["tolerance"]
    if most is not None and row["quantity"] + tolerance > most:
        yield fault(row, "quantity", f"a member may order {most} of {row['sku']}")
    if told is not None:
        if rows.taken(row) > row["quantity"] + tolerance:
            yield fault(told, "allotted_quantity", "this is more than was asked and tolerated")
        if sum(told["later_quantities"] or ()) >= row["quantity"]:
            yield fault(told, "later_quantities", f"the pledge is for {row['quantity']} in all")


def _delivery_faults(rows: RoundRows) -> Iterator[RowError]:
    pledged: dict[str, int] = defaultdict(int)
    for row in rows.kept_pledges():
        if not rows.is_gift(row):
            pledged[row["sku"]] += rows.taken(row)
    seen: set[str] = set()
    for row in rows.deliveries:
        sku = row["sku"]
        if rows.is_cancelled:
            yield fault(row, "round_id", f"round {rows.code} was cancelled")
        if sku in seen:
            yield fault(row, "sku", f"{sku} was delivered in round {rows.code} already")
        seen.add(sku)
        if row["ordered_quantity"] != pledged[sku]:
            yield fault(row, "ordered_quantity", f"the pledges come to {pledged[sku]}")
        is_more = row["delivered_quantity"] > row["ordered_quantity"]
        terms = rows.details.products.get(sku)
        came_instead = terms is not None and terms["replaces"] is not None
        if is_more and not came_instead and row["reason"] is None:
            yield fault(row, "delivered_quantity", "more than was ordered: say why in reason")
    if rows.has_come:
        yield from _missing_deliveries(rows, pledged, seen)


def _missing_deliveries(
    rows: RoundRows, pledged: Mapping[str, int], seen: set[str]
) -> Iterator[RowError]:
    if not pledged:
        yield fault(rows.round, "status", "nobody pledged, so there was nothing to deliver")
    for sku in pledged:
        if sku not in seen:
            yield fault(rows.round, "status", f"deliveries.csv does not say what came of {sku}")


def _invoice_faults(rows: RoundRows) -> Iterator[RowError]:
    for position, row in enumerate(rows.invoices):
        if rows.is_cancelled:
            yield fault(row, "round_id", f"round {rows.code} was cancelled")
        if position:
            yield fault(row, "round_id", f"round {rows.code} has an invoice already")
        if row["supplier_id"] != rows.round["supplier_id"]:
            supplier = rows.round["supplier_id"]
            yield fault(row, "supplier_id", f"round {rows.code} is of supplier {supplier}")


def _settlement_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    expected = expected_settlement(rows, around)
    invoice = rows.invoice
    is_charged = rows.details.uncharged is None
    if is_charged and (expected.open_units or expected.unweighed):
        reason = "units that are left over are given to nobody"
        if expected.unweighed:
            reason = "goods that are settled by weight were not weighed"
        yield fault(rows.round, "round_id", reason)
    elif invoice is None:
        if expected.gross_cents:
            reason = f"there is no invoice, and the delivery comes to {expected.gross_cents}"
            yield fault(rows.round, "round_id", reason)
    elif is_charged:  # else the cooperative pays the whole invoice, whatever it asks
        yield from _difference_faults(rows, invoice, expected)


def _difference_faults(
    rows: RoundRows, invoice: Row, expected: SettlementResult
) -> Iterator[RowError]:
    """Where an invoice is not what was delivered, with the difference that was accepted."""
    net_difference, vat_difference = rows.details.difference_of(invoice["invoice_id"])
    for column, amount, difference in (
        ("net_cents", expected.net_cents, net_difference),
        ("vat_cents", expected.vat_cents, vat_difference),
        ("gross_cents", expected.gross_cents, net_difference + vat_difference),
    ):
        if invoice[column] != amount + difference:
            reason = f"deliveries and prices come to {amount}"
            if difference:
                reason += f", and {difference} more was accepted"
            yield fault(invoice, column, reason)
