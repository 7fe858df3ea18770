"""Listed words and patterns, compiled once; a line is matched against all of them in one pass.

A word matches with anything that is no letter or digit between its letters, and with any of its
syllables typed in pinyin, with or without tone numbers. In a pattern `#` is a digit, `?` any one
letter or digit and `*` up to `STAR_CHARS_MAX` of them: less than a regular expression, so that no
list can make a match slow.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rooms.moderation.folding import fold

WORDS_MAX = 500
"""Listed words and patterns of a room."""
WORD_CHARS_MAX = 40
STAR_CHARS_MAX = 8
STARS_MAX = 3
PINYIN_LETTERS_MIN = 5
"""A word with fewer letters in pinyin, such as one character, is not matched in pinyin."""
_PATTERN = re.compile(r"[#?*]")


class Verdict(StrEnum):
    """What becomes of a line that has a listed word."""

    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class ListedWord:
    """A word or pattern as it was typed; `syllables` are the pinyin of each of its characters.

    They are those of the folded word; empty: not matched in pinyin.
    """

    text: str
    verdict: Verdict = Verdict.HOLD
    syllables: tuple[str, ...] = ()


class BadWord(ValueError):
    """Nothing of it can be matched: `reason` is "empty", "too-long" or "too-wide"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def folded_word(text: str) -> str:
    """Return a listed word or pattern as lines are compared with it.

    Raises:
        BadWord: It is empty, too long, or a pattern that matches nearly everything.
    """
    parts = _PATTERN.split(text)
    folded = [fold(part).replace(" ", "") for part in parts]
    marks = _PATTERN.findall(text)
    word = "".join(part + mark for part, mark in zip(folded, [*marks, ""], strict=True))
    if not word.strip("*"):
        raise BadWord("empty")
    if len(word) > WORD_CHARS_MAX:
        raise BadWord("too-long")
    if (marks and len(word.replace("*", "")) - word.count("?") < 2) or word.count("*") > STARS_MAX:
        raise BadWord("too-wide")
    return word


class WordFilter:
    """All listed words of a room. An empty one costs nothing."""

    __slots__ = ("_anywhere", "_by_first", "size")

    def __init__(self, words: Iterable[ListedWord] = ()) -> None:
        """Raises `BadWord`: `folded_word` says what may be listed."""
        by_first: defaultdict[str, list[tuple[str, Verdict]]] = defaultdict(list)
        anywhere: list[tuple[re.Pattern[str], Verdict]] = []
        self.size = 0
        for word in words:
            self.size += 1
            folded = folded_word(word.text)
            expression = _expression(folded, word.syllables)
            firsts = {folded[0], *(word.syllables[0][:1] if word.syllables else ())}
            if firsts & {"#", "?", "*"}:
                anywhere.append((re.compile(expression), word.verdict))
                continue
            for first in firsts:
                by_first[first].append((expression, word.verdict))
        self._anywhere = tuple(anywhere)
        self._by_first = {
            first: tuple(
                (re.compile("|".join(of_verdict)), verdict)
                for verdict in (Verdict.REFUSE, Verdict.HOLD)
                if (of_verdict := [text for text, each in found if each is verdict])
            )
            for first, found in by_first.items()
        }

    def judge(self, text: str) -> Verdict | None:
        """Return the strictest verdict on a line, None if nothing listed is in it."""
        if not self.size:
            return None
        line, verdict = fold(text), None
        for expression, found in self._anywhere:
            if found is not verdict and expression.search(line):
                if found is Verdict.REFUSE:
                    return found
                verdict = found
        for at, char in enumerate(line):
            for expression, found in self._by_first.get(char, ()):
                if found is not verdict and expression.match(line, at):
                    if found is Verdict.REFUSE:
                        return found
                    verdict = found
        return verdict


def _expression(folded: str, syllables: tuple[str, ...]) -> str:
    """Return a regular expression without nested repetition for a folded word."""
    if _PATTERN.search(folded):
        return _bounded(" ?".join(_mark(char) for char in folded), folded)
    spelled = len(syllables) == len(folded) and len("".join(syllables)) >= PINYIN_LETTERS_MIN
    if not spelled:
        return _bounded(" ?".join(re.escape(char) for char in folded), folded)
    parts = [
        f"(?:{re.escape(char)}|{' ?'.join(map(re.escape, said))}(?: ?[0-5])?)"
        for char, said in zip(folded, syllables, strict=True)
    ]
    return " ?".join(parts)


def _mark(char: str) -> str:
    match char:
        case "#":
            return "[0-9]"
        case "?":
            return "[^ ]"
        case "*":
            return f"(?:[^ ] ?){{0,{STAR_CHARS_MAX}}}?"
        case _:
            return re.escape(char)


def _bounded(expression: str, folded: str) -> str:
    """Latin letters at an end of a word are not the middle of a longer one; digits the same."""
    start = f"(?<!{kind})" if (kind := _kind(folded[0])) else ""
    end = f"(?!{kind})" if (kind := _kind(folded[-1])) else ""
    return f"{start}{expression}{end}"


def _kind(char: str) -> str:
    if char == "#":
        return "[0-9]"
    return "[a-z]" if "a" <= char <= "z" else ""
