"""Charts of how far things are: bars from left to right, each towards its own end.

As ``core.charts`` is: title and description for who listens, words beside every bar, colours
from the stylesheet, and a table of the same figures beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 640
ROW = 58
BAR = 20


@dataclass(frozen=True, slots=True)
class Target:
    """One bar: what it is about, how much of it is reached (0 to 100), and that in words."""

    label: str
    percent: int
    text: str


def target_chart(title: str, description: str, targets: Sequence[Target]) -> Markup:
    """Bars under each other, each with its label above it and its figures at the right."""
    parts = []
    for position, target in enumerate(targets):
        top = position * ROW
        parts.append(
            Markup(
                '<text class="chart-label chart-start" x="0" y="{}">{}</text>'
                '<text class="chart-axis-label chart-before" x="{}" y="{}">{}</text>'
                '<rect class="chart-track" x="0" y="{}" width="{}" height="{}" rx="4"></rect>'
                '<rect class="chart-bar" x="0" y="{}" width="{}" height="{}" rx="4"></rect>'
            ).format(
                *(top + 20, target.label),
                *(WIDTH, top + 20, target.text),
                *(top + 28, WIDTH, BAR),
                *(top + 28, WIDTH * target.percent // 100, BAR),
            )
        )
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(
        WIDTH,
        max(len(targets), 1) * ROW,
        title,
        escape(title),
        escape(description),
        Markup("").join(parts),
    )
