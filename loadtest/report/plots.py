"""Plots as inline SVG: series over the stages of a run, and percentile curves."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from loadtest.report.result import Span
from loadtest.report.units import scaled

# About as wide as a phone shows it, so that text stays legible; on paper two are side by side.
WIDTH, HEIGHT = 400, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 20, 24
POINTS_MAX = 500
COLORS = ("var(--a)", "var(--b)", "var(--c)", "var(--d)")
TICKS = 4
ANCHORS = ("start", "middle", "middle", "middle", "end")

Series = Sequence[tuple[float, float]]


def series_plot(lines: Mapping[str, Series], spans: Sequence[Span], label: str) -> str:
    """Return lines over seconds, with the stages as bands; `label` is read aloud."""
    end_s = max((span.end_s for span in spans), default=1.0)
    top = nice_top(max((y for line in lines.values() for _, y in line), default=0.0))
    parts = [_stage(span, number, end_s) for number, span in enumerate(spans)]
    parts += _y_axis(top)
    for part in range(TICKS + 1):
        second = end_s * part / TICKS
        parts.append(_text(_x(second / end_s), HEIGHT - 8, f"{second:,.0f} s", ANCHORS[part]))
    for number, line in enumerate(lines.values()):
        places = [(_x(x / end_s), _y(y / top)) for x, y in thinned(line) if x <= end_s]
        parts.append(_polyline(places, COLORS[number % len(COLORS)]))
    return _svg(parts, label)


def curve_plot(curves: Mapping[str, Series], label: str) -> str:
    """Return percentile curves; each step to the right is a tenth of what was left."""
    top = nice_top(max((y for line in curves.values() for _, y in line), default=0.0))
    parts = _y_axis(top)
    for percent in (50.0, 90.0, 99.0, 99.9, 99.99):
        x = _x(_nines(percent))
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" class="grid"/>')
        parts.append(_text(x, HEIGHT - 8, f"{percent:g} %", "middle"))
    for number, line in enumerate(curves.values()):
        places = [(_x(_nines(x)), _y(y / top)) for x, y in line]
        parts.append(_polyline(places, COLORS[number % len(COLORS)]))
    return _svg(parts, label)


def thinned(line: Series) -> Series:
    """Return at most about POINTS_MAX points; the highest stands for its neighbours."""
    step = math.ceil(len(line) / POINTS_MAX)
    if step <= 1:
        return line
    return [max(line[at : at + step], key=lambda p: p[1]) for at in range(0, len(line), step)]


def nice_top(most: float) -> float:
    """Return the least of 1, 2, 2.5, 5 × 10ⁿ that is not below `most`; 1 for nothing."""
    if most <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(most))
    return next(unit * step for step in (1, 2, 2.5, 5, 10) if unit * step >= most * (1 - 1e-9))


def _nines(percent: float) -> float:
    """Return where a percentile stands between 0 and 1, on a scale of nines up to five."""
    left = max(1e-5, 1 - percent / 100)
    return min(1.0, -math.log10(left) / 4.3)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _stage(span: Span, number: int, end_s: float) -> str:
    left, right = _x(span.begin_s / end_s), _x(span.end_s / end_s)
    shade = "band" if number % 2 else "band alt"
    height = HEIGHT - TOP - BOTTOM
    # About 7 px a letter; a name that does not fit its band is in the table of stages.
    fits = len(span.name) * 7 < right - left
    name = _text(left + 4, TOP - 6, span.name, "start") if fits else ""
    return (
        f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{height}" '
        f'class="{shade}"/>{name}'
    )


def _y_axis(top: float) -> list[str]:
    parts = []
    for tick in range(TICKS + 1):
        y = _y(tick / TICKS)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="grid"/>')
        parts.append(_text(LEFT - 6, y + 4, _short(top * tick / TICKS), "end"))
    return parts


def _polyline(places: Sequence[tuple[float, float]], color: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dot = f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2.5" fill="{color}"/>'
    return f'<polyline points="{points}" stroke="{color}"/>' + (dot if len(places) == 1 else "")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    """Return a figure of an axis.

    >>> [_short(value) for value in (0.25, 1_250, 1_500_000, 2_500_000_000)]
    ['0.25', '1,250', '1.5 M', '2.5 G']
    """
    if value < 1e6:
        return f"{round(value, 4):,.10g}"
    figure, prefix = scaled(value)
    return f"{figure:.5g} {prefix}"


def _svg(parts: Sequence[str], label: str) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return f"{head}{''.join(parts)}</svg>"
