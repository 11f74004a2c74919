"""What a round does at its closing time: the answer to a miss of its minimum.

Pure: amounts are cents without VAT and freight, instants are aware. What was reached is what
the round would order if it closed now: after ladders, packs, minimums and credit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Policy = Literal["cancel", "prolong", "ask"]
Answer = Literal["close", "prolong", "cancel", "ask"]
MissKind = Literal["nothing", "supplier", "target", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a round wants to reach, and what happens when it does not.

    ``supplier_minimum_cents`` and ``target_cents``: ``None`` where there is none.
    ``when_spent`` is the answer once it was prolonged ``most_prolongations`` times.
    """

    on_miss: Policy
    prolong_days: int = 2
    most_prolongations: int = 1
    when_spent: Literal["cancel", "ask"] = "ask"
    supplier_minimum_cents: int | None = None
    target_cents: int | None = None
    heeds_product_minimum: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """What would be ordered, and the names of products that fall out by their minimum."""

    ordered_cents: int
    pledges: int
    products_below_minimum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing that was not reached: of an amount how much is wanted, of a product its name."""

    kind: MissKind
    wanted_cents: int | None = None
    product: str | None = None


def misses(reached: Reached, terms: Terms) -> tuple[Miss, ...]:
    """What was missed: nothing ordered at all, the supplier's minimum, the target, products.

    A round in which nobody ordered misses just that: the rest would say it again.

    >>> misses(Reached(900, 3), Terms(on_miss="ask", target_cents=1000))
    (Miss(kind='target', wanted_cents=1000, product=None),)
    """
    if not reached.pledges and not reached.products_below_minimum:
        return (Miss("nothing"),)
    found: list[Miss] = []
    for kind, wanted in (
        ("supplier", terms.supplier_minimum_cents),
        ("target", terms.target_cents),
    ):
        if wanted is not None and reached.ordered_cents < wanted:
            found.append(Miss(kind, wanted))  # type: ignore[arg-type]
    if terms.heeds_product_minimum or not reached.pledges:
        found += [Miss("product", None, name) for name in reached.products_below_minimum]
    return tuple(found)


def answer(terms: Terms, prolonged: int, missed: tuple[Miss, ...]) -> Answer:
    """What happens at the closing time of a round that was prolonged ``prolonged`` times.

    Whatever the policy: a round that misses nothing closes, and one that misses something never
    does so by itself. It is prolonged at most ``most_prolongations`` times.
    """
    if not missed:
        return "close"
    if terms.on_miss != "prolong":
        return terms.on_miss
    return "prolong" if prolonged < terms.most_prolongations else terms.when_spent


def prolonged_until(closes_at: datetime, now: datetime, days: int, timezone: ZoneInfo) -> datetime:
    """The next closing time: at the same hour of the clock, so many days later.

    Counted from the closing time that passed; a clock that stood still for longer than that
    counts from today, so that members get at least that many days.

    >>> prolonged_until(
    ...     datetime(2026, 3, 27, 19, tzinfo=UTC), datetime(2026, 3, 27, 19, tzinfo=UTC),
    ...     2, ZoneInfo("Europe/Amsterdam"),
    ... ).isoformat()
    '2026-03-29T18:00:00+00:00'
    """
    local = closes_at.astimezone(timezone)
    day = max(local.date(), now.astimezone(timezone).date())
    moment = datetime.combine(day + timedelta(days=days), local.time(), tzinfo=timezone)
    return moment.astimezone(UTC)


def moved_with(delivery_on: date, before: datetime, after: datetime, timezone: ZoneInfo) -> date:
    """The day of delivery, moved by as many days as the closing time was."""
    moved = after.astimezone(timezone).date() - before.astimezone(timezone).date()
    return delivery_on + moved


def record_of(reached: Reached, missed: tuple[Miss, ...]) -> dict[str, Any]:
    """What was reached and missed, as it is stored and audited."""
    return {
        "ordered_cents": reached.ordered_cents,
        "misses": [
            {key: value for key, value in _told(each).items() if value is not None}
            for each in missed
        ],
    }


def _told(miss: Miss) -> dict[str, Any]:
    return {"kind": miss.kind, "wanted_cents": miss.wanted_cents, "product": miss.product}


def missed_in(record: Mapping[str, Any]) -> tuple[int, tuple[Miss, ...]]:
    """What :func:`record_of` stored: cents that would be ordered, and what was missed."""
    found = tuple(
        Miss(each["kind"], each.get("wanted_cents"), each.get("product"))
        for each in record["misses"]
    )
    return record["ordered_cents"], found
