"""Detects that a server is gone by the RTCP it no longer sends. Pure; times are seconds."""

SILENT_S_MIN = 1.5
"""As the host's page has it (web/src/lib/media/publisher.ts)."""
INTERVALS = 4
"""So many of its mean intervals: servers report as often as they like (RFC 3550 §6.2)."""
DEVIATIONS = 4
"""And so many of its mean deviations, smoothed as round trips are (RFC 6298 §2)."""
_GAIN_MEAN, _GAIN_DEVIATION = 1 / 8, 1 / 4
PACKETS_MIN = 6
"""Before that the server's pace is not known."""


class ReceiveWatchdog:
    """One connection. Call `received` for each packet; then ask `is_silent`."""

    def __init__(self) -> None:
        self._packets = 0
        self._last = 0.0
        self._mean_s = 0.0
        self._deviation_s = 0.0

    def received(self, now: float) -> None:
        """A packet came."""
        interval_s = now - self._last
        if self._packets == 1:
            self._mean_s = interval_s
        elif self._packets:
            difference_s = interval_s - self._mean_s
            self._deviation_s += (abs(difference_s) - self._deviation_s) * _GAIN_DEVIATION
            self._mean_s += difference_s * _GAIN_MEAN
        self._packets += 1
        self._last = now

    def is_silent(self, now: float) -> bool:
        """Whether the server has sent nothing for much longer than it uses to."""
        if self._packets < PACKETS_MIN:
            return False
        usual_s = INTERVALS * self._mean_s + DEVIATIONS * self._deviation_s
        return now - self._last > max(SILENT_S_MIN, usual_s)
