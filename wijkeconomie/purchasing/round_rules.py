"""Decisions about rounds and pledges: which step may follow, and what stands in the way.

Pure: states are the text values of ``models.RoundState``, instants are aware, quantities
are whole member units, amounts whole cents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import vat_on
from wijkeconomie.purchasing.unit_prices import most_cents

Step = Literal["open", "close", "order", "receive", "allocate", "settle", "correct", "cancel"]
PledgeObstacle = Literal["round-not-open", "deadline-passed"]

UNSETTLED_STATES = ("draft", "open", "closed", "ordered", "received", "allocated")
"""States in which a pledge is money that its member may still owe."""

_ALLOWED_FROM: Mapping[Step, tuple[str, ...]] = {
    "open": ("draft",),
    "close": ("open",),
    "order": ("closed",),
    "receive": ("ordered",),
    "allocate": ("received",),
    # Sharing stores nothing, so that settling may do both steps at once.
    "settle": ("received", "allocated"),
    "correct": ("settled",),
    "cancel": UNSETTLED_STATES,
}
_LEADS_TO: Mapping[Step, str] = {
    "open": "open",
    "close": "closed",
    "order": "ordered",
    "receive": "received",
    "allocate": "allocated",
    "settle": "settled",
    "correct": "settled",
    "cancel": "cancelled",
}


def may_take(step: Step, state: str) -> bool:
    """Whether ``step`` may follow in a round that stands at ``state``."""
    return state in _ALLOWED_FROM[step]


def states_before(step: Step) -> tuple[str, ...]:
    """The states from which ``step`` may be taken."""
    return _ALLOWED_FROM[step]


def state_after(step: Step) -> str:
    """The state to which ``step`` leads; no step leads back."""
    return _LEADS_TO[step]


def may_enter_delivery(state: str) -> bool:
    """Whether delivered quantities may be entered (again): until they have been shared."""
    return state in {"ordered", "received"}


def pledge_obstacle(
    state: str, opens_at: datetime, closes_at: datetime, at: datetime
) -> PledgeObstacle | None:
    """What stands in the way of a pledge at the instant ``at``, if anything.

    The stored state decides whether a round is open. The deadline counts besides: a pledge
    after it is late even when no job has closed the round yet, and so is one before opening.
    """
    if state != "open" or at < opens_at:
        return "round-not-open"
    if at >= closes_at:
        return "deadline-passed"
    return None


def is_active_member(joined_on: date, left_on: date | None, at: datetime) -> bool:
    """Whether someone is a member on the day of ``at``; the day of leaving is the last one."""
    day = local_date(at, LOCAL_TIME)
    return joined_on <= day and (left_on is None or day <= left_on)


def pledge_estimate(
    quantity: int,
    price_excl_cents: int,
    vat_basis_points: int | None,
    price_units: int = 1,
    deposit_cents: int = 0,
) -> int:
    """What a pledge will cost at most by what is known now, without freight.

    Goods, VAT, and the deposit on the packaging of each unit.

    The price is for ``price_units`` together. Freight is known per round, its share only when
    the round is shared out.
    """
    net = most_cents(price_excl_cents, price_units, quantity)
    return net + vat_on(net, vat_basis_points) + quantity * deposit_cents


def credit_shortfall(available_before: int, available_after: int) -> int:
    """How many cents a change of pledges lacks; 0 when it is allowed.

    A change that does not worsen the member's position is always allowed, also to a member
    who is past the limit.
    """
    if available_after >= 0 or available_after >= available_before:
        return 0
    return -available_after


def most_tolerance(*, sells_loose: bool, pack_size: int, minimum_quantity: int | None) -> int:
    """How much tolerance of one product can be of use: less than a pack fills any pack.

    Where there is a minimum, all but one of it.

    >>> most_tolerance(sells_loose=False, pack_size=10, minimum_quantity=None)
    9
    """
    of_pack = 0 if sells_loose else pack_size - 1
    return max(of_pack, (minimum_quantity or 1) - 1)


def covered(room_cents: int, costs_cents: Sequence[int]) -> int:
    """How many pledges an account covers, the oldest first; the newer ones are not covered.

    >>> covered(1000, [600, 300, 200, 50])
    2
    """
    needed = 0
    for number, cost in enumerate(costs_cents):
        needed += cost
        if needed > room_cents:
            return number
    return len(costs_cents)


def packs(quantity: int, pack_size: int) -> tuple[int, int]:
    """The whole packs in a quantity, and the loose units beside them."""
    return divmod(quantity, pack_size)
