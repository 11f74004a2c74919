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


@dataclass(frozen=True, slots=True)
class Step:
    """A level that holds from a position on; both not negative, with the level's written value."""

    start: int
    level: int
    start_text: str
    text: str


def step_chart(
    title: str, description: str, steps: Sequence[Step], *, here: int, here_text: str
) -> Markup:
    """A stair: each level from its start to the next one, and a mark where things stand.

    Steps come in order of their starts, the first from 0; there is room after the last one.
    """
    last = max([here, *(step.start for step in steps)])
    end = last + max(last // 4, 1)
    top = max((step.level for step in steps), default=0) or 1
    wide, base = WIDTH - 2 * MARGIN, HEIGHT - MARGIN - 4
    room = HEIGHT - 3 * MARGIN
    parts = [_axis()]
    starts = [step.start for step in steps] + [end]
    for step, until in zip(steps, starts[1:], strict=True):
        left = MARGIN + step.start * wide // end
        right = MARGIN + until * wide // end
        tall = step.level * room // top
        parts.append(
            Markup(
                '<rect class="chart-bar" x="{}" y="{}" width="{}" height="{}"></rect>'
                '<text class="chart-label" x="{}" y="{}">{}</text>'
                '<text class="chart-axis-label chart-start" x="{}" y="{}">{}</text>'
            ).format(
                *(left, base - tall, max(right - left - 2, 1), tall),
                *((left + right) // 2, base - tall - 8, step.text),
                *(left, HEIGHT - 8, step.start_text),
            )
        )
    across = MARGIN + here * wide // end
    level = next((step.level for step in reversed(steps) if step.start <= here), 0)
    parts.append(
        Markup(
            '<line class="chart-mark" x1="{}" y1="{}" x2="{}" y2="{}" stroke-width="4"></line>'
            '<text class="chart-label {}" x="{}" y="{}">{}</text>'
        ).format(
            *(across, base - level * room // top, across, base),
            "chart-before" if across > WIDTH // 2 else "chart-start",
            *(across, MARGIN - 10, here_text),
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
