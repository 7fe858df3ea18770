"""The summary of a live as a PNG that a host can send on: figures, orders by minute, questions."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from server.printing.canvas import CREAM, GREEN, GREY, INK, ORANGE, Canvas
from server.printing.fonts import NoFont, find_font

__all__ = ["NoFont", "SummaryTexts", "summary_card"]

WIDTH = 900  # pixels
MARGIN = 48
ROOM = WIDTH - 2 * MARGIN
HEADER_HEIGHT = 190
CELL_HEIGHT = 150
CHART_HEIGHT = 170
LINE_HEIGHT = 52
BARS_MAX = 90


@dataclass(frozen=True, slots=True)
class SummaryTexts:
    """What stands on it, in one language: figures with their names, and the questions."""

    title: str
    when: str
    figures: tuple[tuple[str, str], ...]
    best: str
    chart: str
    questions_title: str
    questions: tuple[str, ...]


def summary_card(texts: SummaryTexts, orders_by_minute: Sequence[int], font: str) -> bytes:
    """Return the picture; as high as what it says.

    Raises:
        NoFont: There is no font to print with.
    """
    path = str(find_font(font))
    rows = -(-len(texts.figures) // 3)
    foot = LINE_HEIGHT * (1 + len(texts.questions)) + 24 if texts.questions else 0
    height = HEADER_HEIGHT + rows * CELL_HEIGHT + 80 + 60 + CHART_HEIGHT + foot + 2 * MARGIN
    sheet = Image.new("RGB", (WIDTH, height), CREAM)
    draw = ImageDraw.Draw(sheet)
    canvas = Canvas(sheet, draw, path)
    draw.rectangle((0, 0, WIDTH, HEADER_HEIGHT), GREEN)
    canvas.fit((MARGIN, 44), texts.title, 52, "white", ROOM)
    canvas.fit((MARGIN, 118), texts.when, 34, "#dff3e4", ROOM)
    top = HEADER_HEIGHT + 30
    for at, (value, name) in enumerate(texts.figures):
        left = MARGIN + at % 3 * ROOM / 3
        row = top + at // 3 * CELL_HEIGHT
        canvas.fit((left, row), value, 56, ORANGE, ROOM / 3 - 16)
        canvas.fit((left, row + 74), name, 30, GREY, ROOM / 3 - 16)
    top += rows * CELL_HEIGHT
    if texts.best:
        canvas.fit((MARGIN, top), texts.best, 36, INK, ROOM)
    top += 80
    canvas.fit((MARGIN, top), texts.chart, 30, GREY, ROOM)
    _bars(draw, orders_by_minute, top + 50)
    top += 60 + CHART_HEIGHT
    if texts.questions:
        canvas.fit((MARGIN, top + 24), texts.questions_title, 34, GREEN, ROOM)
        for number, question in enumerate(texts.questions, 1):
            canvas.fit((MARGIN, top + 24 + number * LINE_HEIGHT), question, 30, INK, ROOM)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bars(draw: ImageDraw.ImageDraw, minutes: Sequence[int], top: float) -> None:
    """Draw orders by minute; of a long live several minutes in one bar."""
    per_bar = max(1, -(-len(minutes) // BARS_MAX))
    bars = [sum(minutes[at : at + per_bar]) for at in range(0, len(minutes), per_bar)]
    highest = max(bars, default=0)
    base = top + CHART_HEIGHT
    draw.line((MARGIN, base, WIDTH - MARGIN, base), GREY, 2)
    if not highest:
        return
    wide = ROOM / max(len(bars), 12)
    for at, value in enumerate(bars):
        if value:
            left = MARGIN + at * wide
            colour = ORANGE if value == highest else "#25924f"
            high = max(4.0, (CHART_HEIGHT - 10) * value / highest)
            draw.rectangle((left, base - high, left + wide * 0.7, base), colour)
