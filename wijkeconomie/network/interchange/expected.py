"""What a round of a folder comes to by its own rows, with the rules that settle it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_rows import RoundRows, Surroundings
from wijkeconomie.network.interchange.row_checks import RUNG_SIZE
from wijkeconomie.purchasing.past_terms import PastTerms
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_results import SettlementResult

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOWHERE = -1
"""No pledge has this number, and no product."""


def product_terms(rows: RoundRows, sku: str, around: Surroundings) -> PastTerms:
    """The terms of a product in a round: those that the folder tells, else those of today.

    By the plain files a price holds for any quantity, and any number of units is sold.
    """
    deposit = rows.details.deposits.get(sku, 0)
    told = rows.details.products.get(sku)
    if told is None:
        return _terms_of_today(around.products[sku], around.terms.get(sku), deposit)
    same = (
        *("name", "unit", "price_excl_cents", "list_price_excl_cents", "price_units"),
        *("vat_basis_points", "pack_size", "supplier_unit", "minimum_quantity"),
        *("max_per_member", "grams_per_unit", "shortage_rule"),
    )
    return PastTerms(
        **{name: told[name] for name in same},
        sells_loose=not told["only_packs"],
        ladder_quantities=list(told["ladder_quantities"] or ()),
        ladder_prices_cents=list(told["ladder_prices_cents"] or ()),
        closing=_closing(told["closing"]),
        deposit_cents=deposit,
    )


def _terms_of_today(product: Row, terms: Row | None, deposit: int) -> PastTerms:
    price = (terms or product)["price_excl_cents"]
    return PastTerms(
        name=product["name"],
        unit=product["unit"],
        price_excl_cents=price,
        list_price_excl_cents=price,
        vat_basis_points=product["vat_basis_points"],
        pack_size=product["pack_size"],
        max_per_member=product["max_per_member"],
        price_units=1 if terms is None else terms["price_units"],
        supplier_unit=None if terms is None else terms["supplier_unit"],
        deposit_cents=deposit,
    )


def _closing(told: tuple[int, ...] | None) -> dict[str, Any] | None:
    """What closing kept (``ladder_queries.closing_record``), from its numbers."""
    if told is None:
        return None
    at, *numbers = told
    starts = range(0, len(numbers), RUNG_SIZE)
    return {"at": at, "rungs": [numbers[start : start + RUNG_SIZE] for start in starts]}


def expected_settlement(rows: RoundRows, around: Surroundings) -> SettlementResult:
    """What a delivered round comes to, computed as the program does from its database."""
    pledges = rows.kept_pledges()
    kept = {row["sku"] for row in (*rows.deliveries, *pledges)}
    numbers = _Numbers(
        products={sku: key for key, sku in enumerate(rows.skus(), start=1) if sku in kept},
        pledges={row["pledge_id"]: key for key, row in enumerate(pledges, start=1)},
        members={code: key for key, code in enumerate(around.members, start=1)},
    )
    return compute_settlement(
        SettlementInput(
            products=tuple(_product_input(rows, sku, numbers, around) for sku in numbers.products),
            pledges=tuple(_pledge_input(rows, row, numbers) for row in pledges),
            freight_excl_cents=rows.round["shipping_excl_cents"],
            freight_key=rows.round["shipping_key"],
            shortage_rule=rows.round["shortage_rule"],
        )
    )


@dataclass(frozen=True, slots=True)
class _Numbers:
    """By which numbers the rules know products, pledges and members."""

    products: Mapping[str, int]
    pledges: Mapping[str, int]
    members: Mapping[str, int]


def _product_input(
    rows: RoundRows, sku: str, numbers: _Numbers, around: Surroundings
) -> ProductInput:
    terms = product_terms(rows, sku, around)
    told, decided = rows.details.products.get(sku), rows.details.deliveries.get(sku)
    replaced = None if told is None else told["replaces"]
    usable = sum(
        row["delivered_quantity"] - row["damaged_quantity"]
        for row in rows.deliveries
        if row["sku"] == sku
    )
    return ProductInput(
        numbers.products[sku],
        terms.price_excl_cents,
        terms.vat_basis_points,
        usable,
        list_price_excl_cents=terms.list_price_excl_cents,
        shortage_rule=terms.shortage_rule,  # type: ignore[arg-type]
        keeps_rest=rows.details.surplus_rule == "stock",
        stock=None if decided is None else decided["stock_quantity"],
        uncredited=0 if decided is None else decided["uncredited_quantity"],
        grams_per_unit=terms.grams_per_unit,
        grams=None if decided is None else decided["grams"],
        replaces=None if replaced is None else numbers.products.get(replaced, _NOWHERE),
        price_units=terms.price_units,
    )


def _pledge_input(rows: RoundRows, row: Row, numbers: _Numbers) -> PledgeInput:
    taken = rows.taken(row)
    told = rows.details.pledges.get(row["pledge_id"])
    plain = PledgeInput(
        numbers.pledges[row["pledge_id"]],
        numbers.members[row["member_id"]],
        numbers.products[row["sku"]],
        taken,
        _turn(row["pledged_at"]),
        asked=row["quantity"],
        by_hand=rows.details.by_hand.get(row["pledge_id"]),
    )
    if told is None:
        return plain
    later = zip(told["later_at"] or (), told["later_quantities"] or (), strict=True)
    return replace(
        plain,
        tolerance=max(row["quantity"] + told["tolerance"] - taken, 0),
        grams=told["grams"],
        origin=told["origin"],
        instead_of=numbers.pledges.get(told["instead_of"] or "", _NOWHERE),
        later=tuple((_turn(moment), units) for moment, units in later),
    )


def _turn(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
