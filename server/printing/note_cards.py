"""Note cards for bags: 60 × 40 mm with a cooking tip, in words or as a photo.

They are pages of their own after a bag's label, or stand on A4 sheets that are cut.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from server.printing.fonts import Font
from server.printing.sheet import A4, LEADING, POINT, Sheet

CARD = (60.0, 40.0)  # mm, as the labels of bags
COLUMNS, ROWS = 3, 7  # of an A4 sheet
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
    for draw in _sides(card):
        sheet.next_page()
        draw(sheet, card)


def card_sheets(cards: Sequence[PrintedCard], font: Font, title: str) -> bytes:
    """Return A4 sheets with 21 cards on each, words and photo on a card each, as a PDF."""
    sheet = Sheet(A4, font, title)
    width, height = CARD
    left, top = (sheet.width - COLUMNS * width) / 2, (sheet.height - ROWS * height) / 2
    sides = [(card, draw) for card in cards for draw in _sides(card)]
    for at, (card, draw) in enumerate(sides):
        place = at % (COLUMNS * ROWS)
        if at and not place:
            sheet.next_page()
        x, y = left + place % COLUMNS * width, top + place // COLUMNS * height
        sheet.box(x, y, width, height)
        with sheet.within(x, y, width, height):
            draw(sheet, card)
    return sheet.pdf()


def _sides(card: PrintedCard) -> Iterator[Callable[[Sheet, PrintedCard], None]]:
    if card.words:
        yield _draw_words
    if card.photo is not None:
        yield _draw_photo


def _draw_photo(sheet: Sheet, card: PrintedCard) -> None:
    _head(sheet, card.title)
    assert card.photo is not None
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
