"""The page of a round's progress: how far each product is, and how many take part."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from markupsafe import Markup

from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.target_charts import Target, target_chart
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.ladder_words import LadderShown, ladder_shown
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.progress_queries import (
    ProductProgress,
    RoundProgress,
    round_progress,
)

CHARTED = 12
"""Products that a chart shows on a phone: those nearest to their next step. The table has all."""
LABEL = 26
DAYS = 14


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """A product in the table: how far it is, and what is missing, in words."""

    progress: ProductProgress
    shown: LadderShown
    told: str


@pages.get("/rounds/<round_code>/progress")
def progress(round_code: str) -> ResponseReturnValue:
    """How far the round is at this moment; the page looks again by itself while it is open."""
    visit = current_visit()
    require_permission(visit.identity, "round.read")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        reached = round_progress(uow.session, uow.tenant, found)
        is_open = found.state is RoundState.OPEN and uow.now < found.closes_at
    # What still needs something comes first; within that the order of the round.
    rows = sorted(map(_row, reached.products), key=lambda row: row.progress.target is None)
    return render_template(
        "purchasing/progress.html",
        visit=visit,
        round=found,
        reached=reached,
        rows=rows,
        chart=_chart(rows),
        joined=reached.joined[-DAYS:],
        joined_chart=_joined_chart(reached),
        is_open=is_open,
    )


def _row(each: ProductProgress) -> ProgressRow:
    shown = ladder_shown(each.ladder, each.product)
    missing = [words for words in (shown.packs, shown.progress) if words]
    return ProgressRow(each, shown, "; ".join(missing) or str(_("nothing more is needed")))


def _chart(rows: list[ProgressRow]) -> Markup | None:
    under_way = [row for row in rows if row.progress.target is not None]
    nearest = sorted(under_way, key=lambda row: -row.progress.percent)[:CHARTED]
    if not nearest:
        return None
    return target_chart(
        _("How far products are to their next step"),
        _("The same figures stand in the table below."),
        [
            Target(
                _short(row.progress.product.name),
                row.progress.percent,
                f"{row.progress.wanted} / {row.progress.target} {row.progress.product.unit}",
            )
            for row in nearest
        ],
    )


def _short(name: str) -> str:
    return name if len(name) <= LABEL else name[: LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _joined_chart(reached: RoundProgress) -> Markup | None:
    if not reached.joined:
        return None
    return bar_chart(
        _("Members who joined, by day"),
        _("The same figures stand in the table below."),
        [
            Bar(format_date(day, "d MMM"), count, str(count))
            for day, count in reached.joined[-DAYS:]
        ],
    )
