"""A test pattern: a shop table with a burnt-in UTC clock and frame number, drawn at little cost.

The scene is drawn once. Per frame only a few patches change: the glyphs and two pre-drawn
animations are copied into the planes of one YUV 4:2:0 frame. `read_clock` reads the clock back from
a decoded frame, so glass-to-glass latency can be measured, and `read_number` the number, so skipped
and repeated frames can be counted.
"""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH_PX = 1280
HEIGHT_PX = 720
# Position of the clock: HH:MM:SS.mmm, twelve cells of one size, all numbers even (4:2:0).
CLOCK_X_PX, CLOCK_Y_PX = 40, 36
CELL_WIDTH_PX, CELL_HEIGHT_PX = 44, 76
CLOCK_LENGTH = 12
# The number of the frame, in cells of the same size and height.
NUMBER_X_PX, NUMBER_LENGTH = 632, 8
NUMBER_PERIOD = 10**NUMBER_LENGTH
GLYPHS = "0123456789:."
DAY_MS = 86_400_000
# A cell further than this from every glyph, in mean luma steps, is not a clock.
GLYPH_ERROR_MAX = 40.0
# The animations repeat after this many frames.
PHASES = 50

Plane = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
Painter = Callable[[Image.Image, float], None]

_INK = (255, 246, 228)
_PLATE = (58, 34, 24)
_LANTERN: Box = (1010, 20, 1170, 300)
_STEAM: Box = (180, 250, 420, 430)


@dataclass(frozen=True, slots=True)
class Patch:
    """Pixels for one place of the frame, as the three planes of YUV 4:2:0."""

    x: int
    y: int
    planes: tuple[Plane, Plane, Plane]


@dataclass(frozen=True, slots=True)
class Artwork:
    """Everything that is painted once, in about half a second, and then only copied."""

    scene: Image.Image
    glyphs: tuple[Plane, ...]
    moving: tuple[tuple[Patch, ...], ...]


class ClockPattern:
    """Draws the pattern into one frame, over and over.

    The frame that `draw` returns is the same object every time: encode it before the next call.
    """

    def __init__(self) -> None:
        artwork = paint_artwork()
        self._frame = _to_frame(artwork.scene)
        self._planes = _planes(self._frame)
        self._glyphs = artwork.glyphs
        self._moving = artwork.moving

    def draw(self, index: int, at_ms: int) -> av.VideoFrame:
        """Return frame `index` of the animation with the clock at `at_ms` (UTC milliseconds)."""
        for phases in self._moving:
            patch = phases[index % PHASES]
            for plane, pixels, scale in zip(self._planes, patch.planes, (1, 2, 2), strict=True):
                height, width = pixels.shape
                y, x = patch.y // scale, patch.x // scale
                plane[y : y + height, x : x + width] = pixels
        self._write(CLOCK_X_PX, clock_text(at_ms))
        self._write(NUMBER_X_PX, f"{index % NUMBER_PERIOD:0{NUMBER_LENGTH}}")
        return self._frame

    def _write(self, x: int, text: str) -> None:
        luma = self._planes[0]
        for character in text:
            luma[CLOCK_Y_PX : CLOCK_Y_PX + CELL_HEIGHT_PX, x : x + CELL_WIDTH_PX] = self._glyphs[
                GLYPHS.index(character)
            ]
            x += CELL_WIDTH_PX


@functools.cache
def paint_artwork() -> Artwork:
    """Paint the scene, the glyphs and every phase of what moves."""
    scene = paint_scene()
    painters = ((_LANTERN, paint_lantern), (_STEAM, paint_steam))
    moving = tuple(tuple(_animate(scene, box, painter)) for box, painter in painters)
    return Artwork(scene, tuple(glyph_lumas()), moving)


def clock_text(at_ms: int) -> str:
    """Return UTC milliseconds as the clock shows them.

    >>> clock_text(3_723_004)
    '01:02:03.004'
    """
    seconds, millis = divmod(at_ms % DAY_MS, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}.{millis:03}"


def read_clock(luma: Plane) -> int | None:
    """Return the ms of the day that a 1280×720 luma plane shows; None where there is no clock."""
    text = _read(luma, CLOCK_X_PX, CLOCK_LENGTH)
    return None if text is None else parse_clock(text)


def read_number(luma: Plane) -> int | None:
    """Return the number of the frame that a 1280×720 luma plane shows; None where there is none."""
    text = _read(luma, NUMBER_X_PX, NUMBER_LENGTH)
    return int(text) if text and text.isdigit() else None


def _read(luma: Plane, x: int, length: int) -> str | None:
    glyphs = _glyphs_to_compare()
    text = ""
    for left in range(x, x + length * CELL_WIDTH_PX, CELL_WIDTH_PX):
        cell = luma[CLOCK_Y_PX : CLOCK_Y_PX + CELL_HEIGHT_PX, left : left + CELL_WIDTH_PX]
        if cell.shape != (CELL_HEIGHT_PX, CELL_WIDTH_PX):
            return None
        errors = np.abs(glyphs - cell.astype(np.int16)).mean(axis=(1, 2))
        best = int(errors.argmin())
        if errors[best] > GLYPH_ERROR_MAX:
            return None
        text += GLYPHS[best]
    return text


@functools.cache
def _glyphs_to_compare() -> npt.NDArray[np.int16]:
    """Return the glyphs for `_read`, which needs nothing else of the artwork."""
    return np.stack(tuple(glyph_lumas())).astype(np.int16)


def parse_clock(text: str) -> int | None:
    """Return ms of the day of `HH:MM:SS.mmm`; None for anything else."""
    if len(text) != CLOCK_LENGTH or (text[2], text[5], text[8]) != (":", ":", "."):
        return None
    digits = text[:2] + text[3:5] + text[6:8] + text[9:]
    if not digits.isdigit():
        return None
    hour, minute, second, millis = (int(digits[a:b]) for a, b in ((0, 2), (2, 4), (4, 6), (6, 9)))
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * 1_000 + millis


def clock_delay_ms(shown_ms: int, at_ms: int) -> int:
    """Return how many ms ago, at `at_ms`, the clock showed `shown_ms`; midnight is no jump."""
    return (at_ms - shown_ms + DAY_MS // 2) % DAY_MS - DAY_MS // 2


def glyph_lumas() -> Iterator[Plane]:
    """Yield the luma of each of GLYPHS, drawn once in a cell of the clock's plate."""
    font = ImageFont.load_default(size=CELL_HEIGHT_PX - 8)
    for character in GLYPHS:
        cell = Image.new("RGB", (CELL_WIDTH_PX, CELL_HEIGHT_PX), _PLATE)
        middle = (CELL_WIDTH_PX / 2, CELL_HEIGHT_PX / 2 + 24)
        ImageDraw.Draw(cell).text(middle, character, _INK, font, anchor="ms")
        yield _planes(_to_frame(cell))[0]


def _to_frame(image: Image.Image) -> av.VideoFrame:
    # Players take 720p without further signs for BT.709, limited range.
    frame = av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)


def _planes(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Return views into the planes of `frame`: what is written there is in the frame."""
    views = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    ]
    return views[0], views[1], views[2]


def _animate(scene: Image.Image, box: Box, painter: Painter) -> Iterator[Patch]:
    for phase in range(PHASES):
        crop = scene.crop(box)
        painter(crop, phase / PHASES)
        y, u, v = _planes(_to_frame(crop))
        yield Patch(box[0], box[1], (y.copy(), u.copy(), v.copy()))


# --- the scene ----------------------------------------------------------------------------------


def paint_scene() -> Image.Image:
    """Paint what stands still: wall, awning, table, goods, the plates of clock and number."""
    scale = 2  # painted twice as large and shrunk, so that edges are smooth
    image = Image.new("RGB", (WIDTH_PX * scale, HEIGHT_PX * scale))
    draw = ImageDraw.Draw(image)
    _paint_wall(draw, scale)
    _paint_table(draw, scale)
    _paint_steamer(draw, scale)
    _paint_strawberries(draw, scale)
    _paint_eggs(draw, scale)
    _paint_greens(draw, scale)
    image = image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    plate = ImageDraw.Draw(image)
    top, bottom = CLOCK_Y_PX - 10, CLOCK_Y_PX + CELL_HEIGHT_PX + 10
    label = ImageFont.load_default(size=26)
    for x, length, text in (
        (CLOCK_X_PX, CLOCK_LENGTH, "Linli · test pattern · UTC"),
        (NUMBER_X_PX, NUMBER_LENGTH, "Frame"),
    ):
        right = x + length * CELL_WIDTH_PX
        plate.rounded_rectangle((x - 14, top, right + 14, bottom), 18, _PLATE)
        plate.text((x, bottom + 12), text, (92, 52, 34), label)
    return image


def paint_lantern(image: Image.Image, phase: float) -> None:
    """Paint a paper lantern that swings on its string."""
    swing = math.sin(2 * math.pi * phase)
    large = image.resize((image.width * 2, image.height * 2))
    draw = ImageDraw.Draw(large)
    x, y = image.width + 34 * swing, 280.0 - 8 * abs(swing)
    draw.line((image.width, 0, x, y - 110), (120, 60, 40), 5)
    draw.ellipse((x - 95, y - 100, x + 95, y + 80), (206, 48, 38))
    for width in (62, 26):
        draw.ellipse((x - width, y - 100, x + width, y + 80), outline=(232, 96, 64), width=5)
    for top in (y - 112, y + 68):
        draw.rounded_rectangle((x - 44, top, x + 44, top + 24), 8, (240, 190, 84))
    for strand in range(-2, 3):
        end = x + strand * 11 - 14 * swing
        draw.line((x + strand * 8, y + 92, end, y + 170), (226, 150, 60), 4)
    image.paste(large.resize(image.size, Image.Resampling.LANCZOS))


def paint_steam(image: Image.Image, phase: float) -> None:
    """Paint steam that rises and fades."""
    veil = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(veil)
    for puff in range(6):
        age = (phase + puff / 6) % 1.0
        x = image.width * (0.32 + 0.18 * (puff % 3)) + 14 * math.sin(2 * math.pi * (age + puff / 3))
        y, size = image.height * (0.98 - 0.68 * age), 14 + 18 * age
        strength = int(110 * math.sin(math.pi * age))
        draw.ellipse((x - size, y - size, x + size, y + size), strength)
    white = Image.new("RGB", image.size, (255, 252, 244))
    image.paste(white, mask=veil.filter(ImageFilter.GaussianBlur(9)))


def _paint_wall(draw: ImageDraw.ImageDraw, scale: int) -> None:
    width, height = WIDTH_PX * scale, HEIGHT_PX * scale
    for y in range(height):
        warm = y / height
        color = (int(252 - 22 * warm), int(230 - 38 * warm), int(196 - 52 * warm))
        draw.line((0, y, width, y), color)
    stripe = 80 * scale
    for number, x in enumerate(range(0, width, stripe)):
        color = (196, 70, 48) if number % 2 else (250, 240, 220)
        draw.rectangle((x, 0, x + stripe, 18 * scale), color)
        draw.pieslice((x, 2 * scale, x + stripe, 34 * scale), 0, 180, color)


def _paint_table(draw: ImageDraw.ImageDraw, scale: int) -> None:
    top, width, height = 500 * scale, WIDTH_PX * scale, HEIGHT_PX * scale
    for y in range(top, height):
        depth = (y - top) / (height - top)
        draw.line(
            (0, y, width, y), (int(176 - 40 * depth), int(112 - 30 * depth), int(66 - 20 * depth))
        )
    for board in range(1, 4):
        y = top + (height - top) * board // 4
        draw.line((0, y, width, y), (120, 72, 42), 2 * scale)
    draw.rectangle((0, top - 10 * scale, width, top), (200, 138, 86))


def _paint_steamer(draw: ImageDraw.ImageDraw, scale: int) -> None:
    def box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (x0 * scale, y0 * scale, x1 * scale, y1 * scale)

    draw.rounded_rectangle(box(150, 450, 450, 590), 26 * scale, (190, 140, 78))
    for y in (480, 540):
        draw.line(box(150, y, 450, y), (150, 104, 52), 5 * scale)
    draw.ellipse(box(150, 410, 450, 490), (214, 168, 104))
    draw.ellipse(box(168, 418, 432, 482), (150, 104, 52))
    for x, y in ((235, 432), (300, 424), (365, 432), (268, 450), (332, 450)):
        draw.ellipse(box(x - 40, y - 26, x + 40, y + 26), (250, 244, 232))
        draw.arc(box(x - 14, y - 16, x + 14, y + 4), 20, 160, (214, 202, 184), 2 * scale)


def _paint_strawberries(draw: ImageDraw.ImageDraw, scale: int) -> None:
    draw.rounded_rectangle(
        (520 * scale, 520 * scale, 760 * scale, 620 * scale), 12 * scale, (236, 226, 206)
    )
    for row, y in enumerate((520, 486, 458)):
        for column in range(5 - row):
            x = (550 + column * 46 + row * 22) * scale
            top = y * scale
            half, deep = 25 * scale, 46 * scale
            berry = (x - half, top, x + half, top + deep)
            draw.ellipse(berry, (206, 30 + 8 * row, 44))
            draw.polygon(
                [(x - half, top + deep // 2), (x + half, top + deep // 2), (x, top + deep + 10)],
                (206, 30 + 8 * row, 44),
            )
            for dot in range(3):
                at = (x + (dot - 1) * 10 * scale, top + (18 + 8 * (dot % 2)) * scale)
                draw.ellipse((*at, at[0] + 4, at[1] + 6), (246, 214, 120))
            leaf = (x - 14 * scale, top - 5 * scale, x + 14 * scale, top + 7 * scale)
            draw.ellipse(leaf, (74, 140, 62))


def _paint_eggs(draw: ImageDraw.ImageDraw, scale: int) -> None:
    for row, y in enumerate((560, 530)):
        for column in range(4 - row):
            x = 830 + column * 54 + row * 27
            shade = (222 - 10 * (column % 2), 172 - 8 * (column % 2), 128)
            draw.ellipse((x * scale, (y - 34) * scale, (x + 48) * scale, (y + 30) * scale), shade)
            shine = ((x + 12) * scale, (y - 22) * scale, (x + 22) * scale, (y - 8) * scale)
            draw.ellipse(shine, (240, 204, 170))
    tray = (815 * scale, 572 * scale, 1060 * scale, 612 * scale)
    draw.rounded_rectangle(tray, 12 * scale, (128, 136, 112))


def _paint_greens(draw: ImageDraw.ImageDraw, scale: int) -> None:
    for stalk in range(7):
        x = 1085 + stalk * 20
        stem = (x * scale, 500 * scale, (x + 15) * scale, 600 * scale)
        draw.rounded_rectangle(stem, 7 * scale, (228, 238, 208))
        top = 420 + 14 * (stalk % 3)
        leaf = ((x - 18) * scale, top * scale, (x + 34) * scale, (top + 104) * scale)
        draw.ellipse(leaf, (58 + 8 * (stalk % 3), 128 + 10 * (stalk % 2), 58))
        draw.line(
            ((x + 7) * scale, (top + 20) * scale, (x + 7) * scale, 500 * scale),
            (150, 196, 120),
            3 * scale,
        )
    draw.rectangle((1080 * scale, 552 * scale, 1225 * scale, 566 * scale), (196, 70, 48))
