"""Detects that a server is gone by the RTCP it no longer sends. Pure; times are seconds."""

SILENT_S_MIN = 1.5
"""As the host's page has it (web/src/lib/media/publisher.ts)."""
INTERVALS = 4
"""Of the longest interval so far: servers send reports as often as they like (RFC 3550 §6.2)."""
PACKETS_MIN = 6
"""Before that the server's pace is not known."""


class ReceiveWatchdog:
    """One connection. Call `received` for each packet; then ask `is_silent`."""

    def __init__(self) -> None:
        self._packets = 0
        self._last = 0.0
        self._longest_s = 0.0

    def received(self, now: float) -> None:
        """A packet came."""
        if self._packets:
            self._longest_s = max(self._longest_s, now - self._last)
        self._packets += 1
        self._last = now

    def is_silent(self, now: float) -> bool:
        """Whether the server has sent nothing for much longer than ever before."""
        if self._packets < PACKETS_MIN:
            return False
        return now - self._last > max(SILENT_S_MIN, INTERVALS * self._longest_s)
