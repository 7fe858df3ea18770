"""The card that a shared link shows in a messenger, as a PNG: picture, price, what is missing."""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from server.printing.canvas import CREAM, GREEN, GREY, INK, ORANGE, Canvas
from server.printing.fonts import NoFont, find_font

__all__ = ["CardTexts", "NoFont", "share_card"]

WIDTH, HEIGHT = 1_200, 630  # pixels, what Open Graph names for large pictures
SIDE = 540  # the picture's width
MARGIN = 48
LEFT = SIDE + MARGIN


@dataclass(frozen=True, slots=True)
class CardTexts:
    """What stands on a card, in one language; an empty text takes no place.

    `status` is when the next live begins, or that one is on air now (`live`).
    """

    store: str
    title: str
    price: str
    unit: str
    list_price: str
    gap: str
    status: str
    live: bool


def share_card(texts: CardTexts, picture: bytes | None, font: str) -> bytes:
    """Return the card; without a picture that can be drawn, the title's first character.

    Raises:
        NoFont: There is no font to print with.
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), CREAM)
    draw = ImageDraw.Draw(sheet)
    canvas = Canvas(sheet, draw, str(find_font(font)))
    canvas.picture((0, 0, SIDE, HEIGHT), picture, texts.title)
    room = WIDTH - MARGIN - LEFT
    canvas.fit((LEFT, 44), texts.store, 34, GREEN, room)
    top = canvas.lines((LEFT, 104), texts.title, 60, INK, room, lines=2)
    if texts.price:
        _price(canvas, texts, top + 14)
    if texts.gap:
        canvas.badge((LEFT, top + 152), texts.gap, 44, ORANGE, room)
    if texts.status:
        colour = ORANGE if texts.live else GREEN
        canvas.dot((LEFT + 11, HEIGHT - 71), 11, colour)
        canvas.fit((LEFT + 36, HEIGHT - 94), texts.status, 36, colour, room - 36)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _price(canvas: Canvas, texts: CardTexts, top: float) -> None:
    """Write price, unit and, where there is room for it, the list price."""
    room = WIDTH - MARGIN - LEFT
    unit = f"/ {texts.unit}"
    size = canvas.fitting(texts.price, 92, room - canvas.width(unit, 34) - 16)
    base = top + 92 - size
    canvas.write((LEFT, base), texts.price, size, ORANGE)
    after = LEFT + canvas.width(texts.price, size) + 16
    canvas.write((after, top + 52), unit, 34, GREY)
    after += canvas.width(unit, 34) + 22
    width = canvas.width(texts.list_price, 34)
    if texts.list_price and after + width <= WIDTH - MARGIN:
        canvas.write((after, top + 52), texts.list_price, 34, GREY)
        canvas.draw.line((after, top + 74, after + width, top + 74), GREY, 3)
