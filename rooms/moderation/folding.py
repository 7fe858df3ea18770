"""Text as filters compare it: without width, case, look-alike letters, marks and punctuation.

What is typed to be read as a listed word by people and not by a filter folds to the same text:
full width and other compatibility forms (NFKD, UAX #15), Cyrillic, Greek and Latin letters that
look alike (pairs of UTS #39 that spell Latin words), combining marks, invisible characters. What
separates letters becomes one space.
"""

import unicodedata

FOLDED_CHARS_MAX = 600
"""NFKD makes up to 18 characters of one; a line has at most 200."""
FOLDS_KEPT_MAX = 20_000
"""Characters whose folds are kept: more than any room writes, and few MB."""

_LOOKALIKES = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435\u03b5",
    "g": "\u0261",
    "h": "\u04bb",
    "i": "\u0456\u03b9\u0269\u026a",
    "j": "\u0458",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u217c",
    "m": "\u043c",
    "n": "\u03b7",
    "o": "\u043e\u03bf\u0585\u1d0f",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u028b",
    "v": "\u0475\u1d20",
    "w": "\u051d\u03c9\u1d21",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
    "z": "\u1d22",
}
_LATIN_OF = {like: latin for latin, likes in _LOOKALIKES.items() for like in likes}


class _Folds(dict[int, str]):
    """What each character folds to, worked out at its first occurrence."""

    def __missing__(self, code: int) -> str:
        kept = []
        for char in unicodedata.normalize("NFKD", chr(code)).casefold():
            category = unicodedata.category(char)
            if category[0] != "M" and category != "Cf":
                kept.append(_LATIN_OF.get(char, char) if char.isalnum() else " ")
        folded = "".join(kept)
        if len(self) < FOLDS_KEPT_MAX:
            self[code] = folded
        return folded


_folds = _Folds()


def fold(text: str) -> str:
    """Return `text` in lower case, letters and digits only, one space for all between them."""
    return " ".join(text.translate(_folds).split())[:FOLDED_CHARS_MAX]
