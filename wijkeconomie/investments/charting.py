"""Figures of the charts of a project; each chart stands beside a table of the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from wijkeconomie.investments.queries import AssetView
from wijkeconomie.investments.rules import depreciation_plan, last_day

MOST_BARS = 10


def values_over_time(asset: AssetView, posted: Mapping[date, int]) -> list[tuple[date, int, bool]]:
    """What an asset is worth when it comes into use, at the ends of years, and at its end.

    Each with whether that has been posted, or is still to come by the plan. Of a long life some
    years are left out, so that no more than ten values remain beside the first. Of what is out
    of use the last one is nothing, on the day on which it left.
    """
    value = asset.cost_cents
    found = [(asset.in_use_from, value, True)]
    plan = depreciation_plan(
        asset.cost_cents, asset.residual_cents, asset.life_months, asset.in_use_from
    )
    last = plan[-1][0]
    ends: list[tuple[date, int, bool]] = []
    for month, planned in plan:
        if asset.disposed_on is not None and last_day(month) >= asset.disposed_on:
            break
        value -= posted.get(month, planned)
        if month.month == 12 or month == last:
            ends.append((last_day(month), value, month in posted))
    if asset.disposed_on is not None:
        ends.append((asset.disposed_on, 0, True))
    step = -(-len(ends) // MOST_BARS)
    kept = ends[::-1][::step][::-1]  # counted from the end, which always stays
    return found + kept
