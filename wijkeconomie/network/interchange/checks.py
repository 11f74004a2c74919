"""Checks that take more than one row: a round as a whole, and what its members may do.

They use the rules that the use cases use, so what passes here settles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    INVOICE_DEPOSITS,
    PRODUCT_TERMS,
    ROUND_DEPOSITS,
)
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import (
    DELIVERIES,
    MEMBERS,
    PLEDGES,
    PRODUCTS,
    ROUNDS,
    SUPPLIER_INVOICES,
)
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_details import RoundDetails, details_of
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.purchasing.round_rules import is_active_member
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_results import SettlementResult
from wijkeconomie.purchasing.unit_prices import quoted_cents


@dataclass(frozen=True, slots=True)
class Membership:
    """From when and until when (if ever) someone is a member."""

    joined: date
    left: date | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rows of a round are judged by: the members of its cooperative, the products."""

    members: Mapping[str, Membership]
    products: Mapping[str, Row]
    terms: Mapping[str, Row] = field(default_factory=dict)
    """What a price is for, where that is more than one unit."""


@dataclass(frozen=True, slots=True)
class RoundRows:
    """A round with all its rows, each list in order of lines."""

    round: Row
    pledges: list[Row]
    deliveries: list[Row]
    invoices: list[Row]
    details: RoundDetails = field(default_factory=RoundDetails)

    @property
    def code(self) -> str:
        return str(self.round["round_id"])

    @property
    def is_delivered(self) -> bool:
        return bool(self.round["status"] == "delivered")

    @property
    def invoice(self) -> Row | None:
        """The supplier's invoice, if there is one."""
        return self.invoices[0] if self.invoices else None

    def kept_pledges(self) -> list[Row]:
        """The pledges that were not withdrawn, in order of their ids."""
        kept = [row for row in self.pledges if not row["withdrawn"]]
        return sorted(kept, key=lambda row: str(row["pledge_id"]))

    def counts(self) -> dict[str, int]:
        """Rows by file."""
        return {
            ROUNDS.file: 1,
            PLEDGES.file: len(self.pledges),
            DELIVERIES.file: len(self.deliveries),
            SUPPLIER_INVOICES.file: len(self.invoices),
            **{layout.file: len(rows) for layout, rows in self.details.rows.items()},
        }


def load_surroundings(spool: Spool, cooperative: str) -> Surroundings:
    """The members of a cooperative and all products."""
    return Surroundings(
        members={
            row["member_id"]: Membership(row["joined"], row["left"])
            for row in spool.rows(MEMBERS, cooperative)
        },
        products={row["sku"]: row for row in spool.rows(PRODUCTS, "")},
        terms={row["sku"]: row for row in spool.rows(PRODUCT_TERMS, cooperative)},
    )


def price_faults(around: Surroundings) -> Iterator[RowError]:
    """Prices for several units that are not the price of one in the plain file, to the cent."""
    for sku, row in around.terms.items():
        each = quoted_cents(row["price_excl_cents"], row["price_units"], 1)
        if sku in around.products and each != around.products[sku]["price_excl_cents"]:
            yield fault(row, "price_excl_cents", f"products.csv has another price: this is {each}")


def rounds_of(spool: Spool, cooperative: str) -> Iterator[RoundRows]:
    """The rounds of a cooperative, one at a time, in order of their lines."""
    for row in spool.rows(ROUNDS, cooperative):
        code = row["round_id"]
        yield RoundRows(
            round=row,
            pledges=list(spool.rows(PLEDGES, cooperative, code)),
            deliveries=list(spool.rows(DELIVERIES, cooperative, code)),
            invoices=list(spool.rows(SUPPLIER_INVOICES, cooperative, code)),
            details=details_of(spool, cooperative, code),
        )


def check_round(rows: RoundRows, around: Surroundings) -> list[RowError]:
    """What is wrong with a round, each fault at its own row; none when it can be imported."""
    faults = [
        *_product_faults(rows, around),
        *_pledge_faults(rows, around),
        *_delivery_faults(rows),
        *_invoice_faults(rows),
        *detail_faults(rows),
    ]
    if not faults and rows.is_delivered:
        faults = list(_settlement_faults(rows, around))
    return faults


def expected_settlement(rows: RoundRows, around: Surroundings) -> SettlementResult:
    """What the round comes to by its own rows."""
    skus = sorted({row["sku"] for row in (*rows.pledges, *rows.deliveries)})
    number = {sku: position for position, sku in enumerate(around.products)}
    usable: dict[str, int] = defaultdict(int)
    for row in rows.deliveries:
        usable[row["sku"]] += row["delivered_quantity"] - row["damaged_quantity"]
    pledges = rows.kept_pledges()
    first = sorted(
        range(len(pledges)),
        key=lambda position: (pledges[position]["pledged_at"], pledges[position]["pledge_id"]),
    )
    turns = {position: turn for turn, position in enumerate(first)}
    member = {name: position for position, name in enumerate(around.members)}
    return compute_settlement(
        SettlementInput(
            products=tuple(
                product_input(number[sku], sku, usable[sku], rows.details, around)
                for sku in sorted(skus, key=number.__getitem__)
            ),
            pledges=tuple(
                PledgeInput(
                    position,
                    member[row["member_id"]],
                    number[row["sku"]],
                    row["quantity"],
                    turns[position],
                    by_hand=rows.details.by_hand.get(row["pledge_id"]),
                )
                for position, row in enumerate(pledges)
            ),
            freight_excl_cents=rows.round["shipping_excl_cents"],
            freight_key=rows.round["shipping_key"],
            shortage_rule=rows.round["shortage_rule"],
        )
    )


def product_input(
    key: int, sku: str, usable: int, details: RoundDetails, around: Surroundings
) -> ProductInput:
    """A product of a round as the rules take it, by its rows."""
    product, terms = around.products[sku], around.terms.get(sku)
    decided = details.deliveries.get(sku)
    return ProductInput(
        key,
        (terms or product)["price_excl_cents"],
        product["vat_basis_points"],
        usable,
        keeps_rest=details.surplus_rule == "stock",
        stock=None if decided is None else decided["stock_quantity"],
        uncredited=0 if decided is None else decided["uncredited_quantity"],
        price_units=1 if terms is None else terms["price_units"],
    )


def detail_faults(rows: RoundRows) -> Iterator[RowError]:
    """What the details of a round tell of rows that are not its own, or that it cannot have."""
    kept = {row["pledge_id"] for row in rows.kept_pledges()}
    asked = {row["sku"] for row in (*rows.pledges, *rows.deliveries)}
    invoices = {row["invoice_id"] for row in rows.invoices}
    for layout, column, known in (
        (DECISIONS, "pledge_id", kept),
        (ROUND_DEPOSITS, "sku", asked),
        (DELIVERY_DECISIONS, "sku", {row["sku"] for row in rows.deliveries}),
        (INVOICE_DEPOSITS, "invoice_id", invoices),
    ):
        for row in rows.details.of(layout):
            if row[column] not in known:
                yield fault(row, column, f"round {rows.code} has no such row")
    if (uncharged := rows.details.uncharged) is not None and not rows.is_delivered:
        yield fault(uncharged, "uncharged_reason", f"round {rows.code} was cancelled")


def fault(row: Row, column: str, reason: str) -> RowError:
    """A fault at a cell of a row, or at the row when ``column`` is empty."""
    return RowError(row.file, row.line, column, row.cells.get(column, ""), reason)


def _product_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    supplier = rows.round["supplier_id"]
    for row in (*rows.pledges, *rows.deliveries):
        product = around.products[row["sku"]]
        if product["supplier_id"] != supplier:
            reason = (
                f"round {rows.code} is of supplier {supplier}, this of {product['supplier_id']}"
            )
            yield fault(row, "sku", reason)


def _pledge_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    seen: dict[tuple[Any, Any], int] = {}
    for row in rows.pledges:
        member = around.members[row["member_id"]]
        at = row["pledged_at"]
        if not rows.round["opens"] <= at < rows.round["closes"]:
            yield fault(row, "pledged_at", f"round {rows.code} is not open then")
        if not is_active_member(member.joined, member.left, at):
            local = at.astimezone(LOCAL_TIME).date()
            yield fault(row, "member_id", f"{row['member_id']} is no member on {local}")
        most = around.products[row["sku"]]["max_per_member"]
        if most is not None and row["quantity"] > most:
            yield fault(row, "quantity", f"a member may order {most} of {row['sku']}")
        key = (row["member_id"], row["sku"])
        if key in seen:
            reason = f"{key[0]} pledged for {key[1]} on line {seen[key]} already"
            yield fault(row, "sku", reason)
        seen.setdefault(key, row.line)


def _delivery_faults(rows: RoundRows) -> Iterator[RowError]:
    pledged: dict[str, int] = defaultdict(int)
    for row in rows.kept_pledges():
        pledged[row["sku"]] += row["quantity"]
    seen: set[str] = set()
    for row in rows.deliveries:
        sku = row["sku"]
        if not rows.is_delivered:
            yield fault(row, "round_id", f"round {rows.code} was cancelled")
        if sku in seen:
            yield fault(row, "sku", f"{sku} was delivered in round {rows.code} already")
        seen.add(sku)
        if row["ordered_quantity"] != pledged[sku]:
            yield fault(row, "ordered_quantity", f"the pledges come to {pledged[sku]}")
        if row["delivered_quantity"] > row["ordered_quantity"] and row["reason"] is None:
            yield fault(row, "delivered_quantity", "more than was ordered: say why in reason")
        if row["delivered_on"] < rows.round["closes"].astimezone(LOCAL_TIME).date():
            yield fault(row, "delivered_on", f"round {rows.code} was still open")
    if rows.is_delivered:
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
        if not rows.is_delivered:
            yield fault(row, "round_id", f"round {rows.code} was cancelled")
        if position:
            yield fault(row, "round_id", f"round {rows.code} has an invoice already")
        if row["supplier_id"] != rows.round["supplier_id"]:
            supplier = rows.round["supplier_id"]
            yield fault(row, "supplier_id", f"round {rows.code} is of supplier {supplier}")
        if row["invoice_date"] < rows.round["opens"].astimezone(LOCAL_TIME).date():
            yield fault(row, "invoice_date", f"round {rows.code} had not opened")


def _settlement_faults(rows: RoundRows, around: Surroundings) -> Iterator[RowError]:
    expected = expected_settlement(rows, around)
    if expected.open_units:
        yield fault(rows.round, "round_id", "units that are left over are given to nobody")
        return
    invoice = rows.invoice
    if invoice is None:
        if expected.gross_cents:
            reason = f"there is no invoice, and the delivery comes to {expected.gross_cents}"
            yield fault(rows.round, "round_id", reason)
        return
    if rows.details.uncharged is not None:
        return  # the cooperative pays the whole invoice, whatever it asks
    for column, amount in (
        ("net_cents", expected.net_cents),
        ("vat_cents", expected.vat_cents),
        ("gross_cents", expected.gross_cents),
    ):
        if invoice[column] != amount:
            yield fault(invoice, column, f"deliveries and prices come to {amount}")
