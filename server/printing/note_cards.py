"""Note cards for bags: pages of 60 × 40 mm with a cooking tip, in words or as a photo."""

import io
from dataclasses import dataclass

from PIL import Image

from server.printing.sheet import LEADING, POINT, Sheet

MARGIN = 2.5
TITLE_BASELINE = 5.6
TOP = 8.0  # of what is below the title
POINTS = (10.0, 9.0, 8.0, 7.0, 6.0, 5.5)  # the largest of these in which all words fit


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """A tip in the language of the store; `photo` is an encoded one that was checked, or None."""

    title: str
    words: str
    photo: bytes | None = None


def draw_card(sheet: Sheet, card: PrintedCard) -> None:
    """Draw a card on pages of its own: one for its words, one for its photo."""
    if card.words:
        sheet.next_page()
        _draw_words(sheet, card)
    if card.photo is not None:
        sheet.next_page()
        _head(sheet, card.title)
        with Image.open(io.BytesIO(card.photo)) as photo:
            width, height = sheet.width - 2 * MARGIN, sheet.height - TOP - MARGIN
            sheet.image(MARGIN, TOP, width, height, photo.convert("RGB"))


def _draw_words(sheet: Sheet, card: PrintedCard) -> None:
    _head(sheet, card.title)
    width, height = sheet.width - 2 * MARGIN, sheet.height - TOP - MARGIN
    for points in POINTS:
        lines = sheet.wrapped(card.words, points, width)
        leading = points * LEADING * POINT
        if len(lines) * leading <= height:
            break
    for place, line in enumerate(lines[: int(height / leading)]):
        sheet.text(MARGIN, TOP + points * POINT + place * leading, line, points)


def _head(sheet: Sheet, title: str) -> None:
    sheet.text(MARGIN, TITLE_BASELINE, title, 9, width=sheet.width - 2 * MARGIN, points_min=7)
    sheet.rule(MARGIN, 6.8, sheet.width - 2 * MARGIN)
