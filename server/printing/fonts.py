"""The font that everything is printed in: a TrueType file of this machine with Chinese and Latin.

A PDF embeds of it only the characters that it shows.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

# Where Debian's fonts-wqy-zenhei, fonts-wqy-microhei and fonts-droid-fallback put theirs.
KNOWN_FONTS = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
)
NEEDED = "草莓Aa0¥×"  # what a font must have to be of use


class NoFont(Exception):
    """There is no font to print with; the text says what to install or set."""


def find_font(setting: str = "", known: Iterable[Path] = KNOWN_FONTS) -> Path:
    """Return the font file of the setting LINLI_FONT, or else the first known one.

    Raises:
        NoFont: The file is missing, or no known font is installed.
    """
    if setting:
        if not Path(setting).is_file():
            raise NoFont(f"LINLI_FONT is {setting}, and there is no such file")
        return Path(setting)
    for path in known:
        if path.is_file():
            return path
    raise NoFont("no font to print with: install fonts-wqy-zenhei, or set LINLI_FONT")


class Font:
    """A font whose name canvases know."""

    def __init__(self, font: TTFont) -> None:
        self.name: str = font.fontName
        self._font = font

    def width(self, text: str, points: float) -> float:
        """Return the width of a text in points."""
        return float(self._font.stringWidth(text, points))

    def has(self, character: str) -> bool:
        """Whether it can show a character."""
        return ord(character) in self._font.face.charToGlyph


@lru_cache
def load_font(path: Path) -> Font:
    """Return the font of a file, of a collection the first one.

    Raises:
        NoFont: It is not TrueType, or has no Chinese.
    """
    try:
        loaded = TTFont(f"linli-{path.stem}", str(path))
    except (TTFError, OSError) as error:
        raise NoFont(f"{path} is no TrueType font: {error}") from None
    font = Font(loaded)
    missing = [character for character in NEEDED if not font.has(character)]
    if missing:
        raise NoFont(f"{path} has no {''.join(missing)}")
    registerFont(loaded)
    return font
