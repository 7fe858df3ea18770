"""What drawings have in common: colours, and texts that stay within their room. Pixels."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

GREEN, ORANGE, CREAM, INK, GREY = "#14532d", "#c9400b", "#fbf7f0", "#22281f", "#565e51"
PALE = "#dff3e4"
SIZE_MIN = 18

Point = tuple[float, float]


class Canvas:
    """A sheet with a font; texts are drawn from their top left."""

    def __init__(self, sheet: Image.Image, draw: ImageDraw.ImageDraw, font: str) -> None:
        self.draw = draw
        self._sheet = sheet
        self._font = font

    def width(self, text: str, size: int) -> float:
        """Return how wide a text is."""
        return self.draw.textlength(text, _font(self._font, size))

    def write(self, at: Point, text: str, size: int, colour: str) -> None:
        """Write a line."""
        self.draw.text(at, text, colour, _font(self._font, size))

    def fit(self, at: Point, text: str, size: int, colour: str, room: float) -> None:
        """Write a line, smaller where it would not fit."""
        self.write(at, text, self.fitting(text, size, room), colour)

    def lines(
        self, at: Point, text: str, size: int, colour: str, room: float, *, lines: int
    ) -> float:
        """Write a text over at most so many lines; return where it ends."""
        left, top = at
        rest = text
        for number in range(lines):
            fits = len(rest)
            while fits > 1 and self.width(rest[:fits], size) > room:
                fits -= 1
            if fits < len(rest) and (space := rest.rfind(" ", 0, fits)) > 0:
                fits = space + 1
            cut = number == lines - 1 and fits < len(rest)
            self.write((left, top), rest[: fits - 1] + "…" if cut else rest[:fits], size, colour)
            top, rest = top + size * 1.3, rest[fits:].lstrip()
            if not rest:
                break
        return top

    def badge(self, at: Point, text: str, size: int, colour: str, room: float) -> None:
        """Write a line in white on a rounded ground."""
        left, top = at
        size = self.fitting(text, size, room - size)
        box = (left, top, left + self.width(text, size) + size, top + size * 1.7)
        self.draw.rounded_rectangle(box, size * 0.85, colour)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        self.draw.text(middle, text, "white", _font(self._font, size), anchor="mm")

    def dot(self, middle: Point, radius: float, colour: str) -> None:
        """Draw a full circle."""
        x, y = middle
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)

    def picture(self, box: tuple[int, int, int, int], data: bytes | None, title: str) -> None:
        """Fill a box with the middle of a picture, or without one with a text's first character."""
        left, top, right, bottom = box
        wide, high = right - left, bottom - top
        if data is None:
            self.draw.rectangle(box, GREEN)
            middle = ((left + right) / 2, (top + bottom) / 2)
            font = _font(self._font, high // 2)
            self.draw.text(middle, title[:1], PALE, font, anchor="mm")
            return
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        scale = max(wide / picture.width, high / picture.height)
        size = (round(picture.width * scale), round(picture.height * scale))
        x, y = (size[0] - wide) // 2, (size[1] - high) // 2
        whole = picture.resize(size, Image.Resampling.LANCZOS)
        self._sheet.paste(whole.crop((x, y, x + wide, y + high)), (left, top))

    def fitting(self, text: str, size: int, room: float) -> int:
        """Return the largest size, at most this one, at which a text takes no more than `room`."""
        while size > SIZE_MIN and self.width(text, size) > room:
            size -= 2
        return size


@lru_cache(32)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)
