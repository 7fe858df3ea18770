"""Pages to draw on, in mm from the top left, one font, black on white; the result is a PDF.

The same calls give the same bytes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from PIL.Image import Image
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from server.printing.fonts import Font
from server.printing.qr import qr_modules

A4 = (210.0, 297.0)  # mm
POINT: float = 1 / mm  # mm
LEADING = 1.25  # from one line of text to the next, in sizes
ELLIPSIS = "…"


class Align(Enum):
    """Which side of a text stands at its x."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class Sheet:
    """A document of pages of one size. Text sizes are in points, all else in mm."""

    def __init__(self, size: tuple[float, float], font: Font, title: str) -> None:
        self.width, self.height = size
        self._font = font
        self._out = io.BytesIO()
        page = (self.width * mm, self.height * mm)
        self._canvas = Canvas(self._out, pagesize=page, invariant=1)
        self._canvas.setTitle(title)

    def next_page(self) -> None:
        """End the page; what follows is drawn on a new one."""
        self._canvas.showPage()

    @contextmanager
    def within(self, x: float, y: float, width: float, height: float) -> Iterator[None]:
        """Draw in a part of the page as if it were a page of its own."""
        size = self.width, self.height
        self._canvas.saveState()
        self._canvas.translate(x * mm, (self.height - y - height) * mm)
        self.width, self.height = width, height
        try:
            yield
        finally:
            self.width, self.height = size
            self._canvas.restoreState()

    def pdf(self) -> bytes:
        """End the last page and return the document; nothing is drawn after it."""
        self._canvas.showPage()
        self._canvas.save()
        return self._out.getvalue()

    def text_width(self, text: str, points: float) -> float:
        """Return how wide a text is."""
        return self._font.width(self._known(text), points) * POINT

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        points: float,
        *,
        width: float | None = None,
        points_min: float | None = None,
        align: Align = Align.LEFT,
    ) -> None:
        """Draw one line. One wider than `width` becomes smaller, and then shorter."""
        text = self._known(text)
        if width is not None:
            while points_min and points > points_min and self.text_width(text, points) > width:
                points -= 0.5
            text = self._shortened(text, points, width)
        self._canvas.setFont(self._font.name, points)
        draw = {
            Align.LEFT: self._canvas.drawString,
            Align.CENTER: self._canvas.drawCentredString,
            Align.RIGHT: self._canvas.drawRightString,
        }[align]
        draw(x * mm, (self.height - baseline) * mm, text)

    def wrapped(self, text: str, points: float, width: float) -> list[str]:
        """Break a text into lines no wider than `width`: at spaces, and between Chinese."""
        lines: list[str] = []
        for paragraph in self._known(text).splitlines():
            line = ""
            for word in _words(paragraph):
                if line and self.text_width(line + word.rstrip(), points) > width:
                    lines.append(line.rstrip())
                    line = ""
                line += word
            lines.append(line.rstrip())
        return lines

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """Draw a QR code whose top left is at x, y."""
        rows = qr_modules(text)
        module = side / len(rows)
        path = self._canvas.beginPath()
        for row, modules in enumerate(rows):
            top = self.height - y - (row + 1) * module
            for start, length in _runs(modules):
                left = x + start * module
                path.rect(left * mm, top * mm, length * module * mm, module * mm)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def image(self, x: float, y: float, width: float, height: float, image: Image) -> None:
        """Draw a picture as large as fits into this box, in its middle."""
        scale = min(width / image.width, height / image.height)
        wide, high = image.width * scale, image.height * scale
        left, top = x + (width - wide) / 2, y + (height - high) / 2
        bottom = self.height - top - high
        reader = ImageReader(image)
        self._canvas.drawImage(reader, left * mm, bottom * mm, wide * mm, high * mm)

    def rule(self, x: float, y: float, width: float, thickness: float = 0.2) -> None:
        """Draw a horizontal line."""
        self._canvas.setLineWidth(thickness * mm)
        self._canvas.line(x * mm, (self.height - y) * mm, (x + width) * mm, (self.height - y) * mm)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """Draw an empty rectangle, to be ticked or written into."""
        self._canvas.setLineWidth(0.25 * mm)
        self._canvas.rect(x * mm, (self.height - y - height) * mm, width * mm, height * mm)

    def _known(self, text: str) -> str:
        """Without characters that the font lacks (such as emoji), which would print as boxes."""
        return "".join(letter for letter in text if letter == "\n" or self._font.has(letter))

    def _shortened(self, text: str, points: float, width: float) -> str:
        if self.text_width(text, points) <= width:
            return text
        while text and self.text_width(text + ELLIPSIS, points) > width:
            text = text[:-1]
        return text + ELLIPSIS


def _words(paragraph: str) -> Iterator[str]:
    """The pieces between which a line may break, each with the space after it."""
    word = ""
    for letter in paragraph:
        wide = ord(letter) >= 0x2E80
        closing = letter in "，。、；：！？）」』”’…"
        if word and not closing and (wide or word[-1] == " " or ord(word[-1]) >= 0x2E80):
            yield word
            word = ""
        word += letter
    if word:
        yield word


def _runs(modules: tuple[bool, ...]) -> Iterator[tuple[int, int]]:
    """Start and length of each run of dark modules, which are drawn without gaps."""
    start = None
    for place, dark in enumerate((*modules, False)):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            yield start, place - start
            start = None
