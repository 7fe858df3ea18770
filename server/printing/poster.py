"""The poster of a group buy as a PNG: picture, price, how many are missing, QR."""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from server.printing.canvas import CREAM, GREEN, GREY, INK, ORANGE, Canvas
from server.printing.fonts import NoFont, find_font
from server.printing.qr import qr_png

WIDTH, HEIGHT = 900, 1_280  # pixels
MARGIN = 48
PICTURE_HEIGHT = 560
QR_SIDE = 250

__all__ = ["NoFont", "PosterTexts", "poster"]


@dataclass(frozen=True, slots=True)
class PosterTexts:
    """What stands on a poster, in one language."""

    title: str
    estate: str
    price: str
    list_price: str
    unit: str
    joined: str
    gap: str
    ends: str
    scan: str


def poster(texts: PosterTexts, share: float, picture: bytes | None, url: str, font: str) -> bytes:
    """Return the poster; `share` of the group's target is reached.

    Without a picture that can be drawn, the first character of the name takes its place.

    Raises:
        NoFont: There is no font to print with.
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), CREAM)
    draw = ImageDraw.Draw(sheet)
    canvas = Canvas(sheet, draw, str(find_font(font)))
    canvas.picture((0, 0, WIDTH, PICTURE_HEIGHT), picture, texts.title)
    at = (MARGIN, PICTURE_HEIGHT + 28)
    top = canvas.lines(at, texts.title, 52, INK, WIDTH - 2 * MARGIN, lines=2)
    canvas.write((MARGIN, top + 6), texts.price, 84, ORANGE)
    after = MARGIN + canvas.width(texts.price, 84) + 16
    canvas.write((after, top + 48), f"/ {texts.unit}", 34, GREY)
    struck = after + canvas.width(f"/ {texts.unit}", 34) + 24
    if texts.list_price:
        canvas.write((struck, top + 48), texts.list_price, 34, GREY)
        width = canvas.width(texts.list_price, 34)
        draw.line((struck, top + 70, struck + width, top + 70), GREY, 3)
    bar = top + 124
    _bar(draw, bar, share)
    canvas.write((MARGIN, bar + 34), texts.joined, 36, INK)
    gap_width = canvas.width(texts.gap, 52)
    canvas.write((WIDTH - MARGIN - gap_width, bar + 24), texts.gap, 52, ORANGE)
    foot = HEIGHT - MARGIN - QR_SIDE
    code = Image.open(io.BytesIO(qr_png(url, 10))).convert("RGB")
    sheet.paste(code.resize((QR_SIDE, QR_SIDE), Image.Resampling.NEAREST), (MARGIN, foot))
    beside = MARGIN + QR_SIDE + 36
    room = WIDTH - MARGIN - beside
    canvas.fit((beside, foot + 26), texts.estate, 46, GREEN, room)
    canvas.fit((beside, foot + 102), texts.ends, 36, ORANGE, room)
    canvas.fit((beside, foot + 168), texts.scan, 34, GREY, room)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bar(draw: ImageDraw.ImageDraw, top: float, share: float) -> None:
    full = WIDTH - 2 * MARGIN
    draw.rounded_rectangle((MARGIN, top, MARGIN + full, top + 18), 9, "#eadfce")
    if share > 0:
        width = max(18.0, full * min(1.0, share))
        draw.rounded_rectangle((MARGIN, top, MARGIN + width, top + 18), 9, ORANGE)
