"""Asks a host again for lost packets (RFC 4585 section 6.2.1), without doing I/O."""

from collections.abc import Iterable
from math import inf

ASK_AGAIN_S = 0.040
ASKED_MAX = 10
LIST_MAX = 250  # beyond this a key frame is cheaper than repairs


class Nacks:
    """How often and when each missing packet was asked for."""

    def __init__(self) -> None:
        self._asked: dict[int, tuple[float, int]] = {}

    def due(self, missing: Iterable[int], *, now: float) -> list[int] | None:
        """Return which of `missing` to ask for now; None means: too many, ask for a key frame."""
        current = set(missing)
        if len(current) > LIST_MAX:
            self._asked.clear()
            return None
        self._asked = {n: asked for n, asked in self._asked.items() if n in current}
        out = []
        for number in sorted(current):
            at, times = self._asked.get(number, (-inf, 0))
            if now - at >= ASK_AGAIN_S and times < ASKED_MAX:
                self._asked[number] = (now, times + 1)
                out.append(number)
        return out
