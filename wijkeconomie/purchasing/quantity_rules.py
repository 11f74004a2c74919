"""Who gets how much of everything that came in a round, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wijkeconomie.purchasing.settlement_inputs import PledgeInput, SettlementInput
from wijkeconomie.purchasing.sharing_rules import (
    Claim,
    ProductOutcome,
    SharingTerms,
    ShortageRule,
    share_product,
)
from wijkeconomie.purchasing.turn_rules import parts_of, parts_within


@dataclass(slots=True)
class SharedQuantities:
    """Units by pledge in the order of the pledges, and what went to nobody by product.

    ``computed``: what the rules alone would give. ``why``: compact parts of explanations.
    ``open_units``: products with units that wait for a decision, negative where more was given
    by hand than came.
    """

    given: list[int]
    computed: list[int]
    why: list[dict[str, Any]]
    left: dict[int, int] = field(default_factory=dict)
    open_units: dict[int, int] = field(default_factory=dict)


def share_quantities(round_: SettlementInput) -> SharedQuantities:
    """Share what came, product by product; a replacement after the product it replaces.

    Raises:
        KeyError: a pledge for a product that is not in the round (a bug of the caller).
    """
    positions: dict[int, list[int]] = {product.key: [] for product in round_.products}
    for position, pledge in enumerate(round_.pledges):
        positions[pledge.product].append(position)
    count = len(round_.pledges)
    shared = SharedQuantities([0] * count, [0] * count, [{} for _ in range(count)])
    place = {pledge.key: position for position, pledge in enumerate(round_.pledges)}
    for product in sorted(round_.products, key=lambda each: each.replaces is not None):
        rule = product.shortage_rule or round_.shortage_rule
        own = positions[product.key]
        in_turn = rule == "first_pledged"
        if in_turn:
            own = sorted(own, key=lambda position: round_.pledges[position].turn)
        claims = [_claim(round_.pledges, shared.given, place, position) for position in own]
        if in_turn:
            claims = [
                replace(claim, parts=_parts(round_.pledges[position], claim.quantity))
                for claim, position in zip(claims, own, strict=True)
            ]
        terms = SharingTerms(rule, product.keeps_rest, product.stock)
        outcome = share_product(product.usable, claims, terms)
        for number, position in enumerate(own):
            shared.given[position] = outcome.given[number]
            shared.computed[position] = outcome.computed[number]
            reason = _reason(claims[number], outcome, terms.rule, number)
            if outcome.rest_usable != product.usable:
                reason["o"] = product.usable - outcome.rest_usable
            shared.why[position] = reason | _origin(round_.pledges[position])
        if outcome.left:
            shared.left[product.key] = outcome.left
        if outcome.open:
            shared.open_units[product.key] = outcome.open
    return shared


def _claim(
    pledges: Sequence[PledgeInput], given: list[int], place: dict[int, int], position: int
) -> Claim:
    pledge = pledges[position]
    if pledge.origin == "extra":
        return Claim(0, by_hand=pledge.by_hand or 0)
    if pledge.origin == "replacement":
        missed = pledge.quantity
        original = place.get(pledge.instead_of or 0)
        if original is not None:
            missed = max(pledges[original].quantity - given[original], 0)
        return Claim(min(missed, pledge.quantity), by_hand=pledge.by_hand)
    return Claim(pledge.quantity, pledge.tolerance, pledge.by_hand)


def _parts(pledge: PledgeInput, quantity: int) -> tuple[tuple[int, int], ...]:
    """A claim by turn; what closing added to the asked quantity comes with the newest."""
    asked = pledge.quantity if pledge.asked is None else pledge.asked
    parts = parts_within(quantity, parts_of(asked, pledge.turn, pledge.later))
    if not parts:
        return ()
    turn, units = parts[-1]
    return (*parts[:-1], (turn, units + max(quantity - asked, 0)))


def _reason(
    claim: Claim, outcome: ProductOutcome, rule: ShortageRule, number: int
) -> dict[str, Any]:
    """Why a claim got its units; ``explanations`` tells what the keys mean."""
    units = outcome.given[number]
    reason: dict[str, Any] = {
        "q": claim.quantity,
        "t": outcome.rest_wanted,
        "u": outcome.rest_usable,
        "d": units,
    }
    if claim.by_hand is not None:
        reason["h"] = outcome.computed[number]
    elif outcome.rest_usable < outcome.rest_wanted:
        reason["s"] = {"pro_rata": "p", "first_pledged": "f", "manual": "w"}[rule]
        weighted = outcome.rest_usable * claim.quantity
        if reason["s"] == "p" and units * outcome.rest_wanted > weighted:
            reason["r"] = 1
    elif units > claim.quantity:
        reason["m"] = units - claim.quantity
    return reason


def _origin(pledge: PledgeInput) -> dict[str, Any]:
    if pledge.origin != "pledged":
        return {"k": pledge.origin[0]}
    return {} if pledge.asked in {None, pledge.quantity} else {"a": pledge.asked}
