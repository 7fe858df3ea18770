"""The poster of a group buy as a PNG: picture, price, how many are missing, QR."""

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from server.printing.fonts import NoFont, find_font
from server.printing.qr import qr_png

WIDTH, HEIGHT = 900, 1_280  # pixels
MARGIN = 48
PICTURE_HEIGHT = 560
QR_SIDE = 250

__all__ = ["NoFont", "PosterTexts", "poster"]

GREEN, ORANGE, CREAM, INK, GREY = "#14532d", "#c9400b", "#fbf7f0", "#22281f", "#565e51"


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
    path = str(find_font(font))
    _picture(sheet, draw, picture, texts.title, path)
    top = _lines(draw, texts.title, path, 52, INK, PICTURE_HEIGHT + 28, lines=2)
    _write(draw, (MARGIN, top + 6), texts.price, path, 84, ORANGE)
    after = MARGIN + draw.textlength(texts.price, _font(path, 84)) + 16
    _write(draw, (after, top + 48), f"/ {texts.unit}", path, 34, GREY)
    struck = after + draw.textlength(f"/ {texts.unit}", _font(path, 34)) + 24
    if texts.list_price:
        _write(draw, (struck, top + 48), texts.list_price, path, 34, GREY)
        width = draw.textlength(texts.list_price, _font(path, 34))
        draw.line((struck, top + 70, struck + width, top + 70), GREY, 3)
    bar = top + 124
    _bar(draw, bar, share)
    _write(draw, (MARGIN, bar + 34), texts.joined, path, 36, INK)
    gap_width = draw.textlength(texts.gap, _font(path, 52))
    _write(draw, (WIDTH - MARGIN - gap_width, bar + 24), texts.gap, path, 52, ORANGE)
    foot = HEIGHT - MARGIN - QR_SIDE
    code = Image.open(io.BytesIO(qr_png(url, 10))).convert("RGB")
    sheet.paste(code.resize((QR_SIDE, QR_SIDE), Image.Resampling.NEAREST), (MARGIN, foot))
    beside = MARGIN + QR_SIDE + 36
    room = WIDTH - MARGIN - beside
    _fit(draw, (beside, foot + 26), texts.estate, path, 46, GREEN, room)
    _fit(draw, (beside, foot + 102), texts.ends, path, 36, ORANGE, room)
    _fit(draw, (beside, foot + 168), texts.scan, path, 34, GREY, room)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _picture(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, data: bytes | None, title: str, path: str
) -> None:
    if data is not None:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        scale = max(WIDTH / picture.width, PICTURE_HEIGHT / picture.height)
        size = (round(picture.width * scale), round(picture.height * scale))
        left, top = (size[0] - WIDTH) // 2, (size[1] - PICTURE_HEIGHT) // 2
        whole = picture.resize(size, Image.Resampling.LANCZOS)
        sheet.paste(whole.crop((left, top, left + WIDTH, top + PICTURE_HEIGHT)), (0, 0))
        return
    draw.rectangle((0, 0, WIDTH, PICTURE_HEIGHT), GREEN)
    draw.text((WIDTH / 2, PICTURE_HEIGHT / 2), title[:1], "#dff3e4", _font(path, 300), anchor="mm")


def _bar(draw: ImageDraw.ImageDraw, top: float, share: float) -> None:
    full = WIDTH - 2 * MARGIN
    draw.rounded_rectangle((MARGIN, top, MARGIN + full, top + 18), 9, "#eadfce")
    if share > 0:
        width = max(18.0, full * min(1.0, share))
        draw.rounded_rectangle((MARGIN, top, MARGIN + width, top + 18), 9, ORANGE)


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    path: str,
    size: int,
    colour: str,
) -> None:
    draw.text(at, text, colour, _font(path, size))


def _fit(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    path: str,
    size: int,
    colour: str,
    room: float,
) -> None:
    """Write a line, smaller where it would not fit."""
    while size > 18 and draw.textlength(text, _font(path, size)) > room:
        size -= 2
    _write(draw, at, text, path, size, colour)


def _lines(
    draw: ImageDraw.ImageDraw,
    text: str,
    path: str,
    size: int,
    colour: str,
    top: float,
    *,
    lines: int,
) -> float:
    """Write a text over at most so many lines; return where it ends."""
    room, font = WIDTH - 2 * MARGIN, _font(path, size)
    rest = text
    for number in range(lines):
        fits = len(rest)
        while fits > 1 and draw.textlength(rest[:fits], font) > room:
            fits -= 1
        if fits < len(rest) and (space := rest.rfind(" ", 0, fits)) > 0:
            fits = space + 1
        cut = number == lines - 1 and fits < len(rest)
        shown = rest[: fits - 1] + "…" if cut else rest[:fits]
        _write(draw, (MARGIN, top), shown, path, size, colour)
        top, rest = top + size * 1.3, rest[fits:].lstrip()
        if not rest:
            break
    return top


@lru_cache(32)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)
