"""When to ask a host for a key frame (RFC 4585 section 6.3), without doing I/O."""

NACK_INTERVAL_S = 0.5
# Asked so often in vain, a host is one that does not listen (OBS): what we kept must do.
DEAF_AFTER = 3


class KeyFrameRequests:
    """Of one layer: at most one in flight, half a second apart, again until the key frame came."""

    def __init__(self) -> None:
        self.wanted = False
        self.asked = 0
        self._asked_at = -1e9
        self._in_vain = 0

    def want(self) -> None:
        """Somebody needs a key frame."""
        self.wanted = True

    def came(self) -> None:
        """One arrived."""
        self.wanted = False
        self._in_vain = 0

    @property
    def in_vain(self) -> bool:
        """Whether the host seems not to listen."""
        return self._in_vain >= DEAF_AFTER

    def due(self, *, now: float) -> bool:
        """Whether to ask now; asking counts."""
        if not self.wanted or now - self._asked_at < NACK_INTERVAL_S:
            return False
        self._asked_at = now
        self.asked += 1
        self._in_vain += 1
        return True
