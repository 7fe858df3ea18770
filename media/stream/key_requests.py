"""When to ask a host for a key frame (RFC 4585 section 6.3), without doing I/O."""

REQUEST_INTERVAL_S = 0.5
# Asked so often in vain, a host is one that does not listen (OBS): what we kept must do.
IGNORED_AFTER_REQUESTS = 3


class KeyFrameRequests:
    """Of one layer: at most one in flight, half a second apart, again until the key frame came."""

    def __init__(self) -> None:
        self.pending = False
        self.sent = 0
        self._sent_at = -1e9
        self._unanswered = 0

    def request(self) -> None:
        """Somebody needs a key frame."""
        self.pending = True

    def on_key_frame(self) -> None:
        """One arrived."""
        self.pending = False
        self._unanswered = 0

    @property
    def ignored(self) -> bool:
        """Whether the host seems not to listen."""
        return self._unanswered >= IGNORED_AFTER_REQUESTS

    def due(self, *, now: float) -> bool:
        """Whether to ask now; asking counts."""
        if not self.pending or now - self._sent_at < REQUEST_INTERVAL_S:
            return False
        self._sent_at = now
        self.sent += 1
        self._unanswered += 1
        return True
