"""Who gets how much of one product that came: by rule, and by hand where somebody said so.

Pure: quantities are whole member units. A quantity that was set by hand is never recomputed;
what the rule alone would have given stands beside it, so that both can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wijkeconomie.money.ordering import share_extra
from wijkeconomie.money.quantities import deliver
from wijkeconomie.purchasing.turn_rules import deliver_in_turn, parts_within

ShortageRule = Literal["pro_rata", "first_pledged", "manual"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one pledge may get of a product.

    ``quantity``: the most that the rule gives in a shortage; 0 for an extra that is only given
    by hand. ``tolerance``: how much more is fine when more came. ``by_hand``: units that
    somebody set; ``None`` leaves it to the rule. ``parts``: the quantity by turn, where the
    first to pledge goes first; without them a claim's place is its turn.
    """

    quantity: int
    tolerance: int = 0
    by_hand: int | None = None
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ProductOutcome:
    """What became of the usable units of a product.

    ``given`` and ``computed`` (the rule alone, as if nothing was set by hand) stand in the
    order of the claims. ``left`` units went to nobody: the cooperative's. ``open``: how many
    of those wait for a decision; negative where more was given away than came.
    """

    given: tuple[int, ...]
    computed: tuple[int, ...]
    left: int
    open: int
    rest_usable: int
    rest_wanted: int


@dataclass(frozen=True, slots=True)
class SharingTerms:
    """How one product is shared.

    ``keeps_rest``: what is left when everyone has his part becomes stock by itself; otherwise
    somebody says how much does (``stock``). ``manual`` gives nothing in a shortage: what came
    waits until it fits by hand.
    """

    rule: ShortageRule = "pro_rata"
    keeps_rest: bool = True
    stock: int | None = None


def share_product(usable: int, claims: Sequence[Claim], terms: SharingTerms) -> ProductOutcome:
    """Share the usable units of a product over its claims, in the order of their turn.

    Quantities by hand come first and stay. The rest goes to the other claims by the rule,
    never more than they claim; then what is left goes evenly to those who tolerate more.

    Returns:
        Units that sum, with ``left``, to the usable ones; unless more was set by hand than
        came, then ``left`` is 0 and ``open`` tells how many units were given too many.

    Raises:
        AllocationError: a negative quantity.
    """
    by_rule, _left, _wanted = _by_rule(
        usable, [replace(claim, by_hand=None) for claim in claims], terms.rule
    )
    fixed = sum(claim.by_hand or 0 for claim in claims)
    rest = max(usable - fixed, 0)
    given, left, wanted = _by_rule(rest, claims, terms.rule)
    waits = terms.rule == "manual" and rest < wanted
    stock = left if terms.keeps_rest and not waits else terms.stock or 0
    return ProductOutcome(
        given=tuple(given),
        computed=tuple(by_rule),
        left=left,
        open=usable - fixed if fixed > usable else left - stock,
        rest_usable=rest,
        rest_wanted=wanted,
    )


def _by_rule(
    usable: int, claims: Sequence[Claim], rule: ShortageRule
) -> tuple[list[int], int, int]:
    """Give each claim its units; with what is left for the rule, and what was asked of it."""
    asked = [0 if claim.by_hand is not None else claim.quantity for claim in claims]
    wanted = sum(asked)
    if usable >= wanted:
        given = list(asked)
        more = [0 if claim.by_hand is not None else claim.tolerance for claim in claims]
        extra = share_extra(min(usable - wanted, sum(more)), more) if any(more) else []
        for position, units in enumerate(extra):
            given[position] += units
    elif rule == "manual":
        given = [0] * len(claims)
    elif rule == "first_pledged":
        parts = [
            parts_within(units, claim.parts or [(0, units)])
            for claim, units in zip(claims, asked, strict=True)
        ]
        given = deliver_in_turn(usable, parts)
    else:
        given = deliver(usable, asked, rule).delivered
    left = usable - sum(given)
    for position, claim in enumerate(claims):
        given[position] = given[position] if claim.by_hand is None else claim.by_hand
    return given, left, wanted
