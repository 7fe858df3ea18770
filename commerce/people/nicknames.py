"""Nicknames, judged as people see them: by grapheme cluster (UAX #29), not by code point.

The sets are written out, not read from unicodedata, so that an emoji younger than this Python is
allowed. The page decides alike (web/src/lib/shop/nickname.ts); tests/vectors/nicknames.json binds
both.

BadNickname     a name that is refused, and the character that is the reason
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError

CLUSTERS_MAX = 24
CODE_POINTS_MAX = 64
MARKS_MAX = 6
"""Of one cluster: Burmese stacks five, more only cover the neighbours."""

_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_AROUND = " \t\r\n\ufeff"

# Controls, direction overrides, invisible fillers, surrogates, private use, noncharacters.
_REFUSED = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U00013430-\U00013440\U0001bca0-\U0001bca3"
    "\U0001d159\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_EMOJI = re.compile(
    "[#*0-9\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff\U0001fc00-\U0001fffd]"
)
_EMOJI_STYLE = "\ufe0e\ufe0f"
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_REGION = re.compile("[\U0001f1e6-\U0001f1ff]")
_FLAG_TAGS = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_BLACK_FLAG = "\U0001f3f4"
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HAN_STYLE = re.compile("[\ufe00-\ufe02\U000e0100-\U000e01ef]")
# Scripts whose letters change with joiners: Arabic to Sinhala, Khmer, Mongolian.
_JOINING = re.compile("[\u0600-\u0dff\u1780-\u18af]")
_ZWNJ, _ZWJ = "\u200c", "\u200d"


class NicknameProblem(StrEnum):
    """Why a nickname is refused."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    CHARACTER = "character"


class BadNickname(CommerceError):
    """A nickname that is refused; `character` is `U+…` for `CHARACTER`."""

    def __init__(self, problem: NicknameProblem, character: str = "") -> None:
        super().__init__(problem, character)
        self.problem = problem
        self.character = character


def nickname_of(typed: str) -> str:
    """Return what was typed as a nickname: composed (NFC), trimmed, with single spaces.

    Raises:
        BadNickname: Nothing is visible in it, it is too long, or a character is refused.
    """
    nickname = _SPACES.sub(" ", unicodedata.normalize("NFC", typed).strip(_AROUND)).strip(_AROUND)
    if not nickname:
        raise BadNickname(NicknameProblem.EMPTY)
    clusters = _Clusters()
    at = 0
    while at < len(nickname):
        length = clusters.take(nickname, at)
        if not length:
            raise BadNickname(NicknameProblem.CHARACTER, f"U+{ord(nickname[at]):04X}")
        at += length
    if clusters.count > CLUSTERS_MAX or len(nickname) > CODE_POINTS_MAX:
        raise BadNickname(NicknameProblem.TOO_LONG)
    return nickname


@dataclass(slots=True)
class _Clusters:
    """The clusters of a text so far, and the state of the last one."""

    count: int = 0
    base: str = ""
    marks: int = 0
    is_joined: bool = False
    has_open_region: bool = False

    def take(self, text: str, at: int) -> int:
        """Take the code points at `at`; return how many, 0 for one that is refused."""
        char = text[at]
        tags = _FLAG_TAGS.match(text, at) if text[at - 1 : at] == _BLACK_FLAG else None
        if tags:
            return len(tags[0])
        if char in (_ZWJ, _ZWNJ):
            return self._join(char, text[at - 1 : at], text[at + 1 : at + 2])
        if char in _EMOJI_STYLE:
            return int(bool(_EMOJI.match(self.base)))
        if _HAN_STYLE.match(char):
            return int(bool(_HAN.match(self.base)))
        if _REFUSED.match(char) or ord(char) & 0xFFFE == 0xFFFE:
            return 0
        if unicodedata.category(char).startswith("M"):
            self.marks += 1
            return int(bool(self.base) and self.marks <= MARKS_MAX)
        if _SKIN.match(char) and _EMOJI.match(self.base):
            return 1
        self._begin(char)
        return 1

    def _join(self, char: str, before: str, after: str) -> int:
        if char == _ZWJ and _EMOJI.match(self.base) and _EMOJI.match(after):
            self.is_joined = True
            return 1
        return int(bool(_JOINING.match(before) and _JOINING.match(after)))

    def _begin(self, char: str) -> None:
        is_region = bool(_REGION.match(char))
        continues = self.is_joined or (is_region and self.has_open_region)
        self.has_open_region = is_region and not continues
        self.is_joined = False
        self.count += not continues
        self.base = "" if char == " " else char
        self.marks = 0
