"""Where keys and array elements stand in a TOML text, which `tomllib` does not say.

It reads structure only and takes the text as valid TOML 1.0: call it after `tomllib.loads`.
"""

import re

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))\s*(\.|=|\])?""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")


def line_of(text: str, path: Path) -> int:
    """Return the line, from 1 on, of what `path` names, or of the nearest that contains it."""
    lines = _Scan(text).lines
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scan:
    """One pass over the text; `lines` has the line of every path."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tables: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}
        here: Path = ()
        while self._skip_blank():
            here = self._header() if self._text[self._at] == "[" else self._pair(here)

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self._text.count("\n", 0, at) + 1)

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._at < len(self._text)

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; return the path of the table that it opens."""
        begin = self._at
        is_array = self._text.startswith("[[", begin)
        self._at += 2 if is_array else 1
        words = self._dotted()
        path = self._resolve(words[:-1]) + (words[-1],)
        if is_array:
            number = self._tables.get(path, -1) + 1
            self._tables[path] = number
            self._note(path, begin)
            path += (number,)
            self._at += 1
        self._note(path, begin)
        return path

    def _resolve(self, words: tuple[str, ...]) -> Path:
        """Return the path of dotted `words`, where an array of tables means its last element."""
        path: Path = ()
        for word in words:
            path += (word,)
            if path in self._tables:
                path += (self._tables[path],)
        return path

    def _dotted(self) -> tuple[str, ...]:
        """Read a dotted key and the sign behind it."""
        words = []
        while key := _KEY.match(self._text, self._at):
            words.append(next(word for word in key.groups()[:3] if word is not None))
            self._at = key.end()
            if key[4] != ".":
                break
        return tuple(words)

    def _pair(self, here: Path) -> Path:
        begin = self._at
        path = here
        for word in self._dotted():
            path += (word,)
            self._note(path, begin)
        if self._at == begin:  # not TOML
            self._at = len(self._text)
            return here
        self._value(path)
        return here

    def _value(self, path: Path) -> None:
        self._skip_blank()
        if self._text.startswith("[", self._at):
            self._at += 1
            self._array(path)
        elif self._text.startswith("{", self._at):
            self._at += 1
            while self._skip_blank() and self._text[self._at] != "}":
                self._pair(path)
                self._comma()
            self._at += 1
        elif found := _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at):
            self._at = found.end()
        else:
            self._at += 1

    def _array(self, path: Path) -> None:
        number = 0
        while self._skip_blank() and self._text[self._at] != "]":
            self._note((*path, number), self._at)
            self._value((*path, number))
            self._comma()
            number += 1
        self._at += 1

    def _comma(self) -> None:
        if self._skip_blank() and self._text[self._at] == ",":
            self._at += 1
