"""Charts as SVG: title and description for who listens, labels on the marks, zero at the bottom.

Each chart stands beside a table of the same figures; colours come from the stylesheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 640
HEIGHT = 240
MARGIN = 28


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it stands for, its height in any unit (not negative), its written value."""

    label: str
    value: int
    text: str


def bar_chart(title: str, description: str, bars: Sequence[Bar]) -> Markup:
    """Bars side by side from zero, with their values on top; nothing stands on an empty one."""
    top = max((bar.value for bar in bars), default=0) or 1
    slot = (WIDTH - 2 * MARGIN) // max(len(bars), 1)
    room = HEIGHT - 3 * MARGIN
    parts = [_axis()]
    for position, bar in enumerate(bars):
        tall = bar.value * room // top
        left = MARGIN + position * slot
        middle = left + slot // 2
        base = HEIGHT - MARGIN - 4
        parts.append(
            Markup(
                '<rect class="chart-bar" x="{}" y="{}" width="{}" height="{}" rx="3"></rect>'
                '<text class="chart-label" x="{}" y="{}">{}</text>'
                '<text class="chart-axis-label" x="{}" y="{}">{}</text>'
            ).format(
                *(left + slot // 8, base - tall, slot * 3 // 4, tall),
                *(middle, base - tall - 8, bar.text if bar.value else ""),
                *(middle, HEIGHT - 8, bar.label),
            )
        )
    return _svg(title, description, parts)


def _axis() -> Markup:
    base = HEIGHT - MARGIN - 4
    return Markup('<line class="chart-axis" x1="{}" y1="{}" x2="{}" y2="{}"></line>').format(
        MARGIN, base, WIDTH - MARGIN, base
    )


def _svg(title: str, description: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(WIDTH, HEIGHT, title, escape(title), escape(description), Markup("").join(parts))
