"""Asks a host again for lost packets (RFC 4585 section 6.2.1), without doing I/O."""

from collections.abc import Iterable
from math import inf

NACK_INTERVAL_S = 0.040  # at the earliest
ASKED_MAX = 20
LIST_MAX = 250  # beyond this a key frame is cheaper than repairs
# More repeats in vain than this for each that was needed: such a host is asked again no sooner than
# a repeat could be here.
DOUBLED_MAX = 1.0
DOUBLED_WEIGHT = 0.1
DOUBLED_WITHIN_S = 2.0  # later it is another packet of that number
REPAIRED_MAX = 256


class Nacks:
    """How often and when each missing packet was asked for.

    Browsers do not repeat the same within a round trip: asked all the while, they do so the moment
    that one has passed, and a request that is lost costs nothing.
    """

    def __init__(self) -> None:
        self.rtt_s = NACK_INTERVAL_S  # by the repeats that came
        # When each was first and last asked for, and how often.
        self._asked: dict[int, tuple[float, float, int]] = {}
        # When those came, and how many came once more, for each of late.
        self._repaired: dict[int, float] = {}
        self._doubled = 0.0

    def is_requested(self, number: int) -> bool:
        """Whether a packet was asked for and did not come yet."""
        return number in self._asked

    def on_packet(self, number: int, *, now: float) -> None:
        """A packet came; if it had been asked for, that was a round trip."""
        asked = self._asked.pop(number, None)
        if asked is not None:
            self.rtt_s += (now - asked[0] - self.rtt_s) / 4
            self._doubled *= 1 - DOUBLED_WEIGHT
            self._repaired[number] = now
            if len(self._repaired) > REPAIRED_MAX:
                del self._repaired[next(iter(self._repaired))]
        elif now - self._repaired.get(number, -inf) < DOUBLED_WITHIN_S:
            self._doubled += DOUBLED_WEIGHT

    def due(self, missing: Iterable[int], *, now: float) -> list[int] | None:
        """Return which of `missing` to ask for now; None means: too many, ask for a key frame."""
        current = set(missing)
        if len(current) > LIST_MAX:
            self._asked.clear()
            return None
        self._asked = {n: asked for n, asked in self._asked.items() if n in current}
        patient_s = (
            max(NACK_INTERVAL_S, self.rtt_s) if self._doubled > DOUBLED_MAX else NACK_INTERVAL_S
        )
        out = []
        for number in sorted(current):
            first, last, times = self._asked.get(number, (now, -inf, 0))
            # The first request may be lost as well as its repeat: the second one waits for nobody.
            wait_s = NACK_INTERVAL_S if times < 2 else patient_s
            if now - last >= wait_s and times < ASKED_MAX:
                self._asked[number] = (first, now, times + 1)
                out.append(number)
        return out
