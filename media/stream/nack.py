"""Schedules NACKs to a host for lost packets (RFC 4585 section 6.2.1). Pure: `now` is monotonic
seconds.
"""

from collections.abc import Iterable
from math import inf

NACK_INTERVAL_S = 0.040  # between two requests for a packet
NACKS_PER_PACKET_MAX = 20
NACKED_PACKETS_MAX = 250  # above this a key frame is cheaper
# Above so many duplicate retransmits for each useful one, a host is sent at most one NACK per RTT.
DUPLICATE_RATIO_MAX = 1.0
DUPLICATE_RATIO_WEIGHT = 0.1
DUPLICATE_WINDOW_S = 2.0  # later the same number is another packet
REPAIRED_PACKETS_MAX = 256


class Nacks:
    """When and how often each missing packet was requested.

    Browsers retransmit a packet at most once per RTT. Frequent NACKs make them do so as soon as the
    RTT has passed, and a lost NACK costs nothing.
    """

    def __init__(self) -> None:
        self.rtt_s = NACK_INTERVAL_S  # by the arrival of retransmits
        # First and last request, and how many.
        self._requests: dict[int, tuple[float, float, int]] = {}
        self._repaired: dict[int, float] = {}  # when each retransmit arrived
        self._duplicate_ratio = 0.0

    @property
    def sent(self) -> bool:
        """Whether a packet was requested of late: if not, what arrives need not be noted."""
        return bool(self._requests or self._repaired)

    def is_requested(self, number: int) -> bool:
        """Whether a packet was requested and has not arrived."""
        return number in self._requests

    def on_packet(self, number: int, *, now: float) -> None:
        """A packet arrived; if it was requested, that took one RTT."""
        request = self._requests.pop(number, None)
        if request is not None:
            self.rtt_s += (now - request[0] - self.rtt_s) / 4
            self._duplicate_ratio *= 1 - DUPLICATE_RATIO_WEIGHT
            self._repaired[number] = now
            if len(self._repaired) > REPAIRED_PACKETS_MAX:
                del self._repaired[next(iter(self._repaired))]
        elif now - self._repaired.get(number, -inf) < DUPLICATE_WINDOW_S:
            self._duplicate_ratio += DUPLICATE_RATIO_WEIGHT

    def due(self, missing: Iterable[int], *, now: float) -> list[int] | None:
        """Return which of `missing` to NACK now; None: too many, request a key frame instead."""
        current = set(missing)
        if len(current) > NACKED_PACKETS_MAX:
            self._requests.clear()
            return None
        self._requests = {n: at for n, at in self._requests.items() if n in current}
        wasteful = self._duplicate_ratio > DUPLICATE_RATIO_MAX
        interval_s = max(NACK_INTERVAL_S, self.rtt_s) if wasteful else NACK_INTERVAL_S
        out = []
        for number in sorted(current):
            first, last, times = self._requests.get(number, (now, -inf, 0))
            # The second NACK never waits for an RTT: the first one may be lost.
            wait_s = NACK_INTERVAL_S if times < 2 else interval_s
            if now - last >= wait_s and times < NACKS_PER_PACKET_MAX:
                self._requests[number] = (first, now, times + 1)
                out.append(number)
        return out
