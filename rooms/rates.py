"""How much one sender may send: token buckets, strikes, and what is left of a text."""

import unicodedata

CHAT_CHARS_MAX = 200


class TokenBucket:
    """At most `burst` at once and `per_s` a second in the long run; full at first."""

    __slots__ = ("_at", "_tokens", "burst", "per_s")

    def __init__(self, burst: float, per_s: float) -> None:
        self.burst = burst
        self.per_s = per_s
        self._tokens = burst
        self._at = float("-inf")

    def take(self, now: float) -> float:
        """Take one token; return 0.0, or the seconds until there is one."""
        self._refill(now)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.per_s

    def take_up_to(self, wanted: int, now: float) -> int:
        """Take up to `wanted` tokens; return how many there were."""
        self._refill(now)
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken

    def is_full(self, now: float) -> bool:
        """Whether it equals a new bucket, so that it may be forgotten."""
        self._refill(now)
        return self._tokens >= self.burst

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_s)
            self._at = now


_INVISIBLE = frozenset(" \u034f\u115f\u1160\u200c\u200d\u2800\u3164\ufe0e\ufe0f\uffa0").union(
    map(chr, range(0xE0020, 0xE0080))
)
"""What shows nothing by itself."""


def clean_text(text: str) -> str:
    """Return `text` as one trimmed line without control, surrogate and direction characters.

    Joiners stay, since emoji and several scripts need them. What has nothing visible is empty.
    """
    kept = (" " if char in "\t\n\r\v\f\x85\u2028\u2029" else char for char in text)
    line = " ".join("".join(char for char in kept if not _is_control(char)).split())
    return "" if set(line) <= _INVISIBLE else line


def _is_control(char: str) -> bool:
    if char in "\u200c\u200d" or "\U000e0020" <= char <= "\U000e007f":
        return False  # joiners, and the tags of flags
    # Controls, formats (direction overrides, zero width), surrogates, private use. Unassigned
    # stays: it may be an emoji younger than this Python.
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"}


class Pace:
    """When the next of many sendings may go out: at once after a quiet time, else evenly spread.

    At most one in `interval_s` on average, `burst` of them `least_s` apart (a virtual schedule, as
    in ITU-T I.371). Not one that waited is due later than `interval_s` after the one before.
    """

    __slots__ = ("_least_s", "_scheduled_at", "_slack_s", "interval_s", "sent_at")

    def __init__(self, interval_s: float, burst: int, least_s: float) -> None:
        self.interval_s = interval_s
        self.sent_at = float("-inf")
        self._least_s = least_s
        self._slack_s = (burst - 1) * interval_s
        self._scheduled_at = float("-inf")

    @property
    def due_at(self) -> float:
        """When the next one may go out."""
        evenly = min(self._scheduled_at - self._slack_s, self.sent_at + self.interval_s)
        return max(self.sent_at + self._least_s, evenly)

    def on_sent(self, now: float) -> None:
        """One goes out now."""
        self.sent_at = now
        self._scheduled_at = max(now, self._scheduled_at) + self.interval_s
